#!/usr/bin/env bash
# SSH keys of the directory through sshd's AuthorizedKeysCommand: restricted as root says, none for who may not log in.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
HOST_SSHD=$'key_suffices = yes\nmax_age = 10m'
HOST_ACME='key_options = restrict from=10.77.0.0/24'
host_start web7

# person WHO JSON: change a person in the directory, and have the host read it now.
person()
{
	federation_curl -f -X POST -H "Authorization: Bearer $(cat "$LAB/run/control-token")" -H 'Content-Type: application/json' \
		--data "$(jq -c --arg who "$1.example" '. + {person: $who}' <<<"$2")" "$ISSUER/control/person" >/dev/null || FAIL person "$1: the service refuses"
	host_exec web7 b2bctl sync >/dev/null
}

keys_of()
{
	host_exec web7 setpriv --reuid b2b-keys --regid b2b-keys --clear-groups b2b-keys "$1"
}

has_keys()
{
	test -n "$(keys_of "$1" 2>/dev/null)"
}

no_keys()
{
	! has_keys "$1"
}

key=$(cut -d' ' -f1,2 "$LAB/run/laptop.pub")
out=$(ssh_key alice@acme web7 id -un 2>&1)
check no-key-no-way-in "$out" test -z "$(grep -x alice@acme <<<"$out")"

# What a directory could be made to say: options before a key, two keys in a line, a weak one. And a good one.
person alice@acme "$(jq -nc --arg key "$key" '{ssh_keys: ["command=\"id\" \($key)", "\($key) x\n\($key)", "ssh-dss AAAA", "\($key) alice on her laptop"]}')"
person erin@globex "$(jq -nc --arg key "$key" '{ssh_keys: [$key]}')"
check keys-arrive "alice has none" wait_for 20 has_keys alice@acme
check keys-restricted "$(keys_of alice@acme)" test "$(keys_of alice@acme)" = "restrict,from=\"10.77.0.0/24\" $key"
wait_for 20 has_keys erin@globex
check keys-by-organisation "$(keys_of erin@globex)" test "$(keys_of erin@globex)" = "$key"
check broken-keys-told "$(host_log web7 b2bd | tail -n 3)" grep -q '3 SSH keys of person .* are passed over' "$LAB/log/web7.b2bd"
check log-in-by-key "$(ssh_key alice@acme web7 id -un 2>&1)" test "$(ssh_key alice@acme web7 id -un 2>/dev/null)" = alice@acme
check restricted-no-forwarding "a port was forwarded" sh -c "! nsenter -t ${HOST_PID[laptop]} -a timeout 10 ssh -o BatchMode=yes -o PreferredAuthentications=publickey -W localhost:22 alice@acme@web7 </dev/null >/dev/null 2>&1"
check locals-keep-their-command "$(host_exec web7 sshd -T -C user=local,host=laptop,addr=10.77.0.11 -h /etc/ssh/ssh_host_ed25519_key | grep -i keyscommand)" \
	test "$(host_exec web7 sshd -T -C user=local,host=laptop,addr=10.77.0.11 -h /etc/ssh/ssh_host_ed25519_key | grep -i '^authorizedkeyscommand ')" = 'authorizedkeyscommand none'
check no-keys-for-locals "$(keys_of root)" test -z "$(keys_of root)"
host_local_user web7 local
check local-keys-as-ever "local: $(ssh_key local web7 id -un 2>&1)" test "$(ssh_key local web7 id -un 2>/dev/null)" = local

# Who may ask: sshd's user, and nobody else.
out=$(host_exec web7 setpriv --reuid nobody --regid nogroup --clear-groups b2b-keys alice@acme 2>&1)
check others-may-not-ask "status $?: $out" grep -q 'the agent refuses' <<<"$out"
out=$(host_exec web7 setpriv --reuid alice@acme --regid alice@acme --init-groups b2b-keys erin@globex 2>&1)
check partners-may-not-ask "$out" grep -q 'the agent refuses' <<<"$out"
out=$(host_exec web7 setpriv --reuid b2b-keys --regid b2b-keys --clear-groups b2bctl status 2>&1)
check the-user-may-ask-nothing-else "it got an answer: $out" test -z "$(grep -i '^federation' <<<"$out")"

# The end of a contract stands in the key, and an end that is past gives none.
person erin@globex "{\"not_after\":$((($(date +%s) + 86400 * 30) * 1000))}"
check window-in-the-key "$(keys_of erin@globex)" wait_for 20 sh -c "nsenter -t ${HOST_PID[web7]} -a b2b-keys erin@globex | grep -qE '^expiry-time=\"[0-9]{14}\" ssh-'"
check window-open "erin: $(ssh_key erin@globex web7 id -un 2>&1)" test "$(ssh_key erin@globex web7 id -un 2>/dev/null)" = erin@globex

# What the directory no longer gives is not enough, also where the person has put the very same key into their home.
home_key web7 erin@globex <"$LAB/run/laptop.pub"
check key-in-both "erin: $(ssh_key erin@globex web7 id -un 2>&1)" test "$(ssh_key erin@globex web7 id -un 2>/dev/null)" = erin@globex
person erin@globex '{"ssh_keys": []}'
wait_for 20 no_keys erin@globex
out=$(ssh_key erin@globex web7 id -un 2>&1)
check key-of-the-home-refused "got in: $out" test -z "$(grep -x erin@globex <<<"$out")"
check key-of-the-home-told "$out" grep -qE 'No SSH key that the directory gives for you was used.*\(reference [0-9a-f]{16}\)' <<<"$out"
check key-of-the-home-recorded "$(host_log web7 b2bd | tail -n 3)" grep -q 'event=session-open .*user=erin@globex reason=auth-key' "$LAB/log/web7.b2bd"
check key-of-the-home-forwards-nothing "a port was forwarded" sh -c "! nsenter -t ${HOST_PID[laptop]} -a timeout 10 ssh -o BatchMode=yes -o PreferredAuthentications=publickey -W localhost:22 erin@globex@web7 </dev/null 2>/dev/null | grep -q SSH"
check key-of-the-directory-lives "alice: $(ssh_key alice@acme web7 id -un 2>&1)" test "$(ssh_key alice@acme web7 id -un 2>/dev/null)" = alice@acme

# A certificate of an authority that the person trusts in their home is no key of the directory.
host_exec laptop sh -c 'cd /root/.ssh && ssh-keygen -q -t ed25519 -N "" -f ca && ssh-keygen -q -s ca -I erin -n erin@globex id_ed25519.pub' 2>/dev/null
host_exec laptop cat /root/.ssh/ca.pub >"$LAB/run/ca.pub"
home_key web7 erin@globex cert-authority <"$LAB/run/ca.pub"
out=$(ssh_key erin@globex web7 id -un 2>&1)
check certificate-refused "got in: $out" test -z "$(grep -x erin@globex <<<"$out")"
check certificate-taken-by-sshd "$(host_log web7 sshd | tail -n 3)" grep -q 'Accepted publickey for erin@globex .*ED25519-CERT' "$LAB/log/web7.sshd"
host_exec laptop sh -c 'rm -f /root/.ssh/*-cert.pub /root/.ssh/ca*'

person erin@globex "$(jq -nc --arg key "$key" '{ssh_keys: [$key]}')"
wait_for 20 has_keys erin@globex
check key-given-again "erin: $(ssh_key erin@globex web7 id -un 2>&1)" test "$(ssh_key erin@globex web7 id -un 2>/dev/null)" = erin@globex

# publickey,keyboard-interactive: after a log-in that is recent enough the key of the directory is all; one in the home is not.
host_exec web7 tee /etc/ssh/sshd_config.d/60-both.conf >/dev/null <<-BOTH
	Match User bob@emea.acme
		AuthenticationMethods publickey,keyboard-interactive
	Match all
BOTH
host_kill web7 sshd HUP
person bob@emea.acme "$(jq -nc --arg key "$key" '{ssh_keys: [$key]}')"
wait_for 20 has_keys bob@emea.acme
both()
{
	SSH_FIRST='-o PreferredAuthentications=publickey,keyboard-interactive' ssh_as "$1" bob@emea.acme web7 id -un
}
out=$(both - | tail -n 1)
check both-first-asks "without an approval: $out" test "$out" != bob@emea.acme
out=$(both bob@emea.acme)
check both-approved "$out" grep -qx bob@emea.acme <<<"$out"
check both-approved-by-code "he was not asked" grep -q 'Enter' <<<"$out"
out=$(both -)
check both-then-asks-nothing "$out" test "$(tail -n 1 <<<"$out")" = bob@emea.acme
check both-shows-nothing "he was asked: $out" test -z "$(grep Enter <<<"$out")"
check both-recorded "$(host_log web7 b2bd | tail -n 3)" grep -q 'event=auth-recent .*user=bob@emea.acme' "$LAB/log/web7.b2bd"
home_key web7 bob@emea.acme <"$LAB/run/laptop.pub"
person bob@emea.acme '{"ssh_keys": []}'
wait_for 20 no_keys bob@emea.acme
out=$(both -)
check both-key-of-the-home-asks "$out" grep -q Enter <<<"$out"
check both-key-of-the-home-is-not-enough "got in: $out" test "$(tail -n 1 <<<"$out")" != bob@emea.acme

# A key in the home does not get round a revocation, nor does one of the directory.
home_key web7 alice@acme <"$LAB/run/laptop.pub"
control suspend person=alice@acme >/dev/null || FAIL suspend "the service does not suspend"
wait_for 5 sh -c "nsenter -t ${HOST_PID[web7]} -a getent passwd alice@acme | grep -q nologin"
check suspended-no-keys "$(keys_of alice@acme)" test -z "$(keys_of alice@acme)"
out=$(ssh_key alice@acme web7 id -un 2>&1)
check suspended-refused "got in: $out" test -z "$(grep -x alice@acme <<<"$out")"
control suspend-organisation organisation=9d01f2 >/dev/null
check organisation-no-keys "$(keys_of erin@globex)" wait_for 5 sh -c "! nsenter -t ${HOST_PID[web7]} -a b2b-keys erin@globex | grep -q ."
control reinstate person=alice@acme >/dev/null
check reinstated-keys "alice has none" wait_for 10 has_keys alice@acme

host_kill web7 b2bd KILL
check agent-dead-no-keys "$(keys_of alice@acme 2>&1)" test -z "$(keys_of alice@acme 2>/dev/null)"
check agent-dead-others-not-held-up "$(keys_of bob@corp.example 2>&1)" sh -c "nsenter -t ${HOST_PID[web7]} -a setpriv --reuid b2b-keys --regid b2b-keys --clear-groups b2b-keys bob@corp.example 2>&1 | { ! grep -q .; }"
check agent-dead-locals "local is kept out" test "$(ssh_key local web7 id -un 2>/dev/null)" = local
finish
