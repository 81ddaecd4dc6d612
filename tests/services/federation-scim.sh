# SCIM 2.0, a part of test_federation.sh (sourced).

# scim METHOD PATH [curl options], with the token of db1 (reads) or, where WRITER is set, of the client that may write.
scim() { call "$1" "/scim/v2$2" -H "Authorization: Bearer ${WRITER:-$DB1}" "${@:3}"; }
# filter TYPE FILTER: sets BODY to the list.
filter() { scim GET "/$1" -G --data-urlencode "filter=$2"; }
CAROL=24d9e09b-63b6-53ee-963b-d26953fbaaaa

get /scim/v2/Users
check 'scim without a token' test "$STATUS" = 401
post_form /token grant_type=client_credentials scope=ssf -u "$BASIC"
call GET /scim/v2/Users -H "Authorization: Bearer $(text_of access_token)"
check 'scim without its scope' test "$STATUS" = 403
for document in ServiceProviderConfig Schemas ResourceTypes; do
	scim GET "/$document"
	check_jq "scim $document" "$BODY" '.schemas | length == 1'
done
scim GET /Organizations
check_jq 'organisations' "$BODY" '[.Resources[] | select(.parent == "42c3e9") | .alias] | sort == ["apac.acme", "emea.acme"]'
check_jq 'organisations: total' "$BODY" '.totalResults == 5 and .itemsPerPage == 5 and all(.Resources[]; .state == "active")'
scim GET "/Users/$ALICE"
check_jq 'person' "$BODY" '.userName == "alice@acme.example" and .active and .["'$SCIM_USER'"].organizationId == "42c3e9"
	and .["'$SCIM_USER'"].localName == "alice" and .["'$SCIM_USER'"].kind == "person" and ([.roles[].value] | sort == ["dba", "operator"])
	and (.groups | length == 2) and (.meta.version | startswith("W/"))'
scim GET "/Users/$ALICE" -H "If-None-Match: $(jq -r .meta.version <<<"$BODY")"
check 'not modified' test "$STATUS" = 304
scim GET /Users/nobody
check_jq 'missing person' "$BODY" '.status == "404" and .schemas == ["urn:ietf:params:scim:api:messages:2.0:Error"]'
SEEN=
for start in 1 4 7 10; do
	scim GET "/Users?startIndex=$start&count=3"
	SEEN+=" $(jq -r '.Resources[].id' <<<"$BODY" | tr '\n' ' ')"
done
check 'pages cover everybody once, sorted' test "$(tr ' ' '\n' <<<"$SEEN" | grep . | sort | uniq | wc -l)" = 10
check 'pages are in order' test "$(tr ' ' '\n' <<<"$SEEN" | grep .)" = "$(tr ' ' '\n' <<<"$SEEN" | grep . | LC_ALL=C sort)"
scim GET '/Users?startIndex=100&count=3'
check_jq 'past the end' "$BODY" '.totalResults == 10 and .itemsPerPage == 0 and .Resources == []'
scim GET '/Users?count=0'
check_jq 'count 0' "$BODY" '.totalResults == 10 and .Resources == []'
scim GET '/Users?count=many'
check 'count that is no number' test "$STATUS" = 400

SEEN=
CURSOR=
while :; do
	scim GET "/Users?cursor=$CURSOR&count=4"
	SEEN+=" $(jq -r '.Resources[].id' <<<"$BODY" | tr '\n' ' ')"
	CURSOR=$(jq -r '.nextCursor // ""' <<<"$BODY")
	test -n "$CURSOR" || break
	LATEST=$CURSOR
done
check 'pages by cursor cover everybody once, in order' test "$(tr ' ' '\n' <<<"$SEEN" | grep .)" = "$(tr ' ' '\n' <<<"$SEEN" | grep . | LC_ALL=C sort -u)"
check 'pages by cursor: all of them' test "$(tr ' ' '\n' <<<"$SEEN" | grep -c .)" = 10
scim GET "/Users?cursor=1.${LATEST#*.}"
check_jq 'an old cursor' "$BODY" '.status == "400" and .scimType == "expiredCursor"'
scim GET '/Users?cursor=x'
check_jq 'no cursor of its' "$BODY" '.status == "400" and .scimType == "invalidCursor"'
scim GET /ServiceProviderConfig
check_jq 'cursors are not announced unasked' "$BODY" '.pagination == null and .filter.supported'

one() { filter "$1" "$2"; check_jq "filter: $2" "$BODY" "([.Resources[] | $3] | sort) == $4"; }
one Users 'userName eq "ALICE@acme.example"' .userName '["alice@acme.example"]'
one Users "id eq \"$ALICE\"" .userName '["alice@acme.example"]'
one Users "$SCIM_USER:organizationId eq \"42c3e9\" and $SCIM_USER:localName eq \"carol\"" .displayName '["Carol Cole"]'
one Users 'roles.value eq "dba" and not (userName sw "alice")' .userName '["trent@initech.example"]'
one Users "$SCIM_USER:kind eq \"service\" or userName co \"heidi\" or emails ew \"@nowhere\"" '.displayName' '["Deployment of Acme","Heidi Hara"]'
one Users 'active eq false' .id '[]'
one Users "$SCIM_USER:owner pr" .displayName '["Deployment of Acme"]'
one Users 'displayName co "%"' .id '[]'
one Organizations 'alias eq "globex"' .id '["9d01f2"]'
one Groups 'urn:b2b:scim:schemas:2.0:Group:localName eq "ops"' .displayName '["Operations of Globex"]'
for bad in 'userName' 'userName eq' 'userName eq "a' 'nothing eq "a"' '(userName eq "a"' 'userName eq "a" or' 'active eq "yes"' \
	'meta.lastModified gt "yesterday"' "userName eq \"a\" ; DROP TABLE people" "userName eq 'a'" ''; do
	filter Users "$bad"
	check_jq "filter refused: $bad" "$BODY" '.status == "400" and .scimType == "invalidFilter"'
done
filter Users "$(printf '(%.0s' $(seq 500))"
check 'filter too deep' test "$STATUS" = 400

# --- writing ---
scim POST /Users -d '{}'
check 'writing wants its scope' test "$STATUS" = 403
post_form /token grant_type=client_credentials scope='directory directory.write' client_id=admin client_secret=writer
WRITER=$(text_of access_token)
scim GET '/Users?count=1000'
LAST=$(jq -r '[.Resources[].meta.lastModified] | max' <<<"$BODY")
scim POST /Users -d '{"displayName":"Nina <b>New</b>","roles":[{"value":"operator"}],
	"'$SCIM_USER'":{"organizationId":"42c3e9","localName":"nina","notAfter":"2099-01-01T00:00:00Z"}}'
check_jq 'create' "$BODY" '.id and .active and .["'$SCIM_USER'"].state == "active" and .["'$SCIM_USER'"].notAfter == "2099-01-01T00:00:00.000Z"'
check 'created is 201 with a location' grep -qi '^location: .*/scim/v2/Users/' "$DIR/headers"
NINA=$(jq -r .id <<<"$BODY")
one Users "meta.lastModified gt \"$LAST\"" .id "[\"$NINA\"]"
scim POST /Users -d '{"'$SCIM_USER'":{"organizationId":"42c3e9","localName":"nina"}}'
check_jq 'name taken' "$BODY" '.status == "409" and .scimType == "uniqueness"'
scim POST /Users -d '{"'$SCIM_USER'":{"organizationId":"42c3e9","localName":"dba"}}'
check 'name of a group is taken' test "$STATUS" = 409
scim POST /Users -d '{"'$SCIM_USER'":{"organizationId":"42c3e9","localName":"Bad Name"}}'
check 'bad name' test "$STATUS" = 400
scim POST /Users -d '{"'$SCIM_USER'":{"organizationId":"nowhere","localName":"nina"}}'
check 'unknown organisation' test "$STATUS" = 404
scim PATCH "/Users/$NINA" -d '{"Operations":[{"op":"replace","path":"displayName","value":"Nina N."},
	{"op":"add","path":"roles","value":[{"value":"dba"}]},{"op":"replace","path":"'$SCIM_USER':loginShell","value":"/bin/zsh"}]}'
check_jq 'patch' "$BODY" '.displayName == "Nina N." and ([.roles[].value] == ["operator", "dba"]) and .["'$SCIM_USER'"].loginShell == "/bin/zsh"'
scim PATCH "/Users/$NINA" -d '{"Operations":[{"op":"remove","path":"roles[value eq \"operator\"]"},{"op":"replace","value":{"active":false}}]}'
check_jq 'patch: remove a value, suspend' "$BODY" '([.roles[].value] == ["dba"]) and .active == false and .["'$SCIM_USER'"].state == "suspended"'
scim PATCH "/Users/$NINA" -d '{"Operations":[{"op":"explode"}]}'
check 'patch: nonsense' test "$STATUS" = 400
scim PUT "/Users/$NINA" -H 'If-Match: W/"1"' -d '{}'
check 'stale version' test "$STATUS" = 412
scim PUT "/Users/$NINA" -d '{"displayName":"Nina","active":true}'
check_jq 'put' "$BODY" '.displayName == "Nina" and .active and .roles == []'
scim PUT "/Users/$NINA" -d '{"'$SCIM_USER'":{"organizationId":"9d01f2"}}'
check_jq 'people do not change organisations' "$BODY" '.scimType == "mutability"'
scim POST /Groups -d '{"displayName":"Temporary","members":[{"value":"'$NINA'"}],"urn:b2b:scim:schemas:2.0:Group":{"organizationId":"42c3e9","localName":"temp"}}'
check_jq 'create a group' "$BODY" '[.members[].value] == ["'$NINA'"]'
GROUP=$(jq -r .id <<<"$BODY")
scim PATCH "/Groups/$GROUP" -d '{"Operations":[{"op":"add","path":"members","value":[{"value":"'$ALICE'"}]},{"op":"remove","path":"members[value eq \"'$NINA'\"]"}]}'
check_jq 'change members' "$BODY" '[.members[].value] == ["'$ALICE'"]'
scim POST /Groups -d '{"members":[{"value":"'$ALICE'"}],"urn:b2b:scim:schemas:2.0:Group":{"organizationId":"9d01f2","localName":"temp"}}'
check 'no members from another organisation' test "$STATUS" = 400
scim DELETE "/Groups/$GROUP"
check 'delete a group' test "$STATUS" = 204
scim DELETE "/Users/$NINA"
check 'delete a person' test "$STATUS" = 204
scim GET "/Users/$NINA"
check_jq 'who was removed stays listed' "$BODY" '.active == false and .["'$SCIM_USER'"].state == "removed"'
scim PATCH "/Users/$NINA" -d '{"Operations":[{"op":"replace","path":"active","value":true}]}'
check 'removed is for good' test "$STATUS" = 400
scim POST /Organizations -d '{"id":"ignored","alias":"newco","displayName":"New Company"}'
check_jq 'create an organisation' "$BODY" '.alias == "newco" and .state == "active"'
NEWCO=$(jq -r .id <<<"$BODY")
scim DELETE "/Organizations/$NEWCO"
scim GET "/Organizations/$NEWCO"
check_jq 'an organisation ends' "$BODY" '.state == "ended"'
WRITER=
