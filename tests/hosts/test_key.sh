#!/usr/bin/env bash
# Public keys: sshd skips PAM's auth for them, so account and session must decide, through the real output of pam-auth-update.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
HOST_SSHD='key_suffices = yes'
host_start db3

has_key()
{
	host_exec "$1" b2b-keys "$2" | grep -q .
}

for user in alice@acme erin@globex bob@emea.acme; do
	control person person=$user "ssh_keys:=[\"$(cut -d' ' -f1,2 "$LAB/run/laptop.pub")\"]" >/dev/null || FAIL directory-key $user
done
for host in web7 db3; do
	host_exec $host b2bctl sync >/dev/null
	for user in alice@acme erin@globex bob@emea.acme; do
		check "key-arrives-$user-$host" "it has none" wait_for 20 has_key $host $user
	done
done

refused()
{
	local name=$1 out

	shift
	out=$(ssh_key "$@" id -un 2>&1)
	check "$name" "got in: $out" test -z "$(grep -x "$1" <<<"$out")"
}

refused key-alone-refused alice@acme web7
check key-suffices "where root says that a key suffices: $(ssh_key alice@acme db3 id -un 2>&1)" \
	test "$(ssh_key alice@acme db3 id -un)" = alice@acme
check key-other-organisation "erin" test "$(ssh_key erin@globex db3 id -un)" = erin@globex

control suspend person=alice@acme >/dev/null || FAIL suspend "the service does not suspend"
wait_for 5 sh -c "nsenter -t ${HOST_PID[db3]} -a getent passwd alice@acme | grep -q nologin"
refused key-suspended-refused alice@acme db3
check key-colleague-alive "bob" test "$(ssh_key bob@emea.acme db3 id -un)" = bob@emea.acme
control reinstate person=alice@acme >/dev/null || FAIL reinstate "the service does not reinstate"
check key-reinstated "alice is not let in again" wait_for 10 ssh_key alice@acme db3 true

control suspend-organisation organisation=42c3e9 >/dev/null
wait_for 5 sh -c "nsenter -t ${HOST_PID[db3]} -a getent passwd bob@emea.acme | grep -q nologin"
refused key-organisation-suspended alice@acme db3
refused key-subsidiary-suspended bob@emea.acme db3
check key-other-organisation-alive "erin" test "$(ssh_key erin@globex db3 id -un)" = erin@globex

# What pam-auth-update wrote, and takes back.
host_kill db3 b2bd KILL
refused key-agent-dead erin@globex db3
host_exec db3 cp -r /etc/pam.d /run/lab/pam.with
host_exec db3 env DEBIAN_FRONTEND=noninteractive pam-auth-update --package --remove b2b b2b-password
check profile-removed "b2b is still in /etc/pam.d" sh -c "! nsenter -t ${HOST_PID[db3]} -a grep -rq b2b /etc/pam.d"
host_exec db3 env DEBIAN_FRONTEND=noninteractive pam-auth-update --package --enable b2b b2b-password
check profile-same-again "enabled again it differs" host_exec db3 diff -r /run/lab/pam.with /etc/pam.d
finish
