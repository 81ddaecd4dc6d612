# Throw-away hosts for tests: source this first. It starts the script again as the only tenant of a lab: mount, pid,
# net, uts and ipc namespaces of its own, whose process 1 dies with whoever started the test. Everything that
# a test makes lives inside (hosts, bridges, mounts), so that nothing can be left, also by kill -9.
#
#   . "$(dirname "$0")/lib.sh"
#   lab_start                          bridge and the federation service (10.77.0.1)
#   host_start web7                    a host with sshd, sudo, cron and our products, joined to the service
#   ssh_as alice alice@acme web7 id    the log-in is approved by alice
#   ok NAME / FAIL NAME WHY            one line a check, counted by tests/run
#
# What each part offers is said in lib/*.sh. The client of all log-ins is a throw-away machine too ("laptop").

set -u -o pipefail
HERE=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
SOURCE=$(realpath "$HERE/../..")
BUILD=$(realpath -m "${BUILD:-build}")
HOSTS=$BUILD/hosts
LOGS=${LOGS:-$BUILD/log/hosts/$(basename "$0" .sh)}
export BUILD LOGS LC_ALL=C.UTF-8

. "$HERE/lib/report.sh"
. "$HERE/lib/lab.sh"
. "$HERE/lib/host.sh"
. "$HERE/lib/booted.sh"
. "$HERE/lib/federation.sh"
. "$HERE/lib/browser.sh"
. "$HERE/lib/ssh.sh"
. "$HERE/lib/caching.sh"
. "$HERE/lib/list_cache.sh"

test "${B2B_LAB:-}" = inside || lab_enter "$@"
