# One line for each check, and waiting for conditions.

FAILURES=0

ok()
{
	echo "ok $*"
}

# FAIL NAME WHY…
FAIL()
{
	local name=$1

	shift
	FAILURES=$((FAILURES + 1))
	echo "FAIL $name: $*"
}

skip()
{
	local name=$1

	shift
	echo "skip $name: $*"
}

# check NAME WHY COMMAND…: ok when COMMAND succeeds, FAIL with WHY when not.
check()
{
	local name=$1 why=$2

	shift 2
	if "$@"; then ok "$name"; else FAIL "$name" "$why"; fi
}

# The test's last line: its exit status.
finish()
{
	test "$FAILURES" -eq 0
	exit
}

die()
{
	echo "FAIL $(basename "$0" .sh): $*"
	exit 1
}

now_ms()
{
	date +%s%3N
}

# wait_for SECONDS COMMAND…: until COMMAND succeeds; fails when SECONDS have gone by.
wait_for()
{
	local deadline=$(($(now_ms) + $1 * 1000))

	shift
	until "$@" >/dev/null 2>&1; do
		test "$(now_ms)" -lt "$deadline" || return 1
		sleep 0.02
	done
}
