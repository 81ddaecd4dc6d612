# From what `run` noted to the results: samples in ms from the service's commit, what b2bd says of the same ends, memory.
include "stats";

def lines: split("\n") | map(select(. != ""));
def conditions: ["rest", "pass", "disk"];
def titles: { rest: "at rest", pass: "during a full directory pass", disk: "with a busy disk" };
def scopes: ["person", "organisation", "everybody"];

def sample: split("\t") | { condition: .[0], scope: .[1], watched: (.[2] | tonumber), committed_ms: (.[3] | tonumber) }
	+ if .[7] then (.[3] | tonumber) as $from | { gone_ms: ((.[5] | tonumber) / 1000 - $from), look_ms: (((.[7] | tonumber) - (.[6] | tonumber)) / 1000),
		nobody_ms: ((.[7] | tonumber) / 1000 - $from) } else { gone_ms: null, look_ms: null, nobody_ms: null } end;

# Of b2bd's own log: ends of persons, with their stages in ms. The second end of an offboarding finds nobody.
def ended: select(test("event=ended .*scope=person")) | [scan("([a-z_]+)=(-?[0-9]+)") | { key: .[0], value: (.[1] | tonumber) }] | from_entries
	| select(.event_ms > 0 and .found > 0) | { event_ms, delivery: (.received_ms - .event_ms), closed: (.closed_us / 1000), durable: (.durable_us / 1000), gone: .ending_ms, total: .latency_ms };

def figures: { n: length, p50: rank(50), p99: rank(99), most: (if length == 0 then null else max end) };
# Who was left at the end of the wait has no time: later than all the others.
def times($key): map(.[$key] // infinite) | figures | map_values(if . == infinite then null else . end);

def memory_of($c): $noted | lines | map(split(" ")) | map(select(.[0] == $c and .[1] == "memory"))
	| { pss_kb: (map(.[3] | tonumber) | add), processes: map({ name: .[2], pss_kb: (.[3] | tonumber), rss_kb: (.[4] | tonumber), most_rss_kb: (.[5] | tonumber) }) };
def noted($c; $what): $noted | lines | map(split(" ")) | map(select(.[0] == $c and .[1] == $what)) | first | if . then .[2] | tonumber else null end;

($samples | lines | map(sample)) as $all | ($log | lines | map(ended)) as $ends
| { date: $date, command: $command, seconds: $seconds, machine: $machine, sizes: $sizes, disk: $disk, product: $product, stages_in_all: $status.revocations.stages,
    conditions: [conditions[] as $c | ($all | map(select(.condition == $c))) as $these | ($these | map(.committed_ms)) as $at
	| { condition: $c, title: titles[$c], passes: noted($c; "passes"), bystanders: noted($c; "bystanders"), memory: memory_of($c),
	    scopes: [scopes[] as $s | ($these | map(select(.scope == $s))) as $mine
		| { scope: $s, processes: ($mine | map(.watched) | max), gone: ($mine | times("gone_ms")), nobody: ($mine | times("nobody_ms")),
		    look: ($mine | times("look_ms")), left: ($mine | map(select(.nobody_ms == null)) | length), samples: ($mine | map(.nobody_ms)) }],
	    stages: ($ends | map(select(.event_ms >= ($at | min) - 1000 and .event_ms <= ($at | max) + 1000)) as $own
		| ["delivery", "closed", "durable", "gone", "total"] | map(. as $stage | { stage: $stage } + ($own | map(.[$stage]) | map(select(. >= 0)) | figures))) }] }
