#!/usr/bin/env bash
# Commands of partners that another person must approve, by real sudo with the plug-in. sudoers asks for no authentication here
# (NOPASSWD), but of globex, whom sudo asks once and then remembers: what is approved is approved all the same.
. "$(dirname "$0")/lib.sh"
lab_open
host_boot laptop
FEDERATION_OPTIONS=--long-messages
federation_start
HOST_ACME='sudo_approvers = group:web
sudo_exempt_commands = /usr/bin/whoami
sudo_wait = 60s' HOST_HOST='approval_requests = 20' HOST_B2BD=--debug
host_boot web7
host_join web7
host_exec web7 sed -i -e '/^\[service sudo\]/a key_suffices = yes' -e '/^range *= 2013462528/a sudo_approvers = role:dba\nroles = dba' /etc/b2b/b2b.conf
host_exec web7 b2bctl policy apply >/dev/null || die "b2b.conf is refused"
host_exec web7 sed -i -e '/globex/!s/ALL$/NOPASSWD: SETENV: ALL/' /etc/sudoers.d/partners
host_exec web7 sh -c 'echo before >/etc/edited; useradd -m lena; echo "lena ALL=(ALL) NOPASSWD: ALL" | (umask 337; cat >/etc/sudoers.d/lena)'
# Alice approves; deploy acts for her.
control person person=deploy@acme owner=63acb50d-05c1-509d-b562-97d63011fe98 >/dev/null
host_agent web7
wait_for 20 host_ready web7 || die "the agent is not ready: $(host_log web7 b2bd | tail -n 20)"

# says PATTERN: what the agent logged.
says()
{
	grep -qE "$1" <<<"$(host_log web7 b2bd)"
}

reloaded()
{
	test "$(grep -c 'event=started' "$LAB/log/web7.b2bd")" -ge 2
}

# asked ID: waits for a command's code that the session has not shown before. The last line of its message is the command.
asked()
{
	session_code "$1"
}

# decide ID approve|deny WHOSE [PERSON [MORE]]: on the device of WHOSE that was asked about the session's command, by themselves or
# PERSON; MORE for the control interface.
decide()
{
	local code

	code=$(federation_curl -f -H "Authorization: Bearer $(cat "$LAB/run/control-token")" "$ISSUER/control/devices" |
		jq -r --arg code "${SESSION_CODE[$1]} " --arg whose "$3" \
			'.devices[] | select((.binding_message // "" | startswith($code)) and .login_hint == $whose) | .user_code')
	control "$2" "user_code=$code" "person=${4:-$3}" "${@:5}" >/dev/null
}

SESSION_COLUMNS=200
for pair in 'a alice@acme' 'b bob@emea.acme' 'c carol@acme' 'd deploy@acme' 'e erin@globex'; do
	# shellcheck disable=SC2086
	session_inside $pair web7 || die "no shell of $pair: $(cat "${SESSION_OUT[${pair%% *}]}")"
done

# The interface is what this sudo's own header says.
host_exec web7 install -D -m 644 /dev/stdin /tmp/sudo_b2b/plugin_api.h <"$SOURCE/sudo_b2b/plugin_api.h"
check interface "sudo_b2b/plugin_api.h is not this sudo's" host_exec web7 cc -fsyntax-only -I/tmp "$TOOLS/sudo_api.c"

# A sudo that does not load the plug-in asks nobody; the session part of PAM notices.
session_type a 'sudo id -un; echo first-$?'
check unloaded-refused "root without an approval: $(cat "${SESSION_OUT[a]}")" session_shows a '^first-1'
check unloaded-told "$(cat "${SESSION_OUT[a]}")" grep -aq 'sudo asks nobody.*(reference [0-9a-f]*)' "${SESSION_OUT[a]}"
host_exec web7 tee /etc/sudo.conf <"$SOURCE/packaging/sudo/sudo.conf" >/dev/null
check local-runs "lena's sudo" test "$(host_exec web7 setpriv --reuid lena --regid lena --init-groups sudo id -un)" = root
check root-runs "root's sudo" test "$(host_exec web7 sudo -u lena id -un)" = lena

# Approved, denied, approved by somebody of another organisation; each asked the others of the group, never the person who asks.
session_type a 'sudo systemctl --version "a b" | head -n 1; echo second-$?'
session_type b 'sudo id -un; echo first-$?'
session_type c 'cd /; sudo -u lena id -un; echo first-$?'
for id in a b c; do
	asked $id || FAIL "asked-$id" "nobody is asked: $(cat "${SESSION_OUT[$id]}")"
done
check command-shown "it is not shown" grep -aqE "^  [A-Z]{4}-[A-Z]{4} alice@acme on web7 as root in /tmp: /usr/bin/systemctl --version 'a b'" "${SESSION_OUT[a]}"
check command-as-whom "it is not shown" grep -aqE "carol@acme on web7 as lena in /: /usr/bin/id -un" "${SESSION_OUT[c]}"
check same-on-device "the device shows something else" grep -qF "${SESSION_CODE[a]} alice@acme on web7 as root in /tmp: /usr/bin/systemctl --version 'a b'" \
	<<<"$(federation_curl -f -H "Authorization: Bearer $(cat "$LAB/run/control-token")" "$ISSUER/control/devices" | jq -r '.devices[].binding_message')"
check asks-the-other "who is asked: $(grep -a Asked "${SESSION_OUT[a]}")" grep -aq 'Asked: carol@acme.$' "${SESSION_OUT[a]}"
check not-the-asker "who is asked: $(grep -a Asked "${SESSION_OUT[c]}")" grep -aq 'Asked: alice@acme.$' "${SESSION_OUT[c]}"
check parents-rule "who is asked: $(grep -a Asked "${SESSION_OUT[b]}")" grep -aqE 'Asked: (alice@acme, carol@acme|carol@acme, alice@acme).$' "${SESSION_OUT[b]}"
decide a approve carol@acme
decide b deny carol@acme
decide c approve alice@acme erin@globex
check approved "$(tail -n 3 "${SESSION_OUT[a]}")" session_shows a '^systemd [0-9]'
check approved-told "$(tail -n 3 "${SESSION_OUT[a]}")" grep -aq 'Approved. (reference' "${SESSION_OUT[a]}"
check denied "$(tail -n 3 "${SESSION_OUT[b]}")" session_shows b '^first-1'
check denied-told "$(tail -n 3 "${SESSION_OUT[b]}")" grep -aq 'sudo: The command was refused by who was asked to approve it. (reference' "${SESSION_OUT[b]}"
id=$(grep -aoE 'by who was asked to approve it. \(reference [0-9a-f]{16}\)' "${SESSION_OUT[b]}" | grep -oE '[0-9a-f]{16}')
check denied-in-log "no line of the plug-in's with ${id:-a reference}" \
	grep -q "sudo: sudo_b2b: event=sudo-refused user=bob@emea.acme reason=sudo-denied id=${id:-none} tty=" <<<"$(host_log web7 syslog)"
check another-organisation "$(tail -n 3 "${SESSION_OUT[c]}")" session_shows c '^first-1'
check another-organisation-told "$(tail -n 3 "${SESSION_OUT[c]}")" grep -aq 'sudo: The command was approved by somebody who may not' "${SESSION_OUT[c]}"
check approved-in-audit "no line" says "event=sudo-approval org=acme user=alice@acme reason=ok id=[0-9a-f]{16} .*asked=carol@acme approved_by=24d9e09b-[^ ]* runas=root directory=/tmp command=\"/usr/bin/systemctl --version 'a b'\""
check denied-in-audit "no line" says 'event=sudo-approval org=emea.acme user=bob@emea.acme reason=sudo-denied .*denied_by=carol@acme '
check wrong-in-audit "no line" says 'event=sudo-approval org=acme user=carol@acme reason=sudo-wrong-approver .*approved_by=4631b72f-[^ ]* fault="another subject"'

# An account that acts for alice.
session_type d 'sudo id -un; echo first-$?'
asked d || FAIL asked-d "nobody is asked: $(cat "${SESSION_OUT[d]}")"
check not-the-owner "who is asked: $(grep -a Asked "${SESSION_OUT[d]}")" grep -aq 'Asked: carol@acme.$' "${SESSION_OUT[d]}"
decide d approve carol@acme
check owned-approved "$(tail -n 3 "${SESSION_OUT[d]}")" session_shows d '^first-0'

# By oneself; given up; the environment, files to edit.
session_type a 'sudo LD_PRELOAD=/tmp/x.so id -un; echo third-$?'
session_type b 'SUDO_EDITOR="sed -i s/before/after/" sudoedit /etc/edited; echo second-$?'
session_type c 'sudo sleep 77; echo second-$?'
for id in a b c; do
	asked $id || FAIL "asked-again-$id" "nobody is asked: $(tail -n 5 "${SESSION_OUT[$id]}")"
done
check environment-shown "what was added is not shown" grep -aqF 'in /tmp: LD_PRELOAD=/tmp/x.so /usr/bin/id -un' "${SESSION_OUT[a]}"
check files-shown "files to edit are not shown" grep -aqE 'as root in /tmp: sudoedit /etc/edited' "${SESSION_OUT[b]}"
printf '\003' >&"${SESSION_IN[c]}"
check given-up "Ctrl-C does not end it: $(tail -n 3 "${SESSION_OUT[c]}")" session_shows c 'second-[1-9]' 5
check given-up-cancelled "the agent goes on asking" wait_for 5 says 'event=sudo-approval-cancelled user=carol@acme'
decide a approve carol@acme alice@acme
decide b approve alice@acme
check self-refused "alice approved her own: $(tail -n 3 "${SESSION_OUT[a]}")" session_shows a '^third-1'
check edited "$(tail -n 3 "${SESSION_OUT[b]}")" session_shows b '^second-0'
check edited-indeed "it is $(host_exec web7 cat /etc/edited)" test "$(host_exec web7 cat /etc/edited)" = after

# In the background, by the other organisation's role; what nobody need approve, or nobody can.
session_type e 'sudo -b sleep 78; echo first-$?'
check stamp-asks "sudo asks erin for no approval of her own: $(tail -n 3 "${SESSION_OUT[e]}")" session_approve e erin@globex
check nobody-with-role "erin: $(tail -n 3 "${SESSION_OUT[e]}")" session_shows e 'Nobody can be asked to approve the command'
control person person=grace@globex roles:='["operator","dba"]' >/dev/null
session_type a 'sudo whoami; sudo -l | tail -n 1; sudo -n id -un; echo fourth-$?'
check exempt "whoami: $(tail -n 4 "${SESSION_OUT[a]}")" session_shows a '^root'
check lists "sudo -l: $(tail -n 4 "${SESSION_OUT[a]}")" session_shows a 'NOPASSWD: '
check no-wait "sudo -n: $(tail -n 4 "${SESSION_OUT[a]}")" session_shows a '^fourth-1'
check no-wait-told "$(tail -n 4 "${SESSION_OUT[a]}")" grep -aq 'for which sudo -n does not wait' "${SESSION_OUT[a]}"
session_type b 'sudo -b sleep 79; echo third-$?'
session_type a 'sudo id -un; echo fifth-$?'
session_type c 'sudo id -un; echo third-$?'
asked a && asked b && asked c
host_exec web7 b2bctl sync >/dev/null
control group group=96e894f8-496a-511d-90b9-788e23bcd2b8 members:='["alice@acme.example"]' >/dev/null
decide b approve alice@acme
decide c approve alice@acme alice@acme "auth_time:=$(($(date +%s) - 3600))"
check weak "$(tail -n 3 "${SESSION_OUT[c]}")" session_shows c '^third-1'
check weak-told "$(tail -n 3 "${SESSION_OUT[c]}")" grep -aq 'has to authenticate more strongly, or anew' "${SESSION_OUT[c]}"
check background "$(tail -n 3 "${SESSION_OUT[b]}")" wait_for 10 host_exec web7 pgrep -u root -fx 'sleep 79'
host_exec web7 b2bctl sync >/dev/null
wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a getent group web@acme | grep -q carol" || FAIL regrouped "carol is in the group still"
decide a approve carol@acme
check removed-meanwhile "carol approved what she may not any more: $(tail -n 3 "${SESSION_OUT[a]}")" session_shows a '^fifth-1'
check removed-in-audit "no line" says 'user=alice@acme reason=sudo-wrong-approver .*fault="not among the approvers any more"'
session_type e 'sudo id -un; echo second-$?'
asked e && decide e approve grace@globex
check by-role "erin: $(tail -n 3 "${SESSION_OUT[e]}")" session_shows e '^second-0'
check stamp-is-valid "sudo authenticated her again" test "$(grep -ac '1\. Open' "${SESSION_OUT[e]}")" = 1

# A service that takes codes alone; and nobody comes.
if test -n "${LONG:-}"; then
	host_exec web7 sed -i -e 's/^sudo_wait.*/sudo_wait = 10s/' -e '/^client_id/a command_message = code' /etc/b2b/b2b.conf
	host_exec web7 sh -c 'b2bctl policy apply >/dev/null && kill -HUP "$(cat /run/lab/b2bd.pid)"'
	wait_for 10 reloaded && wait_for 20 host_ready web7 || FAIL reload "the agent does not read it again"
	session_type c 'sudo id -un; echo fourth-$?'
	asked c
	check code-on-both "no code" grep -aqE '^  web7/[A-Z]{4}-[A-Z]{4} carol@acme on web7 as root in /: /usr/bin/id -un' "${SESSION_OUT[c]}"
	check code-on-device "the device shows more" grep -qx "web7/${SESSION_CODE[c]}" \
		<<<"$(federation_curl -f -H "Authorization: Bearer $(cat "$LAB/run/control-token")" "$ISSUER/control/devices" | jq -r '.devices[].binding_message')"
	check in-vain "$(tail -n 3 "${SESSION_OUT[c]}")" session_shows c '^fourth-1' 20
	check in-vain-told "$(tail -n 3 "${SESSION_OUT[c]}")" grep -aq 'Nobody approved the command in time' "${SESSION_OUT[c]}"
fi

# No agent, no command, except for local people.
host_kill web7 b2bd
session_type a 'sudo whoami; echo sixth-$?'
check agent-dead "$(tail -n 3 "${SESSION_OUT[a]}")" session_shows a '^sixth-1'
id=$(grep -aoE 'agent does not answer.*\(reference [0-9a-f]{16}\)' "${SESSION_OUT[a]}" | grep -oE '[0-9a-f]{16}')
check agent-dead-told "$(tail -n 3 "${SESSION_OUT[a]}")" test -n "$id"
check agent-dead-in-log "no line with ${id:-a reference}" \
	grep -q "pam_b2b(sudo:account): event=pam-account org=acme user=alice@acme reason=agent-down id=${id:-none} " <<<"$(host_log web7 syslog)"
check agent-dead-local "lena's sudo" test "$(host_exec web7 setpriv --reuid lena --regid lena --init-groups sudo id -un)" = root
check_secrets web7
finish
