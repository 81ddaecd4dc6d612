# The pages, a part of test_federation.sh (sourced): as a browser would, cookie and hidden fields included.

JAR=$DIR/jar
browse() { call "$1" "$2" -b "$JAR" -c "$JAR" "${@:3}"; }
csrf() { sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' <<<"$BODY" | head -1; }
# submit PATH ACTION NAME=VALUE…: the form of the page seen last.
submit()
{
	local path=$1 fields=() field
	for field in "csrf=$CSRF" "action=$2" "${@:3}"; do fields+=(--data-urlencode "$field"); done
	browse POST "$path" "${fields[@]}"
	test -n "$(csrf)" && CSRF=$(csrf)
	return 0
}
log_in()
{
	rm -f "$JAR"
	browse GET "$1"
	CSRF=$(csrf)
	submit "$1" log-in user="$2" password="$3" "${@:4}"
}
says() { grep -qF -- "$1" <<<"$BODY"; }

start_device
browse GET "/device?user_code=$USER_CODE"
check 'device page: asks to log in' says 'name="password"'
check_not 'device page: nothing about the host before that' says db1
check 'cookie: Secure, HttpOnly, SameSite=Strict' grep -qi '^set-cookie: __Host-b2b=.*; Secure; HttpOnly; SameSite=Strict' "$DIR/headers"
check 'no foreign content' grep -qi "^content-security-policy: default-src 'none'" "$DIR/headers"
CSRF=wrong
submit /device log-in user=alice@acme password=alice-demo user_code="$USER_CODE"
check 'a forged form is refused' test "$STATUS" = 403
log_in /device alice@acme wrong user_code="$USER_CODE"
check 'a wrong password is refused' test "$STATUS" = 403
log_in /device alice@acme alice-demo user_code="$USER_CODE"
check 'it shows which host asks' says '<strong>db1</strong>'
check 'and the code' says "$USER_CODE"
browse POST /device -H 'Origin: https://evil.example' --data-urlencode "csrf=$CSRF" -d action=approve -d "user_code=$USER_CODE"
check 'a form from elsewhere is refused' test "$STATUS" = 403
submit /device approve user_code="$(tr A-Z a-z <<<"${USER_CODE/-/ }")"
check 'approved, and says so' says 'Approved'
poll_device
check_jq 'approved by the page' "$(claims "$(text_of id_token)")" '.sub == "'$ALICE'"'
submit /device approve user_code="$USER_CODE"
check 'a code is answered once' test "$STATUS" = 404
post_form /device_authorization scope=openid login_hint='<script>alert(1)</script>' -u "$BASIC"
USER_CODE=$(text_of user_code) DEVICE=$(text_of device_code)
browse GET "/device?user_code=$USER_CODE"
CSRF=$(csrf)
check 'what hosts say is escaped' says '&lt;script&gt;'
check_not 'and only that' says '<script>'
submit /device deny user_code="$USER_CODE"
check 'denied, and says so' says 'Denied'
poll_device
check_refused 'denied by the page' 400 access_denied
for person in alice carol; do
	post_form /bc-authorize scope=openid login_hint=$person@acme binding_message=db1/for-$person -u "$BASIC"
	DEVICE=$(text_of auth_req_id)
done
browse GET /device
CSRF=$(csrf)
check 'the approval device shows what asks her' says db1/for-alice
check_not 'and nothing that asks others' says db1/for-carol
control_devices=$(curl -sS --cacert "$DIR/state/ca.pem" -H 'Authorization: Bearer letmein' "$URL/control/devices")
submit /device approve user_code="$(jq -r '.devices[] | select(.binding_message == "db1/for-carol").user_code' <<<"$control_devices")"
check "what asks another is not hers to approve" test "$STATUS" = 404
submit /device approve user_code="$(jq -r '.devices[] | select(.binding_message == "db1/for-alice").user_code' <<<"$control_devices")"
check 'what asks her is' says 'Approved'
browse GET '/device?user_code=%22%3E%3Cscript%3E'
check_not 'what the query says is escaped' says '<script>'
submit /device log-out
check 'logged out' says 'name="password"'
for _ in 1 2 3 4 5 6; do log_in /device trent@initech wrong; done
check 'guessing is slowed' test "$STATUS" = 429

log_in /desk alice@acme alice-demo
check 'the desk is for administrators' says 'not an administrator'
submit /desk suspend person=aabc6be1-5f96-59a0-a26b-068524b852f9
check 'and does nothing for others' test "$STATUS" = 403
log_in /desk dave@acme dave-demo
check 'own people' says 'Alice Ames'
check 'and those of subsidiaries' says 'Bob Brandt'
check_not 'and nobody else' says 'Erin Eck'
check_not 'no names of others at all' says globex
submit /desk suspend person="$(scim GET '/Users?filter=userName%20eq%20%22erin@globex.example%22'; jq -r '.Resources[0].id' <<<"$BODY")"
check 'nobody of another organisation can be changed' test "$STATUS" = 403
check_desk()
{
	scim GET "/Users/$ALICE"
	check_jq "desk: $1" "$BODY" '.["'$SCIM_USER'"].state == "'"$1"'"'
}
submit /desk suspend person=$ALICE
check 'back to the desk' test "$STATUS" = 303
check_desk suspended
submit /desk reinstate person=$ALICE
check_desk active
submit /desk offboard person=$ALICE
check 'offboarding asks first' says 'cannot be undone'
check_desk active
submit /desk offboard person=$ALICE confirm=yes
check_desk removed
submit /desk reinstate person=$ALICE
check 'removed is for good' test "$STATUS" = 409
submit /desk invite organisation=42c3e9 local=olga display='Olga "O" <Olsen>' roles='operator dba'
TOKEN=$(sed -n 's/.*invitation?token=\([A-Za-z0-9_-]*\)".*/\1/p' <<<"$BODY")
check 'invited' test -n "$TOKEN"
check 'names are escaped' says 'Olga &quot;O&quot; &lt;Olsen&gt;'
submit /desk invite organisation=9d01f2 local=spy display=Spy
check 'not into another organisation' test "$STATUS" = 403
submit /desk invite organisation=42c3e9 local='No Name' display=X
check 'not under a bad name' test "$STATUS" = 400
filter Users 'userName eq "olga@acme.example"'
check_jq 'invited: not active yet' "$BODY" '.Resources[0].active == false and .Resources[0]["'$SCIM_USER'"].state == "invited"'
browse GET "/invitation?token=$TOKEN"
CSRF=$(csrf)
submit /invitation accept token="$TOKEN" password=short
check 'a short password is refused' test "$STATUS" = 400
submit /invitation accept token="$TOKEN" password='a long one'
check 'accepted' says Accepted
browse GET "/invitation?token=$TOKEN"
check 'once' test "$STATUS" = 404
start_device
log_in /device olga@acme 'a long one' user_code="$USER_CODE"
submit /device approve user_code="$USER_CODE"
poll_device
check_jq 'who was invited logs in' "$BODY" .id_token
log_in /desk dave@acme dave-demo
submit /desk end-contract organisation=9d01f2 confirm=globex
check "another's contract cannot be ended" test "$STATUS" = 403
submit /desk end-contract organisation=7be10a confirm=wrong
check 'ending wants the name' test "$STATUS" = 400
submit /desk end-contract organisation=42c3e9 confirm=acme
check 'the contract ends' says 'The contract has ended'
browse GET /desk
check 'and with it the administrator' says 'name="password"'
start_device
control approve "{\"user_code\":\"$USER_CODE\",\"person\":\"heidi@apac.acme.example\"}"
poll_device
check_refused 'nobody of a subsidiary logs in any more' 400 access_denied
start_device
control approve "{\"user_code\":\"$USER_CODE\",\"person\":\"erin@globex.example\"}"
poll_device
check_jq 'others do' "$BODY" .id_token
