# The federation service of the lab, and what tests ask of it behind the scenes.

ISSUER=https://login.lab # the lab's network is its own: no port can be taken
FEDERATION_PID=

# federation_start: at 10.77.0.1, with FEDERATION_OPTIONS. Again after federation_stop: with the data that it had.
federation_start()
{
	local run=$LAB/run

	mkdir -p "$LAB/disk/federation"
	test -s "$run/control-token" || (umask 077; openssl rand -hex 32 >"$run/control-token")
	test -s "$run/client.key" || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$run/client.key" 2>/dev/null
	openssl pkey -in "$run/client.key" -pubout -out "$run/client.pub"
	"$BUILD/b2b-federation" --data "$LAB/disk/federation" --listen "$SERVICE_ADDRESS:443" --issuer "$ISSUER" --name login.lab \
		--name 127.0.0.1 --name localhost --client "web7=$run/client.pub" --client "db3=$run/client.pub" --control-token-file "$run/control-token" \
		--device-interval 1 --secrets "$run/secrets" ${FEDERATION_OPTIONS:-} >>"$LAB/log/federation" 2>&1 </dev/null &
	FEDERATION_PID=$!
	disown
	# Making its keys takes a second of a processor, which a busy machine gives in many.
	wait_for 60 federation_answers_or_ended
	federation_answers >/dev/null || die "the federation service does not answer: $(tail -n 5 "$LAB/log/federation")"
	cp "$LAB/disk/federation/ca.pem" "$run/ca.pem"
	host_exec laptop tee /etc/b2b-test-ca.pem <"$run/ca.pem" >/dev/null
}

# FEDERATION_SECONDS: how long an answer may take.
federation_curl()
{
	curl -sS --max-time "${FEDERATION_SECONDS:-10}" --cacert "$LAB/disk/federation/ca.pem" --resolve "login.lab:443:$SERVICE_ADDRESS" "$@"
}

federation_answers()
{
	federation_curl -f "$ISSUER/.well-known/openid-configuration"
}

federation_answers_or_ended()
{
	federation_answers || ! kill -0 "$FEDERATION_PID"
}

federation_stop()
{
	kill -KILL "$FEDERATION_PID"
	wait_for 5 sh -c "! kill -0 $FEDERATION_PID"
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

# control WHAT NAME=VALUE…: one call of the control interface (NAME:=VALUE for what is no text); prints the answer. People are named as on a host: alice@acme.
control()
{
	local what=$1 body='{}' pair

	shift
	for pair; do
		case $pair in person=*@*) pair=$pair.example ;; esac
		case $pair in
		*:=*) body=$(jq -c --arg name "${pair%%:=*}" --argjson value "${pair#*:=}" '. + {($name): $value}' <<<"$body"); continue ;;
		esac
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

# check_secrets HOST…: whatever was done so far, nothing secret is in any log of the hosts: device codes, auth_req_ids, ID and access
# tokens, handles, assertions; nor a beginning of one. Hosts with HOST_B2BD=--debug say the most.
check_secrets()
{
	local host

	for host; do cat "$LAB/log/$host".*; done >"$LAB/run/logs"
	check logs-speak "the logs say nothing of log-ins" grep -qE 'event=(auth|sudo-approval) ' "$LAB/run/logs"
	check secrets-known "the service noted few" test "$(wc -l <"$LAB/run/secrets")" -ge 10
	cut -c1-24 "$LAB/run/secrets" | sort -u >"$LAB/run/parts"
	check nothing-secret-in-logs "found: $(grep -oF -f "$LAB/run/parts" "$LAB/run/logs" | sort | uniq -c | head -n 3)" \
		sh -c "! grep -qF -f '$LAB/run/parts' '$LAB/run/logs'"
}
