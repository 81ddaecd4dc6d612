#!/usr/bin/env bash
# glibc's nscd and systemd-userdbd beside us: a revocation shows through a warm nscd, one that hangs holds nothing up, and
# doctor reports both.
LAYER=services
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7

check clean-nsswitch "doctor says $(doctor_says nsswitch)" test "$(doctor_says nsswitch)" = ok
check installed-only "doctor says of an nscd that waits for the next boot: $(doctor_says nscd)" test "$(doctor_says nscd)" = warning
caching_start nscd -F
caching_daemon nscd

# Hung: the END is over meanwhile, and it is told when it answers again.
ended()
{
	host_log web7 b2bd | grep -q 'event=ended .*user=carol@acme reason=revoked'
}

host_exec web7 sh -c 'kill -STOP "$(cat /run/lab/nscd.pid)"'
control offboard person=carol@acme >/dev/null || die "the service does not offboard"
check hung-holds-nothing-up "the end waits for it: $(host_log web7 b2bd | tail -n 5)" wait_for 2 ended
host_exec web7 sh -c 'kill -CONT "$(cat /run/lab/nscd.pid)"'
check told-when-it-answers "carol: $(host_exec web7 getent passwd carol@acme)" wait_for 5 caching_shows_closed carol@acme
caching_closes_many nscd
host_exec web7 sed -i 's/^\(.*enable-cache.*\(passwd\|group\).*\)yes/\1no/' /etc/nscd.conf
check mended "doctor says $(doctor_says nscd)" test "$(doctor_says nscd)" = ok

check userdbd-installed-only "doctor says $(doctor_says userdb)" test "$(doctor_says userdb)" = warning
host_spawn web7 userdbd /lib/systemd/systemd-userdbd
wait_for 5 host_exec web7 test -S /run/systemd/userdb/io.systemd.Multiplexer || die "systemd-userdbd does not start: $(host_log web7 userdbd)"
check userdbd-would-leak "it tells erin nothing: then the page and doctor are wrong" wait_for 5 host_exec web7 \
	setpriv --reuid erin@globex --regid erin@globex --init-groups userdbctl user dave@acme
check userdbd-reported "doctor says $(doctor_says userdb)" test "$(doctor_says userdb)" = problem
finish
