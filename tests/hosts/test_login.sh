#!/usr/bin/env bash
# Log-ins of partners over real sshd: who gets in, by whose approval, and what the host then knows about them.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
host_local_user web7 lena

# A person whom the directory pass has already brought.
out=$(ssh_as alice@acme alice@acme web7 'id; pwd; echo $HOME')
check known-person "no log-in: $out" grep -q 'alice@acme' <<<"$out"
check id-names "id says: $out" grep -qE 'uid=2013[0-9]+\(alice@acme\) gid=2013[0-9]+\(alice@acme\)' <<<"$out"
check id-members "not in members@acme: $out" grep -q '(members@acme)' <<<"$out"
check id-partners "not in partners: $out" grep -q '(partners)' <<<"$out"
check id-group "not in dba@acme: $out" grep -q '(dba@acme)' <<<"$out"
check id-role-group "role dba did not give the local group: $out" grep -q '(databases)' <<<"$out"
check home "no home: $out" grep -qx /home/acme/alice <<<"$out"
# sshd would keep ALICE@acme as the name of the session, and look it up beside alice@acme in its own rules.
check capitals-refused "ALICE@acme got in" test -z "$(ssh_as alice@acme ALICE@acme web7 id -un | grep -x alice@acme)"

# One whom the host has never seen: made at the service after the pass, without a signal that names them.
control person organisation=acme local=zoe display='Zoe New' >/dev/null ||
	FAIL new-person "the service makes nobody"
out=$(ssh_as zoe@acme zoe@acme web7 id -un)
check never-seen-person "first log-in of a new person: $out" grep -qx zoe@acme <<<"$out"

# Whose approval it takes.
out=$(ssh_as carol@acme alice@acme web7 id -un)
check wrong-person-refused "alice got in by carol's approval" test -z "$(grep -x alice@acme <<<"$out")"
check wrong-person-told "she does not read why: $out" grep -q 'approved by somebody else' <<<"$out"
out=$(ssh_as erin@globex alice@acme web7 id -un)
check wrong-organisation-refused "alice@acme got in by erin's of globex approval" test -z "$(grep -x alice@acme <<<"$out")"
check wrong-organisation-told "she does not read why: $out" grep -qE 'another organisation|somebody else' <<<"$out"
out=$(ssh_as '!alice@acme' alice@acme web7 id -un)
check denied-on-page "refused on the page, and yet: $out" grep -q 'refused on the approval page' <<<"$out"
out=$(LOGIN_SECONDS=4 ssh_as - alice@acme web7 id -un)
check unapproved-waits "an empty answer let alice in: $out" test -z "$(grep -x alice@acme <<<"$out")"

# Organisations.
check subsidiary "bob of a subsidiary" grep -qx bob@emea.acme <<<"$(ssh_as bob@emea.acme bob@emea.acme web7 id -un 2>&1)"
out=$(ssh_as trent@initech trent@initech web7 id -un)
check no-contract-here "initech has no section here, and yet: $out" test -z "$(grep -x trent@initech <<<"$out")"
check parent-alias-is-not-theirs "bob@acme is nobody" test -z "$(ssh_as bob@emea.acme bob@acme web7 id -un | grep -x bob@acme)"
check unknown-name "nobody@acme got in" test -z "$(ssh_as alice@acme nosuch@acme web7 id -un | grep -x nosuch@acme)"

# Local people: as ever.
check local-user "lena cannot log in" test "$(ssh_key lena web7 id -un)" = lena

# Copying files.
echo "quarterly figures" | host_exec laptop tee /tmp/figures >/dev/null
with_approval alice@acme scp /tmp/figures alice@acme@web7:copied >/dev/null
check scp "nothing arrived" test "$(host_exec web7 cat /home/acme/alice/copied)" = "quarterly figures"
echo 'put /tmp/figures by-sftp' | host_exec laptop tee /tmp/batch >/dev/null
with_approval alice@acme sftp -o BatchMode=no -b /tmp/batch alice@acme@web7 >/dev/null
check sftp "nothing arrived" test "$(host_exec web7 cat /home/acme/alice/by-sftp)" = "quarterly figures"
with_approval alice@acme rsync /tmp/figures alice@acme@web7:by-rsync >/dev/null
check rsync "nothing arrived" test "$(host_exec web7 cat /home/acme/alice/by-rsync)" = "quarterly figures"
check owner-name "ls -l shows $(host_exec web7 ls -l /home/acme/alice/copied)" \
	grep -q ' alice@acme alice@acme ' <<<"$(host_exec web7 ls -l /home/acme/alice/copied)"

# Names, as the host's own programs see them.
check getent-user "getent passwd" grep -q '^alice@acme:' <<<"$(host_exec web7 getent passwd alice@acme)"
uid=$(host_exec web7 id -u alice@acme)
check getent-uid "getent passwd $uid" grep -q "^alice@acme:[^:]*:$uid:" <<<"$(host_exec web7 getent passwd "$uid")"
check getent-group "getent group dba@acme" grep -q alice@acme <<<"$(host_exec web7 getent group dba@acme)"
check no-enumeration "getent passwd lists partners" test -z "$(host_exec web7 getent passwd | grep @)"
check root-stays-local "root is not from files" test "$(host_exec web7 getent passwd root | cut -d: -f3)" = 0

# The terminal shows the code in the prompt, before anything was typed.
session_start first alice@acme web7
session_code first
check prompt-shows-code "no code: $(cat "${SESSION_OUT[first]}"; host_log web7 sshd | tail -n 3; host_log web7 b2bd | tail -n 3)" test -n "${SESSION_CODE[first]:-}"
check prompt-shows-url "no URL" session_shows first "${ISSUER//./\\.}/device"
session_type first ''
session_type first ''
check enter-is-no-approval "Enter let her in" test -z "$(grep -a '^shell' "${SESSION_OUT[first]}")"

# A session in the registry and for the administrator.
check session-login "a log-in on a terminal" session_login second alice@acme alice@acme web7
check session-listed "b2bctl does not list it" \
	test "$(host_exec web7 b2bctl --json sessions | jq '[.sessions[] | select(.user == "alice@acme" and .service == "sshd")] | length')" -ge 1
check login-uid "the audit login uid" test "$(session_run second 'echo $(cat /proc/self/loginuid)')" = "$uid"
session_type second exit
check session-unlisted "still listed after the end" \
	wait_for 10 sh -c "test \"\$(nsenter -t ${HOST_PID[web7]} -a b2bctl --json sessions | jq '.sessions | length')\" = 0"
finish
