#!/usr/bin/env bash
# Nothing is forgotten: ends that were pending when everything died, events that came while nothing ran.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7

for pair in 'alice alice@acme' 'carol carol@acme' 'erin erin@globex' 'heidi heidi@apac.acme'; do
	read -r person user <<<"$pair"
	session_login $person $user $user web7 || die "$user cannot log in: $(tail -n 20 "${SESSION_OUT[$person]}")"
done
closed()
{
	wait_for "${2:-5}" sh -c "nsenter -t ${HOST_PID[web7]} -a getent passwd '$1' | grep -q nologin"
}

# The guard stands still, so that the end stays pending; then both processes die.
host_exec web7 pkill -STOP -u root -x b2bd
control offboard person=alice@acme >/dev/null
check closed-at-once "the word is not stored" closed alice@acme
check end-pending "her session ended without the guard" session_alive alice
host_kill web7 b2bd KILL
check still-closed "names opened again" closed alice@acme
host_agent web7
check pending-end-resumed "her session outlived the restart" wait_for 10 session_over alice
check told-after-restart "she did not read why" session_shows alice 'No longer with the organisation \([0-9a-f]{16}\)' 2

# Offboarded while nothing of ours runs here.
host_kill web7 b2bd KILL
control offboard person=carol@acme >/dev/null
check carol-not-yet "who ended it?" session_alive carol
host_agent web7
check missed-event-acted-on "her session outlived the restart" wait_for 15 session_over carol

# The agent alone dies: the guard starts another, and nobody notices.
host_exec web7 pkill -KILL -u b2b -x b2bd
check agent-again "no new agent" wait_for 20 host_ready web7
check others-alive "erin has ended" test "$(session_run erin 'echo still-$((6*7))')" = still-42
control offboard person=heidi@apac.acme >/dev/null
check works-after-agent-death "heidi's session goes on" wait_for 5 session_over heidi

# A clean stop leaves sessions alone.
host_exec web7 pkill -TERM -u root -x b2bd
check stopped "b2bd does not stop" wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a pgrep -x b2bd"
host_agent web7
check ready-again "not ready" wait_for 20 host_ready web7
check session-kept "erin has ended" test "$(session_run erin 'echo still-$((6*7))')" = still-42
check sessions-known "b2bctl lists other sessions than erin's" \
	test "$(host_exec web7 b2bctl --json sessions | jq -r '.sessions[].user')" = erin@globex

# SIGHUP reads the configuration again.
host_exec web7 pkill -HUP -u root -x b2bd
check ready-after-hup "not ready" wait_for 10 host_ready web7
check session-after-hup "erin has ended" test "$(session_run erin 'echo still-$((6*7))')" = still-42
finish
