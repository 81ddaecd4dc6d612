# The results as Markdown.
include "stats";

def line: "| \(join(" | ")) |";
def head: line, "|\(map("---") | join("|"))|";

# A row of the targets has several tests: it is named once.
def target_rows: .targets | [., [null] + map(.row)] | transpose[] | select(.[0]) | (.[0] + { row: (if .[1] == .[0].row then "" else .[0].row end) })
	| [.row, .test, (.people | thousands), .target, .shown, .span // "", (if .verdict == "FAILED" then "**FAILED**" else .verdict end)] | line;

def names: [.subjects[].name] + (.absent | keys);
def operations: [.subjects[].operations | keys_unsorted[]] | reduce .[] as $op ([]; if index([$op]) then . else . + [$op] end)
	| map(select(IN("clock", "system-calls", "memory") | not));
def title($op): .subjects | map(.operations[$op] | values | .label) | first;

def cell($name; $op): operation($name; $op) | if . == null then "–" elif .failed then "**\(.failed)**"
	else (.ns | median | time) + (if .wrong > 0 then " **(\(.wrong) wrong)**" else "" end) end;
def overview: . as $size | (["operation"] + names | head),
	(operations[] as $op | ["\(title($op))"] + [names[] as $name | cell($name; $op)] | line);

# A ratio's median and interval.
def ratio($a; $b): if $a == null or $b == null then "" else quotients($a; $b) | "\(median | short)\(interval | if . then " (\(span(short)))" else "" end)" end;
def detail_rows: . as $size | operations[] as $op | .subjects[] | select(.operations[$op]) | .operations[$op] as $cell | (if $cell.failed then null else $cell.ns end) as $ns
	| [($cell.label), .name, (if $cell.failed then $cell.failed else $ns | median | time end), ($ns | if . then interval | span(time) else "" end),
	   ($cell.call_p99_ns | if . then time else "" end),
	   (($size | operation("b2b"; $op) | .call_p99_ns?) as $p99 | if $cell.call_p99_ns and $p99 then $cell.call_p99_ns / $p99 | short else "" end),
	   ($size | rounds("b2b"; $op)) as $own | ($size | rounds("flat"; $op)) as $flat | ($size | rounds("hash"; $op)) as $hash
	   | ratio($ns; $own), ratio($ns; $flat), ratio($ns; $hash),
	   "\($cell.wrong | thousands) of \($cell.calls | thousands)"] | line;

# What is of its own: without what the process that knows nobody has.
def memory_rows: .people as $people | (operation("none"; "memory")) as $base | .subjects[] | select(.name != "none") | .operations.memory as $cell
	| [.name, (if .disk_bytes then "\(.disk_bytes | bytes)" else "–" end), (if .disk_bytes then .disk_bytes / $people | short else "–" end),
	   (if $cell and ($cell.failed | not) then ([$cell.ns[0] - $base.ns[0], 0] | max * 1024 / $people | short), ([$cell.more - $base.more, 0] | max * 1024 / $people | short)
	    else "–", "–" end)] | line;

def system_call_rows: (operation("none"; "system-calls").ns[0]) as $base | .subjects[] | .name as $name | .operations["system-calls"] | values
	| select(.failed | not) | [$name, (.ns[0] | tostring), (.ns[0] - $base | tostring), (.more / (.calls - 1) | short)] | line;

def size_part:
	"", "## \(.people | thousands) people", "",
	"Medians of \(.rounds) interleaved rounds (fewer where a subject is slow), per call; building and publishing, as a whole, \(.parse_ns | length) times (peers that no row needs, once). All of it took \(.seconds | short) s.", "",
	overview, "",
	(if .absent | length > 0 then "Not run:", "", (.absent | to_entries[] | "- \(.key): \(.value)"), "" else empty end),
	(if any(.subjects[]; .note != "-") then "What is what:", "", (.subjects[] | select(.note != "-") | "- \(.name): \(.note)"), "" else empty end),
	"**One changed person:** \(.change.snapshots) snapshot replaced, \(.change.bytes | thousands) bytes, \(.change.ns | median | time) (\(.change.ns | interval | span(time))) from the changed record to the generation in place.", "",
	"**From a state word's store to the answer of another process that looks without a pause:** median \(.visible.p50_ns | time), p99 \(.visible.p99_ns | time), of \(.visible.times | thousands).", "",
	"**Reading the two source files**, part of what `b2b`, `flat` and `tinycdb` take to publish: \(.parse_ns | median | time).", "",
	"Memory is that of the asking process: daemons have more of their own.", "",
	"| subject | on disk | bytes per user on disk | of a process's own memory, bytes per user | files resident through it, bytes per user |", "|---|---|---|---|---|", memory_rows, "",
	"| subject | system calls of a fresh process's first look-up, the module's loading included | over `none` | of each later one |", "|---|---|---|---|", system_call_rows, "",
	"<details><summary>Every figure: intervals, p99, ratios</summary>", "",
	(["operation", "subject", "median", "95 % interval", "p99 of single calls, clock included", "p99 by b2b's", "by b2b", "by flat", "by hash", "wrong answers"] | head), detail_rows, "",
	"</details>";

"# Results of the benchmark", "",
"Written by `\(.command)` on \(.date); do not edit. The plot is [results.svg](results.svg), the figures are in [results.json](results.json).", "",
"![cost against size](results.svg)", "",
(.machine | to_entries[] | "- \(.key): \(.value)"),
"- sizes: \([.sizes[].people | thousands] | join("; ")) people in 200 organisations, five groups each", "",
"Every subject is an NSS module that glibc asks in a process of its own (`__nss_configure_lookup`, so that glibc's own stat of nsswitch.conf is left out, but for",
"the rows that say so), all in one throw-away host, over the same people. Every answer is compared with what it has to be. Rounds of all subjects are",
"interleaved; a figure is the median of the rounds, its interval the 95 % interval by order statistics, a ratio the median of the ratios round by round. Nothing is",
"subtracted. p99 is of calls timed one by one and includes the clock, which takes \(.sizes[-1] | rounds("none"; "clock") | median | time) to be read.", "",
"A warm nscd answers in about 90 ns, faster than any module can: glibc asks it before any module, from memory that it shares. It is no peer here because it also keeps a",
"withdrawn user for as long as it likes; b2b has it invalidated, or reported.", "",
"Not the same for everybody: `partners`, the group of all partners, is in the lists of b2b and of the floors and in no group file (six groups instead of five). An",
"absent name of ours is asked for while no agent is running; with one, b2b asks it before it says no.", "",
"## Targets", "",
(["", "", "people", "target", "measured", "95 % interval", ""] | head), target_rows,
(.sizes[] | size_part),
"", "## Versions", "",
([.sizes[].subjects[] | select(.version) | { key: .name, value: .version }] | from_entries | to_entries[] | "- \(.key): \(.value)")
