#!/usr/bin/env bash
# The benchmark of revocations, not its figures: a few sessions are ended in every condition, the conditions are what they say,
# and what was seen is rendered.
set -u
HERE=$(realpath "$(dirname "$0")")
export BUILD=${BUILD:-$HERE/../../build} LC_ALL=C.UTF-8
. "$HERE/lib/report.sh"
RESULTS=$(mktemp -d)
trap 'rm -rf "$RESULTS"' EXIT
export RESULTS

# seen FILTER: is it true of the results?
seen()
{
	jq -e "$1" "$RESULTS/revocation.json" >/dev/null
}

LOGS=$BUILD/log/hosts/test_bench_revocation SESSIONS=10 SSH_SESSIONS=1 ORGANISATIONS=3 BYSTANDERS=2 PEOPLE=400 SAMPLES=1 ORG_SAMPLES=1 \
	"$HERE/../bench/revocation/run" >"$RESULTS/said" 2>&1 || { FAIL "the benchmark runs" "$(tail -n 5 "$RESULTS/said")"; finish; }
ok "the benchmark runs"
check "a person, an organisation and everybody are ended in every condition" "$(jq -c '[.conditions[].scopes[] | [.scope, .samples]]' "$RESULTS/revocation.json")" \
	seen '[.conditions[].scopes[] | select(.left == 0 and .nobody.n == 1 and .nobody.p50 > .gone.p50 and .gone.p50 > 0)] | length == 9'
check "every session has its three processes" "$(jq -c '[.conditions[].scopes[].processes]' "$RESULTS/revocation.json")" \
	seen 'all(.conditions[]; [.scopes[].processes] == [3, 6, 30])'
check "the directory is read in its condition" "$(jq -c '[.conditions[].passes]' "$RESULTS/revocation.json")" seen '.conditions[1].passes > .conditions[0].passes'
check "a flush of the busy disk takes its time" "$(jq -c .disk "$RESULTS/revocation.json")" seen '.disk.overwrite_ms >= 85 and .disk.append_ms >= 85'
check "nobody else is touched" "$(jq -c '[.sizes.bystanders, .conditions[].bystanders]' "$RESULTS/revocation.json")" \
	seen '.sizes.bystanders == 8 and all(.conditions[]; .bystanders == 8)'
check "b2bd's own stages are told" "$(jq -c '.conditions[0].stages' "$RESULTS/revocation.json")" \
	seen 'all(.conditions[]; (.stages | length) == 5 and all(.stages[]; .n >= 1)) and (.stages_in_all | length) == 5'
check "the memory of all of b2bd is told" "$(jq -c '.conditions[0].memory' "$RESULTS/revocation.json")" \
	seen 'all(.conditions[]; ([.memory.processes[].name] | unique) == ["agent", "guard", "supervisor"] and .memory.pss_kb > 1000)'
check "every target comes to a verdict" "$(jq -c '.targets' "$RESULTS/revocation.json")" \
	seen '(.targets | length) == 12 and all(.targets[]; .verdict == "not at size" or .verdict == "FAILED")'
check "the table has a row for every end, and the peers" "$(head -n 40 "$RESULTS/REVOCATION.md")" \
	sh -c "test \$(grep -cE '^\| (at rest|during a full directory pass|with a busy disk) \| (one|everybody)' '$RESULTS/REVOCATION.md') = 9 && grep -q '^| Teleport |' '$RESULTS/REVOCATION.md'"
check "the plot has a line for every condition" "it has not" test "$(grep -c '>with a busy disk</text>' "$RESULTS/revocation.svg")" = 2
finish
