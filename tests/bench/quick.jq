# One size's figures at a glance: medians in nanoseconds, subjects side by side, and b2b by flat.
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def show: if . == null then "-" elif . < 1000 then . * 10 | round / 10 | tostring else round | tostring end;
def cell($op): .operations[$op] | if . == null then "-" elif .failed then .failed
	else (.ns | median | show) + (if .wrong > 0 then " (\(.wrong) wrong)" else "" end) end;
def ratio($by; $op): (map(select(.name == "b2b")) | first.operations[$op].ns) as $own | (map(select(.name == $by)) | first.operations[$op].ns) as $other |
	if $own and $other then [range([($own | length), ($other | length)] | min) | $own[.] / $other[.]] | median * 100 | round / 100 | tostring else "-" end;
.subjects as $subjects | ($subjects | map(.operations | keys_unsorted) | add | reduce .[] as $op ([]; if index($op) then . else . + [$op] end)) as $ops |
"\n\(.people) people, ns per call, medians of \(.rounds) interleaved rounds",
(["operation"] + ($subjects | map(.name)) + ["b2b/flat", "b2b/hash", "b2b/none"] | @tsv),
($ops[] as $op | [$op] + ($subjects | map(cell($op))) + ($subjects | [ratio("flat"; $op), ratio("hash"; $op), ratio("none"; $op)]) | @tsv)
