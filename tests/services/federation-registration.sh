# Registration (sourced by test_federation.sh): RFC 7591 with an initial access token, RFC 7592 afterwards.

# register METADATA [TOKEN]
register() { call POST /register -H "Authorization: Bearer ${2:-enrol-me}" -H 'Content-Type: application/json' -d "$1"; }
# registered METHOD [curl options]: at the address that the registration named
registered() { call "$1" "/register/$CLIENT" -H "Authorization: Bearer $TOKEN" "${@:2}"; }

HOST_METADATA=$(jq -nc --argjson jwk "$(public_jwk web8)" '{client_name: "db9", token_endpoint_auth_method: "private_key_jwt",
	grant_types: ["client_credentials"], response_types: [], redirect_uris: [], jwks: {keys: [$jwk]}}')
register "$HOST_METADATA" wrong
check_refused 'registration without the initial token' 401 invalid_token
register "$(jq -c '.redirect_uris = ["https://a.example"]' <<<"$HOST_METADATA")"
check_refused 'registration with a redirect' 400 invalid_client_metadata
register "$(jq -c '.token_endpoint_auth_method = "none"' <<<"$HOST_METADATA")"
check_refused 'registration of a public client' 400 invalid_client_metadata
register "$(jq -c '.jwks.keys[0].d = "AAAA"' <<<"$HOST_METADATA")"
check_refused 'registration of a private key' 400 invalid_client_metadata
register "$HOST_METADATA"
check_jq 'registration' "$BODY" '.client_id and .registration_access_token and (.registration_client_uri | startswith($url))'
CLIENT=$(jq -r .client_id <<<"$BODY") TOKEN=$(text_of registration_access_token)
assert_client "$CLIENT" . web8
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_jq 'registered host gets a token' "$BODY" .access_token
registered GET
check_jq 'registration can be read' "$BODY" '.client_name == "db9"'
registered PUT -H 'Content-Type: application/json' -d "$(jq -c '.client_id = "web7"' <<<"$HOST_METADATA")"
check_refused 'update of another client' 400 invalid_client_metadata
registered PUT -H 'Content-Type: application/json' -d "$(jq -c --arg id "$CLIENT" --argjson jwk "$(public_jwk web9)" '.client_id = $id | .jwks.keys += [$jwk]' <<<"$HOST_METADATA")"
check_jq 'update adds a key' "$BODY" '.jwks.keys | length == 2'
OLD_TOKEN=$TOKEN TOKEN=$(text_of registration_access_token)
for key in web8 web9; do
	assert_client "$CLIENT" . $key
	post_form /token grant_type=client_credentials "${ASSERTION[@]}"
	check_jq "both keys count: $key" "$BODY" .access_token
done
call GET "/register/$CLIENT" -H "Authorization: Bearer $OLD_TOKEN"
check_refused 'former registration token' 401 invalid_token
stop_service
start_service
registered GET
check_jq 'registration outlives a restart' "$BODY" '.jwks.keys | length == 2'
registered DELETE
check 'registration deleted' test "$STATUS" = 204
assert_client "$CLIENT" . web8
post_form /token grant_type=client_credentials "${ASSERTION[@]}"
check_refused 'deleted client' 401 invalid_client
