#!/usr/bin/env bash
# Whom a signed event is about, by every kind of subject, through a real agent on a real host: who is named is ended, all others
# live on.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7

CAEP=https://schemas.openid.net/secevent/caep/event-type
RISC=https://schemas.openid.net/secevent/risc/event-type
SCIM=urn:ietf:params:scim:event:prov
WEB=96e894f8-496a-511d-90b9-788e23bcd2b8 # the group web of acme: alice and carol

declare -A PERSON=([a1]=alice@acme [a2]=alice@acme [c1]=carol@acme [d1]=dave@acme [b1]=bob@emea.acme [h1]=heidi@apac.acme [e1]=erin@globex [g1]=grace@globex)
logins=()
for id in "${!PERSON[@]}"; do logins+=("$id ${PERSON[$id]}"); done
sessions_login web7 "${logins[@]}" || die "somebody cannot log in"

status()
{
	host_exec web7 b2bctl --json status
}

# session_of PERSON MEMBER: of the first session that the agent knows of PERSON.
session_of()
{
	host_exec web7 b2bctl --json sessions | jq -er --arg user "$1" "first(.sessions[] | select(.user == \$user)).$2"
}

# sub_of LOCAL: the id that the service's seed gives somebody.
sub_of()
{
	jq -er --arg local "$1" '.people[] | select(.local == $local).id' "$SOURCE/tests/federation/seed.json"
}

arrived()
{
	test "$(status | jq .signals.events)" -gt "$1"
}

living()
{
	local id

	for id in "${!PERSON[@]}"; do session_alive "$id" && echo "$id"; done | sort | tr '\n' ' '
}

lives()
{
	test "$(living)" = "$1"
}

# row NAME TYPE SUBJECT LIVING: who is not among LIVING any more ends, and nobody else, now or soon.
row()
{
	local before

	before=$(status | jq .signals.events)
	control event "type=$2" "sub_id:=$3" >/dev/null || die "the service does not send $1"
	check "$1-arrives" "no event came" wait_for 5 arrived "$before"
	check "$1" "these live: $(living), not these: $4" wait_for 5 lives "$4"
}

complex()
{
	echo "{\"format\":\"complex\",$1}"
}

iss_sub()
{
	echo "{\"format\":\"iss_sub\",\"iss\":\"$ISSUER\",\"sub\":\"$1\"}"
}

acme='"tenant":{"format":"opaque","id":"42c3e9"}'
all='a1 a2 b1 c1 d1 e1 g1 h1 '
check all-in "these live: $(living)" lives "$all"

# About nobody, or nothing that ends.
row device "$CAEP/session-revoked" "$(complex "\"device\":$(iss_sub laptop-7),$acme")" "$all"
row claims-of-a-token "$CAEP/token-claims-change" "{\"format\":\"jwt_id\",\"iss\":\"$ISSUER\",\"jti\":\"$(session_of erin@globex jti)\"}" "$all"
row another-organisation "$CAEP/session-revoked" "$(complex "\"user\":{\"format\":\"email\",\"email\":\"erin@globex.example\"},$acme")" "$all"

# One of two sessions, by the token that opened it; then the other, by its name at the service.
control event "type=$CAEP/session-revoked" "sub_id:={\"format\":\"jwt_id\",\"iss\":\"$ISSUER\",\"jti\":\"$(session_of alice@acme jti)\"}" >/dev/null
one_left()
{
	case $(living) in 'a1 b1 c1 d1 e1 g1 h1 ' | 'a2 b1 c1 d1 e1 g1 h1 ') ;; *) return 1 ;; esac
}
check one-session "these live: $(living)" wait_for 5 one_left
known()
{
	test "$(host_exec web7 b2bctl --json sessions | jq '[.sessions[] | select(.user == "alice@acme")] | length')" = 1
}
check one-session-known "b2bctl lists other sessions" wait_for 5 known
row session-by-sid "$CAEP/session-revoked" "$(complex "\"session\":{\"format\":\"opaque\",\"id\":\"$(session_of alice@acme sid)\"},$acme")" 'b1 c1 d1 e1 g1 h1 '

row mail-address "$CAEP/session-revoked" '{"format":"email","email":"Dave@acme.example"}' 'b1 c1 e1 g1 h1 '
row group "$CAEP/session-revoked" "$(complex "\"group\":{\"format\":\"scim\",\"uri\":\"/Groups/$WEB\"},$acme")" 'b1 e1 g1 h1 '
row unit "$CAEP/session-revoked" "$(complex "\"org_unit\":{\"format\":\"scim\",\"uri\":\"/Organizations/7be10a\"},$acme")" 'e1 g1 h1 '
row scim-deactivate "$SCIM:deactivate" "{\"format\":\"scim\",\"uri\":\"/Users/$(sub_of erin)\"}" 'g1 h1 '
row scim-delete "$SCIM:delete" "{\"format\":\"scim\",\"uri\":\"$ISSUER/scim/v2/Users/$(sub_of grace)\"}" 'h1 '
row aliases "$RISC/account-disabled" "{\"format\":\"aliases\",\"identifiers\":[{\"format\":\"email\",\"email\":\"nobody@acme.example\"},$(iss_sub "$(sub_of heidi)")]}" ''

# Ended is not closed: only what says so closes.
for person in erin@globex grace@globex heidi@apac.acme; do
	check closed-$person "there is a shell" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd $person)"
done
for person in alice@acme carol@acme dave@acme bob@emea.acme; do
	check open-$person "there is no shell" grep -qv nologin <<<"$(host_exec web7 getent passwd $person)"
done
check nothing-refused "$(status | jq -c .signals)" test "$(status | jq .signals.refused)" = 0
check two-unplaced "$(status | jq -c .signals)" test "$(status | jq .signals.unplaced.count)" = 2
check lease-valid "$(status | jq -c .lease)" wait_for 10 host_ready web7
finish
