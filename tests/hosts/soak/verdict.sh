# At rest: everything is mended, everybody has what they may have, and nothing else.

# What the service's directory says of each person now: "open" or "closed" and the name, sorted.
service_says()
{
	local token

	token=$(federation_curl -f -u "admin:$(cat "$LAB/run/admin.secret")" -d grant_type=client_credentials -d scope=directory "$ISSUER/token" | jq -r .access_token)
	federation_curl -f -H "Authorization: Bearer $token" "$ISSUER/scim/v2/Organizations?count=100" >"$LAB/run/orgs"
	federation_curl -f -H "Authorization: Bearer $token" "$ISSUER/scim/v2/Users?count=1000" >"$LAB/run/people"
	jq -r --slurpfile orgs "$LAB/run/orgs" '
		(reduce $orgs[0].Resources[] as $o ({}; .[$o.id] = $o)) as $by
		| def open(id): id == null or ($by[id].state == "active" and open($by[id].parent));
		.Resources[] | .["urn:b2b:scim:schemas:2.0:User"] as $u | select($by[$u.organizationId].alias != "initech")
		| (if .active and open($u.organizationId) then "open " else "closed " end) + $u.localName + "@" + $by[$u.organizationId].alias' \
		"$LAB/run/people" | sort
}

host_says()
{
	host_exec "$1" b2bctl --json users | jq -r '.users[] | (if .open then "open " else "closed " end) + .name' | sort
}

agrees()
{
	service_says >"$LAB/run/says.service" && host_says "$1" >"$LAB/run/says.$1" && test -s "$LAB/run/says.service" && cmp -s "$LAB/run/says.service" "$LAB/run/says.$1"
}

nothing_pending()
{
	host_exec "$1" b2bctl --json status | jq -e '.pending_ends == 0'
}

running()
{
	host_exec "$1" sh -c 'pgrep -f -a "^soak-[0-9]+ " || true' | sed -n 's/^[0-9]* soak-\([0-9]*\) .*/\1/p'
}

# judge NAME: every session is as it has to be. Log-ins under way are waited for.
judge()
{
	local name=$1 n wrong='' checked=0
	declare -A runs=()

	for host in $HOSTS_UP; do
		for n in $(running "$host"); do runs[$n]=yes; done
	done
	for ((n = 1; n <= SESSIONS; n++)); do
		grep -qx up "$LAB/run/soak.$n" || { test -z "${runs[$n]:-}" || wrong+=" $n:runs-before-it-is-up"; continue; }
		checked=$((checked + 1))
		case $(fate "$n"):${runs[$n]:-} in
		gone:yes) wrong+=" $n(${WHO[$n]} on ${WHERE[$n]}):still-runs" ;;
		alive:) wrong+=" $n(${WHO[$n]} on ${WHERE[$n]}):was-ended" ;;
		esac
	done
	check "$name-sessions" "of $checked:$wrong" test -z "$wrong"
}

no_login_pending()
{
	host_exec laptop sh -c '! pgrep -x ssh | while read -r pid; do
		n=$(tr "\0" " " <"/proc/$pid/cmdline" | sed -n "s/.*soak-\([0-9]*\) .*/\1/p")
		grep -qx up "'"$LAB"'/run/soak.$n" || echo "$n"
	done | grep -q .'
}

# Nobody who is closed runs anything, by uid.
closed_run_nothing()
{
	local host person

	for host in $HOSTS_UP; do
		for person in "${PEOPLE[@]}"; do
			if closed "$person" && host_exec "$host" pgrep -u "$person" >"$LAB/run/left"; then return 1; fi
		done
	done
}

# Events come in the order in which they were told: a host that shows the last one has had all before it.
MARKER=x0@acme # nobody logs in as
marked()
{
	host_exec "$1" b2bctl --json users | jq -e --arg who "$MARKER" 'any(.users[]; .name == $who and .reason == "user-suspended")'
}

verdict()
{
	local host from

	test -z "$FAULT" || mend
	from=$(now_ms)
	control suspend "person=$MARKER" >/dev/null || die "the service suspends nobody"
	for host in $HOSTS_UP; do
		check "$1-$host-hears" "nothing of what was told last: $(host_exec "$host" b2bctl status 2>&1 | head -n 12)" wait_for 60 marked "$host"
	done
	control reinstate "person=$MARKER" >/dev/null || die "the service reinstates nobody"
	for host in $HOSTS_UP; do
		check "$1-$host-ready" "the agent is not ready: $(host_exec "$host" b2bctl status 2>&1 | head -n 20)" wait_for 60 host_ready "$host"
		check "$1-$host-agrees" "they differ: $(diff "$LAB/run/says.service" "$LAB/run/says.$host" | head -n 6)" wait_for 40 agrees "$host"
		note "$1: $host agrees $(($(now_ms) - from)) ms after"
		check "$1-$host-nothing-pending" "ends are pending" wait_for 10 nothing_pending "$host"
	done
	check "$1-logins-settled" "log-ins hang" wait_for 40 no_login_pending
	check "$1-closed-run-nothing" "somebody runs: $(cat "$LAB/run/left" 2>/dev/null)" wait_for 5 closed_run_nothing
	judge "$1"
	figures "$1"
	# nothing waits that a former key has signed
	control rotate-keys alg=ES256 drop:=true >/dev/null || die "the service drops no keys"
}

# b2bd's processes: name, descriptors, resident KiB.
daemon_figures()
{
	host_exec "$1" sh -c 'for pid in $(pgrep -x b2bd); do
		test -d "/proc/$pid/fd" || continue
		echo "$(ps -o user= -p "$pid" | tr -d " ")-$pid $(ls "/proc/$pid/fd" | wc -l) $(sed -n "s/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$pid/status")"
	done'
}

figures()
{
	{
		for host in $HOSTS_UP; do daemon_figures "$host" | sed "s/^/$host /"; done
		echo "service $FEDERATION_PID $(find "/proc/$FEDERATION_PID/fd" -mindepth 1 | wc -l) $(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$FEDERATION_PID/status")"
	} | sed "s/^/$1 /" | tee -a "$LAB/log/figures" | sed 's/^/# /'
}

# What runs on a host besides partners: names of programs, counted.
programs()
{
	host_exec "$1" sh -c 'ps -eo comm= | grep -vE "^(ps|sh|sort|uniq|grep)$" | sort | uniq -c'
}

# Short-lived children of b2bd's come and go: what is there twice in a row.
settled()
{
	programs "$1" >"$LAB/run/programs.$1"
	sleep 0.3
	same_programs "$1"
}

baseline()
{
	local host

	for host in $HOSTS_UP; do wait_for 20 settled "$host" || die "$host does not come to rest"; done
	figures begin
}

everybody_closed()
{
	local org

	for org in acme globex; do
		ms=$(control_ms suspend-organisation "organisation=$org") || die "the service suspends no organisation"
		ORG_CLOSED[$org]=yes
		ended_organisation "$ms" "$org"
	done
	verdict closed
	check clients-gone "ssh clients are left" wait_for 20 sh -c "! nsenter -t ${HOST_PID[laptop]} -a pgrep -x ssh"
}

# grown FILE HOST: processes that lived from the first rest to the end and hold more than then.
grown()
{
	awk -v host="$1" '
		$2 == host && ($1 == "begin" || $1 == "rest-1") { fds[$3] = $4; kib[$3] = $5 }
		$2 == host && $1 == "closed" && ($3 in fds) && ($4 > fds[$3] + 2 || $5 > kib[$3] * 1.25 + 4096) { print $3 ": " fds[$3] " -> " $4 " descriptors, " kib[$3] " -> " $5 " KiB" }' \
		"$LAB/log/figures"
}

leaks()
{
	local host

	for host in $HOSTS_UP; do
		check "$host-no-process-left" "$(diff "$LAB/run/programs.$host" <(programs "$host"))" \
			wait_for 10 same_programs "$host"
		check "$host-no-session-left" "$(host_exec "$host" ls /run/b2b/sessions)" test -z "$(host_exec "$host" ls /run/b2b/sessions)"
		check "$host-nothing-grown" "$(grown "$host")" test -z "$(grown "$host")"
	done
	check lived "no agent lived from the first rest to the end" grep -q "$(sed -n 's/^begin web7 b2b-\([0-9]*\) .*/^closed web7 b2b-\1 /p' "$LAB/log/figures")" "$LAB/log/figures"
}

same_programs()
{
	programs "$1" | cmp -s - "$LAB/run/programs.$1"
}

summary()
{
	local what

	echo "# $SESSIONS log-ins tried, $(grep -lx up "$LAB"/run/soak.[0-9]* | wc -l) got in"
	for what in $(printf '%s\n' "${!DONE[@]}" | sort); do echo "# $what ${DONE[$what]}"; done
	for host in $HOSTS_UP; do echo "# $host $(host_exec "$host" b2bctl --json status | jq -c '.revocations | {count, p50_ms, p99_ms, max_ms}')"; done
}
