#!/usr/bin/env bash
# glewlwyd, from Debian: an OpenID provider without a directory, so that its tokens stand for one.
# README.md, "glewlwyd", says what is set here as an administrator would.
PACKAGES='glewlwyd glewlwyd-common libconfig9 libmariadb3 liborcania2.3 libyder2.0 libhoel1.4 librhonabwy1.1 libulfius2.7 libiddawc1.1 liboath0
libcbor0.8 sqlite3'
# shellcheck disable=SC2086
product_prepare() { interop_debian glewlwyd $PACKAGES; }
. "$(dirname "$0")/lib.sh"

ISSUER=https://login.lab/api/oidc
API=https://login.lab/api
ROOT=$PRODUCTS/glewlwyd/root
HOST_STALENESS=9s
HOST_FEDERATION="directory = token
signals = none
sync_interval = 2s
api_scope = directory
name_claim = login
groups_claim = team
token_keep = 1d
reverify = introspection
reverify_interval = 2s
assertion_audience = endpoint"

# glewlwyd's own configuration, and its database by the package's script.
product_files()
{
	local run=$LAB/run modules=$ROOT/usr/lib/glewlwyd

	cat >"$run/glewlwyd.conf" <<-CONF
		port = 443
		bind_address = "$SERVICE_ADDRESS"
		external_url = "https://login.lab"
		login_url = "login.html"
		api_prefix = "api"
		log_mode = "console"
		log_level = "INFO"
		cookie_secure = 1
		session_key = "GLEWLWYD2_SESSION_ID"
		admin_scope = "g_admin"
		profile_scope = "g_profile"
		user_module_path = "$modules/user"
		client_module_path = "$modules/client"
		user_auth_scheme_module_path = "$modules/scheme"
		plugin_module_path = "$modules/plugin"
		use_secure_connection = true
		secure_connection_key_file = "$run/tls.key"
		secure_connection_pem_file = "$run/tls.pem"
		hash_algorithm = "SHA512"
		database = { type = "sqlite3" path = "$run/glewlwyd.db" };
	CONF
	zcat -f "$ROOT/usr/share/doc/glewlwyd/database/init.sqlite3.sql"* | in_root sqlite3 "$run/glewlwyd.db"
}

# in_root PROGRAM…: from the packages.
in_root()
{
	LD_LIBRARY_PATH=$(echo "$ROOT"/usr/lib/*-linux-gnu) "$ROOT/usr/bin/$1" "${@:2}"
}

# as PERSON CURL-ARGUMENTS…: with that person's cookies.
as()
{
	interop_curl -b "$LAB/run/jar.$1" -c "$LAB/run/jar.$1" -H 'Content-Type: application/json' "${@:2}"
}

log_in()
{
	rm -f "$LAB/run/jar.$1"
	as "$1" -f -d "$(jq -nc --arg name "$1" --arg password "$2" '{username: $name, password: $password}')" "$API/auth/"
}

# plugin_parameters: of the OpenID Connect plug-in, with the signing key that is there now.
plugin_parameters()
{
	jq -n --arg iss "$ISSUER" --rawfile key "$LAB/run/sign.key" --rawfile cert "$LAB/run/sign.pub" '
		def claim($name): {name: $name, type: "string", "user-property": $name, mandatory: true, "on-demand": false, scope: []};
		{module: "oidc", name: "oidc", display_name: "OpenID Connect", enabled: true, parameters: {
			iss: $iss, "jwt-type": "rsa", "jwt-key-size": "256", key: $key, cert: $cert, "jwks-show": true, "subject-type": "public",
			"access-token-duration": 3600, "refresh-token-duration": 1209600, "code-duration": 600, "refresh-token-rolling": true,
			"allow-non-oidc": true, "auth-type-code-enabled": false, "auth-type-token-enabled": false, "auth-type-implicit-enabled": false,
			"auth-type-none-enabled": false, "auth-type-password-enabled": false, "auth-type-client-enabled": true,
			"auth-type-device-enabled": true, "auth-type-refresh-enabled": true,
			"device-authorization-expiration": 600, "device-authorization-interval": 1,
			"introspection-revocation-allowed": true, "introspection-revocation-allow-target-client": true,
			"oauth-ciba-allowed": true, "oauth-ciba-mode-poll-allowed": true, "oauth-ciba-default-expiry": 600, "oauth-ciba-maximum-expiry": 600,
			"resource-allowed": true, "resource-scope": {organization: ["https://app5.hosts.example", "https://db3.hosts.example"]},
			"additional-parameters": (["organization", "login"] | map({"user-parameter": ., "token-parameter": .})),
			"request-parameter-allow": true, "client-pubkey-parameter": "pubkey", "client-jwks-parameter": "jwks", "client-jwks_uri-parameter": "jwks_uri",
			"name-claim": "mandatory", "email-claim": "no", "scope-claim": "no",
			claims: [claim("organization"), claim("login"), claim("team")]}}'
}

person()
{
	jq -n --arg name "$1" --arg display "$2" --arg organisation "$3" '{username: $name, name: $display, email: "", enabled: true,
		password: ($name + "-demo"), scope: ["openid", "organization"], organization: $organisation, login: $name, team: "dba"}' |
		as admin -f -d @- "$API/user/"
}

# What the administrator clicks together.
product_configure()
{
	log_in admin password && as admin -f "$API/mod/user/database" |
		jq '.parameters["data-format"] += ({organization: 1, login: 1, team: 1} |
			map_values({multiple: false, read: true, write: true, "profile-read": true, "profile-write": false}))' |
		as admin -f -X PUT -d @- "$API/mod/user/database" && as admin -f -X PUT "$API/mod/reload/" || return 1
	plugin_parameters | as admin -f -d @- "$API/mod/plugin/" || return 1
	as admin -f -d '{"name": "organization", "display_name": "Organisation", "description": "whose person it is", "password_required": true,
		"password_max_age": 0, "scheme": {}}' "$API/scope/" || return 1
	for name in web7 app5 db3; do
		jq -n --arg name "$name" --rawfile key "$LAB/run/client.pub" '{client_id: $name, name: $name, confidential: true, enabled: true, pubkey: $key,
			authorization_type: ["device_authorization", "client_credentials", "refresh_token", "urn:openid:params:grant-type:ciba"],
			token_endpoint_auth_method: ["private_key_jwt"], token_endpoint_signing_alg: "ES256", backchannel_token_delivery_mode: "poll",
			scope: ["directory"], redirect_uri: []}' | as admin -f -d @- "$API/client/" || return 1
	done
	jq -n --rawfile secret "$LAB/run/client-secret" '{client_id: "signer", name: "signer", confidential: true, enabled: true, client_secret: $secret,
		authorization_type: ["device_authorization"], token_endpoint_auth_method: ["client_secret_basic"], scope: [], redirect_uri: []}' |
		as admin -f -d @- "$API/client/" || return 1
	person alice 'Alice Ames' 42c3e9 && person dave 'Dave Dunn' 42c3e9 && person erin 'Erin East' 9d01f2 &&
		person frank 'Frank Ford' 42c3e9
}

product_start()
{
	in_root glewlwyd --config-file="$LAB/run/glewlwyd.conf" >>"$LAB/log/glewlwyd" 2>&1 </dev/null &
	disown
	wait_for 60 interop_curl -f "$API/../config" || die "glewlwyd does not answer: $(tail -n 5 "$LAB/log/glewlwyd")"
}

# granted PERSON: to each client there is what it may know of that person.
granted()
{
	local client

	for client in web7 app5 db3 signer; do
		as "$1" -f -X PUT -d '{"scope": "openid organization"}' "$API/auth/grant/$client/" || return 1
	done
}

product_wants()
{
	printf '%s\n' 'scope=openid organization' "resource=https://$1.hosts.example"
}

# product_device PERSON MESSAGE yes|no: the person's page shows the request, and leads to where it is answered.
product_device()
{
	local person=${1%%@*} way=connect_uri

	test "$3" = yes || way=cancel_uri
	log_in "$person" "$person-demo" && granted "$person" && wait_for 10 asked_on_page "$person" "$2" "$way" || return 1
	as "$person" -o /dev/null "$(asked_on_page "$person" "$2" "$way")&g_continue"
}

asked_on_page()
{
	as "$1" -f "$ISSUER/ciba_user_list" | jq -re --arg message "$2" --arg way "$3" '.[] | select(.binding_message == $message)[$way]'
}

# What its ID tokens lack, the host has to miss.
check_ciba()
{
	HOST_METHODS=ciba HOST_FEDERATION="$HOST_FEDERATION
login_hint = {\"username\":\"%u\"}" host_start db3
	session_start c1 dave@acme db3
	product_device dave@acme "$(session_message c1)" yes || FAIL ciba-asked "nothing to approve on dave's page"
	session_type c1 ''
	check ciba-nobodys-refused "$(tail -n 5 "${SESSION_OUT[c1]}")" session_shows c1 'another organisation.*\([0-9a-f]{16}\)|\(reference [0-9a-f]{16}\)'
	check ciba-nobodys-logged "not in the log" wait_for 5 grep -q 'event=auth .*user=dave@acme reason=auth-wrong-organisation .*names no organisation' "$LAB/log/db3.b2bd"
	skip ciba-login "glewlwyd leaves a person's claims out of the ID tokens of CIBA, and without the organisation nobody gets in"
	interop_ciba_denied db3 erin@globex
}

# What its page does in a browser: log in, grant the scopes, go on.
product_approve()
{
	local person=${2%%@*}

	log_in "$person" "$person-demo" || return 1
	granted "$person" || return 1
	as "$person" -o /dev/null -w '%{redirect_url}\n' "$ISSUER/device?code=$1&g_continue" | grep -q 'prompt=deviceComplete'
}

# Deleting revokes what was issued for the person; disabling does not.
product_offboard()
{
	log_in admin password && as admin -f -X DELETE "$API/user/${1%%@*}"
}

disable()
{
	local person=${1%%@*}

	log_in admin password && as admin -f "$API/user/$person" | jq '.enabled = false' | as admin -f -X PUT -d @- "$API/user/$person"
}

# cannot_log_in ID PERSON: a code is shown, and PERSON cannot approve it.
cannot_log_in()
{
	session_start "$1" "$2" web7
	session_code "$1" || die "no code: $(tail -n 10 "${SESSION_OUT[$1]}")"
	! product_approve "${SESSION_CODE[$1]}" "$2" 2>/dev/null
}

make_signing_key()
{
	openssl genrsa -out "$LAB/run/sign.key" 2048 2>/dev/null
	openssl pkey -in "$LAB/run/sign.key" -pubout -out "$LAB/run/sign.pub"
}

rotate()
{
	make_signing_key
	log_in admin password && plugin_parameters | as admin -f -X PUT -d @- "$API/mod/plugin/oidc" && as admin -f -X PUT "$API/mod/plugin/oidc/reset"
}

lab_start
interop_identity || die "no keys"
make_signing_key
product_files
product_start
product_configure || die "glewlwyd cannot be set up: $(tail -n 5 "$LAB/log/glewlwyd")"
wait_for 10 interop_curl -f "$ISSUER/.well-known/openid-configuration" || die "glewlwyd has no OpenID Connect: $(tail -n 5 "$LAB/log/glewlwyd")"
host_start web7

check unknown-before "somebody who never logged in is known" test -z "$(host_exec web7 setpriv --reuid 65534 --clear-groups getent passwd alice@acme)"
interop_logins
HOST_METHODS='token device' HOST_HOST='audience = https://app5.hosts.example' host_start app5
interop_token token-signed signer app5 dave@acme frank@acme
check_ciba

check known-since "nobody but root sees her" test -n "$(host_exec web7 setpriv --reuid 65534 --clear-groups getent passwd alice@acme)"
check token-groups "she is not in the group of her token: $(session_run a1 'id -Gn')" grep -qw dba@acme <<<"$(session_run a1 'id -Gn')"

check status-says "status: $(interop_status web7 .worst_case_revocation)" grep -q '^within about 2s, when the service is asked again .*neither signals nor a directory' \
	<<<"$(interop_status web7 .worst_case_revocation)"
check verified-again "$(interop_status web7 .verification)" wait_for 20 interop_verified web7 introspection 2 "$(date +%s)"
interop_rotation rotate
check rotated-verified "what was issued before the new key is not confirmed: $(interop_status web7 .verification)" wait_for 20 interop_verified web7 introspection 3 "$(date +%s)"

product_offboard alice@acme || die "the product does not offboard"
check offboarded-ended "alice's session runs on: $(interop_status web7 .verification)" wait_for 20 session_over a1
check offboarded-told "alice did not read why: $(tail -n 5 "${SESSION_OUT[a1]}")" session_shows a1 '[*]{3} The federation service has ended this log-in.*\([0-9a-f]{16}\)' 2
check offboarded-log-in "she can approve a log-in" cannot_log_in o1 alice@acme
check others-live "dave's or erin's session ended too" test "$(session_run r1 'echo on-$((6*7))'; session_run e1 'echo on-$((6*7))')" = $'on-42\non-42'

disable dave@acme || die "the product does not disable"
check disabled-log-in "he can approve a log-in" cannot_log_in o2 dave@acme
skip disabled-ended "glewlwyd goes on confirming the tokens of who is disabled: to end an open session, delete the user"
check closed-by-hand "the host does not close him" host_exec web7 b2bctl revoke user dave@acme --reason offboarded
check closed-ended "dave's session runs on" wait_for 20 session_over r1
check other-lives "erin's session ended too" test "$(session_run e1 'echo on-$((6*7))')" = on-42
skip token-reference "glewlwyd's access tokens are signed, each and every one"
skip enroll "glewlwyd registers no client without a redirect URI, nor by the name that RFC 8628 gives the device grant: its administrator enters hosts by hand"
skip signals "glewlwyd sends no Shared Signals"
finish
