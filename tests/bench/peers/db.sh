# nss_db as Debian has it: libnss-db, Berkeley DB. (glibc's own successor of the same name is not built in Debian.)
. "$(dirname "$0")/lib.sh"

# The package's own Makefile, which calls its makedb.
publish()
{
	make -s -B -f /var/lib/misc/Makefile ETC="$BENCH" DBS='passwd group'
}

version libnss-db libnss-db
built libnss-db publish
answers db
disk libnss-db /var/lib/misc/{passwd,group}.db
subject libnss-db db - all 'Berkeley DB; initgroups reads the whole group map'
