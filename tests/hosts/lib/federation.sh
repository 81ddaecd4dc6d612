# The federation service of the lab, and what tests ask of it behind the scenes.

ISSUER= # https://login.lab:PORT once it is up
FEDERATION_PID=

# federation_start: at 10.77.0.1, on a port that the kernel chooses. After federation_stop: the same data, the same port.
federation_start()
{
	local run=$LAB/run

	mkdir -p "$LAB/disk/federation"
	test -s "$run/control-token" || (umask 077; openssl rand -hex 32 >"$run/control-token")
	test -s "$run/client.key" || openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$run/client.key"
	openssl pkey -in "$run/client.key" -pubout -out "$run/client.pub"
	test -s "$run/tls.pem" || federation_certificate
	federation_launch
	wait_for 20 federation_answers || die "the federation service does not answer: $(tail -n 5 "$LAB/log/federation")"
}

# A certificate authority of the lab, and the service's certificate under it.
federation_certificate()
{
	local run=$LAB/run

	openssl req -quiet -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=lab' \
		-keyout "$run/ca.key" -out "$run/ca.pem" 2>/dev/null
	openssl req -quiet -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=login.lab' \
		-keyout "$run/tls.key" -out "$run/tls.csr" 2>/dev/null
	openssl x509 -req -days 2 -in "$run/tls.csr" -CA "$run/ca.pem" -CAkey "$run/ca.key" -CAcreateserial -out "$run/tls.pem" \
		-extfile <(echo "subjectAltName=DNS:login.lab,IP:$SERVICE_ADDRESS,IP:127.0.0.1") 2>/dev/null
}

federation_curl()
{
	curl -sS --max-time 10 --cacert "$LAB/run/ca.pem" --resolve "login.lab:${ISSUER##*:}:$SERVICE_ADDRESS" "$@"
}

federation_answers()
{
	federation_curl -f "$ISSUER/.well-known/openid-configuration"
}

federation_stop()
{
	kill -KILL "$FEDERATION_PID"
	wait "$FEDERATION_PID" 2>/dev/null
}

# Silent: takes connections and answers nothing, as a service behind a broken network does.
federation_freeze()
{
	kill -STOP "$FEDERATION_PID"
}

federation_thaw()
{
	kill -CONT "$FEDERATION_PID"
}

# control WHAT NAME=VALUE…: one call of the control interface; prints the answer.
control()
{
	local what=$1 body='{}' pair

	shift
	for pair; do
		body=$(jq -c --arg name "${pair%%=*}" --arg value "${pair#*=}" '. + {($name): $value}' <<<"$body")
	done
	federation_curl -f -X POST -H "Authorization: Bearer $(cat "$LAB/run/control-token")" \
		-H 'Content-Type: application/json' --data "$body" "$ISSUER/control/$what"
}

# control_ms WHAT NAME=VALUE…: prints when the service committed it, in ms since the epoch.
control_ms()
{
	control "$@" | jq -e .committed_ms
}
