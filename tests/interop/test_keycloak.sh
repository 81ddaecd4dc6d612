#!/usr/bin/env bash
# Keycloak with organisations: log-ins by device grant and CIBA, the directory by its admin API or SCIM, Shared Signals.
# README.md, "Keycloak", says what is set here as an administrator would.
product_prepare()
{
	interop_needs keycloak python3 python3
	interop_maven keycloak org.keycloak:keycloak-quarkus-dist:26.7.3:zip bin/kc.sh build --db=dev-mem --features=organization,device-flow,ciba,ssf,scim-api
}
. "$(dirname "$0")/lib.sh"
. "$INTEROP/keycloak/realm.sh"

KEYCLOAK=$ISSUER
CHANNEL_PORT=8090
HOST_STALENESS=30s # a pass is a dozen questions, and they take long on a busy machine
HOST_FEDERATION="directory = keycloak
signals = none
sync_interval = 2s
scim_uid_attribute = uidNumber
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

product_device()
{
	wait_for 10 channel_authorization "$1" "$2" || return 1
	interop_curl -f -H "Authorization: $(channel_authorization "$1" "$2")" -H 'Content-Type: application/json' \
		--data "{\"status\": \"$(test "$3" = yes && echo SUCCEED || echo CANCELLED)\"}" \
		"$ISSUER/protocol/openid-connect/ext/ciba/auth/callback" >/dev/null
}

product_registration_token()
{
	admin POST /clients-initial-access --data '{"count": 1, "expiration": 3600}' | jq -r .token
}

product_admit()
{
	admit "$1" view-organizations view-users
}

product_wants()
{
	echo "scope=openid organization for-$1"
}

check_groups()
{
	local group

	admin POST "/organizations/$HOST_ACME_ID/groups" --data '{"name": "dba"}' >/dev/null &&
		group=$(admin GET "/organizations/$HOST_ACME_ID/groups" | jq -r '.[0].id') &&
		admin PUT "/organizations/$HOST_ACME_ID/groups/$group/members/${ID[dave@acme]}" || die "no group"
	check group "dave is not in dba@acme: $(host_exec web7 id dave@acme)" wait_for 20 in_group web7 dave@acme dba@acme
}

made_key()
{
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$LAB/run/attribute.key" && cut -d' ' -f1,2 "$LAB/run/attribute.key.pub"
}

keys_shown()
{
	host_exec web7 setpriv --reuid b2b-keys --regid b2b-keys --clear-groups b2b-keys "$1"
}

keys_are()
{
	test "$(keys_shown "$1")" = "$2"
}

passwd_has()
{
	host_exec web7 getent passwd "$1" | grep -qE "$2"
}

# What the page says is read of a person's attributes, for leo, who goes by another name, and robot, which acts for mia.
give_attributes()
{
	attributes leo@acme "$(jq -n --arg key "$(made_key)" '{localName: ["lion"], uidNumber: ["2013300007"], loginShell: ["/bin/sh"], roles: ["dba"], sshKeys: [$key]}')" &&
		attributes robot@acme "{owner: [\"${ID[mia@acme]}\"]}"
}

check_attributes()
{
	local key

	key=$(cut -d' ' -f1,2 "$LAB/run/attribute.key.pub")
	check attribute-name "no lion: $(host_exec web7 getent passwd leo@acme)" wait_for 30 passwd_has lion@acme ^lion@acme:
	check attribute-name-alone "the username is a name too" test -z "$(host_exec web7 getent passwd leo@acme)"
	check attribute-uid "$(host_exec web7 getent passwd lion@acme)" wait_for 10 passwd_has lion@acme :2013300007:
	check attribute-shell "$(host_exec web7 getent passwd lion@acme)" passwd_has lion@acme ':/bin/sh$'
	check attribute-roles "$(host_exec web7 id lion@acme)" wait_for 10 in_group web7 lion@acme databases
	check attribute-keys "$(keys_shown lion@acme)" wait_for 10 keys_are lion@acme "$key"
	attributes leo@acme '{notAfter: ["2020-01-01T00:00:00Z"]}' || die "leo's time cannot be set"
	check attribute-not-after "$(host_exec web7 getent passwd lion@acme)" wait_for 20 is_closed web7 lion@acme
	attributes leo@acme '{notAfter: ["2120-01-01T00:00:00Z"], notBefore: ["2110-01-01T00:00:00Z"]}' || die "leo's time cannot be set"
	check attribute-not-before "$(host_exec web7 getent passwd lion@acme)" is_closed web7 lion@acme
	attributes leo@acme '{notBefore: ["2020-01-01T00:00:00Z"]}' || die "leo's time cannot be set"
	check attribute-within "$(host_exec web7 getent passwd lion@acme)" wait_for 20 passwd_has lion@acme ':/bin/sh$'
	check attribute-owner-open "$(host_exec web7 getent passwd robot@acme)" passwd_has robot@acme ':/bin/(ba)?sh$'
	product_offboard mia@acme || die "mia cannot be disabled"
	check attribute-owner "robot outlives mia: $(host_exec web7 getent passwd robot@acme)" wait_for 20 is_closed web7 robot@acme
}

# query-users in view-users' place: Keycloak's lists are empty, and nobody is taken away for it.
check_roles()
{
	dismiss web7 view-users && admit web7 query-users || die "web7's roles cannot be changed"
	check query-users-refused "no trouble: $(interop_status web7 .directory)" wait_for 30 interop_status_is web7 '.directory.failing_since_s > 0'
	check query-users-removes-nobody "erin is gone: $(host_exec web7 getent passwd erin@globex)" passwd_has erin@globex ':/bin/(ba)?sh$'
	check query-users-lives "erin's session ended" test "$(session_run e1 'echo on-$((6*7))')" = on-42
	dismiss web7 query-users && admit web7 view-users || die "web7's roles cannot be changed back"
	check view-users-again "$(interop_status web7 .directory)" wait_for 30 host_ready web7
}

# A contract that is over, one that is begun anew, and an organisation that is deleted, which waits for root's word.
check_contract()
{
	change "/organizations/$HOST_GLOBEX_ID" '.enabled = false' || die "globex cannot be disabled"
	check contract-ended "erin's session runs on" wait_for 30 session_over e1
	check contract-told "erin did not read why: $(tail -n 5 "${SESSION_OUT[e1]}")" session_shows e1 '[*]{3} .*\([0-9a-f]{16}\)' 2
	check contract-closed "she still has a shell" is_closed web7 erin@globex
	change "/organizations/$HOST_GLOBEX_ID" '.enabled = true' || die "globex cannot be enabled"
	check contract-anew "she has no shell" wait_for 30 passwd_has erin@globex ':/bin/(ba)?sh$'
	admin DELETE "/organizations/$HOST_GLOBEX_ID" || die "globex cannot be deleted"
	check deleted-waits "$(host_exec web7 b2bctl approve --list)" wait_for 30 approval_waits globex
	check deleted-removes-nobody "$(host_exec web7 getent passwd erin@globex)" passwd_has erin@globex ':/bin/(ba)?sh$'
	check deleted-approved "$(host_exec web7 b2bctl approve globex 2>&1)" wait_for 30 is_closed web7 erin@globex
}

approval_waits()
{
	host_exec web7 b2bctl approve --list | grep -qw "$1"
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

# Signals are all that can end a session here: the directory is read once, and nobody is asked about a log-in again.
signalled_host()
{
	HOST_STALENESS=1h HOST_FEDERATION=$'directory = keycloak\nsync_interval = 10m\napi_scope = roles ssf.read ssf.manage' \
		HOST_CONF=$'staleness = 1h\n[service sudo-i]\nstaleness = 1h' host_start "$1"
}

# signs_out PERSON: an administrator ends all that they have with Keycloak.
signs_out()
{
	admin POST "/users/${ID[$1]}/logout" --data '{}'
}

# What the account console does in the browser that approved last: signs the person out of the one session that this has.
sign_out_browser()
{
	local page

	page=$(browse "$ISSUER/protocol/openid-connect/logout?client_id=account-console&post_logout_redirect_uri=$ISSUER/account/") &&
		browse --data-urlencode "session_code=$(hidden session_code "$page")" -d confirmLogout=Logout "$(action "$page")" >/dev/null
}

# announce HOST SUBJECT: by the administrator's own word, the sessions of that SUBJECT are revoked.
announce()
{
	admin POST "/ssf/clients/$1/events/emit" --data "$(jq -n --argjson subject "$2" '{sub_id: $subject, event: {},
		eventType: "https://schemas.openid.net/secevent/caep/event-type/session-revoked"}')" | jq -e '.status == "dispatched"' >/dev/null
}

check_signals()
{
	local name

	signalled_host app5
	check signals-verified "no verification event came: $(interop_status app5 .signals)" wait_for 30 interop_status_is app5 '.signals.events > 0'
	check signals-status "status: $(interop_status app5 .worst_case_revocation)" grep -q 'signals ended log-ins, but not closed accounts' \
		<<<"$(interop_status app5 .worst_case_revocation)"
	host_kill app5 b2bd
	host_agent app5
	check signals-adopted "no verification event came by the stream from before: $(interop_status app5 .signals)" wait_for 120 interop_status_is app5 '.signals.events > 0'
	check signals-quiet "each question that is put off is logged" test "$(host_log app5 b2bd | grep -c 'verification could not be asked for')" -le 1
	for name in henry ivan judy; do session_approved "$name" "$name@acme" "$name@acme" app5 || die "$name cannot log in: $(tail -n 5 "${SESSION_OUT[$name]}")"; done
	session_approved e5 erin@globex erin@globex app5 || die "erin cannot log in to app5"

	product_offboard henry@acme && signs_out henry@acme || die "henry cannot be offboarded"
	check signalled-ended "henry's session runs on: $(interop_status app5 .signals)" wait_for 20 session_over henry
	check signalled-told "henry did not read why" session_shows henry '[*]{3} User logout \([0-9a-f]{16}\)' 2
	check signalled-closed "he still has a shell" wait_for 20 is_closed app5 henry@acme
	check signalled-other "ivan's session ended too" test "$(session_run ivan 'echo on-$((6*7))')" = on-42

	announce app5 "{\"format\": \"complex\", \"tenant\": {\"format\": \"opaque\", \"id\": \"$HOST_ACME_ID\"}}" || die "nothing can be announced"
	check announced-ended "sessions of acme run on" wait_for 20 all_over ivan judy
	check announced-other "erin's session ended too" test "$(session_run e5 'echo on-$((6*7))')" = on-42
	sign_out_browser || die "erin cannot sign out"
	check own-sign-out "erin's session runs on" wait_for 20 session_over e5
}

all_over()
{
	local id

	for id; do session_over "$id" || return 1; done
}

# The realm's users by SCIM, with the organisation that an administrator wrote into their records.
check_scim()
{
	HOST_FEDERATION=$'directory = scim\nscim_organisations = no\nscim_name_attribute = urn:ietf:params:scim:schemas:core:2.0:User:userName
signals = none\nsync_interval = 2s\napi_scope = roles scim' host_start ops9
	session_approved k9 kate@acme kate@acme ops9 || die "kate cannot log in: $(tail -n 5 "${SESSION_OUT[k9]}")"
	ok scim-login
	session_approved e9 erin@globex erin@globex ops9 || die "erin cannot log in to ops9"
	product_offboard kate@acme || die "kate cannot be disabled"
	check scim-ended "kate's session runs on: $(interop_status ops9 .directory)" wait_for 20 session_over k9
	check scim-told "kate did not read why" session_shows k9 '[*]{3} Your access is suspended.*\([0-9a-f]{16}\)' 2
	check scim-closed "she still has a shell" is_closed ops9 kate@acme
	check scim-other "erin's session ended too" test "$(session_run e9 'echo on-$((6*7))')" = on-42
}

declare -A ID
lab_start
interop_identity || die "no keys"
openssl rand -hex 16 | tr -d '\n' >"$LAB/run/admin"
product_start
realm && organisation_claim && scim_scope || die "the realm cannot be made"
HOST_ACME_ID=$(organisation acme) && HOST_GLOBEX_ID=$(organisation globex) || die "no organisations"
for name in alice dave frank gina henry ivan judy kate leo mia robot nora olga; do ID[$name@acme]=$(person "$name@acme" "$HOST_ACME_ID") || die "no $name"; done
ID[erin@globex]=$(person erin@globex "$HOST_GLOBEX_ID") || die "no erin"
for name in web7 db3 app5; do client "$name" view-organizations view-users || die "no client $name"; done
receiver app5 || die "app5 cannot have signals"
client ops9 view-users && client_scope ops9 scim || die "no client ops9"
client mail2 view-organizations view-users && automation signer mail2 db3 || die "no clients of automation"
registration_policy || die "hosts may not register themselves"
give_attributes || die "nobody can be given attributes"
host_start web7
interop_checks
check_groups
check_attributes
check_roles
interop_rotation rotate
HOST_METHODS=ciba interop_refreshing_host db3
interop_ciba db3 c1 dave@acme frank@acme
ciba_login c3 gina@acme db3 || die "gina cannot log in: $(tail -n 5 "${SESSION_OUT[c3]}"; host_log db3 b2bd | tail -n 3)"
interop_reverify db3 c3 gina@acme c1
check_leave
check_signals
check_scim
HOST_METHODS='token device' host_start mail2
interop_token token-signed signer mail2 nora@acme olga@acme
skip token-reference "Keycloak's access tokens are signed, each and every one"
interop_enroll build4 nora@acme private_key_jwt client_secret_basic
check_contract
skip account-disabled "the release signals ended log-ins alone: whoever disables a person signs them out too (README.md)"
skip long-poll "the release answers every poll at once: the host asks every 5 s"
skip scim-groups "the release's SCIM shows no groups of organisations, and of an attribute its first value alone"
finish
