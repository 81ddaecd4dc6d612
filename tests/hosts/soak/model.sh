# What the soak knows for certain: whom the service has told to be closed, and when; which sessions were begun, and when.
# A session's first process is called soak-N on its host; nothing ends it but a closing.

PEOPLE=()                                     # name@organisation
declare -A CLOSED CLOSED_MS ORG_CLOSED ENDED_MS # of a person, of an organisation; ENDED_MS: their sessions were told to end then
declare -A BEGAN_MS WHO WHERE                 # of the session N
declare -A PARENT=([emea.acme]=acme [apac.acme]=acme)
SESSIONS=0
# The service tells whole seconds, and a fault can hold a closing back: who logs in that soon after it may be ended with it.
LATE_MS=8000

# model_people ORGANISATION PREFIX COUNT
model_people()
{
	local i

	control people "organisation=$1" "prefix=$2" "count:=$3" >/dev/null || die "the service takes no people"
	for ((i = 0; i < $3; i++)); do PEOPLE+=("$2$i@$1"); done
}

any_person()
{
	PERSON=${PEOPLE[RANDOM % ${#PEOPLE[@]}]}
}

any_host()
{
	local hosts

	read -ra hosts <<<"$HOSTS_UP"
	HOST=${hosts[RANDOM % ${#hosts[@]}]}
}

# closed PERSON: by themselves, or by an organisation that they are in.
closed()
{
	local org=${1#*@}

	test -z "${CLOSED[$1]:-}" || return 0
	while test -n "$org"; do
		test -z "${ORG_CLOSED[$org]:-}" || return 0
		org=${PARENT[$org]:-}
	done
	return 1
}

# ended NOW_MS PERSON: whatever they had open is over from then on.
ended()
{
	ENDED_MS[$2]=$1
}

# ended_organisation NOW_MS ORGANISATION: with those below it.
ended_organisation()
{
	local person

	for person in "${PEOPLE[@]}"; do
		case ${person#*@} in "$2" | *."$2") ended "$1" "$person" ;; esac
	done
}

# approved_ms N: by when the log-in had been approved; now, if nothing says so. A log-in that was under way as its person's sessions
# were ended can be approved after that, and is a new one.
approved_ms()
{
	sed -n 's/^approved by \([0-9]*\)$/\1/p' "$LAB/run/soak.$1" | tail -n 1 | grep . || now_ms
}

# fate N: "gone", "alive" or "either", by what was told so far; of a session that is up.
fate()
{
	local person=${WHO[$1]} began=${BEGAN_MS[$1]} end=${ENDED_MS[${WHO[$1]}]:-0}

	if closed "$person" || test "$(approved_ms "$1")" -le "$end"; then
		echo gone
	elif test "$began" -le $((end + LATE_MS)); then
		echo either
	else
		echo alive
	fi
}
