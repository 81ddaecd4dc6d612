#!/usr/bin/env bash
# The host's own services know partners: each with the real program, running as the user it gives itself; what strict takes, and
# everyone gives back.
LAYER=services
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
host_local_user web7 lena

# as PERSON COMMAND…: with their ids and groups, without a log-in.
as()
{
	host_exec web7 setpriv --reuid "$1" --regid "$(host_exec web7 id -g "$1")" --init-groups "${@:2}"
}

# D-Bus: a rule about a person, read again by the daemon as messagebus.
start_dbus()
{
	host_exec web7 tee /etc/dbus-1/system.d/partners.conf >/dev/null <<-'RULE'
		<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
		<busconfig><policy user="alice@acme"><allow own="lab.Alice"/></policy></busconfig>
	RULE
	host_exec web7 install -d -o messagebus /run/dbus
	host_spawn web7 dbus dbus-daemon --system --nofork --nopidfile
	wait_for 5 host_exec web7 test -S /run/dbus/system_bus_socket || die "dbus-daemon does not start: $(host_log web7 dbus)"
	reload_dbus
}

reload_dbus()
{
	as root dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig >/dev/null
}

owns_name()
{
	as "$1" dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.RequestName string:lab.Alice uint32:4 2>&1 |
		grep -q 'uint32 1'
}

# polkit: a rule about members, judged by polkitd as polkitd.
start_polkit()
{
	host_exec web7 tee /etc/polkit-1/rules.d/10-partners.rules >/dev/null <<-'RULE'
		polkit.addRule(function(action, subject) {
			if (action.id == "org.freedesktop.policykit.exec" && subject.user == "alice@acme" && subject.isInGroup("members@acme"))
				return polkit.Result.YES;
			return polkit.Result.NO;
		});
	RULE
	host_spawn web7 polkit /usr/lib/polkit-1/polkitd --no-debug
	wait_for 5 host_exec web7 sh -c 'dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
		string:org.freedesktop.PolicyKit1 | grep -q true' || die "polkitd does not start: $(host_log web7 polkit)"
}

polkit_allows()
{
	as "$1" sh -c 'pkcheck --action-id org.freedesktop.policykit.exec --process $$' >/dev/null 2>&1
}

# PostgreSQL: who connects is who the socket's peer is, looked up by the server as postgres.
start_postgres()
{
	host_exec web7 sh -c 'bin=$(echo /usr/lib/postgresql/*/bin); install -d -o postgres /run/postgresql /run/lab/pg
		setpriv --reuid postgres --regid postgres --init-groups "$bin/initdb" -D /run/lab/pg -A peer -N --no-locale -E UTF8 &&
		setpriv --reuid postgres --regid postgres --init-groups "$bin/pg_ctl" -D /run/lab/pg -w -l /run/lab/pg/server.log \
			-o "-c listen_addresses= -c unix_socket_directories=/run/postgresql -c fsync=off" start' >"$LAB/log/postgres" 2>&1 ||
		die "PostgreSQL does not start: $(tail -n 5 "$LAB/log/postgres")"
	as postgres psql -q -d postgres -c 'create role "alice@acme" login' || die "PostgreSQL makes no role"
}

database_knows()
{
	test "$(as "$1" psql -At -d postgres -c 'select current_user' 2>&1)" = "$1"
}

# at and cron: a job of the host's own person looks a partner up; "now" is at once, and so is @reboot when cron starts.
jobs()
{
	host_exec web7 rm -f /tmp/at.out /tmp/cron.out /run/crond.reboot
	as lena sh -c 'echo "getent passwd alice@acme >/tmp/at.out; echo end >>/tmp/at.out" | at -M now' 2>/dev/null
	echo '@reboot getent passwd alice@acme >/tmp/cron.out; echo end >>/tmp/cron.out' | host_exec web7 crontab -u lena -
	host_kill web7 cron
	host_spawn web7 cron cron -f
	wait_for 10 host_exec web7 grep -q end /tmp/at.out || FAIL at-runs "atd runs no job"
	wait_for 10 host_exec web7 grep -q end /tmp/cron.out || FAIL cron-runs "cron runs no job"
}

job_knew()
{
	host_exec web7 grep -q ^alice@acme: "/tmp/$1.out"
}

capless_root()
{
	host_exec web7 setpriv --bounding-set -dac_override,-dac_read_search getent passwd "$1"
}

# The agent takes on what was applied a moment later; who is asked once, as dbus-daemon asks at a reload, must not be too early.
in_force()
{
	test "$(as lena getent passwd alice@acme >/dev/null && echo knows || echo ignores)" = "$1"
}

ask_all()
{
	local mode=$1 expected=$2

	wait_for 10 in_force "$expected" # else the checks say so
	reload_dbus
	jobs
	for what in 'dbus owns_name alice@acme' 'polkit polkit_allows alice@acme' 'postgres database_knows alice@acme' \
		'at job_knew at' 'cron job_knew cron' 'local-person as lena getent passwd alice@acme'; do
		# shellcheck disable=SC2086
		check "$mode-${what%% *}" "it should have been: $expected" test "$(${what#* } >/dev/null && echo knows || echo ignores)" = "$expected"
	done
	check "$mode-capless-root" "root without CAP_DAC_OVERRIDE does not know alice" test -n "$(capless_root alice@acme)"
	check "$mode-other" "a rule for alice holds for carol" test "$(owns_name carol@acme || polkit_allows carol@acme || echo no)" = no
}

visibility()
{
	host_exec web7 sed -i "/^visibility/d; s/^qr .*/&\nvisibility = $1/" /etc/b2b/b2b.conf
	host_exec web7 sh -c 'b2bctl policy apply >/dev/null && kill -HUP "$(cat /run/lab/b2bd.pid)"' || die "$1 cannot be applied"
	wait_for 10 host_ready web7
}

start_dbus
start_polkit
start_postgres
host_spawn web7 atd atd -f
ask_all organisation knows
visibility strict
ask_all strict ignores
visibility everyone
ask_all everyone knows
finish
