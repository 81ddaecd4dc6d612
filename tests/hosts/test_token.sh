#!/usr/bin/env bash
# Automation logs in by an access token, given by SSH_ASKPASS.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
HOST_METHODS='token device' HOST_B2BD=--debug
host_start web7

# token_for PERSON AUDIENCE [LIFE]: prints an access token, a JWT for that audience; "": a reference.
token_for()
{
	control access-token "person=$1" ${2:+"audience=$2"} ${3:+"life_s:=$3"} | jq -re .access_token
}

# try TOKEN [USER]: what a log-in by it says.
try()
{
	TOKEN=$1 ssh_as - "${2:-deploy@acme}" web7 'echo in as $(id -un)'
}

# refused NAME WHAT TOKEN [USER]
refused()
{
	local out

	out=$(try "$3" "${4:-}")
	check "$1-refused" "it let in: $out" test -z "$(grep '^in as' <<<"$out")"
	check "$1-told" "$out" grep -q "$2.*(reference [0-9a-f]\{16\})" <<<"$out"
}

signed=$(token_for deploy@acme web7)
out=$(try "$signed")
check signed-token "no log-in: $out" grep -qx 'in as deploy@acme' <<<"$out"
check question-shown "it is not asked for: $out" grep -q 'Access token, or Enter' <<<"$out"
check method-in-audit "not in the log" grep -q 'event=auth .*user=deploy@acme .*reason=ok .*method=token' <<<"$(host_log web7 b2bd)"
refused second-use 'was used before' "$signed"
handle=$(token_for deploy@acme '')
out=$(try "$handle")
check reference "no log-in: $out" grep -qx 'in as deploy@acme' <<<"$out"
refused reference-second-use 'was used before' "$handle"

# What is noted outlives the agent.
host_kill web7 b2bd KILL
HOST_B2BD=--debug host_agent web7
wait_for 20 host_ready web7
refused second-use-after-restart 'was used before' "$signed"

refused wrong-person "This token is somebody else's" "$(token_for alice@acme web7)"
refused expired 'expired or was revoked' "$(token_for deploy@acme web7 -300)"
refused other-host 'not valid for this host' "$(token_for deploy@acme db3)"
altered=$(token_for deploy@acme web7)
refused altered 'not valid for this host' "${altered%.*}.AAAA${altered##*.????}"
refused unknown-reference 'expired or was revoked' "nobody-knows-this-one"
control person person=deploy@acme display="$(printf '%0600d' 0)" >/dev/null
refused too-long 'cut: ssh sends 1,023' "$(token_for deploy@acme web7)"
check reason-in-log "not in the log" grep -q 'user=deploy@acme reason=auth-token-cut' <<<"$(host_log web7 b2bd)"

# Who has none takes the next way.
out=$(ssh_as alice@acme alice@acme web7 'echo in as $(id -un)')
check enter-goes-on "no code after Enter: $out" grep -q 'Enter  [A-Z]' <<<"$out"
check enter-gets-in "$out" grep -qx 'in as alice@acme' <<<"$out"

# A service account acts for somebody: with whom it is closed, and comes back.
control person person=deploy@acme display=Deployment >/dev/null
(TOKEN=$(token_for deploy@acme web7) ssh_as - deploy@acme web7 'echo in; sleep 60' >"$LAB/run/deploy.out" 2>&1; touch "$LAB/run/deploy.over") &
service_in()
{
	host_exec web7 b2bctl --json sessions | jq -e '.sessions[] | select(.user == "deploy@acme")'
}
check service-in "$(cat "$LAB/run/deploy.out")" wait_for 15 service_in
committed=$(control_ms suspend person=dave@acme)
check service-ends-with-owner "its session goes on" wait_for 5 test -e "$LAB/run/deploy.over"
ok "service account ended with its owner: $(($(now_ms) - committed)) ms after the service committed it"
check owner-in-audit "$(host_log web7 b2bd | grep closed | tail -n 2)" \
	wait_for 5 grep -q 'event=closed .*user=deploy@acme reason=owner-closed .*owner=dave@acme' "$LAB/log/web7.b2bd"
refused owner-closed 'for whom this account acts has no access' "$(token_for deploy@acme web7)"
control reinstate person=dave@acme >/dev/null
service_back()
{
	grep -qx 'in as deploy@acme' <<<"$(try "$(token_for deploy@acme web7)")"
}
check service-back "not let in again" wait_for 15 service_back

check_secrets web7
for shown in "$signed" "$handle"; do
	check secrets-complete "what was shown is not among them" grep -qF -e "$shown" "$LAB/run/secrets"
done
finish
