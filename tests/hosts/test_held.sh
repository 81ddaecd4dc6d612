#!/usr/bin/env bash
# A process that the kernel holds (state D) cannot be ended by anybody: everything else of the person is, it is named and never
# called gone, nobody waits for it, and it ends once it can.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7

host_exec web7 mkdir /mnt/hung
host_spawn web7 hung "$TOOLS/hung_fs" /mnt/hung
wait_for 5 grep -qx mounted "$LAB/log/web7.hung" || die "no file system that hangs: $(host_log web7 hung)"
for pair in 'alice alice@acme' 'carol carol@acme'; do
	read -r id user <<<"$pair"
	session_login "$id" "$user" "$user" web7 || die "$user cannot log in: $(tail -n 20 "${SESSION_OUT[$id]}")"
done
session_type alice 'ls /mnt/hung & sleep 3601 & setsid sleep 3602 &'
hangs() { host_exec web7 pgrep -x -u alice@acme ls; }
wait_for 5 hangs || die "nothing hangs: $(host_exec web7 ps -fu alice@acme)"
pid=$(host_exec web7 pgrep -x -u alice@acme ls)

status()
{
	host_exec web7 b2bctl --json status | jq "$1"
}

control offboard person=alice@acme >/dev/null || die "the service does not offboard"
check session-ended "her ssh still runs" wait_for 5 session_over alice
check told "she did not read why" session_shows alice 'No longer with the organisation \([0-9a-f]{16}\)' 2
only_held() { test "$(host_exec web7 pgrep -u "$(host_exec web7 id -u alice@acme)" | tr '\n' ' ')" = "$pid "; }
check others-of-hers-ended "besides $pid: $(host_exec web7 ps -fu alice@acme)" wait_for 5 only_held
check named "the log: $(grep -a not-ended "$LAB/log/web7.b2bd")" \
	wait_for 5 grep -qE "event=held pid=$pid uid=[0-9]+ state=D name=ls id=[0-9a-f]{16}" "$LAB/log/web7.b2bd"
check not-called-gone "$(grep event=ended "$LAB/log/web7.b2bd")" sh -c "! grep -q 'event=ended .*user=alice@acme .*left=0' '$LAB/log/web7.b2bd'"
check pending "no end is pending" test "$(status .pending_ends)" -ge 1
check login-refused "alice got in" test -z "$(ssh_as alice@acme alice@acme web7 id -un | grep -x alice@acme)"

# Nobody waits for it: the next one is ended at once.
control offboard person=carol@acme >/dev/null || die "the service does not offboard"
check next-ended "carol's ssh still runs" wait_for 5 session_over carol
check next-proof "no end of hers is reported" wait_for 5 grep -q 'event=ended .*user=carol@acme .*left=0' "$LAB/log/web7.b2bd"

# It is remembered through a restart, and ends once the kernel lets go.
host_kill web7 b2bd KILL
host_agent web7
check ready "not ready" wait_for 20 host_ready web7
check still-pending "it was forgotten" test "$(status .pending_ends)" -ge 1
host_kill web7 hung_fs KILL
gone() { ! host_exec web7 pgrep -x ls; }
check let-go "it still runs" wait_for 10 gone
check proof "$(grep event=ended "$LAB/log/web7.b2bd")" wait_for 30 grep -q 'event=ended .*user=alice@acme .*left=0' "$LAB/log/web7.b2bd"
nothing_pending() { test "$(status .pending_ends)" = 0; }
check nothing-pending "$(status .pending_ends) are pending" wait_for 5 nothing_pending
finish
