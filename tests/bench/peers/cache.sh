# libnss-cache: flat files, each with two sorted indexes that are searched by halves.
. "$(dirname "$0")/lib.sh"

# index FILE FIELD SUFFIX: as nsscache writes it: KEY NUL OFFSET NUL, filled up with NUL to lines of one length, in the order of
# strcmp. (nsscache itself is not in Debian 12; it does this in Python. awk and sort are faster.)
index()
{
	local lines=$WORK/index width

	awk -F: -v field="$2" '{ print $field "\t" at + 0; at += length($0) + 1 }' "$1" | sort -t $'\t' -k1,1 >"$lines"
	width=$(tr '\t' ' ' <"$lines" | wc -L)
	awk -v width="$width" 'BEGIN { fill = sprintf("%" width "s", ""); gsub(/ /, "\t", fill) }
		{ print $0 "\t" substr(fill, 1, width - length($0)) }' "$lines" | tr '\t' '\0' >"$1.ix$3"
	rm -f "$lines"
}

# Indexes must not be older than what they lead into.
publish()
{
	cp "$PASSWD" /etc/passwd.cache
	cp "$GROUP" /etc/group.cache
	index /etc/passwd.cache 1 name
	index /etc/passwd.cache 3 uid
	index /etc/group.cache 1 name
	index /etc/group.cache 3 gid
}

# As ours is built; else awk and sort would run side by side, and sort on all cores there are.
publish_on_one_core()
{
	(
		taskset -cp "$(awk '/^Cpus_allowed_list/ { sub(/[-,].*/, "", $2); print $2 }' /proc/self/status)" "$BASHPID" >/dev/null && publish
	)
}

version libnss-cache libnss-cache
TIMES=$BUILDS built libnss-cache publish_on_one_core
answers cache
disk libnss-cache /etc/{passwd,group}.cache*
subject libnss-cache cache - all 'with its indexes; initgroups reads the whole group file'
