# The lab: one process tree with namespaces of its own, a bridge, room for the hosts' layers.

LAB_NET=10.77.0
SERVICE_ADDRESS=$LAB_NET.1 # the federation service

# LAYER, set by a test before it sources lib.sh: hosts that have other packages than the base layer, or none of them ("none").
# Whoever wants a layer that is not listed here sets its LAYER_PACKAGES too.
LAYER=${LAYER:-base}
declare -A LAYER_PACKAGES
LAYER_PACKAGES+=(
	[services]='@base at dbus libglib2.0-bin polkitd pkexec postgresql uidmap nscd systemd-userdbd'
	[unscd]='@base unscd'
	[jobs]='@base at dbus libpam-systemd screen tmux'
)
export LAYER

# Start this script again as the tenant of a lab. Does not return.
lab_enter()
{
	# shellcheck disable=SC2086
	case $LAYER in
	none) ;;
	base) BUILD=$BUILD "$HERE/base" || exit 1 ;;
	*) BUILD=$BUILD "$HERE/base" "$LAYER" ${LAYER_PACKAGES[$LAYER]} || exit 1 ;;
	esac
	test -x "$BUILD/tests/hosts/init" || die "run 'make tests' first: $BUILD/tests/hosts/init is not there"
	lab_sweep
	booted_sweep
	export B2B_LAB=inside
	export B2B_LAB_OUTER="$$ $(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)"
	exec setpriv --pdeathsig KILL unshare --mount --pid --net --uts --ipc --fork --kill-child=KILL --propagation private \
		"$BUILD/tests/hosts/init" bash "$0" "$@"
}

# Folders of labs that were killed: nobody holds their lock any more.
lab_sweep()
{
	local dir

	for dir in "$HOSTS"/lab.*; do
		test -d "$dir" || continue
		(flock -n 9 && rm -rf "$dir") 9>"$dir/lock"
	done
}

lab_end()
{
	local status=$?

	trap - EXIT
	# Everybody in here is ours; the disk folder can only go once nobody writes to it.
	kill -KILL -1 2>/dev/null
	umount -l "$LAB/mem"
	test ! -d "$LAB/cgroup" || { booted_end; umount -l "$LAB/cgroup"; }
	rm -rf "$LAB"
	exit "$status"
}

# lab_start: a lab with a client, the laptop.
lab_start()
{
	lab_open
	laptop_start
}

# lab_open: bridge, addresses, memory for layers, our products as a layer.
lab_open()
{
	mkdir -p "$LOGS"
	rm -rf "${LOGS:?}"/*
	mount -t proc proc /proc
	mount -t sysfs -o ro sys /sys # of this network namespace
	# Daemons start with no login uid, as from init; whoever runs the tests may have one.
	{ echo 4294967295 >/proc/self/loginuid; } 2>/dev/null || true
	mkdir -p "$HOSTS"
	LAB=$(mktemp -d "$HOSTS/lab.XXXXXX") || die "no folder for the lab below $HOSTS"
	exec {LAB_LOCK}>"$LAB/lock"
	flock "$LAB_LOCK"
	echo "$B2B_LAB_OUTER" >"$LAB/outer"
	trap lab_end EXIT
	trap 'exit 130' INT TERM HUP
	mkdir "$LAB"/{mem,disk,run}
	ln -s "$LOGS" "$LAB/log"
	mount -t tmpfs -o mode=755 lab "$LAB/mem"
	chmod 755 "$LAB"
	hostname lab
	ip link set lo up
	# Of its own, or it would take the lowest of its ports', and a host that joins could cut off those that know it by another.
	ip link add lab0 address 02:62:32:62:00:01 type bridge
	ip addr add "$SERVICE_ADDRESS/24" dev lab0
	ip link set lab0 up
	mkdir "$LAB/mem/base"
	test "$LAYER" = none || tar --xattrs --xattrs-include='*' -C "$LAB/mem/base" -xf "$HOSTS/$LAYER.tar" ||
		die "the layer $LAYER cannot be unpacked"
	lab_product
	printf '127.0.0.1 localhost\n%s login.lab\n' "$SERVICE_ADDRESS" >"$LAB/run/names"
}

# Our products as a layer of their own: what `make install` puts there, and the tests' tools.
lab_product()
{
	local product=$LAB/mem/product

	install -d -m 755 "$product" "$product/usr/local" "$product/usr/local/lib" "$product/usr/local/lib/b2b-test"
	install -m 755 "$BUILD"/tests/hosts/{init,last_look,devlog,ask_agent,watch,hung_fs} "$HERE"/inside/* "$product/usr/local/lib/b2b-test/"
	test -n "${NO_PRODUCTS:-}" || env -u MAKEFLAGS -u MAKELEVEL make -C "$SOURCE" BUILD="$BUILD" DESTDIR="$product" SANITIZE= ${INSTALL_FLAGS:-} install >"$LAB/log/install.log" 2>&1 ||
		die "make install failed: $(tail -n 5 "$LAB/log/install.log")"
}
