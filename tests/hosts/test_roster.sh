#!/usr/bin/env bash
# Partners cannot read each other's rosters; the host's own people and services can.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
host_local_user web7 lena

session_login alice alice@acme alice@acme web7 || die "alice cannot log in"
session_login erin erin@globex erin@globex web7 || die "erin cannot log in"
check own-colleague "carol has no name for alice" test "$(session_run alice 'getent passwd carol@acme | cut -d: -f1')" = carol@acme
check other-by-name "alice sees erin" test -z "$(session_run alice 'getent passwd erin@globex')"
check other-by-uid "alice sees erin by uid" test -z "$(session_run alice "getent passwd $(host_exec web7 id -u erin@globex)")"
check other-group "alice sees ops@globex" test -z "$(session_run alice 'getent group ops@globex')"
check other-members "alice sees who is in members@globex" test -z "$(session_run alice 'getent group members@globex' | cut -d: -f4)"
check other-files "alice reads globex's files" \
	test -z "$(session_run alice 'cat /var/lib/b2b/cache/*/9d01f2/* /var/lib/b2b/state/* 2>/dev/null | head -c 1')"
check erin-blind "erin sees alice" test -z "$(session_run erin 'getent passwd alice@acme')"
control person organisation=acme local=newcomer >/dev/null || FAIL new-person "the service makes nobody"
check erin-no-question "the agent tells erin who is new at acme" test -z "$(session_run erin 'getent passwd newcomer@acme')"
check local-sees "lena sees no names" grep -q alice@acme <<<"$(ssh_key lena web7 getent passwd alice@acme)"
check partners-members "alice sees who the partners are" test -z "$(session_run alice 'getent group partners' | grep erin)"
check no-keys "alice reads the host's key" test -z "$(session_run alice 'cat /etc/b2b/client.key /etc/b2b/b2b.conf 2>/dev/null')"
finish
