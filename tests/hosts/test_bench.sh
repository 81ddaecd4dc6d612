#!/usr/bin/env bash
# The benchmark's engine, not its figures: every subject of ours answers rightly, whoever does not is a row and not the end, and
# what was seen is rendered.
set -u
HERE=$(realpath "$(dirname "$0")")
BENCH=$HERE/../bench
export BUILD=${BUILD:-$HERE/../../build} LC_ALL=C.UTF-8
. "$HERE/lib/report.sh"
RESULTS=$(mktemp -d)
trap 'rm -rf "$RESULTS"' EXIT
export RESULTS

# seen FILTER [ARGUMENT…]: is it true of the results?
seen()
{
	jq -e "$@" "$RESULTS/results.json" >/dev/null
}

# The wrong answers of our own subjects, named.
wrong_answers()
{
	jq -c '.sizes[0].subjects[] | select(.name | IN("b2b", "flat", "hash", "none", "files")) | .name as $name | .operations | to_entries[] |
		select(.value.wrong > 0 or .value.failed) | [$name, .key, .value.wrong, .value.failed]' "$RESULTS/results.json"
}

# Every test of targets.json, as if it were meant for this size, comes to a verdict, or to why there is none.
all_judged()
{
	jq '.[].people = [1000]' "$BENCH/targets.json" >"$RESULTS/targets.json" &&
		jq -L "$BENCH" --slurpfile targets "$RESULTS/targets.json" -f "$BENCH/judge.jq" "$RESULTS/results.json" |
		jq -e '(.targets | length) > 40 and all(.targets[]; .verdict | test("^(holds|FAILED|not run: |not measured)")) and
			any(.targets[]; .row == "steady state" and .verdict == "holds")' >/dev/null
}

LOGS=$BUILD/log/hosts/test_bench PEOPLE=1000 ROUNDS=2 PEERS=yes PEER_SCRIPTS=$BENCH/smoke "$BENCH/run" >"$RESULTS/said" 2>&1 ||
	{ FAIL "the benchmark runs" "$(tail -n 5 "$RESULTS/said")"; finish; }
ok "the benchmark runs"
wrong=$(wrong_answers)
check "our module, the floors and glibc's files answer rightly" "$wrong" test -z "$wrong"
check "every operation was measured through our module" "$(jq -c '.sizes[0].subjects[0].operations | keys' "$RESULTS/results.json")" \
	seen '.sizes[0].subjects[0] | .name == "b2b" and (.operations | length) >= 20 and all(.operations[]; .ns[0] > 0)'
check "what is built several times is judged with each of them" "$(jq -c '[.sizes[0].subjects[] | [.name, .operations.publish.ns]]' "$RESULTS/results.json")" \
	seen '[.sizes[0].subjects[] | select(.name | IN("b2b", "wrong")) | .operations.publish.ns] | (.[0] | length) == 2 and .[1] == [5e8, 75e7]'
check "wrong answers are counted" "a service that is not there has none" \
	seen '.sizes[0].subjects[] | select(.name == "wrong") | .operations["name-hot"] | .wrong == .calls and .calls > 1000'
check "a peer that crashes is a row and not the end" "it is not" \
	seen '.sizes[0].subjects[] | select(.name == "crash") | .operations["name-hot"].failed == "crashed" and (.operations["uid-hot"].failed | not)'
check "a peer that is absent is named with the reason" "it is not" grep -q 'missing: it is not there' "$RESULTS/RESULTS.md"
check "one person's change replaces one snapshot" "$(jq -c '.sizes[0].change' "$RESULTS/results.json")" seen '.sizes[0].change.snapshots == 1'
check "every target comes to a verdict" "$(jq -c '[.targets[] | [.test, .verdict]]' "$RESULTS/results.json")" all_judged
check "the table names every subject" "$(head -n 20 "$RESULTS/RESULTS.md")" \
	grep -qE '^\| operation \| b2b \| flat \| hash \| none \| files \| wrong \| crash \| missing \|' "$RESULTS/RESULTS.md"
check "the plot has a line for our module" "it has none" grep -q '>b2b</text>' "$RESULTS/results.svg"
finish
