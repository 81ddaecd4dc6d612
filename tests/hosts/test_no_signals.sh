#!/usr/bin/env bash
# A service without Shared Signals: what a pass over the directory finds counts, and only a completed pass renews the lease.
. "$(dirname "$0")/lib.sh"
HOST_STALENESS=6s
HOST_FEDERATION=$'signals = none\nsync_interval = 1s'
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
check no-stream "a stream was made" sh -c "! grep -q 'ssf/' '$LAB/log/federation'"

control offboard person=alice@acme >/dev/null || die "the service does not offboard"
check offboarded-ended "alice's session runs on" wait_for 10 session_over alice@acme
check offboarded-told "alice did not read why: $(tail -n 5 "${SESSION_OUT[alice@acme]}")" session_shows alice@acme 'Your access has ended.*\([0-9a-f]{16}\)' 2
out=$(ssh_as alice@acme alice@acme web7 id -un)
check offboarded-refused "alice got in again" test -z "$(grep -x alice@acme <<<"$out")"

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
finish
