#!/usr/bin/env bash
# sudo, su and login by partners: each is a service of its own with an approval of its own.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
host_local_user web7 lena

session_login a alice@acme alice@acme web7 || die "alice cannot log in: $(cat "${SESSION_OUT[a]}")"

session_type a 'sudo id -un; echo sudo-ended-$?'
check sudo-asks "sudo asks for no approval" session_approve a alice@acme
check sudo-works "no root" session_shows a '^sudo-ended-0'
check sudo-is-root "not root" grep -qa '^root' "${SESSION_OUT[a]}"

# sudo remembers for 15 minutes whom it asked, but the account part decides each time; a forgotten time stamp asks again.
session_type a 'sudo -k; sudo id -un; echo second-ended-$?'
check sudo-wrong-person "carol approved alice's sudo" session_approve a carol@acme
session_shows a 'approved by somebody else' 10
# sudo asks three times.
session_deny a && session_deny a
check sudo-wrong-person-refused "root by carol's approval" session_shows a '^second-ended-[1-9]'

# Without a terminal nobody can be asked.
out=$(SSH_FIRST=-tt LOGIN_SECONDS=6 ssh_as bob@emea.acme bob@emea.acme web7 'sudo -n id -un')
check sudo-needs-approval "sudo -n without approval: $out" test -z "$(grep -x root <<<"$out")"

# su: from a local account into a partner's takes the partner's approval; from root none is enough without it.
host_exec web7 sh -c 'echo lena:secret | chpasswd'
session_start l lena web7 2>/dev/null
# What is typed before the prompt is there is thrown away.
session_shows l "lena@web7's password|Password" 20 && session_type l secret
session_shows l '^lena@web7.*\$' 20
session_type l "PS1='\$ '; echo lena-'is'-up"
if session_shows l '^lena-is-up'; then
	session_type l 'su -c "id -un; echo su-ended" alice@acme'
	check su-asks "su asks for no approval" session_approve l alice@acme
	check su-works "su: $(tail -n 3 "${SESSION_OUT[l]}")" session_shows l '^su-ended'
else
	FAIL su "lena has no shell: $(tail -n 3 "${SESSION_OUT[l]}")"
fi
out=$(host_exec web7 setsid -w timeout 5 su -c 'id -un' alice@acme </dev/null 2>&1)
check su-by-root-is-decided "root's su without an approval: $out" test -z "$(grep -x alice@acme <<<"$out")"

# login, as on a console.
session_on console web7 'exec login alice@acme'
check login-asks "login asks for no approval" session_approve console alice@acme
session_type console 'echo login-$(id -un)'
check login-works "$(tail -n 5 "${SESSION_OUT[console]}")" session_shows console '^login-alice@acme'

# Local people.
host_exec web7 sh -c 'echo "lena ALL=(ALL) ALL" | (umask 337; cat >/etc/sudoers.d/lena)'
check local-password "lena cannot change her password" host_exec web7 su -c 'printf "secret\nnew-Secret-7\nnew-Secret-7\n" | passwd' lena
host_exec web7 sh -c 'echo lena:secret | chpasswd'
check partner-password "alice is not told where: $(session_run a passwd)" grep -qi 'password' <<<"$(session_run a passwd)"
check local-sudo "lena's sudo by password" test "$(ssh_key lena web7 'echo secret | sudo -S -p "" id -un' 2>/dev/null)" = root
check local-su "root's su to lena" test "$(host_exec web7 su -c 'id -un' lena)" = lena

# All of these end with alice.
alice=$(host_exec web7 id -u alice@acme)
session_type a 'sudo sleep 3600'
session_approve a alice@acme
check root-process-runs "no sudo sleep" wait_for 5 host_exec web7 pgrep -u root -fx 'sleep 3600'
host_exec web7 "$TOOLS/last_look" "$alice" "$alice" 10 >"$LAB/run/look" &
looker=$!
control_ms offboard person=alice@acme >/dev/null
check all-ended "somebody is left: $(host_exec web7 ps -ef)" wait $looker
check root-process-ended "her root process lives" sh -c "! nsenter -t ${HOST_PID[web7]} -a pgrep -fx 'sleep 3600'"
check local-shell-alive "lena's shell ended with alice" test "$(session_run l 'echo still-$((6*7))')" = still-42
finish
