#!/usr/bin/env bash
# A host that joins by itself: b2bctl enroll with an initial access token, a key that is rolled over under load, and unenroll.
. "$(dirname "$0")/lib.sh"
lab_start
(umask 077; openssl rand -hex 24 >"$LAB/run/registration-token")
FEDERATION_OPTIONS="--registration-token-file $LAB/run/registration-token"
federation_start
host_start web7
KEY=/etc/b2b/client.key

# As an administrator gets it: the sample of the documentation but for the host's own organisations, no key, no client.
host_kill web7 b2bd TERM
host_exec web7 sh -c 'rm -f /etc/b2b/client.key && sed -i "s/^client_id.*/client_id  = nobody ; to be enrolled/" /etc/b2b/b2b.conf && cp /etc/b2b/b2b.conf /run/lab/before'
host_exec web7 install -m 600 /dev/stdin /root/token <"$LAB/run/registration-token"

enroll()
{
	host_exec web7 b2bctl enroll "$@" 2>&1 </dev/null
}

client_id()
{
	host_exec web7 sed -n 's/^client_id *= *\([^ ;]*\).*/\1/p' /etc/b2b/b2b.conf
}

host_exec web7 sh -c 'echo wrong >/root/wrong'
out=$(enroll "$ISSUER" --token-file /root/wrong)
check wrong-token-refused "status $?: $out" grep -q 'did not register.*invalid_token' <<<"$out"
check wrong-token-changes-nothing "b2b.conf is another" host_exec web7 cmp -s /run/lab/before /etc/b2b/b2b.conf
check key-is-roots "$(host_exec web7 stat -c '%U:%G %a' $KEY)" test "$(host_exec web7 stat -c '%U:%G %a' $KEY)" = 'root:b2b 640'
key=$(host_exec web7 sha256sum $KEY)

# signals_tested: what the test of a configuration says of signals, where it has none.
signals_tested()
{
	host_exec web7 sh -c 'sed "s/^\[federation\]/&\nsignals = none\nsync_interval = 20s/" /etc/b2b/b2b.conf | install -m 640 -g b2b /dev/stdin /etc/b2b/unsignalled.conf'
	enroll --test --conf /etc/b2b/unsignalled.conf | grep -vE '^(discovery|token|ciba|device|directory) +ok'
}

for lie in '{"token_endpoint_auth_method":"none"}:another.token_endpoint_auth_method' '{"grant_types":["client_credentials"]}:left.out.the.grant' \
	'{"redirect_uris":["https://evil.example"]}:redirect_uri' '{"jwks":{"keys":[]}}:the.host.s.key' '{"client_id":"a;b"}:no.client_id' \
	'{"client_id":7}:no.client_id' '{"registration_client_uri":"http://login.lab/x"}:no.https.URL'; do
	federation_curl -f -X POST -H "Authorization: Bearer $(cat "$LAB/run/control-token")" -H 'Content-Type: application/json' \
		--data "{\"registration\":${lie%:*}}" "$ISSUER/control/misbehave" >/dev/null
	out=$(enroll "$ISSUER" --token-file /root/token)
	check "lie-refused-$(jq -r 'keys[0]' <<<"${lie%:*}")" "$out" grep -q "cannot be used:.*${lie##*:}" <<<"$out"
done
check lies-change-nothing "b2b.conf is another" host_exec web7 cmp -s /run/lab/before /etc/b2b/b2b.conf
control misbehave >/dev/null
federation_curl -f -X POST -H "Authorization: Bearer $(cat "$LAB/run/control-token")" -H 'Content-Type: application/json' \
	--data '{"reset":true}' "$ISSUER/control/misbehave" >/dev/null

out=$(enroll "$ISSUER" --token-file /root/token)
check enrolled "status $?: $out" grep -q '^This host is enrolled' <<<"$out"
for step in discovery token ciba device directory signals; do
	check "tested-$step" "$out" grep -qE "^$step +ok" <<<"$out"
done
federation_curl -f -H "Authorization: Bearer $(host_exec web7 sed -n 's/^registration_access_token //p' /etc/b2b/registration)" \
	"$(host_exec web7 sed -n 's/^registration_client_uri //p' /etc/b2b/registration)" >"$LAB/run/registered"
check asks-for-ciba "$(jq -c .grant_types "$LAB/run/registered")" jq -e '.backchannel_token_delivery_mode == "poll" and
	any(.grant_types[]; . == "urn:openid:params:grant-type:ciba") and .require_auth_time' "$LAB/run/registered"
check has-no-signals-asks-for-none "$(signals_tested)" test -z "$(signals_tested)"
check shows-what-changes "$out" grep -q '^-client_id  = nobody ; to be enrolled' <<<"$out"
check keeps-comments "$(host_exec web7 grep client_id /etc/b2b/b2b.conf)" host_exec web7 grep -qE '^client_id  = host-[^ ]+ ; to be enrolled$' /etc/b2b/b2b.conf
check changes-one-line "$(host_exec web7 diff /run/lab/before /etc/b2b/b2b.conf)" test "$(host_exec web7 diff /run/lab/before /etc/b2b/b2b.conf | grep -c '^[<>]')" = 2
check keeps-a-backup "b2b.conf.bak is not what was there" host_exec web7 cmp -s /run/lab/before /etc/b2b/b2b.conf.bak
check uses-the-key "the key was overwritten" test "$(host_exec web7 sha256sum $KEY)" = "$key"
check record-is-roots "$(host_exec web7 stat -c '%U %a' /etc/b2b/registration)" test "$(host_exec web7 stat -c '%U %a' /etc/b2b/registration)" = 'root 600'
check token-in-no-log "the initial token or the record's is in a log" sh -c "! grep -rqF -e \"$(cat "$LAB/run/registration-token")\" -e \"$(host_exec web7 sed -n 's/^registration_access_token //p' /etc/b2b/registration)\" '$LOGS'/web7*"
# Without CIBA at the service a code is enough; where that is refused too, nobody can log in.
control misbehave no_ciba:=true >/dev/null
out=$(enroll --test)
check tested-not-offered "status $?: $out" grep -qE '^ciba +none: the service does not offer it' <<<"$out"
check tested-not-offered-is-fine "it failed: $out" enroll --test
control misbehave 'status:={"code":403,"family":"device"}' >/dev/null
out=$(enroll --test)
check tested-no-way-in "status $?: $out" grep -qE '^device +failed .*403' <<<"$out"
check tested-no-way-in-named "$out" grep -qE '^login +failed sshd: none of its methods' <<<"$out"
control misbehave reset:=true >/dev/null
check not-twice "registered again" sh -c "! nsenter -t ${HOST_PID[web7]} -a b2bctl enroll $ISSUER --token-file /root/token >/dev/null 2>&1"

# --- --force: the key in use stays until the service has taken another, and its copy is not written over ---
out=$(enroll "$ISSUER" --force --token-file /root/wrong)
check force-refused-keeps-the-key "$out" test "$(host_exec web7 sha256sum $KEY)" = "$key"
out=$(enroll "$ISSUER" --force --token-file /root/token)
check forced "$out" grep -q '^This host is enrolled' <<<"$out"
check force-makes-a-key "the key is the old one" test "$(host_exec web7 sha256sum $KEY)" != "$key"
check force-keeps-the-former "$(host_exec web7 ls /etc/b2b)" test "$(host_exec web7 sh -c "sha256sum <$KEY.old")" = "${key%% *}  -"
key=$(host_exec web7 sha256sum $KEY)
check force-writes-over-no-former "it did" grep -q 'client.key.old is there' <<<"$(enroll "$ISSUER" --force --token-file /root/token)"
check force-twice-changes-nothing "$(host_exec web7 ls /etc/b2b)" test "$(host_exec web7 sha256sum $KEY)" = "$key"
host_exec web7 rm $KEY.old

host_agent web7
wait_for 20 host_ready web7 || die "the agent is not ready with what enroll wrote: $(host_log web7 b2bd | tail -n 5)"
check login "alice: $(ssh_as alice@acme alice@acme web7 id -un)" test "$(ssh_as alice@acme alice@acme web7 id -un | tail -n 1)" = alice@acme

# --- roll-over: a session lives on, a log-in that is under way goes through, and the service sees the new key ---
session_login one alice@acme alice@acme web7 || FAIL session "no shell: $(tail -n 5 "${SESSION_OUT[one]}")"
session_start two carol@acme web7
session_code two || FAIL login-under-way "no code is shown"
agent=$(host_exec web7 sh -c 'pgrep -o -u b2b b2bd')
out=$(enroll --rollover)
check rolled-over "status $?: $out" grep -q 'is the new one' <<<"$out"
check rolled-key "the key is the old one" test "$(host_exec web7 sha256sum $KEY)" != "$key"
check rolled-key-is-roots "$(host_exec web7 stat -c '%U:%G %a' $KEY)" test "$(host_exec web7 stat -c '%U:%G %a' $KEY)" = 'root:b2b 640'
control approve "user_code=${SESSION_CODE[two]}" person=carol@acme >/dev/null
session_type two ''
session_type two 'echo shell-"is"-up'
check login-under-way-goes-through "$(tail -n 3 "${SESSION_OUT[two]}")" session_shows two '^shell-is-up' 15
check session-lives-on "the session ended" session_alive one
check agent-is-the-same "it was restarted" test "$(host_exec web7 sh -c 'pgrep -o -u b2b b2bd')" = "$agent"
check agent-took-it-up "$(host_log web7 b2bd | tail -n 3)" wait_for 10 sh -c "grep -q event=client-key-renewed '$LAB/log/web7.b2bd'"
check not-rolled-twice "before the former key is retired" grep -q 'retire' <<<"$(enroll --rollover)"
out=$(enroll --retire)
check retired "$out" host_exec web7 test ! -e $KEY.old
check login-after-retiring "bob" test "$(ssh_as bob@emea.acme bob@emea.acme web7 id -un | tail -n 1)" = bob@emea.acme

# --- unenroll ---
check unenroll-wants-the-agent-gone "it went ahead" grep -q 'stop it first' <<<"$(host_exec web7 b2bctl unenroll 2>&1)"
host_kill web7 b2bd TERM
wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a b2bctl status >/dev/null 2>&1"
cp_key=$(host_exec web7 sh -c "cat $KEY")
out=$(host_exec web7 b2bctl unenroll 2>&1)
check unenrolled "$out" grep -q '^deleted' <<<"$out"
check unenroll-has-no-complaint "$out" test -z "$(grep '^b2bctl:' <<<"$out")"
check unenroll-removes-proofs "$(host_exec web7 ls /etc/b2b)" host_exec web7 sh -c 'test ! -e /etc/b2b/client.key && test ! -e /etc/b2b/registration'
host_exec web7 install -m 640 -g b2b /dev/stdin $KEY <<<"$cp_key"
out=$(enroll --test)
check unknown-afterwards "$out" grep -qE '^token +failed.*invalid_client' <<<"$out"

# --- a configuration that somebody changes while the token is awaited is not written over ---
host_exec web7 cp -p /etc/b2b/b2b.conf /run/lab/meanwhile
out=$(host_exec web7 timeout 60 sh -c "mkfifo /root/pipe && { b2bctl enroll '$ISSUER' --token-file /root/pipe 2>&1 & } && exec 3>/root/pipe &&
	echo '# meanwhile' >>/etc/b2b/b2b.conf && cat /root/token >&3 && exec 3>&- && wait" </dev/null)
check change-meanwhile-refused "$out" grep -q 'was changed by somebody else meanwhile' <<<"$out"
check change-meanwhile-stays "$(host_exec web7 tail -n 1 /etc/b2b/b2b.conf)" \
	host_exec web7 sh -c '{ cat /run/lab/meanwhile; echo "# meanwhile"; } | cmp -s - /etc/b2b/b2b.conf'
check another-id-goes-not-on "it did" grep -q 'unenroll first' <<<"$(enroll "$ISSUER" --client-id another)"
id=$(host_exec web7 sed -n 's/^client_id //p' /etc/b2b/registration)
out=$(enroll "$ISSUER" --client-id "$id")
check change-meanwhile-goes-on "$out" grep -q '^This host is enrolled' <<<"$out"
check change-meanwhile-is-kept "$(client_id)" test "$(client_id) $(host_exec web7 tail -n 1 /etc/b2b/b2b.conf)" = "$id # meanwhile"
check unenrolled-once-more "it was not" grep -q '^deleted' <<<"$(host_exec web7 b2bctl unenroll 2>&1)"

# --- a certificate of the host's own is renewed together with its key; entered by hand, as this service takes none ---
self_signed="--auth self_signed_tls_client_auth"
enroll "$ISSUER" $self_signed --client-id by-hand >/dev/null
former=$(host_exec web7 sh -c 'cd /etc/b2b && cat client.key client.pem | sha256sum')
out=$(enroll "$ISSUER" $self_signed --force --manual)
check printed-key-is-not-in-use "$out" test "$(host_exec web7 sh -c 'cd /etc/b2b && cat client.key client.pem | sha256sum')" = "$former"
check by-hand-says-force "$out" grep -q -- '--client-id ID.*--force' <<<"$out"
next=$(host_exec web7 sh -c 'cd /etc/b2b && cat client.key.next client.pem.next | sha256sum')
out=$(enroll "$ISSUER" $self_signed --force --client-id by-hand)
check printed-key-is-put-in-place "$out" test "$(host_exec web7 sh -c 'cd /etc/b2b && cat client.key client.pem | sha256sum')" = "$next"
check certificate-former-is-kept "$(host_exec web7 ls /etc/b2b)" \
	test "$(host_exec web7 sh -c 'cd /etc/b2b && cat client.key.old client.pem.old | sha256sum')" = "$former"
out=$(host_exec web7 b2bctl unenroll 2>&1)
check certificate-unenrolled "$out" host_exec web7 sh -c 'test -z "$(ls /etc/b2b/client.* 2>/dev/null)"'
host_exec web7 cp -p /run/lab/meanwhile /etc/b2b/b2b.conf

# --- what talks to the network gets no terminal, and what it complains of does not reach root's as it is ---
host_exec web7 sh -c 'mkdir /root/beside && cp "$(command -v b2bctl)" /root/beside/ && cat >/root/beside/b2bd && chmod 755 /root/beside/b2bd' <<'EOF'
#!/bin/sh
cat >/dev/null
printf 'err=%s \033]0;taken\007over\n' "$(readlink /proc/self/fd/2)" >&2
exit 3
EOF
out=$(host_exec web7 script -qec '/root/beside/b2bctl enroll --test' /dev/null </dev/null 2>&1)
check errand-complains-by-a-pipe "$out" grep -q 'err=pipe:.*taken' <<<"$out"
check errand-complains-in-plain-text "$(cat -v <<<"$out")" test -z "$(tr -cd '\033\007' <<<"$out")"

# --- where nobody registers by himself ---
federation_stop
FEDERATION_OPTIONS=
federation_start
out=$(enroll "$ISSUER" --name web7)
check by-hand "$out" grep -q '"token_endpoint_auth_method": "private_key_jwt"' <<<"$out"
check by-hand-says-how-to-go-on "$out" grep -q -- "--client-id ID" <<<"$out"
check by-hand-no-private-key "it prints the private key" test -z "$(grep '"d"' <<<"$out")"
finish
