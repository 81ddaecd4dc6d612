#!/usr/bin/env bash
# Keycloak with organisations: log-ins by device grant and CIBA, the directory by its admin API.
# README.md, "Keycloak", says what is set here as an administrator would.
product_prepare()
{
	interop_needs keycloak python3 python3
	interop_maven keycloak org.keycloak:keycloak-quarkus-dist:26.7.3:zip bin/kc.sh build --db=dev-mem --features=organization,device-flow,ciba
}
. "$(dirname "$0")/lib.sh"

KEYCLOAK=$ISSUER
CHANNEL_PORT=8090
HOST_STALENESS=30s # a pass is a dozen questions, and they take long on a busy machine
HOST_FEDERATION="directory = keycloak
signals = none
sync_interval = 2s
api_scope = roles"
PRODUCT_SECONDS=600

product_start()
{
	mkdir -p "$LAB/run/channel"
	python3 "$PRODUCTS/keycloak/channel.py" "$LAB/run/channel" "$CHANNEL_PORT" >"$LAB/log/channel" 2>&1 </dev/null &
	disown
	ISSUER=$KEYCLOAK/realms/master
	export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD
	KC_BOOTSTRAP_ADMIN_PASSWORD=$(cat "$LAB/run/admin")
	JAVA_OPTS_APPEND="-Xmx640m -XX:TieredStopAtLevel=1" interop_serve keycloak "$PRODUCTS/keycloak/dist/bin/kc.sh" start --optimized \
		--cache=local --hostname="$KEYCLOAK" --http-host="$SERVICE_ADDRESS" --https-port=443 \
		--https-certificate-file="$LAB/run/tls.pem" --https-certificate-key-file="$LAB/run/tls.key" \
		--spi-ciba-auth-channel--ciba-http-auth-channel--http-authentication-channel-uri="http://127.0.0.1:$CHANNEL_PORT/"
	ISSUER=$KEYCLOAK/realms/partners
}

# api METHOD PATH [CURL ARGUMENT…]: Keycloak's admin API. Making a realm takes long on a busy machine.
api()
{
	local method=$1 path=$2 token

	shift 2
	token=$(interop_curl -f -m 300 -d grant_type=password -d client_id=admin-cli -d username=admin --data-urlencode "password@$LAB/run/admin" \
		"$KEYCLOAK/realms/master/protocol/openid-connect/token" | jq -r .access_token) || return 1
	interop_curl -f -m 300 -X "$method" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$KEYCLOAK/admin/realms$path" "$@"
}

# admin METHOD PATH [CURL ARGUMENT…]: of the realm partners; PATH "" is the realm itself.
admin()
{
	api "$1" "/partners$2" "${@:3}"
}

# change PATH FILTER: read what is at PATH, change it by the jq FILTER, write it back.
change()
{
	admin PUT "$1" --data "$(admin GET "$1" | jq "$2")"
}

realm()
{
	api POST '' --data '{"realm": "partners", "enabled": true, "organizationsEnabled": true, "oauth2DevicePollingInterval": 1,
		"attributes": {"cibaInterval": "1"}}' &&
		change /users/profile '.unmanagedAttributePolicy = "ADMIN_EDIT"' >/dev/null
}

# organisation ALIAS: prints its id.
organisation()
{
	admin POST /organizations --data "$(jq -n --arg alias "$1" '{name: $alias, alias: $alias, enabled: true, domains: [{name: "\($alias).example", verified: true}]}')" &&
		admin GET "/organizations?search=$1&exact=true" | jq -r '.[0].id'
}

# person NAME ORGANISATION-ID: who has the password "any"; prints the id.
person()
{
	local id

	admin POST /users --data "$(jq -n --arg name "$1" '{username: $name, email: "\($name).example", emailVerified: true, enabled: true, firstName: $name,
		lastName: "Example", credentials: [{type: "password", value: "any", temporary: false}]}')" || return 1
	id=$(admin GET "/users?username=$1&exact=true" | jq -r '.[0].id')
	admin POST "/organizations/$2/members" --data "$id" && echo "$id"
}

# The scope organization tells the id as well: without it the claim holds aliases, which can pass to another organisation.
organisation_claim()
{
	local scope mapper

	scope=$(admin GET /client-scopes | jq -r '.[] | select(.name == "organization").id')
	mapper=$(admin GET "/client-scopes/$scope/protocol-mappers/models" | jq -r '.[] | select(.protocolMapper == "oidc-organization-membership-mapper").id')
	change "/client-scopes/$scope/protocol-mappers/models/$mapper" '.config += {addOrganizationId: "true", "jsonType.label": "JSON"}'
}

# client NAME: a host, with the least that it needs.
client()
{
	local id account management roles

	admin POST /clients --data "$(jq -n --arg name "$1" --arg jwks "$(jq -cn --argjson key "$(interop_jwk)" '{keys: [$key]}')" '{clientId: $name, enabled: true,
		publicClient: false, clientAuthenticatorType: "client-jwt", serviceAccountsEnabled: true, standardFlowEnabled: false, directAccessGrantsEnabled: false,
		fullScopeAllowed: false, attributes: {"oauth2.device.authorization.grant.enabled": "true", "oidc.ciba.grant.enabled": "true",
		"use.jwks.string": "true", "jwks.string": $jwks, "token.endpoint.auth.signing.alg": "ES256"}}')" || return 1
	id=$(admin GET "/clients?clientId=$1" | jq -r '.[0].id')
	account=$(admin GET "/clients/$id/service-account-user" | jq -r .id)
	management=$(admin GET '/clients?clientId=realm-management' | jq -r '.[0].id')
	roles=$(admin GET "/clients/$management/roles" | jq -c '[.[] | select(.name == "view-organizations" or .name == "view-users")]')
	admin POST "/users/$account/role-mappings/clients/$management" --data "$roles" &&
		admin POST "/clients/$id/scope-mappings/clients/$management" --data "$roles"
}

# What a browser does: the page of the code, those of the name and the password, the one that asks for consent.
browse()
{
	interop_curl -L -b "$LAB/run/jar" -c "$LAB/run/jar" "$@"
}

# Where the page's form leads; relative to the service, or whole.
action()
{
	local url

	url=$(grep -o '<form[^>]*action="[^"]*"' <<<"$1" | sed 's/.*action="//; s/"$//; s/&amp;/\&/g' | head -n 1)
	case $url in /*) url=$KEYCLOAK$url ;; esac
	echo "$url"
}

hidden()
{
	sed -n 's/.*type="hidden" name="'"$1"'" value="\([^"]*\)".*/\1/p' <<<"$2" | head -n 1
}

# answer CODE PERSON BUTTON: on the page that asks whether this host may.
answer()
{
	local page

	rm -f "$LAB/run/jar"
	page=$(browse "$ISSUER/device?user_code=$1") &&
		page=$(browse --data-urlencode "username=$2" "$(action "$page")") &&
		page=$(browse -d password=any -d credentialId= "$(action "$page")") &&
		browse --data-urlencode "code=$(hidden code "$page")" -d "$3" "$(action "$page")"
}

product_approve()
{
	answer "$1" "$2" accept= | grep -q 'Device Login Successful'
}

product_deny()
{
	answer "$1" "$2" cancel= >/dev/null
}

product_offboard()
{
	change "/users/${ID[$1]}" '.enabled = false'
}

# A key with a higher priority than those of before, as an administrator rotates them.
rotate()
{
	admin POST /components --data '{"name": "rotated", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
		"config": {"priority": ["500"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"], "keySize": ["2048"]}}'
}

# Out of the organisation, but still a user of the realm.
leave()
{
	admin DELETE "/organizations/$HOST_ACME_ID/members/${ID[$1]}"
}

# The request that reached the approval device of PERSON with MESSAGE: prints its authorization.
channel_authorization()
{
	jq -r --arg message "$2" --arg person "$1" 'select(.request.binding_message == $message and .request.login_hint == $person).authorization' \
		"$LAB"/run/channel/*.json 2>/dev/null | grep .
}

# channel_answer PERSON MESSAGE SUCCEED|CANCELLED: on the approval device.
channel_answer()
{
	wait_for 10 channel_authorization "$1" "$2" || return 1
	interop_curl -f -H "Authorization: $(channel_authorization "$1" "$2")" -H 'Content-Type: application/json' \
		--data "{\"status\": \"$3\"}" "$ISSUER/protocol/openid-connect/ext/ciba/auth/callback" >/dev/null
}

check_groups()
{
	local group

	admin POST "/organizations/$HOST_ACME_ID/groups" --data '{"name": "dba"}' >/dev/null &&
		group=$(admin GET "/organizations/$HOST_ACME_ID/groups" | jq -r '.[0].id') &&
		admin PUT "/organizations/$HOST_ACME_ID/groups/$group/members/${ID[dave@acme]}" || die "no group"
	check group "dave is not in dba@acme: $(host_exec web7 id dave@acme)" wait_for 20 in_group web7 dave@acme dba@acme
}

in_group()
{
	host_exec "$1" id -Gn "$2" | tr ' ' '\n' | grep -qx "$3"
}

# ciba_login ID PERSON: a session on db3, approved on the device; true when a shell answers.
ciba_login()
{
	session_start "$1" "$2" db3
	channel_answer "$2" "$(session_message "$1")" SUCCEED || return 1
	session_type "$1" ''
	session_type "$1" "PS1='\$ '; echo shell-'is'-up"
	session_shows "$1" '^shell-is-up' 15
}

check_ciba()
{
	local message

	HOST_METHODS=ciba interop_refreshing_host db3
	ciba_login c1 dave@acme && ok ciba-login || FAIL ciba-login "no shell: $(tail -n 5 "${SESSION_OUT[c1]}"; host_log db3 b2bd | tail -n 3)"
	session_start c2 frank@acme db3
	message=$(session_message c2)
	channel_answer frank@acme "$message" CANCELLED
	session_type c2 ''
	check ciba-denied "denied on the device: $(tail -n 5 "${SESSION_OUT[c2]}")" session_shows c2 'denied|Permission denied'
	check ciba-denied-logged "not in the log" wait_for 5 denied_by_ciba frank@acme
}

denied_by_ciba()
{
	host_log db3 b2bd | grep -qE "event=auth .*user=$1 reason=auth-denied .*method=ciba"
}

# On web7 the directory tells, on db3 the service, whose ID token names the organisation no more.
check_leave()
{
	leave dave@acme || die "dave cannot be taken out of the organisation"
	check left-ended "dave's session runs on" wait_for 40 session_over r1
	check left-told "dave did not read why" session_shows r1 '[*]{3} Your access has ended' 2
	check left-closed "he still has a shell" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd dave@acme)"
	check left-reverified "dave's session on db3 runs on: $(interop_status db3 .verification)" wait_for 30 session_over c1
	check left-others "erin's session ended too" test "$(session_run e1 'echo on-$((6*7))')" = on-42
}

declare -A ID
lab_start
interop_identity || die "no keys"
openssl rand -hex 16 | tr -d '\n' >"$LAB/run/admin"
product_start
realm && organisation_claim || die "the realm cannot be made"
HOST_ACME_ID=$(organisation acme) && HOST_GLOBEX_ID=$(organisation globex) || die "no organisations"
for name in alice@acme dave@acme frank@acme gina@acme; do ID[$name]=$(person "$name" "$HOST_ACME_ID") || die "no $name"; done
ID[erin@globex]=$(person erin@globex "$HOST_GLOBEX_ID") || die "no erin"
client web7 && client db3 || die "no clients"
host_start web7
interop_checks
check_groups
interop_rotation rotate
check_ciba
ciba_login c3 gina@acme || die "gina cannot log in: $(tail -n 5 "${SESSION_OUT[c3]}"; host_log db3 b2bd | tail -n 3)"
interop_reverify db3 c3 gina@acme c1
check_leave
skip signals "the release signals session-revoked and credential-change alone, and neither of who is disabled: signals = none, a revocation takes a pass"
skip scim "the SCIM of this release is the realm's and knows no organisations: directory = keycloak is read instead"
finish
