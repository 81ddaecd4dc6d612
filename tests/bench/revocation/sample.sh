# One end each, timed from outside b2bd: from the service's commit to a look into /proc that finds nobody.

QUEUED=0             # the first of PERSONS that was not ended yet
declare -A NEXT_LOCAL # of each organisation: whoever never had a session
SAMPLE_SECONDS=30

# timed CONDITION SCOPE LOW HIGH ORDER…: the service takes ORDER (control) while LOW-HIGH is watched; a line of samples.
timed()
{
	local condition=$1 scope=$2 low=$3 high=$4 watched committed times=$LAB/run/times watcher

	shift 4
	: >"$times"
	host_exec web7 "$TOOLS/last_look" --times "$low" "$high" "$SAMPLE_SECONDS" >"$times" &
	watcher=$!
	wait_for 10 test -s "$times" || die "nobody can be watched"
	committed=$(control_ms "$@") || die "the service refuses: $*"
	wait "$watcher" || echo "bench-revocation: somebody is left after $SAMPLE_SECONDS s: $*" >&2
	watched=$(sed -n 's/^watching //p' "$times")
	test "$watched" -gt 0 || die "nobody was there to be ended: $*"
	printf '%s\t%s\t%s\t%s\t%s\n' "$condition" "$scope" "$watched" "$committed" "$(sed -n '2s/ /\t/gp' "$times")" >>"$RESULTS/samples"
}

# end_person CONDITION: the next, and another of the same organisation gets a session in their place.
end_person()
{
	local name=${PERSONS[QUEUED]} organisation uid next

	organisation=${name#*@}
	uid=${SESSION_UID[$name]}
	timed "$1" person "$uid" "$uid" offboard "person=$name"
	QUEUED=$((QUEUED + 1))
	next=${NEXT_LOCAL[$organisation]:-$((SESSIONS / (ORGANISATIONS - 1) + 1))}
	NEXT_LOCAL[$organisation]=$((next + 1))
	PERSONS+=("u$next@$organisation")
	hold <<<"u$next@$organisation"
}

nothing_pending()
{
	host_exec web7 b2bctl --json status | jq -e '.pending_ends == 0'
}

# end_organisation CONDITION SCOPE ID LOW HIGH NAME…: suspended, and when it is reinstated they have sessions again.
end_organisation()
{
	local condition=$1 scope=$2 id=$3 low=$4 high=$5

	shift 5
	timed "$condition" "$scope" "$low" "$high" suspend-organisation "organisation=$id"
	control reinstate-organisation "organisation=$id" >/dev/null || die "the service reinstates nobody"
	wait_for 20 nothing_pending || die "ends are pending"
	sleep 2 # events tell whole seconds: a session of the same second would count as from before
	hold < <(printf '%s\n' "$@")
}

# What b2bd's processes have in memory, in kB, each its own line: proportional, resident, and the most that was resident.
b2bd_memory()
{
	host_exec web7 sh -c 'main=$(cat /run/lab/b2bd.pid)
		for pid in $(pgrep -x b2bd); do
			name=guard
			test "$(stat -c %U "/proc/$pid")" = root || name=agent
			test "$pid" != "$main" || name=supervisor
			awk -v name="$name" "/^Pss:/ { pss = \$2 } /^Rss:/ { rss = \$2 } /^VmHWM:/ { most = \$2 } END { print name, pss, rss, most }" \
				"/proc/$pid/smaps_rollup" "/proc/$pid/status"
		done'
}

# Who is not to be touched: processes of the other organisation, and of the host's own person.
bystanders()
{
	read -r low high <<<"$(range_of "$ORGANISATIONS" ' ')"
	host_exec web7 ps -eo uid=,user= | awk -v low="$low" -v high="$high" '$1 >= low && $1 <= high || $2 == "lena"' | wc -l
}

passes_done()
{
	grep -c 'event=directory-pass' "$LAB/log/web7.b2bd"
}

# Full passes over the directory, one upon the other; one is under way when this returns.
passes_start()
{
	passes_go_on &
	PASSES_PID=$!
}

passes_go_on()
{
	local before

	while before=$(passes_done) && host_exec web7 b2bctl sync >/dev/null; do
		until test "$(passes_done)" -gt "$before"; do sleep 0.05; done
	done
}

passes_stop()
{
	kill "$PASSES_PID"
	wait "$PASSES_PID" 2>/dev/null
}

# note_condition CONDITION: memory, bystanders, passes so far, and what b2bd says itself.
note_condition()
{
	local line

	b2bd_memory | while read -r line; do echo "$1 memory $line"; done >>"$RESULTS/conditions"
	echo "$1 bystanders $(bystanders)" >>"$RESULTS/conditions"
	echo "$1 passes $(passes_done)" >>"$RESULTS/conditions"
}
