# nslcd (libnss-ldapd), which asks slapd over a unix socket.
. "$(dirname "$0")/lib.sh"

# Without the map of "member" each question for somebody's groups would also look for an attribute that no group has.
nslcd_conf()
{
	cat <<-CONF
		uid nslcd
		gid nslcd
		uri $SLAPD_SOCKET
		base passwd ou=people,dc=bench
		base group ou=groups,dc=bench
		map group member ""
		pagesize 1000
	CONF
}

nslcd_start()
{
	nslcd_conf >/etc/nslcd.conf
	install -d -o nslcd -g nslcd /run/nslcd
	daemon /run/nslcd/nslcd.pid
	nslcd
	within 20 test -S /run/nslcd/socket || fail "nslcd does not come up"
}

version nslcd libnss-ldapd slapd
need_slapd
nslcd_start
answers ldap
subject nslcd ldap - all 'asks slapd at every look-up; it has no cache'
