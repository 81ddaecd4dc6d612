#!/usr/bin/env bash
# Log-ins that the service asks the person about on their own approval device (CIBA), over real sshd.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
# Enough requests for the first half of the test; db3 has no other way than this, and little patience.
HOST_SSHD='assurance = aal2' HOST_METHODS='ciba device' HOST_HOST='approval_requests = 2
approval_pause = 1h' HOST_CONF='[assurance]
aal2 = aal2
aal3 = aal3' HOST_B2BD=--debug
host_start web7
HOST_METHODS=ciba
host_start db3

# What waits at the service: asked [FILTER].
asked()
{
	federation_curl -f -H "Authorization: Bearer $(cat "$LAB/run/control-token")" "$ISSUER/control/devices" | jq -r ".devices[] | ${1:-.}"
}

# The person's own approval device is a browser on the page of the service.
phone_open()
{
	browser_open "$LAB/run/jar" "$ISSUER/device" >"$LAB/run/page"
}
phone_open
browser_press "$LAB/run/jar" "$ISSUER/device" 'name="password"' user=alice@acme password=alice-demo <"$LAB/run/page" >"$LAB/run/page.in" ||
	FAIL phone "alice cannot open her approval device"

session_start a alice@acme web7
message=$(session_message a)
check message-shown "no binding message on the terminal: $(cat "${SESSION_OUT[a]}")" test -n "$message"
check message-names-host "the message is $message" grep -qE '^web7/[A-Z]{4}-[A-Z]{4}$' <<<"$message"
check prompt-fits "lines wider than 80 columns" test -z "$(tr -d '\r' <"${SESSION_OUT[a]}" | grep -aE '^.{81}')"
check no-code-shown "a page or a code is shown too" sh -c "! grep -aq '/device' '${SESSION_OUT[a]}'"
phone_open
check same-message "her device does not show $message: $(browser_text <"$LAB/run/page")" grep -qF "$message" "$LAB/run/page"
browser_press "$LAB/run/jar" "$ISSUER/device" 'value="approve"' <"$LAB/run/page" >/dev/null || FAIL phone-approves "no form to approve by"
session_type a ''
session_type a "PS1='\$ '; echo shell-'is'-up"
check approved "approved on her device, and no shell: $(tail -n 5 "${SESSION_OUT[a]}")" session_shows a '^shell-is-up' 15
check method-in-audit "the audit line names no method" grep -q 'event=auth .*user=alice@acme .*reason=ok .*method=ciba' <<<"$(host_log web7 b2bd)"
session_type a exit

# Another person's approval, a refusal, and time that runs out; each says so to the person, and why to the log. Each uses up one
# request of the two; what is approved by the right person uses up none.
out=$(ssh_as carol@acme carol@acme web7 id -un)
check approved-by-helper "carol: $out" grep -qx carol@acme <<<"$out"
out=$(ssh_as alice@acme carol@acme web7 id -un)
check wrong-person-refused "carol got in by alice's approval" test -z "$(grep -x carol@acme <<<"$out")"
check wrong-person-told "$out" grep -q 'approved by somebody else; you must approve it yourself. (reference [0-9a-f]*)' <<<"$out"
check wrong-person-in-audit "not in the log" grep -q 'user=carol@acme .*reason=auth-wrong-person .*method=ciba .*approved_by=63acb50d' <<<"$(host_log web7 b2bd)"
out=$(ssh_as '!carol@acme' carol@acme web7 id -un)
check denied-told "$out" grep -qE 'refused on the approval page|was refused' <<<"$out"

# Enough: the device is left alone, and the next method is taken where there is one.
out=$(ssh_as carol@acme carol@acme web7 id -un)
check fatigue-next-method "carol cannot log in any other way: $out" grep -q 'Enter  [A-Z]' <<<"$out"
check fatigue-gets-in "by the code she does not get in: $out" grep -qx carol@acme <<<"$out"
check fatigue-in-log "not in the log" grep -q 'event=auth-method-passed user=carol@acme .*method=ciba reason=auth-fatigue' <<<"$(host_log web7 b2bd)"
check others-are-asked "erin is left alone too" grep -qx erin@globex <<<"$(ssh_as erin@globex erin@globex web7 id -un)"

# Where there is none, the person reads why.
for n in 1 2; do
	ssh_as '!bob@emea.acme' bob@emea.acme db3 id -un >/dev/null
done
before=$(asked .created | wc -l)
out=$(ssh_as bob@emea.acme bob@emea.acme db3 id -un)
check fatigue-told "$out" grep -q 'Too many approval requests.*(reference [0-9a-f]*)' <<<"$out"
check fatigue-asks-nobody "his device was asked all the same" test "$(asked .created | wc -l)" = "$before"

# Automation has no approval device: the service says so, and the log what was tried.
out=$(LOGIN_SECONDS=6 ssh_as - deploy@acme db3 id -un)
check no-device-told "$out" grep -q 'no way for you to log in' <<<"$out"
check no-device-in-log "not in the log" grep -q 'user=deploy@acme .*method=ciba reason=auth-method why="unknown_user_id' <<<"$(host_log db3 b2bd)"

# Not approved in time: what is left of the time that sshd leaves, counted from the connection on, of which the client idles the first
# six seconds; with ten more sshd would hang up without a word.
host_exec web7 sed -i 's/^LoginGraceTime .*/LoginGraceTime 15/' /etc/ssh/sshd_config.d/50-b2b.conf
host_exec web7 sh -c 'kill -HUP "$(cat /run/lab/sshd.pid)"'
reread() { test "$(grep -c 'Server listening on 0.0.0.0' "$LAB/log/web7.sshd")" -ge 2; }
wait_for 10 reread || FAIL reread "sshd does not read its configuration again"
host_exec laptop install -m 755 /dev/stdin /usr/local/bin/idle <<'IDLE'
#!/bin/sh
mkdir /tmp/idled 2>/dev/null && sleep 6
exit 0
IDLE
out=$(SSH_FIRST='-o KnownHostsCommand=/usr/local/bin/idle' ssh_as - erin@globex web7 id -un)
id=$(grep -oE 'not approved in time; try again. \(reference [0-9a-f]{16}\)' <<<"$out" | grep -oE '[0-9a-f]{16}')
check time-out-told "$out" test -n "$id"
check time-out-in-log "the agent knows no $id" grep -q "event=auth .*user=erin@globex reason=auth-expired id=${id:-none} .*method=ciba" <<<"$(host_log web7 b2bd)"
check time-out-before-sshd "$out" grep -q 'Permission denied' <<<"$out"

# Who goes away is polled for no longer.
session_start gone heidi@apac.acme web7
check gone-asked "she is not asked" test -n "$(session_message gone)"
kill "${SESSION_PID[gone]}"
host_exec laptop pkill -f 'ssh heidi@apac.acme@web7'
check gone-cancelled "the agent goes on polling" wait_for 10 grep -q 'event=auth-cancelled user=heidi@apac.acme service=sshd method=ciba' "$LAB/log/web7.b2bd"

# Where root names no methods: their own device where the service offers that, else a page and a code.
host_exec db3 sh -c "sed -i '/^methods = ciba$/d' /etc/b2b/b2b.conf && b2bctl policy apply" >/dev/null || FAIL policy "it is not applied"
for offers in ciba device; do
	test "$offers" = ciba || control misbehave no_ciba:=true >/dev/null
	host_kill db3 b2bd TERM
	wait_for 10 sh -c "! nsenter -t ${HOST_PID[db3]} -a b2bctl status >/dev/null 2>&1"
	host_agent db3
	wait_for 20 host_ready db3 || die "the agent is not ready: $(host_log db3 b2bd | tail -n 5)"
	out=$(ssh_as heidi@apac.acme heidi@apac.acme db3 id -un)
	check "default-lets-in-by-$offers" "$out" grep -qx heidi@apac.acme <<<"$out"
	check "default-takes-$offers" "not in the log" grep -q "event=auth .*user=heidi@apac.acme .*reason=ok .*method=$offers" <<<"$(host_log db3 b2bd)"
done
check_secrets web7 db3
finish
