#!/usr/bin/env bash
# A network that swallows everything and says nothing: nobody new gets in once the
# lease is over, sessions stay, and what happened meanwhile is acted upon soon after it is back.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
HOST_STALENESS=6s host_start web7
host_local_user web7 lena

for pair in 'alice alice@acme' 'erin erin@globex'; do
	read -r id user <<<"$pair"
	session_login "$id" "$user" "$user" web7 || die "$user cannot log in: $(tail -n 20 "${SESSION_OUT[$id]}")"
done

# What tests cut off is cut off; who joins or leaves cuts off nobody, however low the address of its port.
lab_address()
{
	ip -oneline link show lab0 | grep -o 'link/ether [0-9a-f:]*'
}
before=$(lab_address)
ip link set v-laptop address 02:00:00:00:00:02
check lab-keeps-address "the lab was at $before, and is at $(lab_address)" test "$(lab_address)" = "$before"

host_cut_off web7
control offboard person=alice@acme >/dev/null || die "the service does not offboard"
check noticed "status still says: $(host_exec web7 b2bctl status)" \
	wait_for 40 sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl --json status | jq -e '.signals.connected | not'"
check lease-over "the lease goes on" wait_for 10 sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl --json status | jq -e '.lease.valid | not'"
out=$(ssh_as - erin@globex web7 id -un)
check new-refused "erin got in: $out" test -z "$(grep -x erin@globex <<<"$out")"
check sessions-stay "erin's session ended" test "$(session_run erin 'echo on-$((6*7))')" = on-42
check unheard-of "who ended alice's session?" session_alive alice
check local-user "lena cannot log in" test "$(ssh_key lena web7 id -un)" = lena

host_join_again web7
check acted-upon "alice's session goes on" wait_for 15 session_over alice
check told "she did not read why" session_shows alice 'No longer with the organisation \([0-9a-f]{16}\)' 2
check ready "not ready" wait_for 15 host_ready web7
check others-alive "erin's session ended" test "$(session_run erin 'echo on-$((6*7))')" = on-42
check login "erin cannot log in" grep -qx erin@globex <<<"$(ssh_as erin@globex erin@globex web7 id -un)"

# The service lost the stream, and with it the word about erin: nothing but a full pass can tell, and the next is due in 15 minutes.
host_cut_off web7
control lose-stream client=web7 >/dev/null && control suspend person=erin@globex >/dev/null || die "the service does not suspend"
check told-nobody "an event waits for web7" test "$(federation_curl -f -H "Authorization: Bearer $(cat "$LAB/run/control-token")" \
	"$ISSUER/control/events" | jq '.events | length')" = 0
host_join_again web7
check missed-made-up-for "erin's session goes on" wait_for 40 session_over erin
check missed-closed "erin has a shell" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd erin@globex)"
check ready-again "not ready" wait_for 15 host_ready web7
finish
