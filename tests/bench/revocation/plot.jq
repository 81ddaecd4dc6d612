# Which share of the ends took longer than that, as SVG.
include "stats";
include "axes";

def colours: { rest: "#2a9d3a", pass: "#1d6fd1", disk: "#e07a00" };
# Who was left at the end of the wait is in no point, but counts.
def tail_of: sort_by(. // infinite) | length as $n | [range($n) as $i | select(.[$i] != null) | [.[$i], ($n - $i) / $n]];
def lines($scope): [.conditions[] | .condition as $c | .title as $title | .scopes[] | select(.scope == $scope and any(.samples[]; . != null))
	| { name: $title, colour: colours[$c], stroke: 1.6, points: (.samples | tail_of) }];

def panel($scope; $title; $x; $limit): lines($scope) as $lines
	| if ($lines | length) == 0 then empty else
	  ([$lines[].points[][0]] + [$limit]) as $xs | ([$lines[].points[][1]] | min) as $least
	| { title: $title, x: $x, y: 30, under: "ms from the service's commit to a look that finds nobody", xs: [10, ($xs | max) * 1.3], ys: [([$least, 0.1] | min), 1],
	    xticks: [10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000 | select(. <= ($xs | max) * 1.3) | [., tostring]],
	    yticks: [1, 0.5, 0.1, 0.05, 0.01 | select(. >= ([$least, 0.1] | min)) | [., "\(. * 100) %"]], limit: $limit, lines: $lines } | draw
	end;

page("How long after the service's word nobody is left: the share of ends that took longer (both logarithmic)"; 2 * width; height + 30;
	panel("person"; "one person; dashed: 250 ms"; 0; 250), panel("organisation"; "one organisation; dashed: 1 s"; width; 1000))
