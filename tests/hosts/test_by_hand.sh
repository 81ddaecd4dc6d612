#!/usr/bin/env bash
# What an administrator closes by hand, over real sshd: with the federation service gone, over a kill of b2bd, and against all
# that the service says when it is back. What ends by the clock alone; an approval; a key that is not trusted.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
HOST_STALENESS=4s HOST_HOST='staleness_keep = 6s' host_start db3
host_local_user web7 lena

ctl()
{
	host_exec "$1" b2bctl "${@:2}" 2>&1
}

# refused NAME PATTERN COMMAND…: b2bctl fails, and says PATTERN.
refused()
{
	local out

	out=$(ctl web7 "${@:3}") && { FAIL "$1" "it was not refused: $out"; return; }
	check "$1" "it says: $out" grep -qE "$2" <<<"$out"
}

ready_by_status()
{
	host_exec "$1" b2bctl --json status
}

may_enter()
{
	grep -qx "$2" <<<"$(ssh_as "$2" "$2" "$1" id -un)"
}

kept_out()
{
	! may_enter "$@"
}

# control_json WHAT JSON: what control cannot say, with numbers and booleans.
control_json()
{
	federation_curl -f -X POST -H "Authorization: Bearer $(cat "$LAB/run/control-token")" -H 'Content-Type: application/json' \
		--data "$2" "$ISSUER/control/$1" >/dev/null
}

for pair in 'a1 alice@acme web7' 'c1 carol@acme web7' 'b1 bob@emea.acme web7' 'e1 erin@globex web7' 'e2 erin@globex db3'; do
	read -r id person host <<<"$pair"
	session_login "$id" "$person" "$person" "$host" || die "$person cannot log in on $host: $(tail -n 20 "${SESSION_OUT[$id]}")"
done
uid=$(host_exec web7 id -u alice@acme)

# From here the service is gone.
federation_stop
out=$(ctl web7 revoke user alice@acme --reason 'Laptop stolen, call us') || FAIL revoke-user "$out"
check revoke-counts "it says: $out" grep -q 'Closed: alice@acme. 1 session is being ended' <<<"$out"
check revoked-session-over "her ssh still runs" wait_for 5 session_over a1
check revoked-told "she did not read why: $(tail -n 5 "${SESSION_OUT[a1]}")" session_shows a1 'Laptop stolen, call us \([0-9a-f]{16}\)' 2
check revoked-shell "she still has a shell" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd alice@acme)"
check revoked-id "her id changed" test "$(host_exec web7 id -u alice@acme)" = "$uid"
check colleague-alive "carol has ended too" test "$(session_run c1 'echo still-$((6*7))')" = still-42
refused revoke-twice 'closed already \(Laptop stolen' revoke user alice@acme --reason again
refused revoke-unknown 'no organisation, person or group mallory@acme' revoke user mallory@acme --reason x
refused revoke-unknown-org 'no organisation initech' revoke org initech --reason x
refused reinstate-open 'not closed by hand' reinstate user carol@acme
refused session-unknown 'there is no session 1' revoke session 1 --reason x
check not-root "nobody may close" sh -c "! nsenter -t ${HOST_PID[web7]} -a setpriv --reuid 65534 --clear-groups b2bctl close --all --reason x >/dev/null 2>&1"
check not-root-no-effect "erin has ended" session_alive e1

pid=$(host_exec web7 b2bctl --json sessions | jq '.sessions[] | select(.user == "carol@acme").pid')
out=$(ctl web7 revoke session "$pid" --reason 'This one only') || FAIL revoke-session "$out"
check session-over "carol's ssh still runs" wait_for 5 session_over c1
check session-account-open "carol is closed" grep -qv nologin <<<"$(host_exec web7 getent passwd carol@acme)"

ctl web7 revoke org acme --reason 'Under investigation' >/dev/null || FAIL revoke-org "refused"
check subsidiary-over "bob's ssh still runs" wait_for 5 session_over b1
check other-organisation-alive "erin has ended too" test "$(session_run e1 'echo still-$((6*7))')" = still-42

# Killed at once after the answer, and started with no service: nothing is forgotten.
host_kill web7 b2bd KILL
host_agent web7
check restarted "b2bd does not answer" wait_for 15 ready_by_status web7
check still-listed "status forgot: $(ctl web7 status)" test "$(host_exec web7 b2bctl --json status | jq -c '[.by_hand[].name]')" = '["alice@acme","acme"]'
check still-closed "she has a shell again" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd alice@acme)"
check audited "the journal does not tell who" grep -q 'event=closed .*user=alice@acme reason=user-closed .*by=' <<<"$(host_log web7 b2bd)"

# Silence for longer than staleness_keep ends sessions where root wants it so, and nowhere else.
check kept-limit "erin's session on db3 goes on" wait_for 20 session_over e2
check kept-limit-told "erin did not read why: $(tail -n 5 "${SESSION_OUT[e2]}")" session_shows e2 'has not heard from the federation service' 2
check kept-no-limit "erin's session on web7 ended" test "$(session_run e1 'echo still-$((6*7))')" = still-42

# The service is back, and says that they are active, as loudly as it can.
federation_start
check service-back "not ready again" wait_for 60 host_ready web7
control suspend person=alice@acme >/dev/null && control reinstate person=alice@acme >/dev/null || die "the service does not reinstate"
control reinstate-organisation organisation=42c3e9 >/dev/null
control event type=https://schemas.openid.net/secevent/risc/event-type/account-enabled person=alice@acme >/dev/null
ctl web7 sync >/dev/null
check service-heard "no signal came" wait_for 10 sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl --json status | jq -e '.signals.events > 2'"
check service-cannot-open "alice got in again" kept_out web7 alice@acme
ctl web7 reinstate org acme >/dev/null || FAIL reinstate-org "refused"
check organisation-open "carol cannot log in" may_enter web7 carol@acme
check person-still-closed "alice came in with her organisation" kept_out web7 alice@acme
ctl web7 reinstate user alice@acme >/dev/null || FAIL reinstate-user "refused"
check person-open "alice cannot log in" may_enter web7 alice@acme
check person-same-id "she has another id" test "$(host_exec web7 id -u alice@acme)" = "$uid"

# An empty directory ends nobody: it waits, is shown, and is forgotten when it does not last.
control_json misbehave '{"empty_page":true}'
ctl web7 sync >/dev/null
waits()
{
	host_exec web7 b2bctl --json status | jq -e '[.approvals[] | select(.organisation == "acme")] | length == 1'
}
check removal-waits "nothing waits: $(ctl web7 status)" wait_for 10 waits
check removal-named "it does not name them: $(ctl web7 approve --list)" grep -q 'carol@acme' <<<"$(ctl web7 approve --list)"
check removal-ended-nobody "erin has ended" session_alive e1
control_json misbehave '{"reset":true}'
out=$(ctl web7 approve acme) || FAIL approve "$out"
check removal-forgotten "it still waits: $(ctl web7 status)" wait_for 10 sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl --json status | jq -e '.approvals == []'"
check removal-removed-nobody "carol is gone" may_enter web7 carol@acme
refused approve-nothing 'nothing of acme waits' approve acme

# Keys that are not trusted: nothing that they signed lets anybody in.
kids=$(federation_curl "$(federation_curl "$ISSUER/.well-known/openid-configuration" | jq -r .jwks_uri)" | jq -r '.keys[].kid')
for kid in $kids; do
	out=$(ctl web7 distrust key "$kid" --reason 'May be stolen') || FAIL distrust "$out"
done
check distrust-known "it says: $out" grep -q 'have to be approved again' <<<"$out"
check distrusted "carol got in by them" kept_out web7 carol@acme
check distrusted-audited "the journal does not say why" grep -q 'root does not trust' <<<"$(host_log web7 b2bd)"
for kid in $kids; do
	out=$(ctl web7 trust key "$kid") || FAIL trust "$out"
done
check trusted-again "carol cannot log in" may_enter web7 carol@acme

# Every partner at once; local people notice nothing.
ctl web7 close --all --reason 'Break-in' >/dev/null || FAIL close-all "refused"
check closed-all "erin's ssh still runs" wait_for 5 session_over e1
check closed-all-told "erin did not read why" session_shows e1 'Break-in \([0-9a-f]{16}\)' 2
check closed-all-refused "erin got in again" kept_out web7 erin@globex
check closed-all-local "lena cannot log in" test "$(ssh_key lena web7 id -un)" = lena
ctl web7 open --all >/dev/null || FAIL open-all "refused"

# The end of a contract needs neither an event nor the network.
sleep 1 # when somebody authenticated is told in whole seconds: one in the second of the closing counts as before it
session_login e3 erin@globex erin@globex web7 || FAIL open-all-login "erin cannot log in: $(tail -n 5 "${SESSION_OUT[e3]}")"
end=$(($(now_ms) + 6000))
control_json organisation "{\"organisation\":\"9d01f2\",\"not_after\":$end}" || FAIL contract "no end can be set"
read_at=$(host_exec web7 b2bctl --json status | jq .directory.last_complete_s)
sleep 1 # the time of a pass has whole seconds
ctl web7 sync >/dev/null
check contract-read "the directory is not read" \
	wait_for 4 sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl --json status | jq -e '.directory.last_complete_s > $read_at'"
federation_stop
alive=no
session_alive e3 && alive=yes
check contract-running "erin's session ended early" test "$alive" = yes -o "$(now_ms)" -ge "$end"
check contract-over "erin's session goes on" wait_for 15 session_over e3
check contract-told "erin did not read why: $(tail -n 5 "${SESSION_OUT[e3]}")" session_shows e3 "contract is not valid at this time" 2
host_exec web7 b2bctl --json status | jq -c '.revocations.stages[] | {stage, p99_us: .last.p99_us, max_us: .last.max_us}'
check metrics "they are not there" grep -q '^b2b_revocation_seconds_count{stage="total"} [1-9]' <<<"$(ctl web7 metrics)"
finish
