#!/usr/bin/env bash
# The ways out of a session, each on real processes: what a partner leaves running ends with their access, what is not
# theirs goes on. Where logind and user managers have a part: test_escape_booted.sh. Who passed `account` just before:
# test_race.sh. SELinux and AppArmor are not enforced on these hosts: what they would add or refuse is not shown here.
LAYER=jobs
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
HOST_CONF=$'[service cron]\nkey_suffices = yes\n[service atd]\nkey_suffices = yes'
host_start web7
host_local_user web7 lena
host_exec web7 sh -c 'echo lena:secret | chpasswd'
host_exec web7 sed -i '/^\[organisation acme\]/,/^services/s/^services .*/& cron atd/' /etc/b2b/b2b.conf
host_exec web7 sh -c 'b2bctl policy apply >/dev/null && kill -HUP "$(cat /run/lab/b2bd.pid)"' || die "cron and atd cannot be granted"
wait_for 10 host_ready web7
host_spawn web7 atd atd -f
host_exec web7 install -d -m 1777 /run/screen # as its tmpfiles.d would

runs()
{
	host_exec web7 pgrep -fx "$1" >/dev/null
}

# started NAME SECONDS: is "sleep SECONDS" there?
started()
{
	wait_for 5 runs "sleep $2" || FAIL "$1" "it did not start, so its end shows nothing: $(tail -n 5 "${SESSION_OUT[$3]}")"
}

sessions_login web7 'a1 alice@acme' 'a2 alice@acme' 'a3 alice@acme' 'c1 carol@acme' 'e1 erin@globex' || die "somebody cannot log in: $(tail -n 8 "${SESSION_OUT[@]}")"

# What everybody may do who has a shell.
ways=(
	'nohup       3601 nohup sleep 3601 >/dev/null 2>&1 &'
	'setsid      3602 setsid -f sleep 3602'
	'double-fork 3603 (trap "" HUP INT TERM QUIT; setsid sh -c "sleep 3603 & sleep 0" &)'
	'tmux        3604 tmux new-session -d "sleep 3604"'
	'screen      3605 screen -d -m sleep 3605'
	'namespaces  3606 unshare --user --map-root-user --pid --mount --mount-proc --net --fork sleep 3606 &'
	'stopped     3607 sleep 3607 & until grep -q sleep /proc/$!/comm; do :; done; kill -STOP $!'
	'cleared     3608 env -i setsid -f sleep 3608 </dev/null >/dev/null 2>&1'
	'at-job      3609 echo "sleep 3609" | at -M now 2>/dev/null'
	'other-group 3610 sg databases "setsid -f sleep 3610"'
)
for way in "${ways[@]}"; do
	read -r name seconds command <<<"$way"
	session_type a1 "$command"
	started "$name" "$seconds" a1
done
# A fork bomb: every place that is free is taken again at once.
session_type a1 'echo '\''ulimit -u $(($(ps -u $(id -u) -L --no-headers | wc -l) + 40)); bomb() { bomb | bomb & sleep 3611; }; bomb'\'' >bomb; setsid -f bash bomb >/dev/null 2>&1'
started fork-bomb 3611 a1

# With root, by sudo; the last two leave the session behind.
session_type a2 'sudo -s'
session_approve a2 alice@acme || FAIL sudo-prompt "sudo asks for no approval"
session_type a2 "PS1='# '; echo root-is-\$(id -u)"
check root-shell "no root shell by sudo" session_shows a2 '^root-is-0'
ways_of_root=(
	'root-job        3620 sleep 3620 &'
	'root-namespaces 3621 unshare --pid --mount --mount-proc --net --uts --ipc --fork sleep 3621 &'
	'root-su         3622 su -c "sleep 3622" lena &'
	'root-other-uid  3623 setpriv --reuid 4711 --clear-groups sleep 3623 &'
	'root-daemon     3624 setsid -f sleep 3624'
	'root-su-daemon  3625 su -c "setsid -f sleep 3625" lena'
)
for way in "${ways_of_root[@]}"; do
	read -r name seconds command <<<"$way"
	session_type a2 "$command"
	started "$name" "$seconds" a2
done

# To another local account with its password, and from there.
session_type a3 'su lena'
session_shows a3 'Password:' && session_type a3 secret
session_shows a3 '^lena@web7' # what is typed while su reads a password is thrown away
session_type a3 "PS1='\$ '; echo now-\$(id -un)"
check su-works "su to lena: $(tail -n 3 "${SESSION_OUT[a3]}")" session_shows a3 '^now-lena'
session_type a3 'sleep 3630 &'
started su-job 3630 a3
session_type a3 'setsid -f sleep 3631'
started su-daemon 3631 a3

# Without a terminal: a command, sftp, scp, a forwarded port with a connection through it.
host_exec web7 install -o alice@acme -m 600 /dev/null /home/acme/alice/big
host_exec web7 truncate -s 50M /home/acme/alice/big
declare -A QUIET_PID
quiet()
{
	LOGIN_SECONDS=120 with_approval alice@acme "${@:2}" >"$LAB/run/quiet.$1" &
	QUIET_PID[$1]=$!
	disown
}
quiet command ssh alice@acme@web7 'sleep 3640'
quiet sftp sftp -l 800 alice@acme@web7:big /tmp/by-sftp
quiet scp scp -O -l 800 alice@acme@web7:big /tmp/by-scp
quiet forward ssh -N -o ExitOnForwardFailure=yes -L 7001:127.0.0.1:22 alice@acme@web7
started command 3640 a1
check sftp-runs "sftp: $(cat "$LAB/run/quiet.sftp")" wait_for 15 host_exec laptop test -s /tmp/by-sftp
check scp-runs "scp: $(cat "$LAB/run/quiet.scp")" wait_for 15 host_exec laptop test -s /tmp/by-scp
check forward-runs "no port: $(cat "$LAB/run/quiet.forward")" wait_for 15 host_listens laptop 7001
host_exec laptop bash -c 'exec 3<>/dev/tcp/127.0.0.1/7001; cat <&3' >"$LAB/run/through" 2>&1 &
QUIET_PID[connection]=$!
disown
check connection-runs "nothing comes through the port" wait_for 5 grep -q ^SSH- "$LAB/run/through"

# Jobs that wait: for cron's next start, and for a time that is still to come.
reboot_job()
{
	echo "@reboot echo ran >>/tmp/cron.$1" | host_exec web7 crontab -u "$1" -
}
no_cron()
{
	! host_exec web7 pgrep -x cron
}

restart_cron()
{
	host_kill web7 cron
	wait_for 5 no_cron # the next one takes its lock
	host_exec web7 rm -f /run/crond.reboot /tmp/cron.lena
	host_spawn web7 cron cron -f
	wait_for 10 host_exec web7 test -s /tmp/cron.lena || FAIL cron-runs "cron runs no job of lena's"
}
reboot_job alice@acme
reboot_job lena
restart_cron
check cron-allows "cron did not run alice's job while it may" wait_for 5 host_exec web7 test -s /tmp/cron.alice@acme
session_type c1 'setsid -f sleep 3650'
started colleague 3650 c1
session_type e1 'setsid -f sleep 3651'
started other-organisation 3651 e1
host_exec web7 su -c 'setsid -f sleep 3652' lena
host_exec web7 setsid -f sleep 3653
at_job()
{
	host_exec web7 setpriv --reuid "$1" --regid "$(host_exec web7 id -g "$1")" --init-groups \
		sh -c "cd /; echo 'echo ran >/tmp/at.$1' | at -M -t 203801010000" 2>/dev/null
}
at_job alice@acme
at_job lena

alice=$(host_exec web7 id -u alice@acme)
control offboard person=alice@acme >/dev/null || die "the service does not offboard"
ended_line()
{
	grep -a 'event=ended .*user=alice@acme' "$LAB/log/web7.b2bd"
}
check ended "no end is recorded: $(tail -n 5 "$LAB/log/web7.b2bd")" wait_for 10 ended_line
for way in "${ways[@]}" 'fork-bomb 3611' "${ways_of_root[@]:0:4}" 'su-job 3630' 'command 3640'; do
	read -r name seconds _ <<<"$way"
	check "$name" "it lives: $(host_exec web7 ps -eo pid,ppid,sid,user,stat,args | grep "[s]leep $seconds")" sh -c "! nsenter -t ${HOST_PID[web7]} -a pgrep -fx 'sleep $seconds' >/dev/null"
done
check by-uid "somebody is left: $(host_exec web7 ps -u "$alice" -f)" sh -c "! nsenter -t ${HOST_PID[web7]} -a pgrep -u $alice >/dev/null"
for id in a1 a2 a3; do
	check "told-$id" "she did not read why: $(tail -n 5 "${SESSION_OUT[$id]}")" session_shows $id 'No longer with the organisation \([0-9a-f]{16}\)' 5
done
for id in command sftp scp forward connection; do
	check "client-$id" "it still runs" wait_for 5 sh -c "! kill -0 ${QUIET_PID[$id]} 2>/dev/null"
done

# Left behind under another account: named, and not ended, unless root says so.
for way in 'root-daemon 3624' 'root-su-daemon 3625' 'su-daemon 3631'; do
	read -r name seconds <<<"$way"
	check "$name-reported" "it ended, or is not named" sh -c "pid=\$(nsenter -t ${HOST_PID[web7]} -a pgrep -fx 'sleep $seconds') &&
		grep -aq \"event=left-behind pid=\$pid .*name=sleep\" '$LAB/log/web7.b2bd'"
done
proof=$(ended_line | head -n 1)
check proof "the audit says: $proof" grep -qE 'scope=person found=[0-9]{2,} root=[1-9][0-9]* ended=[0-9]{2,} left=0 left_behind=3 told=[3-9] event_ms=[0-9]+ received_ms=[0-9]+ closed_us=[0-9]+ durable_us=[0-9]+ latency_ms=[0-9]+ ending_ms=[0-9]+' <<<"$proof"
echo "# $proof"

# Who is not alice.
for way in 'colleague 3650' 'other-organisation 3651' 'local-person 3652' 'service 3653'; do
	read -r name seconds <<<"$way"
	check "$name-lives" "it ended with alice" runs "sleep $seconds"
done
for id in c1 e1; do
	check "other-$id" "$id answers no more" test "$(session_run $id 'echo still-$((6*7))')" = still-42
done

# No job of hers starts any more; lena's do. The time that they wait for is made to have come.
host_exec web7 sh -c 'rm -f /tmp/cron.*; cd /var/spool/cron/atjobs && for job in a*; do mv "$job" "$(echo "$job" | cut -c 1-6)00000001"; done; kill -HUP "$(cat /run/lab/atd.pid)"'
restart_cron
check at-runs "atd runs no job of lena's" wait_for 10 host_exec web7 test -s /tmp/at.lena
check cron-refuses "cron ran her job" sh -c "! test -e /proc/${HOST_PID[web7]}/root/tmp/cron.alice@acme"
check at-refuses "atd ran her job" sh -c "! test -e /proc/${HOST_PID[web7]}/root/tmp/at.alice@acme"
check cron-kept "her table is gone, and she may be reinstated" grep -q ran <<<"$(host_exec web7 crontab -u alice@acme -l)"

# left_behind = end: carol's daemon goes with her, those that alice left stay what they are.
host_exec web7 sed -i 's/^qr .*/&\nleft_behind = end/' /etc/b2b/b2b.conf
host_exec web7 sh -c 'b2bctl policy apply >/dev/null && kill -HUP "$(cat /run/lab/b2bd.pid)"' || die "left_behind cannot be applied"
wait_for 10 host_ready web7
session_type c1 'sudo -s'
session_approve c1 carol@acme || FAIL sudo-prompt "sudo asks for no approval"
session_type c1 'setsid -f sleep 3660'
started left-behind-ends 3660 c1
control offboard person=carol@acme >/dev/null
check left-behind-ends "it lives" wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a pgrep -fx 'sleep 3660'"
check left-behind-others "erin's ended too" runs 'sleep 3651'
check left-behind-local "lena's ended too" runs 'sleep 3652'
finish
