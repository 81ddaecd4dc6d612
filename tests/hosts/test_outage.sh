#!/usr/bin/env bash
# What stops working when something of ours is down, and what must not: local people never notice.
. "$(dirname "$0")/lib.sh"
HOST_STALENESS=6s
lab_start
federation_start
host_start web7
host_local_user web7 lena

# timed COMMAND…: its output in OUT, how long it took in MS.
timed()
{
	local from

	from=$(now_ms)
	OUT=$("$@" 2>&1)
	MS=$(($(now_ms) - from))
}

timed ssh_key lena web7 true
base=$MS
partner_refused()
{
	timed ssh_as alice@acme alice@acme web7 id -un
	check "$1-partner-refused" "alice got in: $OUT" test -z "$(grep -x alice@acme <<<"$OUT")"
	check "$1-refused-in-time" "it took $MS ms; a local log-in takes $base" test "$MS" -lt $((2000 + base))
}

local_unaffected()
{
	timed ssh_key lena web7 id -un
	check "$1-local-user" "lena cannot log in: $OUT" test "$OUT" = lena
	check "$1-local-time" "$MS ms, $base before" test "$MS" -lt $((base + 500))
}

session_login running erin@globex erin@globex web7 || die "erin cannot log in: $(cat "${SESSION_OUT[running]}")"

host_kill web7 b2bd STOP
partner_refused agent-stopped
local_unaffected agent-stopped
host_kill web7 b2bd CONT
check agent-continued "no log-in after SIGCONT" wait_for 15 host_ready web7
check agent-continued-login "alice cannot log in" grep -qx alice@acme <<<"$(ssh_as alice@acme alice@acme web7 id -un)"

host_kill web7 b2bd KILL
partner_refused agent-killed
local_unaffected agent-killed
check agent-killed-names "names do not resolve without the agent" grep -q alice@acme <<<"$(host_exec web7 getent passwd alice@acme)"
check agent-killed-session "erin's session ended with the agent" test "$(session_run running 'echo on-$((6*7))')" = on-42
host_agent web7
check agent-restarted "not ready again" wait_for 15 host_ready web7

# The service is silent: a running session stays, nobody new gets in once the lease is over.
federation_freeze
sleep 7 # longer than the staleness limit: the time itself is what is tested
OUT=$(ssh_as - erin@globex web7 id -un)
check service-silent-refused "erin got in: $OUT" test -z "$(grep -x erin@globex <<<"$OUT")"
check service-silent-session "erin's session ended" test "$(session_run running 'echo on-$((6*7))')" = on-42
check service-silent-names "names do not resolve" grep -q erin@globex <<<"$(session_run running 'id -un')"
local_unaffected service-silent
federation_thaw
check service-back "not ready again" wait_for 30 host_ready web7
check service-back-login "alice cannot log in" grep -qx alice@acme <<<"$(ssh_as alice@acme alice@acme web7 id -un)"

# The service is gone and comes back with what it had.
federation_stop
check service-gone-noticed "status says nothing" \
	wait_for 15 sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl --json status | jq -e '.signals.connected | not'"
federation_start
check service-restarted "not ready again" wait_for 60 host_ready web7

# Everything of ours is gone but the modules.
host_kill web7 b2bd KILL
host_exec web7 sh -c 'umount -l /var/lib/b2b; rm -rf /var/lib/b2b /run/b2b'
partner_refused cache-gone
local_unaffected cache-gone
check cache-gone-local-name "lena has no name" test "$(host_exec web7 id -un lena)" = lena
host_exec web7 sh -c 'echo lena ALL=NOPASSWD: ALL | (umask 337; cat >/etc/sudoers.d/lena)'
check cache-gone-local-sudo "lena has no sudo" test "$(ssh_key lena web7 sudo -n id -un)" = root
finish
