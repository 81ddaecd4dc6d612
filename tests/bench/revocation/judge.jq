# Every target beside what was measured: { what, target, shown, verdict }. What would hold at less than the sizes that the
# targets are for says nothing of them.

def at_size: .sizes.sessions >= 1000 and .sizes.large >= 200 and .sizes.organisations >= 50 and .sizes.people >= 100000;
def ms: if . == null then "–" else "\(. * 10 | round / 10) ms" end;
def verdict(holds): if holds then "holds" else "FAILED" end;

def late($c; $scope; $quantile; $most): ($c.scopes[] | select(.scope == $scope)) as $s | $s.nobody[$quantile] as $figure
	| { what: "\(if $scope == "person" then "one person, p99" else "an organisation of \($s.processes) processes, the slowest" end), \($c.title)",
	    target: "under \($most) ms", shown: "\($figure | ms) (n = \($s.nobody.n))",
	    verdict: (if $s.nobody.n == 0 then "not measured" else verdict($s.left == 0 and $figure != null and $figure < $most) end) };

at_size as $at_size
| .sizes.bystanders as $bystanders
| .targets = [
	(.conditions[] | late(.; "person"; "p99"; 250)),
	(.conditions[] | late(.; "organisation"; "most"; 1000)),
	(.conditions[] | { what: "b2bd in memory, all its processes, \(.title)", target: "under 30 MB", shown: "\(.memory.pss_kb / 100 | round / 10) MB",
		verdict: verdict(.memory.pss_kb < 30000) }),
	(.conditions[] | { what: "processes of others that live on, \(.title)", target: "all \($bystanders)", shown: "\(.bystanders)", verdict: verdict(.bystanders == $bystanders) }) ]
| if $at_size then . else .targets |= map(if .verdict == "holds" then .verdict = "not at size" else . end) end
