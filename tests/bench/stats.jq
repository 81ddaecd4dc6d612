# What the renderers share: medians and their intervals, ratios, and how figures are written.

def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# The nearest rank that P of a hundred do not exceed.
def rank($p): sort | if length == 0 then null else .[((length * $p + 99) / 100 | floor) - 1] end;

# The 95 % interval of the median by order statistics; null for fewer than six values.
def interval: sort as $v | ($v | length) as $n
	| reduce range($n) as $k ({ term: pow(0.5; $n), below: 0, rank: 0 };
		.below += .term | (if .below <= 0.025 then .rank = $k + 1 else . end) | .term *= ($n - $k) / ($k + 1))
	| if .rank == 0 then null else [$v[.rank - 1], $v[$n - .rank]] end;

def operation($name; $op): .subjects | map(select(.name == $name)) | first | if . then .operations[$op] else null end;
def rounds($name; $op): operation($name; $op) | if . == null or .failed or (.ns | length) == 0 then null else .ns end;

# Of two lists of rounds: round by round where they were interleaved, else median by median.
def quotients($a; $b): if ($a | length) == ($b | length) then [range($a | length) | $a[.] / $b[.]] else [($a | median) / ($b | median)] end;
def differences($a; $b): if ($a | length) == ($b | length) then [range($a | length) | $a[.] - $b[.]] else [($a | median) - ($b | median)] end;

def digits($n): . as $x | pow(10; $n) as $p | ($x * $p | round) / $p | tostring;
# Two or three digits that count.
def short: if . == null then "–" else (if . < 0 then -. else . end) as $size
	| if $size == 0 then "0" elif $size < 0.1 then digits(3) elif $size < 10 then digits(2) elif $size < 100 then digits(1) else digits(0) end end;
def time: if . == null then "–" elif . < 0 then "−\(- . | time)" elif . < 999.5 then "\(short) ns" elif . < 999500 then "\(. / 1e3 | short) µs" elif . < 999.5e6 then "\(. / 1e6 | short) ms"
	else "\(. / 1e9 | short) s" end;
def bytes: if . == null then "–" elif . < 1e6 then "\(. / 1e3 | short) kB" else "\(. / 1e6 | short) MB" end;
def thousands: tostring | explode | reverse | [range(length) as $i | .[$i], (if $i % 3 == 2 and $i < length - 1 then 44 else empty end)] | reverse | implode;
def span(f): if . == null then "" else "\(.[0] | f) – \(.[1] | f)" end;
