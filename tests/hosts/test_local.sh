#!/usr/bin/env bash
# The throw-away hosts themselves, before any partner comes: real sshd, accounting, terminals, sudo, scp.
. "$(dirname "$0")/lib.sh"
lab_start
host_boot web7
host_sshd web7
host_local_user web7 lena

check local-login "log-in by key fails" test "$(ssh_key lena web7 id -un)" = lena
check login-uid "pam_loginuid did not set the audit login uid" \
	test "$(ssh_key lena web7 cat /proc/self/loginuid)" = "$(host_exec web7 id -u lena)"
terminal=$(ssh_key lena web7 -tt stat -c %G:%a /dev/pts/0 | tr -d '\r')
check terminal "the terminal belongs to $terminal, not to group tty" test "$terminal" = tty:620

echo 'lena ALL=(ALL) NOPASSWD: ALL' | host_exec web7 sh -c 'umask 337; cat >/etc/sudoers.d/lena'
check sudo "sudo does not work" test "$(ssh_key lena web7 sudo -n id -un)" = root
check stranger-refused "a wrong name got in" test -z "$(ssh_key nobody-here web7 id -un 2>/dev/null)"

# Outside, where this test runs, a host must be invisible but for its processes.
check private-mounts "a host's mounts are seen in the lab" test -z "$(findmnt -n -o TARGET "$LAB/mem/web7/root")"
check unseen-root "a host sees the lab's mounts" test -z "$(host_exec web7 findmnt -n "$LAB/mem")"
check orphans-reaped "orphans stay as zombies" host_exec web7 sh -c 'sh -c "sleep 0.1 &" ; sleep 0.3; ! ps -e -o stat= | grep -q Z'
finish
