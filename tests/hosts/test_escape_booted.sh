#!/usr/bin/env bash
# The ways out of a session that go through systemd: user managers, lingering, logind's scopes; on a booted host, with b2bd
# under its own unit. The others: test_escape.sh. SELinux and AppArmor are not enforced here.
LAYER=jobs
. "$(dirname "$0")/lib.sh"
lab_start
why=$(booted_possible) || { skip escape_booted "$why"; finish; }
federation_start
HOST_CONF=$'[service systemd-user]\nkey_suffices = yes'
booted_boot web7
host_join web7
host_exec web7 sed -i 's/^services .*/& systemd-user/' /etc/b2b/b2b.conf
host_exec web7 install -d /run/systemd/system/b2bd.service.d
printf '[Service]\nStandardError=append:/run/lab/b2bd.log\n' | host_exec web7 tee /run/systemd/system/b2bd.service.d/log.conf >/dev/null
host_exec web7 systemctl daemon-reload
host_exec web7 systemctl start b2bd || die "b2bd's unit does not start: $(host_exec web7 sh -c 'systemctl --no-pager status b2bd; cat /run/lab/b2bd.log')"
host_sshd web7
wait_for 20 host_ready web7 || die "the agent is not ready: $(host_exec web7 b2bctl status)"

pid_of()
{
	host_exec web7 pgrep -fx "(/usr/bin/)?sleep $1" # a unit's first word is a path
}
runs()
{
	pid_of "$1" >/dev/null
}
gone()
{
	! runs "$1"
}
log()
{
	host_exec web7 cat /run/lab/b2bd.log
}
manager_of()
{
	host_exec web7 pgrep -u "$1" -x systemd
}
no_manager_of()
{
	! manager_of "$1"
}

sessions_login web7 'a1 alice@acme' 'a2 alice@acme' 'c1 carol@acme' 'c2 carol@acme' 'e1 erin@globex' || die "somebody cannot log in: $(tail -n 8 "${SESSION_OUT[@]}")"
check logind-knows "logind has no session of alice's: $(host_exec web7 loginctl)" grep -q alice@acme <<<"$(host_exec web7 loginctl --no-legend list-sessions)"
check manager-runs "alice has no user manager: $(host_exec web7 systemctl --no-pager status 'user@*')" wait_for 10 manager_of alice@acme

session_type a1 'export XDG_RUNTIME_DIR=/run/user/$(id -u); systemd-run --user --unit=hidden sleep 3701'
session_type a1 'systemd-run --user --scope setsid -f sleep 3702'
session_type c1 'export XDG_RUNTIME_DIR=/run/user/$(id -u); systemd-run --user --unit=mine sleep 3703'
session_type e1 'export XDG_RUNTIME_DIR=/run/user/$(id -u); systemd-run --user --unit=mine sleep 3704'
session_type a2 'sudo -s'
session_approve a2 alice@acme || FAIL sudo-prompt "sudo asks for no approval"
session_type a2 "PS1='# '; echo root-is-\$(id -u)"
check root-shell "no root shell by sudo" session_shows a2 '^root-is-0'
# Hidden by root: no login uid any more, nobody's child; only logind's scope knows. Then one that left the scope.
session_type a2 '(echo 4294967295 >/proc/self/loginuid; exec setsid -f sleep 3705)'
session_type a2 '(echo 0 >/proc/self/loginuid; exec setsid -f setpriv --reuid 4711 --clear-groups sleep 3706)'
session_type a2 'sh -c "echo \$\$ >/sys/fs/cgroup/cgroup.procs; exec setsid -f sleep 3707"'
session_type a2 'systemd-run --unit=systems sleep 3708'
for seconds in 3701 3702 3703 3704 3705 3706 3707 3708; do
	wait_for 5 runs $seconds || FAIL "start-$seconds" "it did not start: $(tail -n 4 "${SESSION_OUT[a1]}" "${SESSION_OUT[a2]}")"
done
# dave has no session at all, and a user manager that goes on.
for user in alice@acme dave@acme carol@acme; do
	host_exec web7 loginctl enable-linger $user || FAIL linger "$user cannot linger"
done
check lingers "dave has no user manager" wait_for 10 manager_of dave@acme

alice=$(host_exec web7 id -u alice@acme)
dave=$(host_exec web7 id -u dave@acme)
control offboard person=alice@acme >/dev/null || die "the service does not offboard"
check ended "no end is recorded: $(log | tail -n 5)" wait_for 10 sh -c "nsenter -t ${HOST_PID[web7]} -a grep -q 'event=ended .*user=alice@acme' /run/lab/b2bd.log"
for way in 'user-unit 3701' 'user-scope 3702' 'no-login-uid 3705' 'other-uid 3706'; do
	read -r name seconds <<<"$way"
	check "$name" "it lives: $(host_exec web7 ps -eo pid,ppid,user,cgroup,args | grep "[s]leep $seconds")" wait_for 1 gone "$seconds"
done
check by-uid "somebody is left: $(host_exec web7 ps -u "$alice" -f)" sh -c "! nsenter -t ${HOST_PID[web7]} -a pgrep -u $alice >/dev/null"
for id in a1 a2; do
	check "told-$id" "she did not read why: $(tail -n 5 "${SESSION_OUT[$id]}")" session_shows $id 'No longer with the organisation \([0-9a-f]{16}\)' 5
done
check manager-ended "alice's user manager runs" no_manager_of alice@acme
check left-scope-reported "it is not named" grep -q "event=left-behind pid=$(pid_of 3707) " <<<"$(log)"
check systems-service "what the system's manager started is not the session's" runs 3708
log | grep 'event=ended ' | sed 's/^/# /'

# Linger off: nothing starts a manager of hers again, not at the next start of the host either.
lingers()
{
	host_exec web7 test -e "/var/lib/systemd/linger/$1"
}
check linger-off "she lingers: $(host_exec web7 ls /var/lib/systemd/linger)" wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a test -e /var/lib/systemd/linger/alice@acme"
check linger-others "carol lingers no more" lingers carol@acme
check manager-refused "her user manager starts" sh -c "! nsenter -t ${HOST_PID[web7]} -a systemctl start user@$alice 2>/dev/null || ! nsenter -t ${HOST_PID[web7]} -a pgrep -u $alice >/dev/null"
check runtime-dir-gone "/run/user/$alice is mounted still" wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a mountpoint -q /run/user/$alice"
check logind-forgot "logind still has her: $(host_exec web7 loginctl list-users)" wait_for 15 sh -c "! nsenter -t ${HOST_PID[web7]} -a loginctl --no-legend list-users | grep -q alice@acme"

# Who lingers without a session.
control offboard person=dave@acme >/dev/null
check lingering-ended "dave's user manager runs: $(host_exec web7 ps -u "$dave" -f)" wait_for 10 no_manager_of dave@acme
check lingering-off "dave lingers: $(log | tail -n 8; host_exec web7 loginctl list-users; host_exec web7 ps -ef | grep b2bd)" wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a test -e /var/lib/systemd/linger/dave@acme"
check lingering-stays-ended "dave's user manager came back" no_manager_of dave@acme

# One sudo of carol's, in the background: the log-in around it, with which it shares logind's session, goes on.
session_type c1 'sudo -b sleep 3714'
session_approve c1 carol@acme || FAIL sudo-prompt "sudo asks for no approval"
wait_for 5 runs 3714 || FAIL start-3714 "it did not start: $(tail -n 4 "${SESSION_OUT[c1]}")"
leader=$(host_exec web7 b2bctl --json sessions | jq -r '.sessions[] | select(.service == "sudo" and .user == "carol@acme") | .pid')
host_exec web7 b2bctl revoke session "$leader" --reason 'over' >/dev/null || FAIL sudo-revoked "b2bctl does not end session $leader: $(host_exec web7 b2bctl sessions)"
check sudo-session-ended "what sudo started runs on" wait_for 10 gone 3714
check sudo-log-in-lives "the log-in around it ended" test "$(session_run c1 'echo still-$((6*7))')" = still-42

# One session of carol's, by hand: all that logind counts to it, nothing of her other session.
relay=$(session_run c2 'echo $PPID')
leader=$(host_exec web7 ps -o ppid= -p "$relay" | tr -d ' ')
session_type c2 'setsid -f sleep 3711'
session_type c2 'sudo -s'
session_approve c2 carol@acme || FAIL sudo-prompt "sudo asks for no approval"
session_type c2 "PS1='# '; echo root-is-\$(id -u)"
check session-root-shell "no root shell by sudo" session_shows c2 '^root-is-0'
session_type c2 '(echo 4294967295 >/proc/self/loginuid; exec setsid -f sleep 3710)'
session_type c2 'exit'
session_type c1 'setsid -f sleep 3712'
for seconds in 3710 3711 3712; do
	wait_for 5 runs $seconds || FAIL "start-$seconds" "it did not start: $(tail -n 4 "${SESSION_OUT[c2]}")"
done
host_exec web7 b2bctl revoke session "$leader" --reason 'left open' >/dev/null || FAIL session-revoked "b2bctl does not end session $leader: $(host_exec web7 b2bctl sessions)"
check session-ended "her ssh still runs" wait_for 10 session_over c2
check session-hidden "what root hid in it lives" wait_for 10 gone 3710
check session-setsid "what left its terminal lives" wait_for 10 gone 3711
check session-other "her other session's ended too" runs 3712

for way in 'colleague 3703' 'other-organisation 3704'; do
	read -r name seconds <<<"$way"
	check "$name-lives" "it ended with alice" runs "$seconds"
done
for id in c1 e1; do
	check "other-$id" "$id answers no more" test "$(session_run $id 'echo still-$((6*7))')" = still-42
done
for user in carol@acme erin@globex; do
	check "manager-of-$user" "it ended with alice's" test -n "$(manager_of $user)"
done
finish
