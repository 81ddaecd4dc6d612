# Hosts: an overlay over the machine's root, in namespaces of its own, on the lab's bridge.

declare -A HOST_PID HOST_ADDRESS
HOST_COUNT=0
TOOLS=/usr/local/lib/b2b-test

# host_boot NAME [PROCESS-1…]: a bare machine with network, syslog and nothing started. /var/lib/b2b lies on build/'s disk.
# HOST_BRANCH: a cgroup that becomes the root of the host's.
host_boot()
{
	local name=$1 outside

	test $# -gt 1 || set -- "$name" "$BUILD/tests/hosts/init" --stay bash "$HERE/host-setup" "$name" "$LAB"
	HOST_COUNT=$((HOST_COUNT + 1))
	HOST_ADDRESS[$name]=$LAB_NET.$((10 + HOST_COUNT))
	mkdir -p "$LAB/mem/$name"/{upper,work,root} "$LAB/disk/$name"
	chmod 755 "$LAB/mem/$name/upper"
	sh -c 'test -z "$0" || echo $$ >"$0/cgroup.procs"; exec "$@"' "${HOST_BRANCH:-}" \
		unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child=KILL --propagation private "${@:2}" \
		>"$LAB/log/$name.boot" 2>&1 </dev/null {LAB_LOCK}>&- &
	outside=$!
	disown
	wait_for 20 test -s "$LAB/run/$name.up" || die "$name does not come up: $(cat "$LAB/log/$name.boot")"
	read -r HOST_PID[$name] _ <"/proc/$outside/task/$outside/children"
	host_plug "$name"
	host_spawn "$name" syslog "$TOOLS/devlog"
	wait_for 10 host_exec "$name" test -S /dev/log || die "$name has no syslog"
}

host_plug()
{
	local name=$1 pid=${HOST_PID[$1]} other

	ip link add "v-$name" type veth peer name eth0 netns "$pid"
	ip link set "v-$name" master lab0 up
	nsenter --target "$pid" --net ip link set lo up
	nsenter --target "$pid" --net ip addr add "${HOST_ADDRESS[$name]}/24" dev eth0
	nsenter --target "$pid" --net ip link set eth0 up
	echo "${HOST_ADDRESS[$name]} $name" >>"$LAB/run/names"
	for other in "${!HOST_PID[@]}"; do
		host_exec "$other" tee /etc/hosts <"$LAB/run/names" >/dev/null
	done
}

# host_exec NAME COMMAND…: as root inside, with a clean environment.
host_exec()
{
	local name=$1

	shift
	nsenter --target "${HOST_PID[$name]}" --mount --pid --net --uts --ipc --cgroup --wdns=/ \
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LOGNAME=root \
		TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 "$@"
}

# host_spawn NAME LABEL COMMAND…: a daemon; what it says goes to the log LABEL; its process id inside into /run/lab/LABEL.pid.
host_spawn()
{
	local name=$1 label=$2

	shift 2
	host_exec "$name" setsid -f sh -c 'echo $$ >"/run/lab/$0.pid"; exec "$@"' "$label" "$@" \
		>>"$LAB/log/$name.$label" 2>&1 </dev/null
}

# host_pid NAME LABEL: of a daemon, inside.
host_pid()
{
	host_exec "$1" cat "/run/lab/$2.pid"
}

# host_log NAME LABEL: what the daemon said so far.
host_log()
{
	cat "$LAB/log/$1.$2"
}

host_sshd()
{
	local name=$1

	host_exec "$name" ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
	host_exec "$name" sshd -t -h /etc/ssh/ssh_host_ed25519_key || die "$name: sshd refuses its configuration"
	host_spawn "$name" sshd /usr/sbin/sshd -D -e -o LogLevel=VERBOSE -h /etc/ssh/ssh_host_ed25519_key
	wait_for 10 host_listens "$name" 22 || die "$name: sshd does not listen: $(host_log "$name" sshd)"
	echo "$name $(host_exec "$name" cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" |
		host_exec laptop tee -a /etc/ssh/ssh_known_hosts >/dev/null
}

# host_listens NAME PORT
host_listens()
{
	host_exec "$1" sh -c "ss -Htln sport = :$2 | grep -q ."
}

# host_local_user NAME USER: a person of the host's own, who logs in with the laptop's key.
host_local_user()
{
	local name=$1 user=$2

	host_exec "$name" useradd -m -s /bin/bash "$user"
	host_exec "$name" install -d -m 700 -o "$user" -g "$user" "/home/$user/.ssh"
	host_exec "$name" sh -c "cat >/home/$user/.ssh/authorized_keys" <"$LAB/run/laptop.pub"
}

# Root's configuration of a test host, HOST_CLIENT at the service (web7). initech has no section: it does not exist here. HOST_FEDERATION, HOST_HOST: more lines of those sections.
# HOST_ACME, HOST_GLOBEX: of these sections; HOST_ACME_ID, HOST_GLOBEX_ID: their ids. HOST_QR: whether codes are drawn. HOST_METHODS, HOST_SSHD: of sshd. HOST_SUDO: of sudo. HOST_CONF: more lines, appended. HOST_PINS: what its file of pinned ids holds;
# HOST_HASHED_IDS: no keeps out who is neither
# in it nor numbered by the directory.
host_conf()
{
	cat <<CONF
[federation]
issuer     = $ISSUER
client_id  = ${HOST_CLIENT:-web7}
client_key = /etc/b2b/client.key
ca_file    = /etc/b2b/ca.pem
${HOST_FEDERATION:-}
[host]
staleness  = ${HOST_STALENESS:-60s}
qr         = ${HOST_QR:-no}
hashed_ids = ${HOST_HASHED_IDS:-yes}
${HOST_PINS:+idmap = /etc/b2b/idmap}
${HOST_HOST:-}
[organisation acme]
id       = ${HOST_ACME_ID:-42c3e9}
range    = 2013265920-2013331455
services = sshd sudo sudo-i su su-l login
roles    = operator dba
session  = 8h
${HOST_ACME:-}
[organisation emea.acme]
id       = 7be10a
range    = 2013331456-2013396991
services = sshd sudo su login
[organisation apac.acme]
id       = 7be10b
range    = 2013396992-2013462527
services = sshd
[organisation globex]
id       = ${HOST_GLOBEX_ID:-9d01f2}
range    = 2013462528-2013528063
services = sshd sudo
${HOST_GLOBEX:-}
[role operator]
[role dba]
local_groups = databases
[service sshd]
methods = ${HOST_METHODS:-device}
${HOST_SSHD:-}
[service sudo]
methods = device
${HOST_SUDO:-max_age = 15m}
${HOST_CONF:-}
CONF
}

# host_range ALIAS: first and last id of an organisation on the test hosts.
host_range()
{
	host_conf | sed -n "/^\[organisation $1\]/,/^services/s/^range *= *\([0-9]*\)-\([0-9]*\)/\1 \2/p"
}

# host_start NAME: a host with sshd, cron and our products, joined, its agent ready. HOST_READY_SECONDS: how long that may take.
host_start()
{
	local name=$1

	host_boot "$name"
	host_join "$name"
	host_agent "$name"
	host_exec "$name" sh -c 'cp /etc/b2b/ca.pem /run/lab/'
	host_sshd "$name"
	host_spawn "$name" cron cron -f
	wait_for "${HOST_READY_SECONDS:-20}" host_ready "$name" || die "$name: the agent is not ready: $(host_log "$name" b2bd | tail -n 20; host_exec "$name" b2bctl status)"
}

# host_join NAME: its configuration, and the key of HOST_KEY (a file).
host_join()
{
	local name=$1

	host_exec "$name" sh -c 'umask 077; cat >/run/lab/ca.pem' <"$LAB/run/ca.pem"
	host_exec "$name" sh -c 'umask 077; cat >/run/lab/client.key' <"${HOST_KEY:-$LAB/run/client.key}"
	test -z "${HOST_PINS:-}" || host_exec "$name" install -D -m 644 /dev/stdin /etc/b2b/idmap <<<"$HOST_PINS"
	HOST_CLIENT=$name host_conf | host_exec "$name" "$TOOLS/join" /run/lab/ca.pem /run/lab/client.key >"$LAB/log/$name.join" 2>&1 ||
		die "$name cannot be joined: $(tail -n 15 "$LAB/log/$name.join")"
}

# host_agent NAME: b2bd, as its unit would start it. HOST_B2BD: its options.
host_agent()
{
	# shellcheck disable=SC2086
	host_spawn "$1" b2bd b2bd ${HOST_B2BD:-}
}

# Has the agent read the directory, and does it hear signals?
host_ready()
{
	host_exec "$1" b2bctl --json status | jq -e '.federation.ready and .directory.last_complete_s > 0 and (.signals == null or .signals.connected) and .lease.valid'
}

# host_cut_off NAME: from the service, by a network that swallows what either sends and says nothing; the laptop still reaches it.
host_cut_off()
{
	host_exec "$1" ip neigh replace "$SERVICE_ADDRESS" lladdr 02:00:00:00:00:01 dev eth0 nud permanent
	ip neigh replace "${HOST_ADDRESS[$1]}" lladdr 02:00:00:00:00:01 dev lab0 nud permanent
}

host_join_again()
{
	host_exec "$1" ip neigh del "$SERVICE_ADDRESS" dev eth0
	ip neigh del "${HOST_ADDRESS[$1]}" dev lab0
}

# host_kill NAME LABEL [SIGNAL]: a daemon and what it started, all of them.
host_kill()
{
	host_exec "$1" sh -c 'pkill "-$2" -x "$1"' - "$2" "${3:-KILL}"
}
