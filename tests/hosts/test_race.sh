#!/usr/bin/env bash
# A revocation that comes between the decision and the first process: nobody slips through.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start

# race WHERE HOST PERSON USER: the log-in stops WHERE ("before" or "after" the session is registered), the person is
# offboarded meanwhile, the log-in goes on.
race()
{
	local where=$1 host=$2 person=$3 user=$4 uid

	uid=$(host_exec "$host" id -u "$user")
	(ssh_as "$person" "$user" "$host" 'echo in-as-$(id -un); sleep 30' >"$LAB/run/race.$host" 2>&1) &
	check "$where-held" "the log-in did not get that far" wait_for 15 host_exec "$host" test -e "/run/lab/$where.held"
	control offboard "person=$person" >/dev/null
	check "$where-revoked" "the word is not stored" \
		wait_for 5 sh -c "nsenter -t ${HOST_PID[$host]} -a getent passwd '$user' | grep -q nologin"
	# Once a session is registered, revoking it is ending it like any other; only what comes after that would be a leak.
	check "$where-end-done" "an end is pending" \
		wait_for 5 sh -c "nsenter -t ${HOST_PID[$host]} -a b2bctl --json status | jq -e '.pending_ends == 0 and .revocations.count > 0'"
	host_exec "$host" touch "/run/lab/$where.go"
	check "$where-nobody-left" "somebody is left: $(host_exec "$host" ps -ef)" sh -c "nsenter -t ${HOST_PID[$host]} -a $TOOLS/last_look $uid $uid 10 >/dev/null"
	wait
	check "$where-no-shell" "got in: $(cat "$LAB/run/race.$host")" test -z "$(grep in-as "$LAB/run/race.$host")"
	check "$where-no-record" "a session is registered" test -z "$(host_exec "$host" find /run/b2b/sessions -type f)"
}

host_start web7
host_exec web7 sed -i "s|^@include common-session|session optional pam_exec.so quiet $TOOLS/hold before\n&|" /etc/pam.d/sshd
race before web7 alice@acme alice@acme

host_start db3
host_exec db3 sed -i "s|^@include common-session|&\nsession optional pam_exec.so quiet $TOOLS/hold after|" /etc/pam.d/sshd
race after db3 erin@globex erin@globex
finish
