# systemd's user database: JSON records in /etc/userdb, read by nss-systemd itself and through systemd-userdbd.
. "$(dirname "$0")/lib.sh"

FOLDER=/etc/userdb
SOCKETS=/run/systemd/userdb
WITHOUT=SYSTEMD_BYPASS_USERDB=1 # ask no service: the module reads the records
FILES_MOST=2000000 # in memory, 5 KiB each
MEMBERSHIPS_MOST=100000

# records yes|no: a file for each person and each group, a link for each id, and where memberships are wanted a file for each,
# whose name says it all: but an empty one counts as masked. They are links to one file, which is kinder than a file each.
records()
{
	perl - "$PASSWD" "$GROUP" "$1" <<-'PERL'
		use strict;
		use warnings;

		sub put
		{
			my ($name, $text) = @_;
			open(my $file, '>', $name) or die "$name: $!\n";
			print $file $text;
			close($file) or die "$name: $!\n";
		}

		sub lines
		{
			open(my $file, '<', $_[0]) or die "$_[0]: $!\n";
			return sub { my $line = <$file>; return unless defined $line; chomp $line; return split /:/, $line };
		}

		my $memberships = pop(@ARGV) eq 'yes';
		my ($passwd, $group) = map { lines($_) } @ARGV;
		while (my ($name, undef, $uid, $gid, $gecos, $home, $shell) = $passwd->()) {
			put("$name.user", qq({"userName":"$name","uid":$uid,"gid":$gid,"realName":"$gecos","homeDirectory":"$home","shell":"$shell"}\n));
			symlink("$name.user", "$uid.user") or die "$uid.user: $!\n";
		}
		put('membership', "{}\n");
		while (my ($name, undef, $gid, $members) = $group->()) {
			put("$name.group", qq({"groupName":"$name","gid":$gid}\n));
			symlink("$name.group", "$gid.group") or die "$gid.group: $!\n";
			for my $member ($memberships ? split /,/, $members // '' : ()) {
				link('membership', "$member:$name.membership") or die "$member:$name.membership: $!\n";
			}
		}
	PERL
}

publish()
{
	mkdir -p "$FOLDER"
	cd "$FOLDER"
	records "$memberships"
	cd /
}

count_memberships()
{
	awk -F: '{ n += split($4, member, ",") } END { printf "%d", n }' "$GROUP"
}

# As systemd-userdbd.socket has it: the service starts at the first question, under three names.
userdbd_start()
{
	mkdir -p "$SOCKETS"
	daemon "$WORK/userdbd.pid"
	setsid -f sh -c 'echo $$ >"$0"; exec "$@"' "$WORK/userdbd.pid" \
		systemd-socket-activate -l "$SOCKETS/io.systemd.Multiplexer" /lib/systemd/systemd-userdbd
	within 10 test -S "$SOCKETS/io.systemd.Multiplexer" || fail "systemd-userdbd does not come up"
	ln -s io.systemd.Multiplexer "$SOCKETS/io.systemd.NameServiceSwitch"
	ln -s io.systemd.Multiplexer "$SOCKETS/io.systemd.DropIn"
}

version userdb libnss-systemd
version userdbd libnss-systemd systemd-userdbd
memberships=yes
operations=all
note=
count=$(count_memberships)
if test "$count" -gt "$MEMBERSHIPS_MOST"; then
	memberships=no
	operations=all,-group-name,-group-gid,-group-name-125,-group-gid-125,-group-name-1250,-group-gid-1250,-initgroups-hot,-initgroups-random
	operations=$operations,-thread-initgroups,-threads-initgroups
	note="; no groups: each question reads the names of all $count memberships"
fi
files=$(cat "$PASSWD" "$GROUP" | wc -l)
test $((files * 2)) -le "$FILES_MOST" || fail "a file and a link for each record: $((files * 2)) files in one folder"
built userdb publish
answers_people systemd "$WITHOUT"
test "$memberships" = no || answers_groups systemd "$WITHOUT"
userdbd_start
answers_people systemd
test "$memberships" = no || answers_groups systemd
disk userdb "$FOLDER"
subject userdb systemd "$WITHOUT" "$operations" "nss-systemd reads JSON records itself$note"
subject userdbd systemd - "$operations" "nss-systemd asks systemd-userdbd$note"
