#!/usr/bin/env bash
# Many hosts, each with an identity, a stream and processes of its own, against one federation service: a person who is offboarded
# is gone from all of them, nobody else from any. Three hosts; 30 with LONG=1. The times are told and not judged.
. "$(dirname "$0")/lib.sh"
HOSTS_MANY=3
test -z "${LONG:-}" || HOSTS_MANY=30
lab_start
mkdir "$LAB/run/clients"
for i in $(seq $HOSTS_MANY); do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$LAB/run/f$i.key" 2>/dev/null
	openssl pkey -in "$LAB/run/f$i.key" -pubout -out "$LAB/run/clients/f$i.pem"
done
FEDERATION_OPTIONS="--clients $LAB/run/clients"
federation_start
for i in $(seq $HOSTS_MANY); do
	host_boot "f$i"
	HOST_KEY=$LAB/run/f$i.key host_join "f$i"
	host_agent "f$i"
done

# person_on HOST NAME: a process of this person's, as a log-in leaves it.
person_on()
{
	local uid

	uid=$(host_exec "$1" id -u "$2") && host_exec "$1" setsid -f setpriv --reuid "$uid" --regid "$uid" --clear-groups sleep 3600
}
runs_on() { host_exec "$1" pgrep -u "$2" -x sleep; }
resolves_on() { host_exec "$1" getent passwd "$2"; }

for i in $(seq $HOSTS_MANY); do
	wait_for 60 host_ready "f$i" || die "f$i: the agent is not ready: $(host_log "f$i" b2bd | tail -n 20)"
	wait_for 20 resolves_on "f$i" alice@acme || die "f$i does not know alice@acme"
	person_on "f$i" alice@acme && person_on "f$i" erin@globex || die "f$i: no processes"
done
ok "$HOSTS_MANY hosts are ready"
streams=$(federation_curl -f -H "Authorization: Bearer $(cat "$LAB/run/control-token")" "$ISSUER/control/events" | jq '[.events[].client] | unique | length')
check every-host-has-a-stream "there are ${streams:-none}" test "$streams" = "$HOSTS_MANY"

LOOKS=()
for i in $(seq $HOSTS_MANY); do
	uid=$(host_exec "f$i" id -u alice@acme)
	host_exec "f$i" "$TOOLS/last_look" "$uid" "$uid" 30 >"$LAB/run/look.f$i" &
	LOOKS+=($!)
done
committed=$(control_ms offboard person=alice@acme) || die "the service does not offboard"
wait "${LOOKS[@]}"
for i in $(seq $HOSTS_MANY); do
	if read -r _ uids _ <"$LAB/run/look.f$i"; then echo $((uids - committed)); else FAIL "f$i" "somebody is left after 30 s"; fi
done | sort -n >"$LAB/run/times"
check every-host-is-clear "$(cat "$LAB/run/times")" test "$(grep -cE '^[0-9]+$' "$LAB/run/times")" = "$HOSTS_MANY"
ok "the last look that found nothing: $(sed -n "$(((HOSTS_MANY + 1) / 2))p" "$LAB/run/times") ms on half of the hosts, $(tail -n 1 "$LAB/run/times") ms on the last"
for i in $(seq $HOSTS_MANY); do
	runs_on "f$i" erin@globex >/dev/null || FAIL "f$i" "erin's process is gone too"
	host_exec "f$i" getent passwd alice@acme | grep -q ':/usr/sbin/nologin$' || FAIL "f$i" "alice still has a shell"
done
check others-live-on "see above" test "$FAILURES" = 0
finish
