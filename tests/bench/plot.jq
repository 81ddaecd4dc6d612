# Cost against size, as SVG: log by log, a panel for each of some operations, a line for each subject.
include "stats";

def panels: [
	{ op: "name-random", title: "user by name, random over all" },
	{ op: "initgroups-random", title: "initgroups, random over all" },
	{ op: "absent-ours", title: "absent name of ours" },
	{ op: "group-name", title: "group by name, up to 25 members" },
	{ op: "enumerate", title: "whole enumeration, per entry" },
	{ op: "publish", title: "full build and publish" } ];
def columns: 2;
def width: 560;
def height: 400;
def frame: { left: 70, right: 130, top: 40, bottom: 45 };

def colours: { b2b: "#c1121f", flat: "#111111", hash: "#6c757d", none: "#adb5bd", tinycdb: "#7f5539", files: "#b08900", extrausers: "#e07a00",
	"libnss-cache": "#2a9d3a", "libnss-db": "#0a7d78", "sssd-memcache": "#1d6fd1", "sssd-daemon": "#5fa8ff", nslcd: "#7b2cbf",
	userdb: "#c9589d", userdbd: "#e8a0c9" };
def colour: colours[.] // "#444444";
def text: gsub("&"; "&amp;") | gsub("<"; "&lt;");

# The lines of a panel: [{ name, points: [[people, ns]] }].
def series($op): .sizes as $sizes | [$sizes[].subjects[].name] | reduce .[] as $n ([]; if index([$n]) then . else . + [$n] end)
	| map(. as $name | { name: $name, points: [$sizes[] | .people as $people | rounds($name; $op) | values | [$people, median]] }) | map(select(.points | length > 0));

def scale($from; $to; $low; $high): (log10 - ($low | log10)) / (($high | log10) - ($low | log10)) * ($to - $from) + $from;
def round1: . * 10 | round / 10;

# Labels at the lines' ends are moved apart: none nearer than 12 to the one above.
def spread: sort_by(.y) | reduce .[] as $tip ([]; . + [$tip + { at: ([$tip.y, (if length > 0 then last.at + 12 else -1e9 end)] | max) }]);

def decades($low; $high): [range(($low | log10 | floor); ($high | log10 | ceil) + 1) | pow(10; .)];

def panel($op; $title; $x; $y): (frame) as $f | (.sizes | map(.people)) as $sizes
	| ([$sizes | min, max]) as $ends | (if $ends[0] == $ends[1] then [$ends[0] / 2, $ends[1] * 2] else $ends end) as $xs
	| series($op) as $series | ($series | map(.points[][1])) as $costs
	| if ($costs | length) == 0 then empty else
	  decades($costs | min; $costs | max) as $ticks | [$ticks[0], $ticks[-1]] as $ys
	| ($x + $f.left) as $left | ($x + width - $f.right) as $right | ($y + $f.top) as $top | ($y + height - $f.bottom) as $bottom
	| def px: scale($left; $right; $xs[0]; $xs[1]) | round1; def py: scale($bottom; $top; $ys[0]; $ys[1]) | round1;
	  "<text x=\"\($left)\" y=\"\($top - 14)\" class=\"title\">\($title | text)</text>",
	  ($ticks[] | "<line x1=\"\($left)\" x2=\"\($right)\" y1=\"\(py)\" y2=\"\(py)\" class=\"grid\"/><text x=\"\($left - 8)\" y=\"\(py + 4)\" class=\"tick\" text-anchor=\"end\">\(time)</text>"),
	  ($sizes[] | "<line x1=\"\(px)\" x2=\"\(px)\" y1=\"\($top)\" y2=\"\($bottom)\" class=\"grid\"/><text x=\"\(px)\" y=\"\($bottom + 18)\" class=\"tick\" text-anchor=\"middle\">\(thousands)</text>"),
	  "<text x=\"\(($left + $right) / 2)\" y=\"\($bottom + 36)\" class=\"tick\" text-anchor=\"middle\">people</text>",
	  ($series[] | .name as $name | (if $name == "b2b" then 3 else 1.6 end) as $stroke
		| "<polyline fill=\"none\" stroke=\"\($name | colour)\" stroke-width=\"\($stroke)\" points=\"\(.points | map("\(.[0] | px),\(.[1] | py)") | join(" "))\"/>",
		  (.points[] | "<circle cx=\"\(.[0] | px)\" cy=\"\(.[1] | py)\" r=\"\($stroke + 1)\" fill=\"\($name | colour)\"/>")),
	  ($series | map({ name, x: (.points[-1][0] | px), y: (.points[-1][1] | py) }) | spread[]
		| "<line x1=\"\(.x + 4)\" y1=\"\(.y)\" x2=\"\($right + 10)\" y2=\"\(.at)\" stroke=\"\(.name | colour)\" stroke-width=\"0.7\" stroke-dasharray=\"2 3\"/><text x=\"\($right + 13)\" y=\"\(.at + 4)\" class=\"label\" fill=\"\(.name | colour)\">\(.name | text)</text>")
	end;

(panels | length) as $n | (($n / columns) | ceil) as $rows
| "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(columns * width)\" height=\"\($rows * height + 30)\" viewBox=\"0 0 \(columns * width) \($rows * height + 30)\" font-family=\"DejaVu Sans, Verdana, sans-serif\">",
  "<style>.grid{stroke:#ddd;stroke-width:1}.tick{font-size:11px;fill:#444}.title{font-size:14px;font-weight:bold;fill:#111}.label{font-size:11px}</style>",
  "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
  "<text x=\"16\" y=\"22\" class=\"title\">What a look-up costs, against how many people there are (both logarithmic; medians)</text>",
  (range($n) as $i | panels[$i] as $p | panel($p.op; $p.title; ($i % columns) * width; 30 + (($i / columns) | floor) * height)),
  "</svg>"
