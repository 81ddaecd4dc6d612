# Helpers of test_federation.sh (sourced): start and stop the service, call it, judge the answers.

start_service()
{
	mkdir -p "$DIR/state"
	"$BUILD/b2b-federation" --data "$DIR/state" --client "web7=$DIR/web7.pem" --client "web8=$DIR/web8.pem" --client "web9=$DIR/web9.pem" \
		--client-secret "db1=$DIR/db1.secret" --client-secret "admin=$DIR/admin.secret" --client-scope 'admin=directory directory.write ssf' \
		--control-token-file "$DIR/control" --registration-token-file "$DIR/registration" --device-interval 1 --listen "127.0.0.1:${PORT:-0}" >"$DIR/out" 2>>"$DIR/err" &
	SERVICE=$!
	URL=
	for _ in $(seq 400); do
		URL=$(sed -n 's/^listening on //p' "$DIR/out")
		test -n "$URL" && break
		kill -0 $SERVICE 2>/dev/null || break
		sleep 0.05
	done
	if test -z "$URL"; then
		echo "FAIL start: $(cat "$DIR/err")"
		exit 1
	fi
	PORT=${URL##*:}
}

stop_service()
{
	STOPPED=-1
	test -n "$SERVICE" || return 0
	kill -TERM "$SERVICE" 2>/dev/null
	wait "$SERVICE"
	STOPPED=$?
	SERVICE=
}

pass() { echo "ok federation: $1"; }
fail()
{
	echo "FAIL federation: $1: $(tr '\n' ' ' <<<"$2" | cut -c1-300)"
	FAILED=1
}

check() { if "${@:2}"; then pass "$1"; else fail "$1" "${*:2} (status ${STATUS:-}, ${BODY:-})"; fi; }
check_not() { if "${@:2}"; then fail "$1" "it should not be so"; else pass "$1"; fi; }
# Of all checks in one jq, at the end: each start of it costs more than all the rest of a check.
JUDGED=() JUDGED_JSON=() JUDGED_BY=()
check_jq()
{
	JUDGED+=("$1") JUDGED_JSON+=("${2//[$'\r\n']/ }") JUDGED_BY+=("$3")
}
check_refused()
{
	if test "$STATUS" = "$2"; then check_jq "$1" "$BODY" ".error == \"$3\""; else fail "$1" "$STATUS $BODY"; fi
}

# What is no JSON, or makes the condition fail, is false.
judge_all()
{
	local i verdicts

	{
		echo '[inputs | try [fromjson] catch []] as $json |'
		for i in "${!JUDGED[@]}"; do
			printf '($json[%d] | if length == 1 and .[0] != null then .[0] | last(try (%s) catch false) else false end | if . then 1 else 0 end),\n' \
				"$i" "${JUDGED_BY[i]}"
		done
		echo empty
	} >"$DIR/judge"
	mapfile -t verdicts < <(printf '%s\n' "${JUDGED_JSON[@]}" | jq -Rnr --arg url "$URL" -f "$DIR/judge" 2>"$DIR/judge.err")
	for i in "${!JUDGED[@]}"; do
		if test "${verdicts[i]:-}" = 1; then pass "${JUDGED[i]}"; else fail "${JUDGED[i]}" "${JUDGED_JSON[i]} $(head -c 200 "$DIR/judge.err")"; fi
	done
}

# text_of NAME: the member of that name in BODY, a text without escapes; null where there is none.
text_of() { if [[ $BODY =~ \"$1\":\ *\"([^\"\\]*)\" ]]; then printf '%s\n' "${BASH_REMATCH[1]}"; else echo null; fi; }

# call METHOD PATH [curl options]: sets STATUS and BODY; headers are in $DIR/headers.
call()
{
	STATUS=$(curl -sS --max-time 30 --cacert "$DIR/state/ca.pem" -X "$1" -D "$DIR/headers" -o "$DIR/body" -w '%{http_code}' "${@:3}" "$URL$2" 2>/dev/null)
	BODY=$(tr -d '\0' <"$DIR/body" 2>/dev/null)
	: >"$DIR/body"
}
get() { call GET "$@"; }

# post_form PATH NAME=VALUE… [-u USER:PASSWORD]
post_form()
{
	local path=$1 options=()
	shift
	while test $# -gt 0; do
		if test "$1" = -u; then
			options+=(-u "$2")
			shift
		else
			options+=(--data-urlencode "$1")
		fi
		shift
	done
	call POST "$path" "${options[@]}"
}

control() { call POST "/control/$1" -H 'Authorization: Bearer letmein' -d "$2"; }

base64url() { base64 -w0 | tr '+/' '-_' | tr -d =; }
unbase64url()
{
	local text=$1
	while test $((${#text} % 4)) -ne 0; do text+==; done
	tr -- '-_' '+/' <<<"$text" | base64 -d
}
claims() { unbase64url "$(cut -d. -f2 <<<"$1")"; }

to_hex() { od -An -v -tx1 | tr -d ' \n'; }
from_hex()
{
	local hex=$1 out=
	while test -n "$hex"; do
		out+="\\x${hex:0:2}"
		hex=${hex:2}
	done
	printf "$out"
}

# public_jwk CLIENT: of its key, web8 (P-256) or web9 (Ed25519).
public_jwk()
{
	local raw=$DIR/raw

	openssl pkey -in "$DIR/$1.key" -pubout -outform DER >"$raw"
	case $1 in
	web8) jq -nc --arg x "$(tail -c 64 "$raw" | head -c 32 | base64url)" --arg y "$(tail -c 32 "$raw" | base64url)" '{kty: "EC", crv: "P-256", x: $x, y: $y}' ;;
	web9) jq -nc --arg x "$(tail -c 32 "$raw" | base64url)" '{kty: "OKP", crv: "Ed25519", x: $x}' ;;
	esac
}

# An ES256 signature: DER on standard input -> r and s side by side.
der_to_raw()
{
	local number
	openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' | while read -r number; do
		printf '%64s' "$number" | tr ' ' 0
	done
}

# Sign standard input with client KEY, as its type wants it.
sign()
{
	local key=$DIR/$1.key
	case $1 in
	web7) openssl dgst -sha256 -sign "$key" | base64url ;;
	web8) from_hex "$(openssl dgst -sha256 -sign "$key" | der_to_raw)" | base64url ;;
	web9)
		cat >"$DIR/text"
		openssl pkeyutl -sign -inkey "$key" -rawin -in "$DIR/text" | base64url
		;;
	esac
}

# assert_client ID [CHANGE] [KEY]: sets ASSERTION, form fields of a client assertion (RFC 7523); CHANGE is jq over the claims.
assert_client()
{
	local alg=RS256 key=${3:-$1} head body now
	case $key in web8) alg=ES256 ;; web9) alg=EdDSA ;; esac
	now=$(date +%s)
	head=$(printf '{"alg":"%s","typ":"client-authentication+jwt"}' "$alg" | base64url)
	body=$(jq -cn --arg id "$1" --arg url "$URL" --arg jti "$(od -An -N9 -tx1 /dev/urandom | tr -d ' ')" --argjson now "$now" \
		"{iss:\$id,sub:\$id,aud:\$url,jti:\$jti,iat:\$now,exp:(\$now+60)} | ${2:-.}" | tr -d '\n' | base64url)
	ASSERTION=(client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer
		"client_assertion=$head.$body.$(printf %s "$head.$body" | sign "$key")")
}

start_device()
{
	post_form /device_authorization scope='openid organization' -u "$BASIC"
	DEVICE=$(text_of device_code) USER_CODE=$(text_of user_code)
}
poll_device() { post_form /token grant_type=$DEVICE_CODE device_code="$DEVICE" -u "$BASIC"; }
new_id_token()
{
	start_device
	control approve "{\"user_code\":\"$USER_CODE\",\"person\":\"erin@globex.example\"}"
	poll_device
	ID_TOKEN=$(text_of id_token)
}

# der TAG HEX: one DER element.
der()
{
	local n=$((${#2} / 2))
	if test $n -lt 128; then printf '%s%02x%s' "$1" $n "$2"
	elif test $n -lt 256; then printf '%s81%02x%s' "$1" $n "$2"
	else printf '%s82%04x%s' "$1" $n "$2"; fi
}
# An unsigned number as INTEGER.
der_number()
{
	local hex=$1
	while test "${hex:0:2}" = 00 && test ${#hex} -gt 2; do hex=${hex:2}; done
	case $hex in [89a-f]*) hex=00$hex ;; esac
	der 02 "$hex"
}

# Public key of JWK as DER in hex.
jwk_to_der()
{
	member() { unbase64url "$(jq -r ".$1" <<<"$2")" | to_hex; }
	case $(jq -r .kty <<<"$1") in
	EC) echo "3059301306072a8648ce3d020106082a8648ce3d03010703420004$(member x "$1")$(member y "$1")" ;;
	OKP) echo "302a300506032b6570032100$(member x "$1")" ;;
	RSA) der 30 "300d06092a864886f70d0101010500$(der 03 "00$(der 30 "$(der_number "$(member n "$1")")$(der_number "$(member e "$1")")")")" ;;
	esac
}

# verify_jwt TOKEN ALG: by the key in the JWKS that its kid names, with openssl alone.
verify_jwt()
{
	local kid jwk signature keys
	keys=$(curl -sS --cacert "$DIR/state/ca.pem" "$URL/jwks")
	kid=$(unbase64url "${1%%.*}" | jq -r .kid)
	jwk=$(jq -c --arg kid "$kid" --arg alg "$2" '.keys[] | select(.kid == $kid and .alg == $alg)' <<<"$keys")
	test -n "$jwk" || return 1
	from_hex "$(jwk_to_der "$jwk")" >"$DIR/public.der"
	openssl pkey -pubin -inform DER -in "$DIR/public.der" -out "$DIR/public.pem" 2>/dev/null || return 1
	printf %s "${1%.*}" >"$DIR/text"
	signature=$(unbase64url "${1##*.}" | to_hex)
	case $2 in ES256) signature=$(der 30 "$(der_number "${signature:0:64}")$(der_number "${signature:64}")") ;; esac
	from_hex "$signature" >"$DIR/signature"
	if test "$2" = EdDSA; then
		openssl pkeyutl -verify -pubin -inkey "$DIR/public.pem" -rawin -in "$DIR/text" -sigfile "$DIR/signature" >/dev/null 2>&1
	else
		openssl dgst -sha256 -verify "$DIR/public.pem" -signature "$DIR/signature" "$DIR/text" >/dev/null 2>&1
	fi
}
