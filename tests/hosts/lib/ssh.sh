# Log-ins from the laptop, a throw-away machine that has an ssh client, a browser of sorts, and nothing of ours.

LOGIN_SECONDS=${LOGIN_SECONDS:-20}
declare -A SESSION_IN SESSION_OUT SESSION_PID SESSION_CODE

laptop_start()
{
	host_boot laptop
	host_exec laptop sh -c 'install -d -m 700 /root/.ssh && rm -f /root/.ssh/* &&
		ssh-keygen -q -t ed25519 -N "" -C laptop -f /root/.ssh/id_ed25519'
	host_exec laptop tee /root/.ssh/config >/dev/null <<-CONFIG
		StrictHostKeyChecking yes
		ConnectTimeout 10
		ServerAliveInterval 5
		LogLevel INFO
		PreferredAuthentications keyboard-interactive
		NumberOfPasswordPrompts 1
	CONFIG
	host_exec laptop cat /root/.ssh/id_ed25519.pub >"$LAB/run/laptop.pub"
}

# ssh_key USER HOST COMMAND…: by public key alone.
ssh_key()
{
	local user=$1 host=$2

	shift 2
	host_exec laptop timeout -k 2 "$LOGIN_SECONDS" ssh -o BatchMode=yes -o PreferredAuthentications=publickey "$user@$host" "$@" </dev/null
}

# home_key HOST USER [OPTIONS] <KEY: into the person's own authorized_keys, as they would put it there themselves.
home_key()
{
	host_exec "$1" sh -c 'home=$(getent passwd "$0" | cut -d: -f6); install -d -o "$0" -g "$0" -m 700 "$home" "$home/.ssh"
		{ printf "%s" "$1"; cat; } >"$home/.ssh/authorized_keys"; chown "$0:" "$home/.ssh/authorized_keys"' "$2" "${3:+$3 }"
}

# ssh_as PERSON USER HOST COMMAND…: the code that ssh is shown is approved by PERSON ("-": by nobody; "!PERSON": refused by them).
# Prints what the command and ssh say. SSH_FIRST: options before the host's name. TOKEN: typed where an access token is asked for.
ssh_as()
{
	with_approval "$1" ssh ${SSH_FIRST:-} "$2@$3" "${@:4}"
}

# with_approval PERSON ssh|scp|sftp ARGUMENT…
with_approval()
{
	local person=$1 program=$2

	shift 2
	host_exec laptop env DISPLAY=none SSH_ASKPASS="$TOOLS/askpass" SSH_ASKPASS_REQUIRE=force APPROVE_AS="$person" TOKEN="${TOKEN:-}" \
		ISSUER="$ISSUER" CONTROL_TOKEN="$(cat "$LAB/run/control-token")" \
		timeout -k 2 "$LOGIN_SECONDS" "$program" "$@" </dev/null 2>&1
}

# session_start ID USER HOST: ssh on a terminal, running on; what it shows collects in the log session.ID.
session_start()
{
	session_on "$1" laptop "exec ssh $2@$3"
}

# session_on ID HOST COMMAND: root's shell of HOST runs it on a terminal of SESSION_COLUMNS (80).
session_on()
{
	local id=$1 in

	mkfifo "$LAB/run/session.$id"
	exec {in}<>"$LAB/run/session.$id"
	SESSION_IN[$id]=$in
	SESSION_OUT[$id]=$LAB/log/session.$id
	host_exec "$2" script -q -f -e -c "stty cols ${SESSION_COLUMNS:-80} rows 24; export TERM=dumb; $3" /dev/null \
		<"$LAB/run/session.$id" >"${SESSION_OUT[$id]}" 2>&1 &
	SESSION_PID[$id]=$!
	disown
}

# session_inside ID USER HOST: a shell of theirs on a terminal of the host itself, in /tmp, that nobody has logged in to.
session_inside()
{
	session_on "$1" "$3" "exec setpriv --reuid $2 --regid $2 --init-groups env -C /tmp USER=$2 PS1='\$ ' bash --norc"
	session_shows "$1" '\$ '
}

# session_code ID: waits for a code, or a binding message, that the session has not been asked for yet; it is then in SESSION_CODE[ID].
session_code()
{
	local deadline=$(($(now_ms) + 20000)) code

	until code=$(grep -aoE '([A-Za-z0-9-]+/|\b)[A-Z0-9]{4}-[A-Z0-9]{4}\b' "${SESSION_OUT[$1]}" | tail -n 1) && test "$code" != "${SESSION_CODE[$1]:-}"; do
		test "$(now_ms)" -lt "$deadline" || return 1
		sleep 0.02
	done
	SESSION_CODE[$1]=$code
}

# session_named ID: how the control interface is told of it.
session_named()
{
	case ${SESSION_CODE[$1]} in
	*/*) echo "binding_message=${SESSION_CODE[$1]}" ;;
	*) echo "user_code=${SESSION_CODE[$1]}" ;;
	esac
}

# session_approve ID PERSON [MORE…]: the code that it shows next; MORE for the control interface. Then presses Enter.
session_approve()
{
	session_code "$1" && control approve "$(session_named "$1")" "person=$2" "${@:3}" >/dev/null && session_type "$1" ''
}

session_deny()
{
	session_code "$1" && control deny "$(session_named "$1")" >/dev/null && session_type "$1" ''
}

# session_message ID: waits for a binding message; prints it.
session_message()
{
	session_shows "$1" '[A-Za-z0-9-]+/[A-Z]{4}-[A-Z]{4}' && grep -aoE '[A-Za-z0-9-]+/[A-Z]{4}-[A-Z]{4}' "${SESSION_OUT[$1]}" | tail -n 1
}

# session_type ID TEXT: as keys pressed, Enter included.
session_type()
{
	printf '%s\n' "$2" >&"${SESSION_IN[$1]}"
}

# session_shows ID PATTERN [SECONDS]: waits until it has been shown.
session_shows()
{
	wait_for "${3:-10}" grep -aqE "$2" "${SESSION_OUT[$1]}"
}

session_alive()
{
	kill -0 "${SESSION_PID[$1]}" 2>/dev/null
}

session_over()
{
	! session_alive "$1"
}

# session_run ID COMMAND: types it and prints what it says, once it has finished.
session_run()
{
	local mark=done-$RANDOM$RANDOM from

	from=$(wc -c <"${SESSION_OUT[$1]}")
	session_type "$1" "$2; echo ${mark:0:4}''${mark:4}"
	session_shows "$1" "^$mark" || return 1
	tail -c "+$((from + 1))" "${SESSION_OUT[$1]}" | tr -d '\r' | sed -e 1d -e "/$mark/,\$d"
}

# session_up ID: a shell answers.
session_up()
{
	session_type "$1" "PS1='\$ '; echo shell-'is'-up"
	session_shows "$1" '^shell-is-up' 15
}

# session_login ID PERSON USER HOST: session_start, approved by PERSON, until a shell answers.
session_login()
{
	session_start "$1" "$3" "$4"
	session_approve "$1" "$2" && session_up "$1"
}

# sessions_login HOST 'ID USER'…: session_login of several at once, each approved by themselves.
sessions_login()
{
	local host=$1 pair id user

	shift
	for pair; do
		session_start "${pair%% *}" "${pair##* }" "$host"
	done
	for pair; do
		read -r id user <<<"$pair"
		session_approve "$id" "$user" || return 1
		session_type "$id" "PS1='\$ '; echo shell-'is'-up"
	done
	for pair; do
		session_shows "${pair%% *}" '^shell-is-up' 15 || return 1
	done
}
