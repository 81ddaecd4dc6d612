# Log-ins from the laptop, a throw-away machine that has only an ssh client.

SSH_OPTIONS=(-o BatchMode=no -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o LogLevel=ERROR)
LOGIN_SECONDS=${LOGIN_SECONDS:-30}

laptop_start()
{
	host_boot laptop
	host_exec laptop ssh-keygen -q -t ed25519 -N '' -C laptop -f /root/.ssh/id_ed25519 ||
		host_exec laptop sh -c 'install -d -m 700 /root/.ssh; ssh-keygen -q -t ed25519 -N "" -C laptop -f /root/.ssh/id_ed25519'
	host_exec laptop cat /root/.ssh/id_ed25519.pub >"$LAB/run/laptop.pub"
}

# ssh_key USER HOST COMMAND…: by public key alone.
ssh_key()
{
	local user=$1 host=$2

	shift 2
	host_exec laptop timeout -k 2 "$LOGIN_SECONDS" ssh "${SSH_OPTIONS[@]}" -o BatchMode=yes -o PreferredAuthentications=publickey \
		-l "$user" "$host" "$@" </dev/null
}
