#!/usr/bin/env bash
# A token's status list, through nginx as the cache in front: who is withdrawn in it is out within its ttl, without any signal.
TTL=5
. "$(dirname "$0")/lib.sh"
lab_start
FEDERATION_OPTIONS="--status-lists $LISTS --status-ttl $TTL --client web8=$LAB/run/client.pub --client web9=$LAB/run/client.pub"
federation_start
list_cache_start
HOST_METHODS='token device'
HOST_FEDERATION="signals = none
status_origins = $LISTS
token_use = many"
host_start web7

# token_for PERSON [HOST]: an access token, a JWT for that host (web7).
token_for()
{
	control access-token "person=$1" "audience=${2:-web7}" | jq -re .access_token
}

# try TOKEN [USER]
try()
{
	TOKEN=$1 ssh_as - "${2:-deploy@acme}" web7 'echo in as $(id -un)'
}

# lists MEMBER: of the one list that web7 follows.
lists()
{
	host_exec web7 b2bctl --json status | jq -r ".status_lists[0].$1 // empty"
}

list_fetched()
{
	test "$(lists sessions)" = 2 && test "$(lists fetched_s)" -gt 0
}

no_lists()
{
	test "$(host_exec web7 b2bctl --json status | jq '.status_lists | length')" = 0
}

# refused NAME WHAT MISBEHAVIOUR…: a list like that lets nobody in; WHAT the log says of it.
refused()
{
	local name=$1 what=$2 out id

	control misbehave "${@:3}" >/dev/null
	list_cache_forget
	out=$(try "$token")
	check "$name-refused" "it let in: $out" test -z "$(grep '^in as' <<<"$out")"
	id=$(grep -oE 'cannot be looked up.*\(reference [0-9a-f]{16}\)' <<<"$out" | grep -oE '[0-9a-f]{16}')
	check "$name-told" "$out" test -n "$id"
	check "$name-in-audit" "not in the log" grep -q "event=auth .*reason=auth-unknown id=$id .*fault=\".*$what" <<<"$(host_log web7 b2bd)"
	control misbehave reset:=true >/dev/null
	list_cache_forget
	wait_for 10 no_lists # what was refused is not asked for again for a moment
}

token=$(token_for deploy@acme)
refused too-large 'larger than one may be' status_list=large
refused wrong-key 'the signature is wrong' wrong_key:=true
refused over 'expired' status_list=expired
if test -n "${LONG:-}"; then
	refused too-large-unpacked 'unpacks to more' status_list=large-unpacked
	refused no-answer 'HTTP status 503' 'status:={"code":503,"family":"statuslist"}'
fi

out=$(try "$token")
check gets-in "no log-in: $out" grep -qx 'in as deploy@acme' <<<"$out"
for pair in 'alice alice@acme' 'erin erin@globex'; do
	read -r person user <<<"$pair"
	session_start $person $user web7
	session_shows $person 'Access token' || FAIL "$person-asked" "$(tail -n 5 "${SESSION_OUT[$person]}")"
	session_type $person ''
	session_approve $person $user
	session_type $person "PS1='\$ '; echo shell-'is'-up"
	session_shows $person '^shell-is-up' 15 || die "$user cannot log in: $(tail -n 20 "${SESSION_OUT[$person]}")"
done
check list-shown "status: $(host_exec web7 b2bctl status | grep -A2 '^status list')" \
	grep -qE "^status list +$LISTS/status-lists/1: 2 sessions, fetched" <<<"$(host_exec web7 b2bctl status)"

# Whoever asks the cache, the service is asked once in a ttl.
list_cache_forget
before=$(list_asked)
# shellcheck disable=SC2046
host_exec laptop curl -ksSZ $(yes $LISTS/status-lists/1 | head -n 40) >/dev/null 2>&1
after=$(list_asked)
check asked-once "$((after - before)) of 40 requests reached the service" test $((after - before)) -le 2
check cache-answers "$(list_cache_asked HIT) of them from the cache" test "$(list_cache_asked HIT)" -ge 30

# The place is known after a restart, too.
host_kill web7 b2bd KILL
host_agent web7
wait_for 20 host_ready web7
check followed-again "not followed after the restart: $(host_exec web7 b2bctl status)" wait_for 10 list_fetched

committed=$(control_ms token-status person=alice@acme status:=1)
check ends-within-ttl "her session goes on" wait_for $((TTL * 3)) session_over alice
ms=$(($(now_ms) - committed))
check in-time "$ms ms, and status says: $(lists within_s) s" test $ms -le $(($(lists within_s) * 1000 + TTL * 1000 + 1500))
ok "withdrawn by the list: $ms ms after the service committed it, ttl $TTL s"
check told-why "$(tail -n 3 "${SESSION_OUT[alice]}")" session_shows alice 'withdrawn this authentication.* \([0-9a-f]{16}\)' 2
check ended-in-audit "not in the log" grep -q 'event=ended .*user=alice@acme reason=auth-invalid id=[0-9a-f]' <<<"$(host_log web7 b2bd)"
check account-open "her account was closed" test -z "$(grep 'event=closed.*alice' <<<"$(host_log web7 b2bd)")"
check others-alive "erin has ended" test "$(session_run erin 'echo still-$((6*7))')" = still-42

# Suspended, and back: the same token lets in again.
control token-status person=deploy@acme status:=2 >/dev/null

# says PATTERN: what a log-in by it says.
says()
{
	grep -q "$1" <<<"$(try "$token")"
}
check suspended-refused "$(try "$token")" wait_for $((TTL * 3)) says 'suspended this authentication.*(reference'
if test -n "${LONG:-}"; then
	control token-status person=deploy@acme status:=0 >/dev/null
	check valid-again "$(try "$token")" wait_for $((TTL * 3)) says '^in as deploy@acme'
	# An older list is not believed, and ends nobody; what is there stays in use.
	older_refused()
	{
		lists why | grep -q 'from before'
	}
	control misbehave status_list=old >/dev/null
	list_cache_forget
	check older-refused "$(lists why)" wait_for $((TTL * 3)) older_refused
	check older-ends-nobody "erin has ended" test "$(session_run erin 'echo still-$((6*7))')" = still-42
	control misbehave reset:=true >/dev/null

	# Several hosts, each with a session of the list: the cache is asked by all of them, the service once in a ttl.
	for host in web8 web9; do
		host_start $host
		out=$(TOKEN=$(token_for deploy@acme $host) ssh_as - deploy@acme $host 'echo in as $(id -un)')
		check $host-gets-in "$out" grep -q '^in as deploy@acme' <<<"$out"
		session_start $host bob@emea.acme $host
		session_shows $host 'Access token'
		session_type $host ''
		session_approve $host bob@emea.acme
		session_shows $host 'Last login|\$' 15
	done
	list_cache_round()
	{
		test $(($(list_cache_asked '[A-Z]+') - from)) -ge 12
	}
	from=$(list_cache_asked '[A-Z]+') before=$(list_asked) began=$(now_ms)
	check hosts-ask "few requests in 12 ttl" wait_for $((TTL * 12)) list_cache_round
	after=$(list_asked)
	check asked-once-by-all "$((after - before)) of $(($(list_cache_asked '[A-Z]+') - from)) requests reached the service" \
		test $((after - before)) -le $((($(now_ms) - began) / ((TTL - 1) * 1000) + 2)) # nginx counts whole seconds
	ok "three hosts: $(($(list_cache_asked '[A-Z]+') - from)) requests to the cache, $((after - before)) to the service, in $((($(now_ms) - began) / 1000)) s"
fi
finish
