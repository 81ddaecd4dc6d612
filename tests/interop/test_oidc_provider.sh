#!/usr/bin/env bash
# oidc-provider (certified by the OpenID Foundation) for log-ins, scimmy-routers for the directory, both from npm.
# README.md, "oidc-provider with a SCIM directory", says what is set here as an administrator would.
product_prepare() { interop_npm oidc-provider; }
. "$(dirname "$0")/lib.sh"

HOST_STALENESS=9s
HOST_FEDERATION="signals = none
sync_interval = 2s
api_scope = directory
subject_attribute = userName
login_hint = %s
scim_organisation_attribute = urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization
scim_name_attribute = urn:ietf:params:scim:schemas:core:2.0:User:userName
scim_group_name_attribute = urn:ietf:params:scim:schemas:core:2.0:Group:displayName
scim_organisations = no"

person()
{
	jq -n --arg id "$1" --arg name "$2" --arg org "$3" '{id: $id, userName: $name, displayName: $id, active: true, meta: {},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {organization: $org}}'
}

product_start()
{
	jq -n --arg issuer "$ISSUER" --arg address "$SERVICE_ADDRESS:443" --arg run "$LAB/run" --arg admin "$(cat "$LAB/run/admin")" \
		--arg signing "$1" --rawfile registration "$LAB/run/registration-token" --rawfile secret "$LAB/run/client-secret" '{issuer: $issuer,
			address: $address, cert: "\($run)/tls.pem", key: "\($run)/tls.key", clientKey: "\($run)/client.pub", adminToken: $admin,
			signingKeys: [$signing, "\($run)/sign.ec.key"], directory: "\($run)/directory.json", registrationToken: $registration,
			clientSecret: $secret}' >"$LAB/run/settings.json"
	interop_serve oidc-provider node "$PRODUCTS/oidc-provider/server.mjs" "$LAB/run/settings.json"
}

# What a browser does: the page of the code, the product's log-in page, its page of consent.
browse()
{
	interop_curl -L -b "$LAB/run/jar" -c "$LAB/run/jar" "$@"
}

field()
{
	sed -n 's/.*name="'"$1"'" value="\([^"]*\)".*/\1/p' <<<"$2" | head -n 1
}

action()
{
	sed -n 's/.*<form[^>]*action="\([^"]*\)".*/\1/p' <<<"$1" | head -n 1
}

confirm_page()
{
	local page

	rm -f "$LAB/run/jar"
	page=$(browse "$ISSUER/device?user_code=$1") || return 1
	browse --data-urlencode "xsrf=$(field xsrf "$page")" --data-urlencode "user_code=$1" "$ISSUER/device"
}

product_approve()
{
	local page

	page=$(confirm_page "$1") || return 1
	page=$(browse --data-urlencode "xsrf=$(field xsrf "$page")" --data-urlencode "user_code=$1" -d confirm=yes "$ISSUER/device") || return 1
	page=$(browse -d prompt=login --data-urlencode "login=$2.example" -d password=any "$(action "$page")") || return 1
	browse -d prompt=consent "$(action "$page")" | grep -q 'Sign-in Success'
}

product_deny()
{
	local page

	page=$(confirm_page "$1") || return 1
	browse --data-urlencode "xsrf=$(field xsrf "$page")" --data-urlencode "user_code=$1" -d confirm=yes -d abort=yes "$ISSUER/device" >/dev/null
}

# patch PATH OPERATION: one operation of SCIM's (RFC 7644 3.5.2), by an administrator of the directory.
patch()
{
	interop_curl -f -X PATCH -H "Authorization: Bearer $(cat "$LAB/run/admin")" -H 'Content-Type: application/scim+json' --data \
		"{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[$2]}" "$ISSUER/scim/v2/$1" >/dev/null
}

product_offboard()
{
	patch "Users/${1%%@*}" '{"op":"replace","path":"active","value":false}'
}

product_device()
{
	wait_for 10 answer_device "$1.example" "{\"message\": \"$2\", \"yes\": $(test "$3" = yes && echo true || echo false)}"
}

answer_device()
{
	interop_curl -f -H "Authorization: Bearer $(cat "$LAB/run/admin")" -H 'Content-Type: application/json' --data "$2" "$ISSUER/device-of/$1"
}

product_registration_token()
{
	cat "$LAB/run/registration-token"
}

product_wants()
{
	printf '%s\n' 'scope=openid organization' "resource=https://$1.hosts.example"
}

# again SIGNING-KEY: it comes back, with what the directory's file holds now.
again()
{
	kill -KILL "$PRODUCT_PID"
	product_start "$1"
	wait_for 20 host_ready web7
}

rotate()
{
	openssl genrsa -out "$LAB/run/sign.2.key" 2048 2>/dev/null
	again "$LAB/run/sign.2.key"
}

check_groups()
{
	check group "dave is not in dba@acme: $(host_exec web7 id dave@acme)" wait_for 20 in_group web7 dave@acme dba@acme
	patch Groups/dba '{"op":"add","path":"members","value":[{"value":"frank"}]}' || die "frank cannot be added to the group"
	check group-joined "frank is not in dba@acme: $(host_exec web7 id frank@acme)" wait_for 20 in_group web7 frank@acme dba@acme
	patch Groups/dba '{"op":"remove","path":"members[value eq \"frank\"]"}' || die "frank cannot be taken out of the group"
	check group-left "frank is in dba@acme still" wait_for 20 not_in_group web7 frank@acme dba@acme
	check group-left-others "dave is out of it too" in_group web7 dave@acme dba@acme
}

not_in_group()
{
	host_exec "$1" getent passwd "$2" && ! in_group "$@"
}

# More people than a page holds: the host asks for 500.
check_paging()
{
	for i in $(seq 600); do person "crowd$i" "crowd$i@globex.example" 9d01f2; done | jq -s . >"$LAB/run/crowd.json"
	jq --slurpfile crowd "$LAB/run/crowd.json" '.people += $crowd[0]' "$LAB/run/directory.json" >"$LAB/run/directory.new" &&
		mv "$LAB/run/directory.new" "$LAB/run/directory.json"
	again "$LAB/run/sign.2.key"
	check paged-people "not all are known: $(host_exec web7 b2bctl --json users globex | jq length)" wait_for 60 host_exec web7 getent passwd crowd600@globex
	check paged-asked "no second page was asked for" grep -q 'Users?startIndex=501' "$LAB/log/oidc-provider"
	check paged-others "alice is back: $(host_exec web7 getent passwd alice@acme)" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd alice@acme)"
}

lab_start
interop_identity || die "no keys"
openssl rand -hex 16 >"$LAB/run/admin"
openssl genrsa -out "$LAB/run/sign.key" 2048 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$LAB/run/sign.ec.key" 2>/dev/null
{ person alice alice@acme.example 42c3e9; person dave dave@acme.example 42c3e9; person erin erin@globex.example 9d01f2
	person frank frank@acme.example 42c3e9; person gina gina@acme.example 42c3e9; } |
	jq -s '{people: ., groups: [{id: "dba", displayName: "dba", meta: {}, members: [{value: "dave"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:Group": {organization: "42c3e9"}}]}' >"$LAB/run/directory.json"
product_start "$LAB/run/sign.key"
host_start web7
interop_checks
check_groups
HOST_METHODS=ciba interop_refreshing_host db3
interop_ciba db3 frank frank@acme gina@acme
ciba_login dave dave@acme db3 || die "dave cannot log in: $(tail -n 5 "${SESSION_OUT[dave]}")"
interop_reverify db3 frank frank@acme dave
HOST_METHODS='token device' host_start app5
interop_token token-signed signer app5 gina@acme dave@acme
interop_token token-reference porter app5 gina@acme dave@acme
interop_enroll ops9 gina@acme private_key_jwt client_secret_basic self_signed_tls_client_auth
interop_rotation rotate
check_paging
skip signals "oidc-provider sends no Shared Signals: signals = none, a revocation takes a pass over the directory"
finish
