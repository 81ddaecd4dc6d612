#!/usr/bin/env bash
# Offboarding: at the service's word, one person's sessions are gone from every host, log-in, sudo and names are closed,
# and nobody else is touched. Prints how long it took, from the service's commit to the last look that found nothing.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
host_start db3
host_local_user web7 lena

for pair in 'a1 alice@acme alice@acme web7' 'a2 alice@acme alice@acme web7' 'a3 alice@acme alice@acme db3' 'c1 carol@acme carol@acme web7' \
	'e1 erin@globex erin@globex web7' 'b1 bob@emea.acme bob@emea.acme web7'; do
	read -r id person user host <<<"$pair"
	session_login "$id" "$person" "$user" "$host" || die "$user cannot log in on $host: $(tail -n 20 "${SESSION_OUT[$id]}")"
done
alice=$(host_exec web7 id -u alice@acme)

# What a shell leaves behind: a child that ignores hang-ups, one in a session of its own, a double fork.
session_type a1 'nohup sleep 3600 >/dev/null 2>&1 &'
session_type a1 'setsid sleep 3601'
session_type a1 "(trap '' HUP TERM; sh -c \"trap '' HUP TERM; sleep 3602; sleep 3602\" &)"
# A root shell by sudo, approved by alice again.
session_type a2 'sudo -s'
session_approve a2 alice@acme || FAIL sudo-prompt "sudo asks for no approval"
session_type a2 'echo root-is-$(id -u)'
check sudo-root-shell "no root shell by sudo" session_shows a2 '^root-is-0'

look()
{
	host_exec "$1" "$TOOLS/last_look" "$2" "$3" 10 >"$LAB/run/look.$1" &
}

# offboard_times COMMITTED HOST…: prints ms until nothing was left, by uid and with root shells.
report_times()
{
	local what=$1 committed=$2 host start uids all

	for host in web7 db3; do
		read -r start uids all <"$LAB/run/look.$host" || { FAIL "$what-$host" "somebody is left after 10 s"; continue; }
		ok "$what-$host: $((uids - committed)) ms to the last process by uid, $((all - committed)) ms with root shells"
		check "$what-$host-in-time" "$((all - committed)) ms" test $((all - committed)) -lt 1000
	done
}

look web7 "$alice" "$alice"; web_look=$!
look db3 "$alice" "$alice"; db_look=$!
committed=$(control_ms offboard person=alice@acme) || die "the service does not offboard"
wait $web_look $db_look
report_times offboarded "$committed"

for id in a1 a2 a3; do
	check "client-$id-ended" "her ssh still runs" wait_for 5 session_over $id
	check "client-$id-told" "she did not read why: $(tail -n 5 "${SESSION_OUT[$id]}")" session_shows $id 'No longer with the organisation \([0-9a-f]{16}\)' 2
done
for id in c1 e1 b1; do
	check "other-$id-alive" "$id has ended too" session_alive $id
	check "other-$id-works" "$id answers no more" test "$(session_run $id 'echo still-$((6*7))')" = still-42
done
check local-works "lena cannot log in" test "$(ssh_key lena web7 id -un)" = lena

out=$(ssh_as alice@acme alice@acme web7 id -un)
check next-login-refused "alice got in again" test -z "$(grep -x alice@acme <<<"$out")"
check name-kept "her files lost their owner's name" grep -q alice@acme <<<"$(host_exec web7 ls -ld /home/acme/alice)"
check shell-closed "she still has a shell" grep -q ':/usr/sbin/nologin$' <<<"$(host_exec web7 getent passwd alice@acme)"
check groups-gone "she still has groups: $(host_exec web7 id alice@acme)" test -z "$(host_exec web7 id -Gn alice@acme | grep -E 'members|partners|databases')"
check sudo-closed "sudo still knows her" sh -c "! nsenter -t ${HOST_PID[web7]} -a setpriv --reuid $alice --regid $alice --clear-groups sudo -n true"
check registry-clean "3 are open: $(host_exec web7 sh -c 'ls /run/b2b/sessions; b2bctl sessions; ps axf')" \
	wait_for 5 sh -c "test \"\$(ls /proc/${HOST_PID[web7]}/root/run/b2b/sessions | wc -l)\" = 3"
check nothing-pending "ends are pending" test "$(host_exec web7 b2bctl --json status | jq .pending_ends)" = 0
host_exec web7 b2bctl --json status | jq -c .revocations

# The end of a whole organisation's contract: its subsidiary too, nobody else.
read -r low _ <<<"$(host_range acme)"
read -r _ high <<<"$(host_range apac.acme)"
session_login d1 dave@acme dave@acme db3 || FAIL dave "dave cannot log in"
look web7 "$low" "$high"; web_look=$!
look db3 "$low" "$high"; db_look=$!
committed=$(control_ms end-contract organisation=42c3e9) || die "the service does not end the contract"
wait $web_look $db_look
report_times contract-ended "$committed"
check subsidiary-ended "bob's ssh still runs" wait_for 5 session_over b1
check subsidiary-told "bob did not read why: $(tail -n 5 "${SESSION_OUT[b1]}")" session_shows b1 'The contract has ended \([0-9a-f]{16}\)' 2
check colleague-ended "carol's ssh still runs" wait_for 5 session_over c1
check other-organisation-alive "erin has ended too" session_alive e1
check other-organisation-works "erin answers no more" test "$(session_run e1 'echo still-$((6*7))')" = still-42
check ended-refused "carol got in again" test -z "$(ssh_as carol@acme carol@acme web7 id -un | grep -x carol@acme)"
check subsidiary-refused "bob got in again" test -z "$(ssh_as bob@emea.acme bob@emea.acme web7 id -un | grep -x bob@emea.acme)"
check other-login "erin cannot log in any more" grep -qx erin@globex <<<"$(ssh_as erin@globex erin@globex web7 id -un)"
finish
