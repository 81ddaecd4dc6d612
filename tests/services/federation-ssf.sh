# Shared Signals, a part of test_federation.sh (sourced).

ssf() { call "$1" "$2" -H "Authorization: Bearer $DB1" "${@:3}"; }
# poll BODY: one poll of the stream; sets BODY, SETS (claims, one a line).
poll()
{
	call POST "${POLL#"$URL"}" -H "Authorization: Bearer $DB1" -H 'Content-Type: application/json' -d "$1"
	read_sets
}
read_sets()
{
	local jwt
	SETS=$(jq -r '.sets[]?' <<<"$BODY" | while read -r jwt; do claims "$jwt"; echo; done)
}
# All events of SETS for which the jq condition holds.
count_sets() { jq -s "[.[] | select($1)] | length" <<<"$SETS"; }
acknowledge() { jq -c '{ack: (.sets | keys), returnImmediately: true}' <<<"$BODY"; }

get /.well-known/ssf-configuration
check_jq 'ssf configuration' "$BODY" '.issuer == $url and .configuration_endpoint == $url + "/ssf/stream" and .default_subjects == "ALL"
	and (.delivery_methods_supported == ["urn:ietf:rfc:8936"])'
ssf GET /ssf/stream
check 'no stream yet' test "$STATUS" = 404
ssf POST /ssf/stream -d '{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://x"}}'
check 'push is refused' test "$STATUS" = 400
ssf POST /ssf/stream -d '{"delivery":{"method":"urn:ietf:rfc:8936"}}'
check 'stream is 201' test "$STATUS" = 201
check_jq 'stream' "$BODY" '.stream_id and .iss == $url and .aud == "db1" and (.delivery.endpoint_url | startswith($url)) and (.events_delivered | length == 3)'
STREAM=$(text_of stream_id) POLL=$(jq -r .delivery.endpoint_url <<<"$BODY")
ssf POST /ssf/stream -d '{}'
check 'second stream is 409' test "$STATUS" = 409
ssf PATCH /ssf/stream -d '{"stream_id":"'"$STREAM"'","description":"a host"}'
check_jq 'patch the stream' "$BODY" '.description == "a host"'
ssf PATCH /ssf/stream -d '{"stream_id":"other"}'
check 'another stream is not found' test "$STATUS" = 404
ssf GET "/ssf/status?stream_id=$STREAM"
check_jq 'status' "$BODY" '.status == "enabled"'
call POST "${POLL#"$URL"}" -d '{}'
check 'poll without a token' test "$STATUS" = 401
post_form /token grant_type=client_credentials scope=ssf client_id=admin client_secret=writer
call POST "${POLL#"$URL"}" -H "Authorization: Bearer $(text_of access_token)" -d '{}'
check "another client's stream" test "$STATUS" = 404

poll '{"returnImmediately":true}'
check_jq 'nothing, at once' "$BODY" '.sets == {}'
ssf POST /ssf/verify -d '{"stream_id":"'"$STREAM"'","state":"s-42"}'
check 'verify is 204' test "$STATUS" = 204
poll '{}'
check 'verification event' test "$(count_sets '.events["https://schemas.openid.net/secevent/ssf/event-type/verification"].state == "s-42"
	and .sub_id == {"format":"opaque","id":"'"$STREAM"'"}')" = 1
FIRST=$(jq -r '.sets | to_entries[0].value' <<<"$BODY")
check 'its signature' verify_jwt "$FIRST" ES256
check_jq 'its type' "$(unbase64url "${FIRST%%.*}")" '.typ == "secevent+jwt"'
check 'no sub, no exp' test "$(count_sets 'has("sub") or has("exp")')" = 0
poll '{"returnImmediately":true}'
check 'not acknowledged: comes again' test "$(count_sets true)" = 1
poll "$(acknowledge)"
check_jq 'acknowledged: gone' "$BODY" '.sets == {}'

# A poll that waits hears of an event right after its commit.
waiting_poll()
{
	curl -sS --max-time 30 --cacert "$DIR/state/ca.pem" -o "$DIR/polled" -w '%{time_total}' -H "Authorization: Bearer $DB1" -d '{}' "$POLL" >"$DIR/seconds" &
	WAITER=$!
	sleep 0.5
}
waiting_poll
control suspend '{"person":"carol@acme.example","reason":"holiday"}'
COMMITTED=$(jq .committed_ms <<<"$BODY")
wait $WAITER
LATE=$(($(date +%s%3N) - COMMITTED))
check 'a waiting poll is answered at once' test "$LATE" -lt 1000
BODY=$(cat "$DIR/polled")
read_sets
PERSON='.sub_id.user == {"format":"iss_sub","iss":"'$URL'","sub":"'$CAROL'"} and .sub_id.tenant == {"format":"opaque","id":"42c3e9"}'
check 'suspending: account-disabled' test "$(count_sets ".events[\"$RISC/account-disabled\"].reason_user.en == \"holiday\" and $PERSON")" = 1
check 'suspending: session-revoked' test "$(count_sets ".events[\"$CAEP/session-revoked\"].event_timestamp > 0 and $PERSON")" = 1
check 'one change, one txn' test "$(jq -rs '[.[].txn] | unique | length' <<<"$SETS")" = 1
JTIS=$(jq -c '.sets | keys' <<<"$BODY")
poll '{"maxEvents":1,"returnImmediately":true}'
check_jq 'maxEvents 1' "$BODY" '(.sets | length == 1) and .moreAvailable'
poll "{\"maxEvents\":0,\"returnImmediately\":true,\"ack\":[$(jq '.[0]' <<<"$JTIS")]}"
check_jq 'maxEvents 0 only acknowledges' "$BODY" '.sets == {} and .moreAvailable'
poll "{\"returnImmediately\":true,\"setErrs\":{$(jq '.[1]' <<<"$JTIS"):{\"err\":\"invalid_key\",\"description\":\"no\"}}}"
check_jq 'setErrs releases too' "$BODY" '.sets == {}'
call GET /control/events -H 'Authorization: Bearer letmein'
check_jq 'what the receiver had against it is kept' "$BODY" '[.events[].error.err?] | index("invalid_key") != null'
for bad in '' '[]' '{"maxEvents":-1}' '{"maxEvents":"1"}' '{"ack":"x"}' '{"ack":[1]}' '{"setErrs":[]}' '{"returnImmediately":1}'; do
	poll "$bad"
	check "poll refused: $bad" test "$STATUS" = 400
done

control reinstate '{"person":"carol@acme.example"}'
poll '{}'
check 'reinstating: account-enabled alone' test "$(count_sets ".events[\"$RISC/account-enabled\"] != null and $PERSON"),$(count_sets true)" = 1,1
poll "$(acknowledge)"
control offboard "{\"person\":\"$CAROL\"}"
poll '{}'
check 'offboarding: both' test "$(count_sets ".events[\"$RISC/account-disabled\"] != null and $PERSON"),$(count_sets ".events[\"$CAEP/session-revoked\"] != null")" = 1,1
poll "$(acknowledge)"
control offboard "{\"person\":\"$CAROL\"}"
poll '{"returnImmediately":true}'
check_jq 'offboarding again tells nothing' "$BODY" '.sets == {}'
control suspend-organisation '{"organisation":"initech"}'
poll '{}'
check 'organisation: tenant alone' test "$(count_sets '.sub_id == {"format":"complex","tenant":{"format":"opaque","id":"c0ffee"}}')" = 2
poll "$(acknowledge)"
start_device
control approve "{\"user_code\":\"$USER_CODE\",\"person\":\"trent@initech.example\"}"
poll_device
check_refused 'nobody logs in of a suspended organisation' 400 access_denied
control reinstate-organisation '{"organisation":"initech"}'
poll '{}'
check 'organisation: account-enabled' test "$(count_sets ".events[\"$RISC/account-enabled\"] != null")" = 1
poll "$(acknowledge)"

# Paused: kept; enabled again: handed out.
ssf POST /ssf/status -d '{"stream_id":"'"$STREAM"'","status":"paused","reason":"update"}'
control event '{"type":"'$CAEP/session-revoked'","person":"heidi@apac.acme.example"}'
poll '{"returnImmediately":true}'
check_jq 'paused: nothing' "$BODY" '.sets == {}'
waiting_poll
ssf POST /ssf/status -d '{"stream_id":"'"$STREAM"'","status":"enabled"}'
wait $WAITER
BODY=$(cat "$DIR/polled")
read_sets
check 'enabled: what was kept' test "$(count_sets true)" = 1
poll "$(acknowledge)"
SUBJECT='{"stream_id":"'$STREAM'","subject":{"format":"complex","tenant":{"format":"opaque","id":"9d01f2"}}}'
ssf POST /ssf/subjects:remove -d "$SUBJECT"
check 'remove a subject' test "$STATUS" = 204
control event '{"type":"'$CAEP/session-revoked'","organisation":"globex"}'
poll '{"returnImmediately":true}'
check_jq 'a removed subject is not told of' "$BODY" '.sets == {}'
ssf POST /ssf/subjects:add -d "$SUBJECT"
check 'add a subject' test "$STATUS" = 200
control event '{"type":"'$CAEP/session-revoked'","organisation":"globex"}'
poll '{"returnImmediately":true}'
check 'and told of again' test "$(count_sets true)" = 1
poll "$(acknowledge)"
# A stream that is deleted ends the poll that waits for it.
waiting_poll
ssf DELETE "/ssf/stream?stream_id=$STREAM"
check 'delete the stream' test "$STATUS" = 204
wait $WAITER
check_jq 'its poll ends' "$(cat "$DIR/polled")" '.err == "not_found"'
