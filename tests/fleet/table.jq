# What the fleet measured, as Markdown.
include "stats";

def line: "| \(join(" | ")) |";
def head: line, "|\(map("---") | join("|"))|";
def percent: "\(. * 100 | short) %";
def mark($side): if .saturated | index($side) then " **saturated**" else "" end;
def processors: "\(.service_cpu | percent)\(mark("service"))", "\(.agents_cpu | percent)\(mark("agents"))", (.machine_cpu | percent);
def ms: . * 1e6 | time;
def seconds: . * 1e9 | time;
def all($member): .poll[$member] + .stream[$member] + .token[$member] + .directory[$member] + .metadata[$member];

def event_row($what): [$what, "\(.applied | thousands)", (.first_ms | ms), (.p50_ms | ms), (.p99_ms | ms), (.max_ms | ms), processors] | line;
def phase_row($what): [$what, (.seconds | seconds), (all("requests") | thousands), (all("failed") | thousands), (.connections | thousands),
	(.peak_requests // null | if . then (round | thousands) else "–" end), (.wire_bytes | bytes), processors] | line;

# Of one host in an hour. Only the polls were seen for long enough at rest; the others are rarer, and are what one of them took at the start.
def hour: .hosts as $n | .rest.seconds as $s | .start as $start
	| [["polls", .rest.poll.requests * 3600 / $s / $n, .rest.poll.bytes * 3600 / $s / $n],
	   ["a verification every 5 min: the question, and its event in a poll", 24, 12 * ($start.stream.bytes / $start.stream.requests + .person.poll.bytes / $n)],
	   ["a directory pass every 15 min, of a small directory", 4 * $start.directory.requests / $n / 2, 4 * $start.directory.bytes / $n / 2],
	   ["an access token every 59 min", 1.02 * $start.token.requests / $n, 1.02 * $start.token.bytes / $n],
	   ["the keys every hour", 1, $start.metadata.bytes / $start.metadata.requests]];

"# A fleet of \(.hosts | thousands) simulated hosts", "",
"Written by `make bench-fleet` on \(.date); do not edit. The figures are in results.json.", "",
(.machine | to_entries[] | "- \(.key): \(.value)"),
"- the agents: \(.workers) processes, \(.memory.bytes_per_agent | bytes) of memory each agent; the service: one thread, \(.memory.service_bytes | bytes)",
(if .complete then empty else "- **not complete**: not every host came to the end of every phase in time" end), "",
"CPU is in parts of one core; of the machine (everybody's) in parts of all. A side above 80 % of what it can have (the service one core, the agents the others)",
"is marked: then the time is its own, and not the protocol's.", "",
"## One event to the last host", "",
"From the service's commit until the agent has closed the word, stored it durably and handed the end over to its guard.", "",
(["event", "hosts that applied it", "first", "p50", "p99", "last", "CPU service", "CPU agents", "machine"] | head),
(.person | event_row("a person is suspended")), (.organisation | event_row("an organisation is suspended")),
(.after | event_row("a person is suspended, after the service was away")), "",
"## Start, rest, and the service away for a while", "",
(["phase", "took", "requests", "failed", "connections", "most requests in a second", "bytes on the wire", "CPU service", "CPU agents", "machine"] | head),
(.start | phase_row("all start, evenly")), (.rest | phase_row("at rest")), (.away | phase_row("the service is away")), (.back | phase_row("until all are back")), "",
"Back were \(.back.ready | thousands) of \(.start.ready | thousands); the most connections that were made in a second were \(.back.peak_connections | round | thousands).", "",
"## Arithmetic: one host in an hour", "",
"Polls as seen at rest; what is rarer than that was watched is taken from the start, by its interval. Bytes are of HTTP, without TLS.", "",
(["what", "requests", "bytes"] | head), (hour[] | [.[0], (.[1] | short), (.[2] | bytes)] | line),
(hour | ["**all**", (map(.[1]) | add | short), (map(.[2]) | add | bytes)] | line)
