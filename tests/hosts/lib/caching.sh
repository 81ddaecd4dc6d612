# Caching daemons beside us: the same for nscd and unscd, which share name, socket and configuration.

# caching_warm NAME…: the daemon has been asked for them.
caching_warm()
{
	local name

	for name; do
		host_exec web7 getent passwd "$name" >/dev/null
		host_exec web7 id "$name" >/dev/null
	done
}

# caching_start NAME COMMAND…: on web7, and warm about alice and carol.
caching_start()
{
	host_exec web7 install -d /run/nscd /var/cache/nscd /var/db/nscd
	host_spawn web7 nscd "$@"
	wait_for 5 host_exec web7 sh -c 'grep -q " 00010000 .*/run/nscd/socket$" /proc/net/unix' || die "it does not start: $(host_log web7 nscd)"
	caching_warm alice@acme carol@acme
}

# Closed: no shell, and no group but the private one.
caching_shows_closed()
{
	host_exec web7 getent passwd "$1" | grep -q ':/usr/sbin/nologin$' && test -z "$(host_exec web7 id -Gn "$1" | grep -E 'members|partners|databases|dba')"
}

# caching_offboard PERSON: prints how many ms later every look-up through the daemon shows it.
caching_offboard()
{
	local committed

	committed=$(control_ms offboard "person=$1") || return 1
	wait_for 5 caching_shows_closed "$1" || return 1
	echo $(($(now_ms) - committed))
}

# doctor_says CHECK: its verdicts on web7.
doctor_says()
{
	host_exec web7 b2bctl doctor --json | jq -r --arg check "$1" '[.checks[] | select(.check == $check).verdict] | unique | join(" ")'
}

# What a daemon that runs and is warm does to us, and what we do about it.
caching_daemon()
{
	local ms

	check "$1-would-leak" "a warm $1 tells erin nothing: then the page and doctor are wrong" \
		grep -q ^alice@acme: <<<"$(host_exec web7 setpriv --reuid erin@globex --regid erin@globex --init-groups getent passwd alice@acme)"
	check "$1-reported" "doctor says $(doctor_says nscd)" test "$(doctor_says nscd)" = problem
	check "$1-exit-status" "doctor is content" sh -c "! nsenter -t ${HOST_PID[web7]} -a b2bctl doctor >/dev/null"
	check "$1-in-status" "status says nothing of it" grep -q '^host .*doctor' <<<"$(host_exec web7 b2bctl status)"
	ms=$(caching_offboard alice@acme) || { FAIL "$1-forgets" "5 s after: $(host_exec web7 getent passwd alice@acme; host_exec web7 id alice@acme)"; return; }
	ok "$1-forgets: $ms ms after the service committed it"
	check "$1-forgets-in-time" "$ms ms" test "$ms" -lt 1000
}

caching_shows_open()
{
	host_exec web7 getent passwd "$1" | grep -q ':/bin/bash$' && host_exec web7 id -Gn "$1" | grep -q partners
}

# caching_closes NAME PERSON COMMAND…: what closes many at once shows through a daemon that is warm about PERSON, one of them.
caching_closes()
{
	caching_warm "$2"
	check "$1-warm" "$2 is closed before" caching_shows_open "$2"
	"${@:3}" >/dev/null || { FAIL "$1" "it is refused"; return; }
	check "$1" "it shows $(host_exec web7 getent passwd "$2"; host_exec web7 id "$2")" wait_for 5 caching_shows_closed "$2"
}

# An organisation, with its subsidiary, and everybody. Afterwards nobody is left who is not closed.
caching_closes_many()
{
	caching_warm bob@emea.acme
	caching_closes "$1-forgets-an-organisation" dave@acme control end-contract organisation=42c3e9
	check "$1-forgets-a-subsidiary" "it shows $(host_exec web7 getent passwd bob@emea.acme)" wait_for 5 caching_shows_closed bob@emea.acme
	caching_closes "$1-forgets-everybody" erin@globex host_exec web7 b2bctl close --all --reason 'Break-in'
}
