#!/usr/bin/env bash
# A service without Shared Signals: what a pass over the directory finds counts, and only a completed pass renews the lease.
. "$(dirname "$0")/lib.sh"
HOST_STALENESS=6s
HOST_FEDERATION=$'signals = none\nsync_interval = 1s\nreverify_interval = 1s'
HOST_HOST='session_warnings = 5s'
lab_start
federation_start
host_start web7
host_local_user web7 lena

for id in alice@acme dave@acme erin@globex; do
	session_login "$id" "$id" "$id" web7 || die "$id cannot log in: $(tail -n 20 "${SESSION_OUT[$id]}")"
done
status()
{
	host_exec web7 b2bctl "$@" status
}

check says-so "status: $(status)" grep -q 'signals.*none, by configuration' <<<"$(status)"
check says-how-long "status: $(status)" grep -q 'revoked now.*within about 1s: there are no signals' <<<"$(status)"
check says-by-refresh "status: $(status)" grep -q 'of the open ones 3 by refresh token' <<<"$(status)"
check says-methods "status: $(status)" grep -q 'log-in by *sshd: device;' <<<"$(status)"
check no-stream "a stream was made" sh -c "! grep -q 'ssf/' '$LAB/log/federation'"

# Whichever notices first: the pass over the directory, or the question about her log-in.
control offboard person=alice@acme >/dev/null || die "the service does not offboard"
check offboarded-ended "alice's session runs on" wait_for 10 session_over alice@acme
check offboarded-told "alice did not read why: $(tail -n 5 "${SESSION_OUT[alice@acme]}")" session_shows alice@acme '(Your access has ended|The federation service has ended this log-in).*\([0-9a-f]{16}\)' 2
out=$(ssh_as alice@acme alice@acme web7 id -un)
check offboarded-refused "alice got in again" test -z "$(grep -x alice@acme <<<"$out")"

# The service alone ends a log-in: the directory says as before. Refresh tokens rotate here: the second time it is asked with another.
session_login bob@emea.acme bob@emea.acme bob@emea.acme web7 || die "bob cannot log in"
all_verified_since()
{
	status --json | jq -e --argjson since "$1" '.verification | .failing == 0 and .refresh == 3 and .oldest_s > $since'
}
for turn in 1 2; do
	check "all-verified-again-$turn" "$(status)" wait_for 10 all_verified_since "$(date +%s)"
done
check verified-sessions-go-on "$(host_exec web7 b2bctl sessions)" test "$(session_run bob@emea.acme 'echo on-$((6*7))')" = on-42
control end-log-ins person=bob@emea.acme >/dev/null || die "the service does not end log-ins"
check log-in-ended "bob's session runs on: $(status)" wait_for 10 session_over bob@emea.acme
check log-in-told "bob did not read why: $(tail -n 5 "${SESSION_OUT[bob@emea.acme]}")" session_shows bob@emea.acme 'The federation service has ended this log-in.*\([0-9a-f]{16}\)' 2
out=$(ssh_as bob@emea.acme bob@emea.acme web7 id -un)
check log-in-anew "bob cannot log in anew: $out" grep -qx bob@emea.acme <<<"$out"

# The end of somebody's window is told before it comes, and why when it does.
control person person=bob@emea.acme "not_after:=$((($(date +%s) + 12) * 1000))" >/dev/null || die "the service sets no window"
session_login bob-2 bob@emea.acme bob@emea.acme web7 || die "bob cannot log in within his window"
# By the host's own clock alone: the service refuses whom it asks about in that very second, and might be heard first.
control misbehave 'status:={"code":503,"family":"token"}' >/dev/null || die "the service answers all the same"
check warned "bob was not warned: $(tail -n 5 "${SESSION_OUT[bob-2]}")" session_shows bob-2 'This session ends in [0-9] seconds?: your access ends then\. \([0-9a-f]{16}\)' 15
check warned-goes-on "it ended with the warning" session_alive bob-2
check window-ended "bob's session runs on" wait_for 10 session_over bob-2
check window-told "bob did not read why: $(tail -n 5 "${SESSION_OUT[bob-2]}")" session_shows bob-2 'Your access is not valid at this time.*\([0-9a-f]{16}\)' 2
control misbehave reset:=true >/dev/null || die "the service does not recover"

control end-contract organisation=9d01f2 >/dev/null || die "the service does not end the contract"
check contract-ended "erin's session runs on" wait_for 10 session_over erin@globex
check other-lives "dave's session ended too" test "$(session_run dave@acme 'echo on-$((6*7))')" = on-42

# No answer is no word against anybody, and no word for anybody new.
federation_freeze
lease_over()
{
	status --json | jq -e '.lease.valid | not'
}
check lease-ends "the lease goes on without a pass" wait_for 30 lease_over
out=$(ssh_as dave@acme dave@acme web7 id -un)
check silent-refused "dave got in: $out" test -z "$(grep -x dave@acme <<<"$out")"
check silent-session "dave's session ended" test "$(session_run dave@acme 'echo on-$((6*7))')" = on-42
check silent-local "lena cannot log in" test "$(ssh_key lena web7 id -un)" = lena
federation_thaw

# A pass that began before the silence and ends after it is too old a word: the next one opens.
dave_gets_in()
{
	ssh_as dave@acme dave@acme web7 id -un | grep -qx dave@acme
}
check opens-again "dave cannot log in" wait_for 30 dave_gets_in
check seal-is-roots "$(host_exec web7 stat -c '%a %U' /run/b2b/seal)" test "$(host_exec web7 stat -c '%a %U' /run/b2b/seal)" = '400 root'
check_secrets web7
check no-secret-on-disk "a token is in the agent's database" sh -c "! grep -qaF -f '$LAB/run/parts' '$LAB/disk/web7/state/'*"
finish
