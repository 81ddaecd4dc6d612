# Booted hosts: systemd is process 1, with logind and the system bus. Each has a branch of the machine's cgroup2 tree.

# booted_possible: fails, and says why, where there can be none.
booted_possible()
{
	mkdir -p "$LAB/cgroup"
	mountpoint -q "$LAB/cgroup" || mount -t cgroup2 cgroup2 "$LAB/cgroup" 2>/dev/null || { echo "cgroup2 cannot be mounted"; return 1; }
	mkdir -p "$LAB/cgroup/b2b-${LAB##*/}" 2>/dev/null || { echo "no cgroup can be made"; return 1; }
}

# booted_boot NAME: host_boot, and waits for logind.
booted_boot()
{
	HOST_BRANCH=$LAB/cgroup/b2b-${LAB##*/}/$1
	mkdir "$HOST_BRANCH"
	host_boot "$1" bash "$HERE/host-setup" "$1" "$LAB" systemd
	HOST_BRANCH=
	wait_for 20 host_exec "$1" busctl --system status org.freedesktop.login1 ||
		die "$1 has no logind: $(host_exec "$1" systemctl --no-pager list-units --failed; host_exec "$1" systemctl --no-pager status systemd-logind dbus)"
}

# The branches that labs of before left: nobody is in them.
booted_sweep()
{
	local tree

	tree=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
	test -n "$tree" || return 0
	find "$tree"/b2b-lab.* -depth -mindepth 0 -type d -mmin +2 -exec rmdir {} \; 2>/dev/null
}

# At a lab's end: everybody has been killed, and the last are about to leave.
booted_end()
{
	wait_for 5 sh -c "find '$LAB/cgroup/b2b-${LAB##*/}' -depth -type d -exec rmdir {} + 2>/dev/null; ! test -d '$LAB/cgroup/b2b-${LAB##*/}'"
}
