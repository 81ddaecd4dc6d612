#!/usr/bin/env bash
# The federation service from outside: every endpoint by curl, tokens checked with openssl.
# Prints "ok NAME" or "FAIL NAME: why" for each check.
set -u -o pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
DIR=$(mktemp -d)
SERVICE=
FAILED=0
. tests/services/federation-lib.sh
trap 'stop_service; rm -rf "$DIR"' EXIT
trap 'exit 1' INT TERM HUP

SCIM_USER=urn:b2b:scim:schemas:2.0:User
RISC=https://schemas.openid.net/secevent/risc/event-type
CAEP=https://schemas.openid.net/secevent/caep/event-type
DEVICE_CODE=urn:ietf:params:oauth:grant-type:device_code
ALICE=63acb50d-05c1-509d-b562-97d63011fe98

openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$DIR/web7.key" 2>/dev/null ||
	openssl genrsa -out "$DIR/web7.key" 2048 2>/dev/null
openssl pkey -in "$DIR/web7.key" -pubout -out "$DIR/web7.pem"
openssl ecparam -name prime256v1 -genkey -noout -out "$DIR/web8.key"
openssl pkey -in "$DIR/web8.key" -pubout -out "$DIR/web8.pem"
openssl genpkey -algorithm ED25519 -out "$DIR/web9.key"
openssl pkey -in "$DIR/web9.key" -pubout -out "$DIR/web9.pem"
echo 's3cret+& %é' >"$DIR/db1.secret"
echo writer >"$DIR/admin.secret"
echo letmein >"$DIR/control"
echo enrol-me >"$DIR/registration"
start_service

# --- discovery and keys ---
get /.well-known/openid-configuration
check_jq discovery "$BODY" '.issuer == $url and .token_endpoint == $url + "/token" and .jwks_uri == $url + "/jwks"
	and (.grant_types_supported | index("'$DEVICE_CODE'") != null)'
get /jwks
check_jq jwks "$BODY" '[.keys[].alg] | sort == ["ES256", "EdDSA", "RS256"]'
check_jq jwks-public-only "$BODY" '[.keys[] | has("d")] | any | not'
check 'jwks cache-control' grep -qi '^cache-control: .*max-age' "$DIR/headers"
get /nowhere
check 'unknown path is 404' test "$STATUS" = 404
call DELETE /jwks
check 'wrong method is 405' test "$STATUS" = 405

# --- client authentication ---
for client in web7 web8 web9; do
	assert_client $client
	post_form /token grant_type=client_credentials scope='directory ssf' "${ASSERTION[@]}"
	check_jq "private_key_jwt $client" "$BODY" '.access_token and .token_type == "Bearer" and .scope == "directory ssf"'
done
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_refused 'assertion used twice' 401 invalid_client
assert_client web7 '.aud = "https://elsewhere.example"'
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_refused 'assertion for another audience' 401 invalid_client
assert_client web7 '.exp = 1000'
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_refused 'assertion expired' 401 invalid_client
assert_client web7 '.sub = "web9"'
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_refused 'assertion for another client' 401 invalid_client
assert_client web7 'del(.jti)'
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_refused 'assertion without jti' 401 invalid_client
assert_client web7 . web9
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_refused "assertion by another's key" 401 invalid_client
assert_client web7 '.aud = $url + "/token"'
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_jq 'assertion for the token endpoint' "$BODY" .access_token
BASIC='db1:s3cret%2B%26%20%25%C3%A9'
post_form /token grant_type=client_credentials -u "$BASIC"
check_jq 'client_secret_basic' "$BODY" .access_token
DB1=$(text_of access_token)
post_form /token grant_type=client_credentials client_id=db1 client_secret='s3cret+& %é'
check_jq 'client_secret_post' "$BODY" .access_token
post_form /token grant_type=client_credentials client_id=db1 client_secret=wrong
check_refused 'wrong secret' 401 invalid_client
post_form /token grant_type=client_credentials client_id=nobody client_secret=wrong
check_refused 'unknown client' 401 invalid_client
post_form /token grant_type=client_credentials scope=directory.write -u "$BASIC"
check_refused 'scope beyond the client' 400 invalid_scope
post_form /token grant_type=password -u "$BASIC"
check_refused 'unknown grant' 400 unsupported_grant_type
post_form /token grant_type=client_credentials grant_type=client_credentials -u "$BASIC"
check_refused 'parameter given twice' 400 invalid_request

# --- device grant ---
start_device
check_jq 'device codes' "$BODY" '.user_code | test("^[B-Z]{4}-[B-Z]{4}$")'
check_jq 'device uri' "$BODY" '.verification_uri == $url + "/device" and .interval == 1 and .expires_in == 600'
poll_device
check_refused 'pending' 400 authorization_pending
poll_device
check_refused 'too fast' 400 slow_down
post_form /token grant_type=$DEVICE_CODE device_code="$DEVICE" client_id=admin client_secret=writer
check_refused "another client's device code" 400 invalid_grant
start_device
control deny "{\"user_code\":\"$USER_CODE\"}"
poll_device
check_refused 'denied' 400 access_denied
start_device
control approve "{\"user_code\":\"$USER_CODE\",\"person\":\"alice@acme.example\"}"
check_jq 'approve tells its time' "$BODY" '.committed_ms > 1700000000000'
poll_device
check_jq 'tokens' "$BODY" '.access_token and .id_token and .refresh_token'
ID_TOKEN=$(text_of id_token) ACCESS=$(text_of access_token) REFRESH=$(text_of refresh_token)
check_jq 'id token' "$(claims "$ID_TOKEN")" '.iss == $url and .sub == "'$ALICE'" and .aud == "db1" and .organization.acme.id == "42c3e9"
	and .exp > .iat and .auth_time <= .iat and .acr == "aal2" and (.amr | length > 0) and .jti and .sid'
poll_device
check_refused 'device code used twice' 400 invalid_grant
# --- CIBA ---
start_ciba()
{
	post_form /bc-authorize scope='openid organization' "$@" -u "$BASIC"
	REQUEST=$(text_of auth_req_id)
}
poll_ciba() { post_form /token grant_type=urn:openid:params:grant-type:ciba auth_req_id="$REQUEST" -u "$BASIC"; }
start_ciba login_hint=alice@acme binding_message=db1/WDJB-MJHT requested_expiry=90
check_jq 'ciba request' "$BODY" '.auth_req_id and .expires_in == 90 and .interval == 1 and (has("user_code") | not)'
poll_ciba
check_refused 'ciba: pending' 400 authorization_pending
poll_ciba
check_refused 'ciba: too fast' 400 slow_down
post_form /token grant_type=$DEVICE_CODE device_code="$REQUEST" -u "$BASIC"
check_refused 'ciba: its request is no device code' 400 invalid_grant
start_ciba login_hint=alice@acme binding_message=db1/second
control deny '{"binding_message":"db1/second"}'
poll_ciba
check_refused 'ciba: denied' 400 access_denied
start_ciba login_hint=alice@acme binding_message=db1/third
control approve '{"binding_message":"db1/third","person":"alice@acme.example"}'
poll_ciba
check_jq 'ciba: approved' "$(claims "$(text_of id_token)")" '.sub == "'$ALICE'" and .aud == "db1"'
start_ciba login_hint=nobody@acme
check_refused 'ciba: nobody' 400 unknown_user_id
start_ciba login_hint=deploy@acme
check_refused 'ciba: automation has no device' 400 unknown_user_id
start_ciba login_hint=alice@acme binding_message='with blanks'
check_refused 'ciba: message' 400 invalid_binding_message
start_ciba
check_refused 'ciba: no hint' 400 invalid_request

for alg in ES256 RS256 EdDSA; do
	control rotate-keys "{\"sign_with\":\"$alg\",\"rotate\":false}"
	new_id_token
	check "signature $alg" verify_jwt "$ID_TOKEN" "$alg"
done
control rotate-keys '{"sign_with":"ES256"}'
check 'former key still in the JWKS' verify_jwt "$ID_TOKEN" EdDSA
get /jwks
check_jq 'rotation adds keys' "$BODY" '.keys | length == 6'
control rotate-keys '{"drop":true}'
get /jwks
check_jq 'dropping removes them' "$BODY" '.keys | length == 3'
check_not 'a dropped key verifies nothing' verify_jwt "$ID_TOKEN" EdDSA

# --- refresh, introspection, revocation ---
post_form /introspect token="$ACCESS" -u "$BASIC"
check_jq 'introspection' "$BODY" '.active and .sub == "'$ALICE'" and .client_id == "db1" and .username == "alice@acme.example"'
post_form /introspect token="$ACCESS" client_id=admin client_secret=writer
check_jq "another client's token is not told about" "$BODY" '.active == false'
post_form /introspect token="$ACCESS"
check_refused 'introspection without authentication' 401 invalid_client
AUTH_TIME=$(claims "$ID_TOKEN" | jq .auth_time)
post_form /token grant_type=refresh_token refresh_token="$REFRESH" -u "$BASIC"
check_jq 'refresh' "$BODY" '.access_token and .refresh_token != "'"$REFRESH"'"'
SECOND=$(text_of refresh_token) SECOND_ACCESS=$(text_of access_token)
post_form /token grant_type=refresh_token refresh_token="$REFRESH" -u "$BASIC"
check_refused 'refresh token used twice' 400 invalid_grant
post_form /revoke token="$SECOND" -u "$BASIC"
check 'revocation' test "$STATUS" = 200
post_form /introspect token="$SECOND_ACCESS" -u "$BASIC"
check_jq 'revoked with its log-in' "$BODY" '.active == false'
post_form /revoke token=nonsense -u "$BASIC"
check 'revoking nothing is 200' test "$STATUS" = 200

# --- directory ---
. tests/services/federation-scim.sh
# --- signals ---
. tests/services/federation-ssf.sh
# --- pages ---
. tests/services/federation-pages.sh

# --- registration ---
. tests/services/federation-registration.sh

# --- misbehaviour ---
control misbehave '{"status":{"code":503,"family":"scim","count":1}}'
scim GET '/Users'
check 'misbehave: status' test "$STATUS" = 503
scim GET '/Users'
check 'misbehave: only as often as asked' test "$STATUS" = 200
control misbehave '{"empty_page":true}'
scim GET '/Users'
check_jq 'misbehave: empty page' "$BODY" '.totalResults == 0 and .Resources == []'
control misbehave '{"empty_page":false,"drop":{"family":"jwks","count":1}}'
get /jwks
check 'misbehave: drop' test "$STATUS" = 000
control misbehave '{"slow":{"ms":400,"family":"jwks","count":1}}'
BEFORE=$(date +%s%3N)
get /jwks
check 'misbehave: slow' test $(($(date +%s%3N) - BEFORE)) -ge 400
control misbehave '{"wrong_key":true}'
new_id_token
check_not 'misbehave: wrong key' verify_jwt "$ID_TOKEN" ES256
control misbehave '{"wrong_key":false,"wrong_issuer":"https://evil.example"}'
new_id_token
check_jq 'misbehave: wrong issuer' "$(claims "$ID_TOKEN")" '.iss == "https://evil.example"'
control misbehave '{"reset":true}'
new_id_token
check_jq 'misbehave: over' "$(claims "$ID_TOKEN")" '.iss == $url'
control misbehave '{"slow":"very"}'
check 'misbehave: nonsense is refused' test "$STATUS" = 400
call POST /control/misbehave -H 'Authorization: Bearer wrong' -d '{}'
check 'control wants its token' test "$STATUS" = 401

# --- malformed input ---
BODIES=('' '{' '[]' 'a=%zz' '%00' "$(printf '[%.0s' $(seq 2000))" '{"a":1,"a":2}' '{"user_code":{},"person":7}' $'\xff\xfe')
for path in /token /introspect /revoke /device_authorization /ssf/stream /ssf/verify /ssf/poll/x /control/approve /control/people \
	/control/misbehave /device /desk /invitation /scim/v2/Users; do
	MANY=()
	for body in "${BODIES[@]}"; do
		for how in 'letmein' "$DB1"; do
			MANY+=(--next -sS --max-time 30 --cacert "$DIR/state/ca.pem" -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $how"
				-H "Content-Type: $(test "$how" = letmein && echo application/x-www-form-urlencoded || echo application/json)"
				--data-binary "$body" "$URL$path")
		done
	done
	STATUSES=$(curl "${MANY[@]:1}" 2>/dev/null | tr '\n' ' ')
	check_not "malformed input to $path breaks nothing" grep -qE '500|000' <<<"$STATUSES"
done
head -c 2000000 /dev/zero >"$DIR/large"
call POST /token --data-binary "@$DIR/large"
check 'too large a body is refused' test "$STATUS" = 413
get /jwks
check 'it lives after malformed input' test "$STATUS" = 200

# --- it remembers, and stops cleanly ---
get /jwks
KEYS=$(jq -S '.keys|=sort' <<<"$BODY")
stop_service
check 'clean stop' test "$STOPPED" = 0
check 'nothing was complained of' test "$(grep -vcE '^b2b-federation: ' "$DIR/err")" = 0
start_service
get /jwks
check 'keys outlive it' test "$(jq -S '.keys|=sort' <<<"$BODY")" = "$KEYS"
scim GET "/Users/$CAROL"
check_jq 'people outlive it' "$BODY" '.["'$SCIM_USER'"].state == "removed"'
check 'no sanitizer spoke' test "$(grep -cE 'Sanitizer|runtime error' "$DIR/err")" = 0
judge_all
test "$FAILED" = 0
