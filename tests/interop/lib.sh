# Services that nobody here wrote, in the lab: each gets the same checks (interop_checks), and a page in README.md.
# A script sets up its product (product_prepare outside the lab, product_start inside), and says how a person approves a
# log-in there (product_approve CODE PERSON, product_deny CODE PERSON where it can) and is offboarded (product_offboard PERSON). What a
# product has besides gets checks of its own: interop_ciba, interop_token, interop_enroll say what they want to be told.

INTEROP=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
PRODUCTS=$(realpath -m "${BUILD:-build}")/interop

# interop_needs NAME PACKAGES TOOL…: fails, and names Debian's PACKAGES, where a TOOL is not there.
interop_needs()
{
	local name=$1 packages=$2 tool

	shift 2
	for tool; do
		command -v "$tool" >/dev/null || { echo "FAIL $name: $tool is not there; install Debian's $packages"; exit 1; }
	done
}

# interop_npm NAME: the packages that NAME/package-lock.json names, in $PRODUCTS/NAME.
interop_npm()
{
	local to=$PRODUCTS/$1

	interop_needs "$1" 'nodejs and npm' node npm
	mkdir -p "$to"
	cp "$INTEROP/$1"/* "$to"
	cmp -s "$to/package-lock.json" "$to/node_modules/.done" && return
	echo "fetching $1 (npm, once) …" >&2
	(cd "$to" && npm ci --no-audit --no-fund) >"$to/npm.log" 2>&1 || { echo "FAIL $1: npm ci: $(tail -n 5 "$to/npm.log")"; exit 1; }
	cp "$to/package-lock.json" "$to/node_modules/.done"
}

# interop_debian NAME PACKAGE…: those packages of this Debian, unpacked and not installed, in $PRODUCTS/NAME/root.
interop_debian()
{
	local to=$PRODUCTS/$1 deb

	shift
	mkdir -p "$to/debs"
	test "$(cat "$to/.done" 2>/dev/null)" = "$*" && return
	echo "fetching $* (apt, once) …" >&2
	(cd "$to/debs" && rm -f ./*.deb && apt-get -o APT::Sandbox::User=root download "$@") >"$to/apt.log" 2>&1 ||
		{ echo "FAIL apt-get download: $(tail -n 3 "$to/apt.log")"; exit 1; }
	rm -rf "$to/root"
	for deb in "$to"/debs/*.deb; do dpkg -x "$deb" "$to/root"; done
	echo "$*" >"$to/.done"
}

# interop_maven NAME GROUP:ARTIFACT:VERSION:zip COMMAND…: that artifact, as NAME/SHA256SUMS says it is, unpacked as $PRODUCTS/NAME/dist, and
# there built by COMMAND.
interop_maven()
{
	local name=$1 artifact=$2 to=$PRODUCTS/$1

	shift 2
	interop_needs "$name" 'default-jre-headless, maven and unzip' java mvn unzip
	mkdir -p "$to"
	cp "$INTEROP/$name"/* "$to"
	{ cat "$to/SHA256SUMS"; echo "$*"; } >"$to/wanted"
	cmp -s "$to/wanted" "$to/.done" && return
	echo "fetching $name (Maven, once) …" >&2
	rm -rf "$to/dist" "$to/unpacked"
	mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact="$artifact" -DoutputDirectory="$to" >"$to/mvn.log" 2>&1 ||
		{ echo "FAIL $name: mvn: $(grep -a ERROR "$to/mvn.log" | head -n 3)"; exit 1; }
	(cd "$to" && sha256sum -c SHA256SUMS) >"$to/sum.log" 2>&1 || { echo "FAIL $name: what came is not what SHA256SUMS says"; exit 1; }
	unzip -q "$to"/*.zip -d "$to/unpacked" && mv "$to"/unpacked/* "$to/dist" && rm -f "$to"/*.zip
	(cd "$to/dist" && "$@") >"$to/build.log" 2>&1 || { echo "FAIL $name: $*: $(tail -n 3 "$to/build.log")"; exit 1; }
	cp "$to/wanted" "$to/.done"
}

if test "${B2B_LAB:-}" != inside; then product_prepare; fi
. "$INTEROP/../hosts/lib.sh"

# An authority, the service's certificate, and the host's key, below $LAB/run.
interop_identity()
{
	local run=$LAB/run

	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$run/ca.key" -out "$run/ca.pem" -days 2 -subj '/CN=Interop CA' 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -keyout "$run/tls.key" -subj /CN=login.lab 2>/dev/null |
		openssl x509 -req -CA "$run/ca.pem" -CAkey "$run/ca.key" -days 2 -extfile <(echo subjectAltName=DNS:login.lab) \
			-out "$run/tls.pem" 2>/dev/null
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$run/client.key" 2>/dev/null
	openssl pkey -in "$run/client.key" -pubout -out "$run/client.pub"
	(umask 077; for secret in client-secret registration-token; do openssl rand -hex 24 | tr -d '\n' >"$run/$secret"; done)
	: >"$run/control-token" # the embedded service's, which is not here
	test -s "$run/tls.pem" && test -s "$run/client.pub"
}

# interop_jwk: the public half of the host's key as a JWK, named by its thumbprint (RFC 7638), as the host names it.
interop_jwk()
{
	local x y

	x=$(openssl pkey -pubin -in "$LAB/run/client.pub" -outform DER | tail -c 64 | head -c 32 | base64 -w0 | tr '+/' '-_' | tr -d =)
	y=$(openssl pkey -pubin -in "$LAB/run/client.pub" -outform DER | tail -c 32 | base64 -w0 | tr '+/' '-_' | tr -d =)
	jq -cn --arg x "$x" --arg y "$y" '{crv: "P-256", kty: "EC", x: $x, y: $y}' >"$LAB/run/client.jwk"
	jq -c --arg kid "$(jose jwk thp -i "$LAB/run/client.jwk")" '. + {kid: $kid, use: "sig", alg: "ES256"}' "$LAB/run/client.jwk"
}

# A product on a busy machine takes its time over a page.
interop_curl()
{
	curl -sS --max-time 60 --cacert "$LAB/run/ca.pem" --resolve "login.lab:443:$SERVICE_ADDRESS" "$@"
}

# Asked seldom: a product that takes a minute to start wants the processor itself.
interop_answers()
{
	interop_curl -f "$ISSUER/.well-known/openid-configuration" || { sleep 0.5; false; }
}

# interop_serve LABEL COMMAND…: the product, on this lab's address; its process is in PRODUCT_PID. PRODUCT_SECONDS: how long it may take (60).
interop_serve()
{
	local label=$1

	shift
	"$@" >>"$LAB/log/$label" 2>&1 </dev/null &
	PRODUCT_PID=$!
	disown
	wait_for "${PRODUCT_SECONDS:-60}" interop_answers || die "$label does not answer: $(tail -n 5 "$LAB/log/$label")"
}

# session_approved ID PERSON USER HOST: a session whose log-in PERSON approves at the product; true when a shell answers.
session_approved()
{
	session_start "$1" "$3" "$4"
	session_code "$1" && product_approve "${SESSION_CODE[$1]}" "$2" && session_type "$1" '' || return 1
	session_type "$1" "PS1='\$ '; echo shell-'is'-up"
	session_shows "$1" '^shell-is-up' 15
}

# A log-in and its refusals: the same for every product. People: alice@acme, dave@acme, erin@globex.
interop_logins()
{
	session_approved a1 alice@acme alice@acme web7 || die "alice cannot log in: $(tail -n 20 "${SESSION_OUT[a1]}"; host_log web7 b2bd | tail -n 5)"
	ok login
	check login-uid "wrong id: $(session_run a1 'id')" grep -q 'alice@acme' <<<"$(session_run a1 'id -un')"
	session_approved e1 erin@globex erin@globex web7 || FAIL login-other "erin cannot log in: $(tail -n 20 "${SESSION_OUT[e1]}")"

	session_start w1 alice@acme web7
	session_code w1 && product_approve "${SESSION_CODE[w1]}" dave@acme && session_type w1 ''
	check wrong-person-refused "approved by dave, alice got in" session_shows w1 'approved by another person.*|Permission denied'
	check wrong-person-logged "not in the log" wait_for 5 interop_logged 'event=auth .*user=alice@acme reason=auth-wrong-person.*approved_by='
	declare -F product_deny >/dev/null || { skip denied "the product has no way to say no to a code"; return; }
	session_start d1 dave@acme web7
	session_code d1 && product_deny "${SESSION_CODE[d1]}" dave@acme && session_type d1 ''
	check denied-refused "denied, dave got in" session_shows d1 'denied|Permission denied'
	check denied-logged "not in the log" wait_for 5 interop_logged 'event=auth .*user=dave@acme reason=auth-denied'
}

# The same, and an offboarding, of which the product tells the host by itself or is asked.
interop_checks()
{
	interop_logins
	product_offboard alice@acme || die "the product does not offboard"
	check offboarded-ended "alice's session runs on" wait_for 20 session_over a1
	check offboarded-told "alice did not read why: $(tail -n 5 "${SESSION_OUT[a1]}")" session_shows a1 '[*]{3} Your access .*\([0-9a-f]{16}\)' 2
	check other-lives "erin's session ended too" test "$(session_run e1 'echo on-$((6*7))')" = on-42
	check shell-closed "she still has a shell" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd alice@acme)"
}

# in_group HOST PERSON GROUP
in_group()
{
	host_exec "$1" id -Gn "$2" | tr ' ' '\n' | grep -qx "$3"
}

# is_closed HOST PERSON: they have a name still, and nothing that a shell would run in.
is_closed()
{
	host_exec "$1" getent passwd "$2" | grep -q ':/usr/sbin/nologin$'
}

# interop_status HOST FILTER: what is at the jq FILTER in the host's status.
interop_status()
{
	host_exec "$1" b2bctl --json status | jq -r "$2"
}

# interop_status_is HOST CONDITION: it holds of the host's status.
interop_status_is()
{
	test "$(interop_status "$1" "$2")" = true
}

# interop_verified HOST WAY COUNT SINCE: COUNT log-ins there, all of them confirmed by WAY since then.
interop_verified()
{
	interop_status_is "$1" ".verification | .failing == 0 and .$2 == $3 and .oldest_s > $4"
}

# interop_refreshing_host NAME: one that reads the directory once, and asks about each log-in again and again by its refresh token.
interop_refreshing_host()
{
	local asks=$'sync_interval = 10m\nreverify = refresh\nreverify_interval = 2s'

	HOST_STALENESS=1h HOST_FEDERATION=${HOST_FEDERATION/sync_interval = 2s/$asks} \
		HOST_CONF=$'staleness = 1h\n[service sudo-i]\nstaleness = 1h' host_start "$1"
}

# interop_reverify HOST ID PERSON OTHER: the only sessions on that host are PERSON's, ID, and OTHER; the product offboards PERSON.
interop_reverify()
{
	local host=$1 id=$2 pass

	check reverified "$(interop_status "$host" .verification)" wait_for 30 interop_verified "$host" refresh 2 "$(date +%s)"
	pass=$(interop_status "$host" .directory.last_complete_s)
	product_offboard "$3" || die "the product does not offboard $3"
	check reverify-ended "$3's session runs on: $(interop_status "$host" .verification)" wait_for 30 session_over "$id"
	check reverify-told "$3 did not read why: $(tail -n 5 "${SESSION_OUT[$id]}")" \
		session_shows "$id" '[*]{3} The federation service has ended this log-in.*\([0-9a-f]{16}\)' 2
	check reverify-before-pass "a pass came in between" test "$(interop_status "$host" .directory.last_complete_s)" = "$pass"
	check reverify-other "the other session ended too" test "$(session_run "$4" 'echo on-$((6*7))')" = on-42
}

interop_logged()
{
	host_log web7 b2bd | grep -qE "$1"
}

# interop_rotation ROTATE: the product signs with a key that this host has never seen.
interop_rotation()
{
	"$@" || die "the product's key cannot be changed"
	session_approved r1 dave@acme dave@acme web7 && ok rotated-key || FAIL rotated-key "dave cannot log in: $(tail -n 20 "${SESSION_OUT[r1]}"; host_log web7 b2bd | tail -n 5)"
}

# ciba_login ID PERSON HOST: a session there, which PERSON approves on their own device; true when a shell answers.
ciba_login()
{
	session_start "$1" "$2" "$3"
	product_device "$2" "$(session_message "$1")" yes || return 1
	session_type "$1" ''
	session_type "$1" "PS1='\$ '; echo shell-'is'-up"
	session_shows "$1" '^shell-is-up' 15
}

# interop_ciba HOST ID PERSON OTHER: on that host, whose one method it is, PERSON approves on their own device the message that the
# terminal shows, as session ID; OTHER refuses. product_device PERSON MESSAGE yes|no: answers there, once it shows that MESSAGE.
interop_ciba()
{
	local host=$1 id=$2 person=$3 other=$4

	ciba_login "$id" "$person" "$host" && ok ciba-login ||
		FAIL ciba-login "no shell: $(tail -n 5 "${SESSION_OUT[$id]}"; host_log "$host" b2bd | tail -n 3)"
	interop_ciba_denied "$host" "$other"
}

# interop_ciba_denied HOST OTHER: who refuses on their own device what it shows.
interop_ciba_denied()
{
	local host=$1 other=$2

	session_start ciba-no "$other" "$host"
	product_device "$other" "$(session_message ciba-no)" no || FAIL ciba-no "nothing to refuse on $other's device"
	session_type ciba-no ''
	check ciba-denied "refused on the device: $(tail -n 5 "${SESSION_OUT[ciba-no]}")" session_shows ciba-no 'denied|Permission denied'
	check ciba-denied-logged "not in the log" wait_for 5 grep -qE "event=auth .*user=$other reason=auth-denied .*method=ciba" "$LAB/log/$host.b2bd"
}

# interop_endpoint NAME: where the product's discovery document says that it is.
interop_endpoint()
{
	interop_curl -f "$ISSUER/.well-known/openid-configuration" | jq -re ".$1"
}

# interop_access_token CLIENT PERSON HOST: for that person's automation, by the device grant of the CLIENT that it uses, and for that host
# alone: product_wants HOST prints the parameters that ask for such a one, each on a line.
interop_access_token()
{
	local client=$1 form=() wanted begun

	while read -r wanted; do form+=(--data-urlencode "$wanted"); done < <(product_wants "$3")
	form+=(-u "$client:$(cat "$LAB/run/client-secret")")
	begun=$(interop_curl -f "${form[@]}" "$(interop_endpoint device_authorization_endpoint)") &&
		product_approve "$(jq -r .user_code <<<"$begun")" "$2" &&
		interop_curl -f "${form[@]}" -d grant_type=urn:ietf:params:oauth:grant-type:device_code \
			--data-urlencode "device_code=$(jq -r .device_code <<<"$begun")" "$(interop_endpoint token_endpoint)" | jq -re .access_token
}

# interop_token NAME CLIENT HOST PERSON OTHER: on that host, whose first method it is, PERSON's automation logs in by an access token that
# CLIENT was given, once; OTHER's and one for the host db3 do not let it in.
interop_token()
{
	local name=$1 client=$2 host=$3 person=$4 other=$5 token

	token=$(interop_access_token "$client" "$person" "$host") || { FAIL "$name" "the product gives no token"; return; }
	check "$name-login" "$(presented "$token" "$person" "$host"; wc -c <<<"$token")" grep -qx "in as $person" "$LAB/run/presented"
	refused "$name-once" 'was used before' "$token" "$person" "$host"
	refused "$name-other" "This token is somebody else's" "$(interop_access_token "$client" "$other" "$host")" "$person" "$host"
	refused "$name-audience" 'not valid for this host' "$(interop_access_token "$client" "$person" db3)" "$person" "$host"
}

# presented TOKEN PERSON HOST: what a log-in by it says, also in the file run/presented.
presented()
{
	TOKEN=$1 ssh_as - "$2" "$3" 'echo in as $(id -un)' | tee "$LAB/run/presented"
}

# refused NAME WHAT TOKEN PERSON HOST
refused()
{
	local out

	out=$(presented "${@:3}")
	check "$1" "$out" grep -q "$2.*(reference [0-9a-f]\{16\})" <<<"$out"
}

# interop_enroll HOST PERSON METHOD…: a host that joins by b2bctl enroll (RFC 7591), once by each METHOD of proving itself; by the first its
# key is rolled over with a session of PERSON's open (RFC 7592). product_admit CLIENT: what an administrator then still gives it.
interop_enroll()
{
	local host=$1 person=$2 auth first=$3

	host_boot "$host"
	host_join "$host"
	host_sshd "$host"
	host_exec "$host" rm /etc/b2b/client.key
	for auth in "${@:3}"; do
		enroll_by "$host" "$auth" || continue
		session_approved "$auth" "$person" "$person" "$host" && ok "enrolled-login-$auth" ||
			FAIL "enrolled-login-$auth" "no shell: $(tail -n 5 "${SESSION_OUT[$auth]}"; host_log "$host" b2bd | tail -n 3)"
		test "$auth" != "$first" || interop_rollover "$host" "$auth" "$person"
		session_type "$auth" exit
		unenroll "$host" "$auth"
	done
}

# enroll_by HOST METHOD: it is a client of the product's, and its agent is ready.
enroll_by()
{
	local host=$1 auth=$2 out said

	host_exec "$host" install -m 600 /dev/stdin /root/token < <(product_registration_token; echo)
	out=$(host_exec "$host" b2bctl enroll "$ISSUER" --name "$host" --auth "$auth" --token-file /root/token 2>&1 </dev/null)
	check "enrolled-$auth" "$out" grep -q '^registered' <<<"$out" || return 1
	check "enrolled-whole-$auth" "$out" test -z "$(grep 'left out the grant' <<<"$out")"
	! declare -F product_admit >/dev/null || product_admit "$(client_of "$host")" || die "$(client_of "$host") cannot be admitted"
	said=$(host_exec "$host" b2bctl enroll --test 2>&1 </dev/null)
	check "enrolled-works-$auth" "$said" test -z "$(grep -E '^[a-z]+ +failed' <<<"$said")"
	host_exec "$host" b2bctl policy apply >/dev/null
	host_agent "$host"
	wait_for 30 host_ready "$host" || FAIL "enrolled-ready-$auth" "$(host_log "$host" b2bd | tail -n 5)"
}

client_of()
{
	host_exec "$1" sed -n 's/^client_id //p' /etc/b2b/registration
}

# interop_rollover HOST ID PERSON: who has the session ID there.
interop_rollover()
{
	local host=$1 id=$2 person=$3 key out

	key=$(host_exec "$host" sha256sum /etc/b2b/client.key)
	out=$(host_exec "$host" b2bctl enroll --rollover 2>&1 </dev/null)
	check rolled-over "$out" grep -q 'is the new one' <<<"$out"
	check rolled-key "the key is the old one" test "$(host_exec "$host" sha256sum /etc/b2b/client.key)" != "$key"
	session_approved rolled "$person" "$person" "$host" && ok rolled-login || FAIL rolled-login "$(tail -n 5 "${SESSION_OUT[rolled]}"; host_log "$host" b2bd | tail -n 3)"
	out=$(host_exec "$host" b2bctl enroll --retire 2>&1 </dev/null)
	check retired "$out" host_exec "$host" test ! -e /etc/b2b/client.key.old
	session_approved retired "$person" "$person" "$host" && ok retired-login || FAIL retired-login "$(tail -n 5 "${SESSION_OUT[retired]}"; host_log "$host" b2bd | tail -n 3)"
	check rolled-session "the session from before ended" test "$(session_run "$id" 'echo on-$((6*7))')" = on-42
	session_type rolled exit
	session_type retired exit
}

# unenroll HOST METHOD: the product knows it no more.
unenroll()
{
	local host=$1 auth=$2 uri token out

	uri=$(host_exec "$host" sed -n 's/^registration_client_uri //p' /etc/b2b/registration)
	token=$(host_exec "$host" sed -n 's/^registration_access_token //p' /etc/b2b/registration)
	host_kill "$host" b2bd TERM
	wait_for 10 agent_gone "$host"
	out=$(host_exec "$host" b2bctl unenroll 2>&1)
	check "unenrolled-$auth" "$out" grep -q '^deleted' <<<"$out"
	check "unenrolled-gone-$auth" "the registration is still there" test "$(interop_curl -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$uri")" = 401
}

agent_gone()
{
	! host_exec "$1" b2bctl status
}
