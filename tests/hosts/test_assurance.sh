#!/usr/bin/env bash
# What an authentication is good for: strong enough and fresh enough for sudo and su, whatever sudo's time stamp says; and
# how long a session may rest on it. sudo and su want more than the log-in did.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
HOST_METHODS='token device' HOST_SSHD='assurance = aal2'
HOST_SUDO='assurance = aal3
max_age = 10s'
HOST_CONF='[service su]
methods = device
assurance = aal3
max_age = 10s
[assurance]
aal2 = aal2
aal3 = aal3
aal2_session = 20s
aal2_idle = 12s'
HOST_GLOBEX='session = 8s' HOST_HOST='session_warnings = 3s' HOST_QR=yes HOST_FEDERATION='reverify = life'
host_start web7
host_local_user web7 lena

# said ID SENTENCE: prints the reference that stands behind it on the terminal.
said()
{
	session_shows "$1" "$2 \(reference [0-9a-f]{16}\)" && grep -aoE "$2 \(reference [0-9a-f]{16}\)" "${SESSION_OUT[$1]}" | tail -n 1 | grep -oE '[0-9a-f]{16}'
}

# refused NAME ID SENTENCE LINE: it was said to the person, and the agent's line LINE has the same reference.
refused()
{
	local id

	id=$(said "$2" "$3")
	check "$1-told" "$(tail -n 5 "${SESSION_OUT[$2]}")" test -n "$id"
	check "$1-in-log" "no line with ${id:-a reference}" grep -qE "$4 id=${id:-none} " <<<"$(host_log web7 b2bd)"
}

# prompts ID: how often it was shown a page and a code.
prompts()
{
	grep -ac '1\. Open' "${SESSION_OUT[$1]}"
}

# pictures ID: how many QR codes it was shown; light lines begin and end each.
pictures()
{
	echo $(($(tr -d '\r' <"${SESSION_OUT[$1]}" | grep -cxE '  (█)+') / 2))
}

older_than()
{
	test "$(($(date +%s) - $1))" -gt "$2"
}

# denied NAME ID PERSON COMMAND SENTENCE REASON [MORE…]: approved with MORE, COMMAND is refused on the terminal, which is told and logged.
denied()
{
	session_type "$2" "$4; echo $1-\$?"
	session_approve "$2" "$3" "${@:7}"
	check "$1" "in: $(tail -n 3 "${SESSION_OUT[$2]}")" session_shows "$2" "^$1-1"
	refused "$1" "$2" "$5" "event=auth .*user=$3 reason=$6"
}

STRONGER='This service asks for a stronger authentication\.'
TOO_OLD='Your authentication is too old for this service;'

# types_on ID: a key now and then, as long as the session lasts.
types_on()
{
	while session_alive "$1"; do
		session_type "$1" ''
		sleep 2
	done
}

# Four sessions with an end each: the organisation's, the token's, nobody's key, the level's. Alice types once she is warned.
for id in erin@globex bob@emea.acme alice@acme deploy@acme; do
	session_start "$id" "$id" web7
done
for id in erin@globex bob@emea.acme alice@acme; do
	session_shows "$id" 'Access token' 20 && session_type "$id" ''
done
for id in erin@globex bob@emea.acme alice@acme; do
	session_approve "$id" "$id" && session_up "$id" || die "$id cannot log in: $(cat "${SESSION_OUT[$id]}")"
done
session_shows deploy@acme 'Access token' && session_type deploy@acme "$(control access-token person=deploy@acme life_s:=15 | jq -re .access_token)"
# ssh forgets what is typed until then.
session_shows deploy@acme '^deploy@acme@web7:' 15 && session_up deploy@acme || die "deploy cannot log in: $(cat "${SESSION_OUT[deploy@acme]}")"
types_on deploy@acme &
{ session_shows alice@acme 'press a key to go on' 30 && types_on alice@acme; } &
disown -a

# Carol's log-in was by a password alone, which is enough for it.
session_on c web7 'exec login carol@acme'
session_approve c carol@acme acr=aal1 && session_up c || die "carol cannot log in: $(cat "${SESSION_OUT[c]}")"
host_exec web7 sh -c 'echo "Defaults passwd_tries=1" | (umask 337; cat >/etc/sudoers.d/tries)'
denied sudo-too-weak c carol@acme 'sudo id -un' "$STRONGER" assurance acr=aal2
denied sudo-too-old c carol@acme 'sudo id -un' "$TOO_OLD authenticate again\." auth-age acr=aal3 "auth_time:=$(($(date +%s) - 3600))"
session_type c 'sudo id -un; echo third-$?'
session_approve c carol@acme acr=aal3
approved=$(date +%s)
check sudo-step-up "$(tail -n 3 "${SESSION_OUT[c]}")" session_shows c '^third-0'

# sudo's time stamp lasts for 15 minutes; what was proven does not.
before=$(prompts c)
session_type c 'sudo id -un; echo fourth-$?'
check stamp-within-age "sudo is not root's: $(tail -n 3 "${SESSION_OUT[c]}")" session_shows c '^fourth-0'
check stamp-asks-nothing "it asked" test "$(prompts c)" = "$before"

# From a local account into a partner's.
session_inside l lena web7
denied su-too-weak l alice@acme 'su -c "id -un" alice@acme' "$STRONGER" assurance
check picture-where-it-fits "$(cat "${SESSION_OUT[l]}")" test "$(pictures l)" = 1
denied su-too-old l alice@acme 'LC_ALL=C su -c "id -un" alice@acme' "$TOO_OLD authenticate again\." auth-age acr=aal3 "auth_time:=$(($(date +%s) - 3600))"
session_type l 'stty cols 34; su -c "id -un" alice@acme; echo third-$?'
session_approve l alice@acme acr=aal3
check su-step-up "$(tail -n 3 "${SESSION_OUT[l]}")" session_shows l '^third-0'

check no-picture-elsewhere "in C, or in 34 columns: $(cat "${SESSION_OUT[l]}")" test "$(pictures l)" = 1
check no-picture-over-ssh "$(cat "${SESSION_OUT[bob@emea.acme]}")" test "$(pictures bob@emea.acme)" = 0

wait_for 15 older_than "$approved" 10
before=$(prompts c)
session_type c 'sudo id -un; echo fifth-$?'
check stamp-past-age "root: $(tail -n 3 "${SESSION_OUT[c]}")" session_shows c '^fifth-1'
check stamp-past-age-asks-nothing "it asked" test "$(prompts c)" = "$before"
refused stamp-past-age c "$TOO_OLD run sudo -k, then try again\." 'event=account .*user=carol@acme reason=auth-age'
session_type c 'sudo -k; sudo id -un; echo sixth-$?'
check stamp-forgotten-asks "it asks for no approval" session_approve c carol@acme acr=aal3
check stamp-forgotten "no root: $(tail -n 3 "${SESSION_OUT[c]}")" session_shows c '^sixth-0'

# ended USER NAME WARNING REASON SENTENCE
ended()
{
	local id

	check "$2-warned" "$(tail -n 5 "${SESSION_OUT[$1]}")" session_shows "$1" "This session ends in [0-9] seconds?: $3\. \([0-9a-f]{16}\)" 20
	check "$2-over" "it goes on: $(host_exec web7 b2bctl sessions)" wait_for 20 session_over "$1"
	id=$(grep -aoE "$5.*\([0-9a-f]{16}\)" "${SESSION_OUT[$1]}" | grep -oE '[0-9a-f]{16}')
	check "$2-told" "$(tail -n 5 "${SESSION_OUT[$1]}")" test -n "$id"
	check "$2-in-log" "no line with ${id:-a reference}: $(grep -E "user=$1" "$LAB/log/web7.b2bd" | tail -n 3)" \
		grep -qE "event=ended .*user=$1 reason=$4 id=${id:-none} " "$LAB/log/web7.b2bd"
}
LONGEST='it has lasted the longest that it may'
ended erin@globex organisation "$LONGEST" session-limit 'The longest time for a session is over'
ended deploy@acme token-life 'the token that it was opened with ends then' session-token 'The token that this session was opened with has ended'
ended bob@emea.acme idle 'nobody has typed for long; press a key to go on' session-idle 'The session was idle for too long'
check key-keeps "alice was not warned" session_shows alice@acme 'press a key to go on' 1
ended alice@acme level "$LONGEST" session-limit 'The longest time for a session is over'
check others-live "carol's session ended too" test "$(session_run c 'echo on-$((6*7))')" = on-42
finish
