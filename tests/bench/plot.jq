# Cost against size, as SVG: log by log, a panel for each of some operations, a line for each subject.
include "stats";
include "axes";

def panels: [
	{ op: "name-random", title: "user by name, random over all" },
	{ op: "initgroups-random", title: "initgroups, random over all" },
	{ op: "absent-ours", title: "absent name of ours" },
	{ op: "group-name", title: "group by name, up to 25 members" },
	{ op: "enumerate", title: "whole enumeration, per entry" },
	{ op: "publish", title: "full build and publish" } ];
def columns: 2;

def colours: { b2b: "#c1121f", flat: "#111111", hash: "#6c757d", none: "#adb5bd", tinycdb: "#7f5539", files: "#b08900", extrausers: "#e07a00",
	"libnss-cache": "#2a9d3a", "libnss-db": "#0a7d78", "sssd-memcache": "#1d6fd1", "sssd-daemon": "#5fa8ff", nslcd: "#7b2cbf",
	userdb: "#c9589d", userdbd: "#e8a0c9" };
def colour: colours[.] // "#444444";
# The lines of a panel: [{ name, points: [[people, ns]] }].
def series($op): .sizes as $sizes | [$sizes[].subjects[].name] | reduce .[] as $n ([]; if index([$n]) then . else . + [$n] end)
	| map(. as $name | { name: $name, points: [$sizes[] | .people as $people | rounds($name; $op) | values | [$people, median]] }) | map(select(.points | length > 0));

def panel($op; $title; $x; $y): (.sizes | map(.people)) as $sizes
	| ([$sizes | min, max]) as $ends | (if $ends[0] == $ends[1] then [$ends[0] / 2, $ends[1] * 2] else $ends end) as $xs
	| series($op) as $series | ($series | map(.points[][1])) as $costs
	| if ($costs | length) == 0 then empty else
	  decades($costs | min; $costs | max) as $ticks
	| { title: $title, x: $x, y: $y, under: "people", xs: $xs, ys: [$ticks[0], $ticks[-1]],
	    xticks: ($sizes | map([., thousands])), yticks: ($ticks | map([., time])),
	    lines: ($series | map(. + { colour: (.name | colour), stroke: (if .name == "b2b" then 3 else 1.6 end) })) } | draw
	end;

(panels | length) as $n | (($n / columns) | ceil) as $rows
| page("What a look-up costs, against how many people there are (both logarithmic; medians)"; columns * width; $rows * height + 30;
	range($n) as $i | panels[$i] as $p | panel($p.op; $p.title; ($i % columns) * width; 30 + (($i / columns) | floor) * height))
