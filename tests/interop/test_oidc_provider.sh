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
		--arg signing "$1" '{issuer: $issuer, address: $address, cert: "\($run)/tls.pem", key: "\($run)/tls.key", clientKey: "\($run)/client.pub",
			signingKeys: [$signing], directory: "\($run)/directory.json", adminToken: $admin}' >"$LAB/run/settings.json"
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

product_offboard()
{
	interop_curl -f -X PATCH -H "Authorization: Bearer $(cat "$LAB/run/admin")" -H 'Content-Type: application/scim+json' --data \
		'{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}' \
		"$ISSUER/scim/v2/Users/${1%%@*}" >/dev/null
}

rotate()
{
	kill -KILL "$PRODUCT_PID"
	openssl genrsa -out "$LAB/run/sign.2.key" 2048 2>/dev/null
	product_start "$LAB/run/sign.2.key"
	wait_for 20 host_ready web7
}

lab_start
interop_identity || die "no keys"
openssl rand -hex 16 >"$LAB/run/admin"
openssl genrsa -out "$LAB/run/sign.key" 2048 2>/dev/null
{ person alice alice@acme.example 42c3e9; person dave dave@acme.example 42c3e9; person erin erin@globex.example 9d01f2
	person frank frank@acme.example 42c3e9; } |
	jq -s . >"$LAB/run/directory.json"
product_start "$LAB/run/sign.key"
host_start web7
interop_checks
interop_refreshing_host db3
for name in frank dave; do session_approved "$name" $name@acme $name@acme db3 || die "$name cannot log in: $(tail -n 5 "${SESSION_OUT[$name]}")"; done
interop_reverify db3 frank frank@acme dave
interop_rotation rotate
skip signals "oidc-provider sends no Shared Signals: signals = none, a revocation takes a pass over the directory"
finish
