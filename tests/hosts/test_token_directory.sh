#!/usr/bin/env bash
# Without a directory: a person is known from the first log-in on, and before it only root is told who it would be.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
HOST_FEDERATION='directory = token
name_claim = login
roles_claim = roles
groups_claim = groups'
HOST_B2BD=--debug
host_start web7

# as_nobody COMMAND…: as an account of the host's own without rights.
as_nobody()
{
	host_exec web7 setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# in_ledger NAME: how many ids the ledger holds for it; what was said instead, where it could not be looked into.
in_ledger()
{
	local said

	said=$(host_exec web7 b2bctl --json idmap "$1" 2>&1)
	jq 'if .ids then .ids | length elif .error.code == "user-unknown" then 0 else error end' <<<"$said" 2>/dev/null || echo "$said"
}

closed()
{
	host_exec web7 getent passwd "$1" | grep -q ':/usr/sbin/nologin$'
}

# Before anybody came
reserved=$(host_exec web7 getent passwd alice@acme)
check reserved-for-root "root sees: $reserved" grep -qE '^alice@acme:\*:[0-9]+:[0-9]+::/home/acme/alice:/bin/bash$' <<<"$reserved"
check reserved-again "another answer" test "$(host_exec web7 getent passwd alice@acme)" = "$reserved"
check reserved-groups "root sees: $(host_exec web7 id -Gn alice@acme)" grep -q 'members@acme partners' <<<"$(host_exec web7 id -Gn alice@acme)"
check nobody-sees "nobody sees $(as_nobody getent passwd alice@acme)" test -z "$(as_nobody getent passwd alice@acme)"
held=$(in_ledger alice@acme)
check nothing-stored "the ledger holds: $held" test "$held" = 0
check no-such-organisation "initech has names here" test -z "$(host_exec web7 getent passwd eve@initech)"
check no-such-name "a name that is none" test -z "$(host_exec web7 getent passwd 'members@acme')"

# The first log-in
out=$(ssh_as alice@acme alice@acme web7 'id -un; id -u; id -Gn; pwd')
check first-log-in "$out; $(host_log web7 b2bd | tail -n 5)" grep -qx alice@acme <<<"$out"
uid=$(cut -d: -f3 <<<"$reserved")
check same-id "reserved $uid, but $out" grep -qx "$uid" <<<"$out"
check role-gives-group "no local group of the role: $out" grep -qw databases <<<"$out"
check token-groups "no group of the token: $out" grep -qw dba@acme <<<"$out"
check home "another home: $out" grep -qx /home/acme/alice <<<"$out"
check known-to-all "others do not see her" test "$(as_nobody id -u alice@acme)" = "$uid"
check gecos "no display name" grep -q ':Alice Ames:' <<<"$(host_exec web7 getent passwd alice@acme)"
held=$(in_ledger alice@acme)
check in-ledger "the ledger holds: $held" test "$held" = 1
out=$(ssh_as alice@acme alice@acme web7 'id -u')
check second-log-in "$out" grep -qx "$uid" <<<"$out"

# Who proves to be somebody else
out=$(ssh_as dave@acme bob@acme web7 'echo in')
check other-name-refused "dave got in as bob: $out" test -z "$(grep -x in <<<"$out")"
check other-name-told "$out" grep -q 'approved by somebody else' <<<"$out"
check other-name-unknown "bob is known" test -z "$(as_nobody getent passwd bob@acme)"
out=$(ssh_as erin@globex erin@acme web7 'echo in')
check other-organisation-refused "erin got in at acme: $out" test -z "$(grep -x in <<<"$out")"
out=$(ssh_as dave@acme alice@acme web7 'echo in')
check wrong-approver-refused "dave got in as alice: $out" test -z "$(grep -x in <<<"$out")"

# What root does not grant does not count.
control person person=dave@acme roles:='["dba","operator","root"]' >/dev/null
out=$(ssh_as dave@acme dave@acme web7 'id -Gn')
check roles-within-grant "$out" grep -qw databases <<<"$out"
control person person=dave@acme roles:='[]' >/dev/null
out=$(ssh_as dave@acme dave@acme web7 'echo in; id -Gn')
check role-gone "$out" sh -c 'grep -qx in && ! grep -qw databases' <<<"$out"

# A restart keeps who is known, and no reservation.
reserved=$(host_exec web7 getent passwd carol@acme)
host_kill web7 b2bd KILL
host_agent web7
wait_for 20 host_ready web7
check known-after-restart "she is not known" test "$(as_nobody id -u alice@acme)" = "$uid"
check reservation-after-restart "another id" test "$(host_exec web7 getent passwd carol@acme)" = "$reserved"

# Renamed at the service: the same person, with the id that they have; and the old name may be another's.
control person person=alice@acme user_name=alix@acme.example >/dev/null
out=$(ssh_as alix@acme alix@acme web7 'echo in; id -u')
check renamed-once-more "$out" grep -q 'log in once more' <<<"$out"
out=$(ssh_as alix@acme alix@acme web7 'id -u')
check renamed-keeps-id "$out" grep -qx "$uid" <<<"$out"
check old-name-free "root sees: $(host_exec web7 getent passwd alice@acme)" test "$(host_exec web7 id -u alice@acme)" != "$uid"

# Closed at the service, by a signal
session_login a1 dave@acme dave@acme web7 || die "dave cannot log in: $(tail -n 20 "${SESSION_OUT[a1]}")"
control suspend person=dave@acme >/dev/null
check signal-ends "dave's session runs on" wait_for 10 session_over a1
out=$(ssh_as dave@acme dave@acme web7 'echo in')
check closed-refused "dave got in: $out" test -z "$(grep -x in <<<"$out")"
# Who is not seen for too long is closed, keeps the name, and comes back by a log-in; it takes more than a minute.
if test -n "${LONG:-}"; then
	HOST_FEDERATION+=$'\ntoken_keep = 1m'
	host_conf | host_exec web7 sh -c 'cat >/etc/b2b/b2b.conf'
	host_exec web7 sh -c 'kill -HUP "$(cat /run/lab/b2bd.pid)"'
	wait_for 20 host_ready web7
	out=$(ssh_as erin@globex erin@globex web7 'id -u')
	check keep-log-in "$out" grep -qE '^[0-9]+$' <<<"$out"
	check absent-closed "erin still has a shell" wait_for 150 closed erin@globex
	check absent-keeps-name "no name" host_exec web7 id -u erin@globex
	out=$(ssh_as erin@globex erin@globex web7 'echo in')
	check absent-once-more "$out" grep -q 'log in once more' <<<"$out"
	out=$(ssh_as erin@globex erin@globex web7 'echo in')
	check absent-back "$out" grep -qx in <<<"$out"
else
	skip absent "token_keep is a minute at least: make check-long"
fi
check_secrets web7
finish
