# Plots as SVG: panels whose axes are both logarithmic.

def width: 560;
def height: 400;
def frame: { left: 70, right: 130, top: 40, bottom: 45 };

def text: gsub("&"; "&amp;") | gsub("<"; "&lt;");
def scale($from; $to; $low; $high): (log10 - ($low | log10)) / (($high | log10) - ($low | log10)) * ($to - $from) + $from;
def round1: . * 10 | round / 10;

# Labels at the lines' ends are moved apart: none nearer than 12 to the one above.
def spread: sort_by(.y) | reduce .[] as $tip ([]; . + [$tip + { at: ([$tip.y, (if length > 0 then last.at + 12 else -1e9 end)] | max) }]);

def decades($low; $high): [range(($low | log10 | floor); ($high | log10 | ceil) + 1) | pow(10; .)];

# One panel at x, y: { title, under (what x means), xs and ys (from, to), xticks and yticks [[value, label]],
# lines: [{ name, colour, stroke, points: [[x, y]] }], limit? (a value of x that is to be kept) }.
def draw: . as $p | (frame) as $f
	| ($p.x + $f.left) as $left | ($p.x + width - $f.right) as $right | ($p.y + $f.top) as $top | ($p.y + height - $f.bottom) as $bottom
	| def px: scale($left; $right; $p.xs[0]; $p.xs[1]) | round1; def py: scale($bottom; $top; $p.ys[0]; $p.ys[1]) | round1;
	  "<text x=\"\($left)\" y=\"\($top - 14)\" class=\"title\">\($p.title | text)</text>",
	  ($p.yticks[] | (.[0] | py) as $at | "<line x1=\"\($left)\" x2=\"\($right)\" y1=\"\($at)\" y2=\"\($at)\" class=\"grid\"/><text x=\"\($left - 8)\" y=\"\($at + 4)\" class=\"tick\" text-anchor=\"end\">\(.[1])</text>"),
	  ($p.xticks[] | (.[0] | px) as $at | "<line x1=\"\($at)\" x2=\"\($at)\" y1=\"\($top)\" y2=\"\($bottom)\" class=\"grid\"/><text x=\"\($at)\" y=\"\($bottom + 18)\" class=\"tick\" text-anchor=\"middle\">\(.[1])</text>"),
	  ($p.limit | values | px as $at | "<line x1=\"\($at)\" x2=\"\($at)\" y1=\"\($top)\" y2=\"\($bottom)\" stroke=\"#c1121f\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>"),
	  "<text x=\"\(($left + $right) / 2)\" y=\"\($bottom + 36)\" class=\"tick\" text-anchor=\"middle\">\($p.under | text)</text>",
	  ($p.lines[] | "<polyline fill=\"none\" stroke=\"\(.colour)\" stroke-width=\"\(.stroke)\" points=\"\(.points | map("\(.[0] | px),\(.[1] | py)") | join(" "))\"/>",
		  (.stroke as $stroke | .colour as $colour | .points[] | "<circle cx=\"\(.[0] | px)\" cy=\"\(.[1] | py)\" r=\"\($stroke + 1)\" fill=\"\($colour)\"/>")),
	  ($p.lines | map({ name, colour, x: (.points[-1][0] | px), y: (.points[-1][1] | py) }) | spread[]
		| "<line x1=\"\(.x + 4)\" y1=\"\(.y)\" x2=\"\($right + 10)\" y2=\"\(.at)\" stroke=\"\(.colour)\" stroke-width=\"0.7\" stroke-dasharray=\"2 3\"/><text x=\"\($right + 13)\" y=\"\(.at + 4)\" class=\"label\" fill=\"\(.colour)\">\(.name | text)</text>");

# The whole picture; PANELS is what it holds.
def page($title; $wide; $high; panels):
	"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\($wide)\" height=\"\($high)\" viewBox=\"0 0 \($wide) \($high)\" font-family=\"DejaVu Sans, Verdana, sans-serif\">",
	"<style>.grid{stroke:#ddd;stroke-width:1}.tick{font-size:11px;fill:#444}.title{font-size:14px;font-weight:bold;fill:#111}.label{font-size:11px}</style>",
	"<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
	"<text x=\"16\" y=\"22\" class=\"title\">\($title | text)</text>",
	panels,
	"</svg>";
