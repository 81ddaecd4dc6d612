# Every target at every size that it is for, beside what was measured: { row, people, test, target, figure, interval, verdict }.
include "stats";

def why_not($name): .absent[$name] // (if any(.subjects[]; .name == $name) then "not measured at this size" else "not set up" end) | "not run: \(.)";
def title($op): (.subjects | map(.operations[$op] | values | .label) | first) // $op;

# [values], of which the median is the figure; or a string that says why there are none.
def versus($op; $name; f): rounds("b2b"; $op) as $own | rounds($name; $op) as $other
	| if $own == null then operation("b2b"; $op) | .failed // "not measured at this size"
	  elif $other == null then (operation($name; $op) | .failed? | values | "\($name) \(.)") // why_not($name)
	  else [$own, $other] | f end;

def verdict($holds): if $holds then "holds" else "FAILED" end;
def judged($test; $target; $values; write; holds):
	{ test: $test, target: $target } + if ($values | type) == "string" then { figure: null, interval: null, shown: "–", verdict: $values }
	else ($values | median) as $figure | ($values | interval) as $interval
		| { figure: $figure, interval: $interval, shown: ($figure | write), span: ($interval | span(write)), verdict: verdict($figure | holds) } end;

def ratio($t): judged(title($t.op); "at most \($t.most) × \($t.by)"; versus($t.op; $t.by; quotients(.[0]; .[1])); "\(short) ×"; . <= $t.most);
def ahead($t): (if rounds($t.of; $t.op) == null and $t.otherwise and rounds($t.of; $t.otherwise) then $t.otherwise else $t.op end) as $op
	| judged(title($op); (if $t.least == 1 then "no slower than \($t.of)" else "at least \($t.least) × faster than \($t.of)" end) + ($t.note | if . then " (\(.))" else "" end);
		versus($op; $t.of; quotients(.[1]; .[0])); "\(short) ×"; . >= $t.least);
def over($t): judged(title($t.op); "at most \($t.most_us) µs over \($t.over)"; versus($t.op; $t.over; differences(.[0]; .[1])); time; . <= $t.most_us * 1000);
def first_calls($t): judged("system calls of a fresh process's first look-up"; "at most \($t.most) of its own";
	versus("system-calls"; $t.over; differences(.[0]; .[1])); short; . <= $t.most);
def steady($t): operation("b2b"; "system-calls") as $cell
	| judged("system calls of 1,000 look-ups, mapped"; "none of its own"; if $cell.more == null then "not measured" else [$cell.more] end; short; . <= $t.most);
def threads($t): rounds("b2b"; $t.one) as $one | rounds("b2b"; $t.two) as $two
	| judged(title($t.two); "at least \($t.least) × one thread"; if $one and $two then quotients($one; $two) else "not measured at this size" end;
		"\(short) ×"; . >= $t.least);
def wrong($t): operation("b2b"; $t.op) as $cell
	| judged("wrong answers: \(title($t.op))"; "none"; if $cell == null then "not measured at this size" elif $cell.failed then $cell.failed else [$cell.wrong] end;
		"\(short) of \($cell.calls | thousands)"; . <= $t.most);
def replaced($t): judged("snapshots that are replaced"; "only that organisation's"; [.change.snapshots]; short; . <= $t.most);
def disk($t): .people as $people | judged("index, live files and snapshots"; "at most \($t.most) bytes"; [.subjects[] | select(.name == "b2b").disk_bytes / $people];
	"\(short) bytes"; . <= $t.most);

def judge($t): if $t.kind == "ratio" then ratio($t) elif $t.kind == "ahead" then ahead($t) elif $t.kind == "over" then over($t)
	elif $t.kind == "first-calls" then first_calls($t) elif $t.kind == "steady" then steady($t) elif $t.kind == "threads" then threads($t)
	elif $t.kind == "wrong" then wrong($t) elif $t.kind == "replaced" then replaced($t) elif $t.kind == "disk" then disk($t)
	else error("targets.json: no test of kind \($t.kind)") end;

.sizes as $sizes
| .targets = [$targets[0][] as $target | $sizes[] | select(.people | IN($target.people[])) as $size
	| $target.tests[] as $test | $size | { row: $target.row, people: .people } + judge($test)]
