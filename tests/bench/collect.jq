# One size's measurements and what the host's files say, as one object.
def lines: split("\n") | map(select(. != ""));
def builds($name): $builds | lines | map(split("\t") | select(.[0] == $name) | .[1] | split(" ") | map(tonumber));
def number($table; $name): $table[$name] | if . == null then null else tonumber end;
# What a subject's people take to be published, in nanoseconds, as an operation like the others.
def publish($name): builds($name) | if length > 0 then map(.[0] * 1e9) else [$built[$name] | values | splits(" ") | tonumber * 1e9] end;
$measured[0]
| .seconds = $seconds
| .subjects |= map(.name as $name
	| .version = $versions[$name]
	| .disk_bytes = number($disk; $name)
	| if publish($name) | length > 0 then .operations.publish = { label: "full build and publish", ns: publish($name), calls: 1, wrong: 0 } else . end)
| .absent = $absent
| .parse_ns = (builds("parse") | map(.[0] * 1e9))
| .change = { ns: (builds("one") | map(.[0] * 1e9)), bytes: (builds("one")[0][1]), snapshots: ($replaced | tonumber) }
| .visible = ($visible | lines | map(tonumber) | sort | { times: length, p50_ns: .[length / 2 | floor], p99_ns: .[length * 0.99 | floor] })
