# The directory that nslcd and sssd ask: slapd, with everybody in it. What it takes counts as nslcd's.
. "$(dirname "$0")/lib.sh"

DATABASE=/var/lib/ldap

# Indexes for every attribute in the clients' filters; values of memberUid sorted, or each comparison with a group of a
# thousand members goes through all of them; nothing is synchronised.
slapd_conf()
{
	cat <<-CONF
		include /etc/ldap/schema/core.schema
		include /etc/ldap/schema/cosine.schema
		include /etc/ldap/schema/nis.schema
		modulepath /usr/lib/ldap
		moduleload back_mdb
		pidfile /run/slapd/slapd.pid
		sortvals memberUid
		sizelimit unlimited
		timelimit unlimited
		tool-threads 2
		loglevel 0
		database mdb
		suffix dc=bench
		directory $DATABASE
		maxsize $((16 << 30))
		dbnosync
		index objectClass eq
		index uid,uidNumber,gidNumber,memberUid,cn eq
		access to * by * read
	CONF
}

ldif()
{
	printf '%s\n' 'dn: dc=bench' 'objectClass: dcObject' 'objectClass: organization' 'o: bench' 'dc: bench' ''
	printf '%s\n' 'dn: ou=people,dc=bench' 'objectClass: organizationalUnit' 'ou: people' ''
	printf '%s\n' 'dn: ou=groups,dc=bench' 'objectClass: organizationalUnit' 'ou: groups' ''
	awk -F: '{ print "dn: uid=" $1 ",ou=people,dc=bench\nobjectClass: account\nobjectClass: posixAccount\nuid: " $1 "\ncn: " $1
		print "uidNumber: " $3 "\ngidNumber: " $4 "\ngecos: " $5 "\nhomeDirectory: " $6 "\nloginShell: " $7 "\n" }' "$PASSWD"
	awk -F: '{ print "dn: cn=" $1 ",ou=groups,dc=bench\nobjectClass: posixGroup\ncn: " $1 "\ngidNumber: " $3
		n = split($4, member, ","); for (i = 1; i <= n; i++) print "memberUid: " member[i]; print "" }' "$GROUP"
}

fill()
{
	ldif | slapadd -q -f /etc/ldap/bench.conf
}

slapd_start()
{
	mkdir -p /run/slapd
	chown openldap: /run/slapd "$DATABASE"/*
	daemon /run/slapd/slapd.pid
	slapd -f /etc/ldap/bench.conf -h "$SLAPD_SOCKET ldap://127.0.0.1" -u openldap -g openldap
	within 20 ldapsearch -x -H "$SLAPD_SOCKET" -b dc=bench -s base || fail "slapd does not answer"
}

rm -rf "${DATABASE:?}"/*
slapd_conf >/etc/ldap/bench.conf
built nslcd fill
slapd_start
disk nslcd "$DATABASE"
