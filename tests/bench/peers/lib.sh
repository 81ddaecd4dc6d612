# What the set-up of each peer uses: source this. A peer's script runs inside the throw-away host, ends with a status other
# than 0 and one line that says why when the peer cannot be had, and records what it made in files below $RESULTS,
# tab separated, which setup adds to those in $BENCH.

set -eu -o pipefail
HERE=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
BENCH=/bench
WORK=/run/bench-peers # in memory; gone with the host
PASSWD=$BENCH/passwd
GROUP=$BENCH/group
SLAPD_SOCKET=ldapi://%2Frun%2Fslapd%2Fldapi
RESULTS=${RESULTS:-$WORK}
export LC_ALL=C

fail()
{
	echo "$*" >&2
	exit 1
}

# record FILE FIELD…
record()
{
	(IFS=$'\t' && echo "${*:2}") >>"$RESULTS/$1"
}

# subject NAME NSS-SERVICE ENVIRONMENT OPERATIONS NOTE: to be measured.
subject() { record subjects "$@"; }

# absent NAME WHY: stays in the table as not run.
absent() { record absent "$@"; }

# version NAME PACKAGE…
version()
{
	record versions "$1" "$(dpkg-query -W -f '${Package} ${Version}, ' "${@:2}" | sed 's/, $//')"
}

# daemon FILE: it writes its process id there. What a script has started is ended when the script fails, and by stop.
daemon() { record daemons "$1"; }

# end_daemons FOLDER: those that a script with its records in FOLDER has started.
end_daemons()
{
	local file

	test -e "$1/daemons" || return 0
	while read -r file; do
		test ! -s "$file" || kill "$(cat "$file")" 2>/dev/null || true
	done <"$1/daemons"
	rm "$1/daemons"
}

# disk NAME FILE…: what the file system has given to them.
disk()
{
	record disk "$1" "$(du -s -c -B1 "${@:2}" | tail -n 1 | cut -f1)"
}

# built NAME COMMAND…: runs it, TIMES times where that is set, and records how long each took.
built()
{
	local begin round seconds=

	for round in $(seq "${TIMES:-1}"); do
		begin=$(date +%s%N)
		"${@:2}"
		seconds="$seconds $(elapsed "$begin")"
	done
	record built "$1" "${seconds# }"
}

# elapsed BEGIN: seconds since BEGIN, which date +%s%N said.
elapsed()
{
	printf '%d.%03d' $((($(date +%s%N) - $1) / 1000000000)) $((($(date +%s%N) - $1) / 1000000 % 1000))
}

# within SECONDS PROGRAM…: until it succeeds.
within()
{
	timeout "$1" sh -c 'until "$@" >/dev/null 2>&1; do sleep 0.05; done' - "${@:2}"
}

# answers SERVICE [VAR=VALUE…]: does it know the people of the sample that setup took, with all of their groups, a group with all
# of its members, and nobody else?
answers()
{
	answers_people "$@"
	answers_groups "$@"
}

answers_people()
{
	local service=$1 name uid line

	while IFS=$'\t' read -r line _; do
		IFS=: read -r name _ uid _ <<<"$line"
		test "$(ask passwd "$name" "$@" | plain)" = "$line" || fail "$service gives a wrong answer for $name"
		test "$(ask passwd "$uid" "$@" | plain)" = "$line" || fail "$service gives a wrong answer for $uid, the uid of $name"
	done <"$WORK/people"
	if ask passwd no-such-person@org0001 "$@" >/dev/null; then fail "$service knows somebody who does not exist"; fi
}

answers_groups()
{
	local service=$1 name line gids gid

	while IFS=$'\t' read -r line gids; do
		name=${line%%:*}
		test "$(groups_of "$name" "$@")" = "$gids" || fail "$service gives wrong groups for $name"
	done <"$WORK/people"
	line=$(cat "$WORK/group")
	IFS=: read -r name _ gid _ <<<"$line"
	for name in "$name" "${gid%% *}"; do
		test "$(ask group "$name" "$@" | plain | members_sorted)" = "$line" || fail "$service gives a wrong answer for the group $name"
	done
}

# For those that ask slapd: has its own script succeeded?
need_slapd()
{
	test -e "$WORK/slapd/daemons" || fail "there is no slapd: $(tail -n 1 "$WORK/slapd/why")"
}

# A name that surely is there.
somebody()
{
	head -n 1 "$WORK/names" | cut -d: -f1
}

# ask passwd|group|initgroups KEY SERVICE [VAR=VALUE…]
ask()
{
	env "${@:4}" timeout 60 getent -s "$1:$3" "$1" "$2"
}

groups_of()
{
	ask initgroups "$@" | awk '{ for (i = 2; i <= NF; i++) print $i }' | sort -n | paste -s -d ' ' -
}

# The password field differs by service and says nothing.
plain()
{
	sed 's/^\([^:]*\):[^:]*:/\1:x:/'
}

# A group's line with its members in order.
members_sorted()
{
	awk -F: '{ print $1 ":" $2 ":" $3; n = split($4, member, ","); for (i = 1; i <= n; i++) print member[i] | "sort" }' | paste -s -d ' ' -
}
