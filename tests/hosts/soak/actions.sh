# What happens in the soak: act does one thing, chosen at random, by weight.

FAULT=   # what is out of order now, and what mends it
MEND=
MEND_AT=0
declare -A DONE

ACTIONS=(log_in log_in log_in log_in log_in log_in log_out suspend suspend reinstate reinstate reinstate end_sessions
	suspend_organisation reinstate_organisation reinstate_organisation regroup rotate break_something break_something)

read -ra FAULTS <<<"${SOAK_FAULTS:-partition_web7 partition_db3 federation_freeze federation_gone slow errors repeat replay agent_killed all_killed hup}"

note()
{
	echo "$(now_ms) $*" >>"$LAB/log/actions"
}

act()
{
	local what=${ACTIONS[RANDOM % ${#ACTIONS[@]}]}

	test -z "$FAULT" || test "$(now_ms)" -lt "$MEND_AT" || mend
	DONE[$what]=$((${DONE[$what]:-0} + 1))
	"$what"
	sleep "0.$((RANDOM % 5))"
}

# The service must hear what is told: not while it is down.
service_up()
{
	case $FAULT in federation_*) return 1 ;; esac
}

# In the background: whether it gets in is judged later, by what runs.
log_in()
{
	local n

	any_person
	any_host
	n=$((SESSIONS += 1))
	WHO[$n]=$PERSON WHERE[$n]=$HOST BEGAN_MS[$n]=$(now_ms)
	# shellcheck disable=SC2016
	LOGIN_SECONDS=86400 with_approval "$PERSON" ssh "$PERSON@$HOST" \
		"(exec -a soak-$n sleep 86400) & setsid bash -c 'exec -a soak-left sleep 86400' >/dev/null 2>&1 </dev/null & until pgrep -f '^soak-$n ' >/dev/null; do :; done; echo up; wait" >"$LAB/run/soak.$n" &
	disown
}

# The client goes; what the person left running stays, as on every Unix.
log_out()
{
	local n=$((SESSIONS > 0 ? RANDOM % SESSIONS + 1 : 0))

	test "$n" -gt 0 && grep -qx up "$LAB/run/soak.$n" || return 0
	host_exec laptop pkill -f "^ssh .*soak-$n " || true
}

suspend()
{
	service_up || return 0
	any_person
	ms=$(control_ms suspend "person=$PERSON") || die "the service suspends nobody"
	note "suspended $PERSON"
	CLOSED[$PERSON]=yes
	ended "$ms" "$PERSON"
}

reinstate()
{
	service_up || return 0
	for PERSON in "${!CLOSED[@]}"; do
		control reinstate "person=$PERSON" >/dev/null || die "the service reinstates nobody"
		note "reinstated $PERSON"
		unset "CLOSED[$PERSON]"
		return
	done
}

# The session is revoked, the person stays welcome.
end_sessions()
{
	service_up || return 0
	any_person
	ms=$(control_ms event type=https://schemas.openid.net/secevent/caep/event-type/session-revoked "person=$PERSON") || die "the service takes no event"
	note "sessions ended of $PERSON"
	ended "$ms" "$PERSON"
}

suspend_organisation()
{
	local orgs=(acme emea.acme globex) org

	service_up || return 0
	org=${orgs[RANDOM % 3]}
	ms=$(control_ms suspend-organisation "organisation=$org") || die "the service suspends no organisation"
	note "suspended $org"
	ORG_CLOSED[$org]=yes
	ended_organisation "$ms" "$org"
}

reinstate_organisation()
{
	local org

	service_up || return 0
	for org in "${!ORG_CLOSED[@]}"; do
		control reinstate-organisation "organisation=$org" >/dev/null || die "the service reinstates no organisation"
		note "reinstated $org"
		unset "ORG_CLOSED[$org]"
	done
}

regroup()
{
	service_up || return 0
	any_person
	control group "organisation=${PERSON#*@}" "local=soak$((DONE[regroup]))" "members:=[\"$PERSON.example\"]" >/dev/null || die "the service takes no group"
}

rotate()
{
	service_up || return 0
	note "keys rotated"
	control rotate-keys alg=ES256 >/dev/null || die "the service rotates no keys"
}

# One fault at a time, for up to four seconds.
break_something()
{
	local what

	test -z "$FAULT" || return 0
	what=${FAULTS[RANDOM % ${#FAULTS[@]}]}
	note "broken: $what"
	DONE[$what]=$((${DONE[$what]:-0} + 1))
	MEND_AT=$(($(now_ms) + 500 + RANDOM % 3500))
	FAULT=$what
	MEND=:
	"break_$what"
}

mend()
{
	note "mended: $FAULT"
	$MEND
	FAULT=
}

partition()
{
	host_cut_off "$1"
	MEND="host_join_again $1"
}
break_partition_web7() { partition web7; }
break_partition_db3() { partition db3; }
break_federation_freeze() { federation_freeze; MEND=federation_thaw; }
break_federation_gone() { federation_stop; MEND=federation_start; }

misbehave()
{
	service_up && control misbehave "$@" >/dev/null
	MEND=behave
}

behave()
{
	control misbehave reset:=true >/dev/null
}

break_slow() { misbehave 'slow:={"ms":700}'; }
break_errors() { misbehave 'status:={"code":503}'; }
break_repeat() { misbehave repeat_page:=true; }
break_replay() { misbehave replay:=true; } # what was told is told again
break_agent_killed() { host_exec db3 pkill -KILL -u b2b -x b2bd; }
break_all_killed() { host_kill db3 b2bd KILL; MEND='host_agent db3'; }
break_hup() { host_exec web7 pkill -HUP -u root -x b2bd; }
