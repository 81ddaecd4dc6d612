#!/usr/bin/env bash
# A small simulated fleet: every agent starts, hears, applies, and comes back; what is measured is what there is, and no time is judged.
set -u
HERE=$(realpath "$(dirname "$0")")
export BUILD=${BUILD:-$HERE/../../build} LC_ALL=C.UTF-8
. "$HERE/lib/report.sh"
RESULTS=$(mktemp -d)
trap 'rm -rf "$RESULTS"' EXIT
export RESULTS HOSTS=50 WORKERS=2 RATE=200 REST=1 DOWN=1 LIMIT=60 TOTAL=200

# seen FILTER: is it true of the results?
seen()
{
	jq -e "$@" "$RESULTS/results.json" >/dev/null
}

"$HERE/../fleet/bench" >"$RESULTS/said" 2>&1 || { FAIL "the fleet comes to the end of every phase" "$(tr '\n' ' ' <"$RESULTS/said")"; finish; }
ok "the fleet comes to the end of every phase"
check "every host has a stream, a directory and a lease" "$(jq -c .start "$RESULTS/results.json")" seen '.start.ready == 50'
check "every host has connections of its own" "$(jq -c .start "$RESULTS/results.json")" seen '.start.connections >= 50 and .start.token.requests >= 50'
check "every host closes the person, durably" "$(jq -c .person "$RESULTS/results.json")" seen '.person.applied == 50 and .person.first_ms >= 0'
check "every host closes the organisation" "$(jq -c .organisation "$RESULTS/results.json")" seen '.organisation.applied == 50'
check "nobody is served while the service is away" "$(jq -c .away "$RESULTS/results.json")" seen '.away.poll.failed > 0'
check "every host comes back" "$(jq -c .back "$RESULTS/results.json")" seen '.back.ready == 50'
check "every host hears what happens then" "$(jq -c .after "$RESULTS/results.json")" seen '.after.applied == 50'
check "the table has what was measured" "$(head -n 20 "$RESULTS/RESULTS.md")" grep -q '^| a person is suspended | 50 |' "$RESULTS/RESULTS.md"
finish
