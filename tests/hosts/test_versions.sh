#!/usr/bin/env bash
# Packages go up and back while partners work: files of the next version lie where this b2bd starts.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7

CACHE=/proc/${HOST_PID[web7]}/root/var/lib/b2b/cache
NEXT=$BUILD/tests/unit/test_cache_versions
# next WHICH same|only: for readers of this version too, or not; 1 the index, 2 live files, 4 snapshots, or a sum of these.
next()
{
	local id

	for id in 42c3e9 7be10a 7be10b 9d01f2; do
		"$NEXT" --next "$CACHE" $id $(($1 & 6)) "$2" || die "the next version of $id cannot be made"
	done
	test $(($1 & 1)) -eq 0 || "$NEXT" --next "$CACHE" 42c3e9 1 "$2" || die "the next version of the index cannot be made"
}
stop_b2bd()
{
	host_exec web7 pkill -TERM -u root -x b2bd
	wait_for 10 sh -c "! nsenter -t ${HOST_PID[web7]} -a pgrep -x b2bd" || die "b2bd does not stop"
}
version_of()
{
	od -An -tu2 -j12 -N2 "$CACHE/$1" | tr -d ' '
}
is_version()
{
	test "$(version_of "$2")" = "$1"
}
resolves()
{
	host_exec web7 getent passwd "$1" | grep -q "$2\$"
}
logged()
{
	host_log web7 b2bd | grep -q "$1"
}

for pair in 'erin erin@globex' 'carol carol@acme'; do
	read -r person user <<<"$pair"
	session_login $person $user $user web7 || die "$user cannot log in: $(tail -n 20 "${SESSION_OUT[$person]}")"
done
control offboard person=carol@acme >/dev/null
wait_for 5 session_over carol || die "carol's session goes on"

# The newer package was here and wrote everything; it kept to the rules, and is taken back.
HERE_VERSION=$(version_of org/9d01f2/snapshot)
stop_b2bd
next 7 same
check newer-files-resolve "erin does not resolve from newer files" resolves erin@globex /bin/bash
check newer-files-keep-revocations "carol is open in newer files" resolves carol@acme nologin
check verify-notes-the-version "verify finds a fault" sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl cache verify >/dev/null"
host_agent web7
check starts-on-newer-files "b2bd does not start: $(host_log web7 b2bd | tail -n 5)" wait_for 20 host_ready web7
check publishes-over-them "the snapshot is still the newer one's" wait_for 10 is_version "$HERE_VERSION" org/9d01f2/snapshot
check live-file-stays "the live file was made anew" is_version $((HERE_VERSION + 1)) live/42c3e9
check still-revoked "carol came back with the older version" resolves carol@acme nologin
check still-logged-in "erin's session has ended" test "$(session_run erin 'echo still-$((6*7))')" = still-42
control offboard person=heidi@apac.acme >/dev/null
check revokes-in-newer-live-files "heidi stays open" wait_for 5 resolves heidi@apac.acme nologin

# Index and snapshots that this version cannot read.
stop_b2bd
next 5 only
check unreadable-is-unavailable "erin resolves from what cannot be read" sh -c "! nsenter -t ${HOST_PID[web7]} -a getent passwd erin@globex"
check locals-resolve "root does not resolve" sh -c "nsenter -t ${HOST_PID[web7]} -a getent passwd root >/dev/null"
host_agent web7
check says-why-it-does-not-start "not said: $(host_log web7 b2bd | tail -n 3)" wait_for 5 logged 'a newer b2b compiled the policy'
host_exec web7 b2bctl policy apply >/dev/null 2>"$LAB/run/applied" || die "policy apply fails: $(cat "$LAB/run/applied")"
check apply-says-so "not said: $(cat "$LAB/run/applied")" grep -q 'was made by a newer b2b' "$LAB/run/applied"
host_agent web7
check starts-after-apply "b2bd does not start: $(host_log web7 b2bd | tail -n 5)" wait_for 20 host_ready web7
check refused-snapshot-is-logged "not said" logged 'event=snapshot-refused org=globex byte=14'
check refused-snapshot-is-replaced "erin does not resolve" wait_for 10 resolves erin@globex /bin/bash
check revoked-after-all-that "carol came back" resolves carol@acme nologin
check logs-in-again "erin cannot log in" grep -qx erin@globex <<<"$(ssh_as erin@globex erin@globex web7 id -un)"

# A live file that this version cannot read: it does not start, and touches nothing.
stop_b2bd
next 2 only
host_agent web7
check refuses-a-newer-live-file "not said: $(host_log web7 b2bd | tail -n 3)" wait_for 5 logged 'a newer b2b made its live file'
check nobody-gets-in "alice resolves" sh -c "! nsenter -t ${HOST_PID[web7]} -a getent passwd alice@acme"
check verify-names-it "verify does not" sh -c "nsenter -t ${HOST_PID[web7]} -a b2bctl cache verify | grep -q 'live/42c3e9 at byte 14'"
finish
