# Keycloak as its administrator sets it up, by the admin API; what each does, and why, README.md says. Sourced by test_keycloak.sh.

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

# organizationId is for SCIM, which shows what the profile declares with this annotation, and nothing of the organisations themselves.
realm()
{
	api POST '' --data '{"realm": "partners", "enabled": true, "organizationsEnabled": true, "oauth2DevicePollingInterval": 1, "scimApiEnabled": true,
		"attributes": {"cibaInterval": "1", "ssf.transmitterEnabled": "true"}}' &&
		change /users/profile '.unmanagedAttributePolicy = "ADMIN_EDIT" | .attributes += [{name: "organizationId", permissions: {view: ["admin"], edit: ["admin"]},
			annotations: {"kc.scim.schema.attribute": "urn:b2b:scim:schemas:2.0:User:organizationId"}}]' >/dev/null
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

	admin POST /users --data "$(jq -n --arg name "$1" --arg organisation "$2" '{username: $name, email: "\($name).example", emailVerified: true, enabled: true,
		firstName: $name, lastName: "Example", attributes: {organizationId: [$organisation]}, credentials: [{type: "password", value: "any", temporary: false}]}')" ||
		return 1
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

# client NAME ROLE…: a host, with the roles of realm-management that it needs to read the directory, and no others.
client()
{
	admin POST /clients --data "$(jq -n --arg name "$1" --arg jwks "$(jq -cn --argjson key "$(interop_jwk)" '{keys: [$key]}')" '{clientId: $name, enabled: true,
		publicClient: false, clientAuthenticatorType: "client-jwt", serviceAccountsEnabled: true, standardFlowEnabled: false, directAccessGrantsEnabled: false,
		fullScopeAllowed: false, attributes: {"oauth2.device.authorization.grant.enabled": "true", "oidc.ciba.grant.enabled": "true",
		"use.jwks.string": "true", "jwks.string": $jwks, "token.endpoint.auth.signing.alg": "ES256"}}')" && admit "$@"
}

# admit CLIENT ROLE…: its service account gets those roles of realm-management; dismiss takes them away.
admit() { roles POST "$@"; }
dismiss() { roles DELETE "$@"; }

# roles POST|DELETE CLIENT ROLE…
roles()
{
	local method=$1 id account management roles

	id=$(client_id "$2")
	account=$(admin GET "/clients/$id/service-account-user" | jq -r .id)
	management=$(client_id realm-management)
	roles=$(admin GET "/clients/$management/roles" | jq -c '[.[] | select(.name | IN($ARGS.positional[]))]' --args "${@:3}")
	admin "$method" "/users/$account/role-mappings/clients/$management" --data "$roles" &&
		admin "$method" "/clients/$id/scope-mappings/clients/$management" --data "$roles"
}

# attributes PERSON JSON: an administrator adds these to the person's attributes.
attributes()
{
	change "/users/${ID[$1]}" ".attributes += $2"
}

# automation CLIENT HOST…: what gets tokens for people's automation, each for one HOST: a scope for-HOST adds the audience. They are those
# of RFC 9068, and short enough for ssh when signed with ES256.
automation()
{
	local client=$1 host

	for host in "${@:2}"; do
		admin POST /client-scopes --data "$(jq -n --arg host "$host" '{name: "for-\($host)", protocol: "openid-connect", protocolMappers: [{name: "host",
			protocol: "openid-connect", protocolMapper: "oidc-audience-mapper", config: {"included.custom.audience": $host, "access.token.claim": "true"}}]}')" || return 1
	done
	admin POST /clients --data "$(jq -n --arg name "$client" --rawfile secret "$LAB/run/client-secret" '{clientId: $name, enabled: true, publicClient: false,
		secret: $secret, standardFlowEnabled: false, directAccessGrantsEnabled: false, fullScopeAllowed: false, defaultClientScopes: ["basic"],
		optionalClientScopes: (["organization"] + ($ARGS.positional | map("for-" + .))), attributes: {"oauth2.device.authorization.grant.enabled": "true",
		"access.token.header.type.rfc9068": "true", "access.token.signed.response.alg": "ES256"}, protocolMappers: [{name: "client_id",
		protocol: "openid-connect", protocolMapper: "oidc-hardcoded-claim-mapper", config: {"claim.name": "client_id", "claim.value": $name,
		"jsonType.label": "String", "access.token.claim": "true", "id.token.claim": "false", "userinfo.token.claim": "false"}}]}' --args "${@:2}")"
}

# Hosts that register themselves ask for these scopes, and the realm's policy has to allow them.
registration_policy()
{
	local id

	id=$(admin GET "/components?type=org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy" |
		jq -r '.[] | select(.providerId == "allowed-client-templates" and .subType == "authenticated").id')
	change "/components/$id" '.config."allowed-client-scopes" = ["openid", "organization", "roles"]'
}

client_id()
{
	admin GET "/clients?clientId=$1" | jq -r '.[0].id'
}

# client_scope NAME SCOPE…: which that host may ask for.
client_scope()
{
	local id scope

	id=$(client_id "$1")
	for scope in "${@:2}"; do
		scope=$(admin GET /client-scopes | jq -r --arg name "$scope" '.[] | select(.name == $name).id')
		admin PUT "/clients/$id/optional-client-scopes/$scope" || return 1
	done
}

# receiver NAME: that host may have a stream of signals, whose events are addressed to it.
receiver()
{
	change "/clients/$(client_id "$1")" '.attributes += {"ssf.enabled": "true", "ssf.streamAudience": .clientId, "ssf.allowedDeliveryMethods": "poll"}' &&
		client_scope "$1" ssf.read ssf.manage
}

# The scope scim, without which a token is not for the SCIM API.
scim_scope()
{
	admin POST /client-scopes --data "$(jq -n --arg url "$ISSUER/scim/v2" '{name: "scim", protocol: "openid-connect", protocolMappers: [{name: "scim",
		protocol: "openid-connect", protocolMapper: "oidc-audience-mapper", config: {"included.custom.audience": $url, "access.token.claim": "true"}}]}')"
}
