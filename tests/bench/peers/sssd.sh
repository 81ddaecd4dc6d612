# sssd, which asks slapd for whom it does not know: answers from its memory cache, and from its daemon without it.
. "$(dirname "$0")/lib.sh"

WITHOUT=SSS_NSS_USE_MEMCACHE=NO
WARM_MOST=2000 # people: what more asks slapd for each and takes minutes
PEOPLE=$1
OPERATIONS=all,-enumerate
NOTE='enumeration is off, as its documentation advises'
if test "$PEOPLE" -gt "$WARM_MOST"; then
	OPERATIONS=$OPERATIONS,-name-random,-uid-random,-initgroups-random
	NOTE="only those who have been asked for before (hot); $NOTE"
fi

# Names hold an '@', which sssd would take for that of a domain of its own. Caches large enough for everybody who is asked
# for, and valid for longer than the run. sssd resolves the name of its server, so it cannot use the unix socket.
sssd_conf()
{
	cat <<-CONF
		[sssd]
		services = nss
		domains = bench
		disable_netlink = true
		[nss]
		filter_users_in_groups = false
		memcache_timeout = 86400
		memcache_size_passwd = 64
		memcache_size_group = 256
		memcache_size_initgroups = 64
		entry_negative_timeout = 86400
		entry_cache_nowait_percentage = 0
		[domain/bench]
		id_provider = ldap
		auth_provider = none
		access_provider = permit
		chpass_provider = none
		sudo_provider = none
		autofs_provider = none
		resolver_provider = none
		subdomains_provider = none
		ldap_uri = ldap://127.0.0.1
		ldap_schema = rfc2307
		ldap_user_search_base = ou=people,dc=bench
		ldap_group_search_base = ou=groups,dc=bench
		entry_cache_timeout = 86400
		re_expression = (?P<name>.+)
		full_name_format = %1\$s
	CONF
}

start()
{
	mkdir -p /var/log/sssd
	sssd_conf >/etc/sssd/sssd.conf
	chmod 600 /etc/sssd/sssd.conf
	daemon /run/sssd.pid
	sssd -D --logger=files
	within 20 test -S /var/lib/sss/pipes/nss || fail "sssd does not come up: $(tail -n 1 /var/log/sssd/sssd.log)"
	within 20 getent -s passwd:sss passwd "$(somebody)" || fail "sssd does not reach slapd"
}

# Whom the benchmark asks for again and again; of a few people, everyone.
list_keys()
{
	local source=$HERE/../source

	if test "$PEOPLE" -le "$WARM_MOST"; then
		awk -F: '{ print "passwd", $1; print "initgroups", $1 }' "$PASSWD"
		awk -F: '{ print "group", $1 }' "$GROUP"
	else
		gcc -std=gnu11 -O2 -I"$source" -o "$WORK/asked" "$HERE/asked.c" "$source"/tests/bench/{keys,ops,people}.c
		"$WORK/asked" "$PEOPLE" | sort -u
	fi
}

keys()
{
	awk -v database="$1" '$1 == database { print $2 }' "$WORK/keys"
}

# ask_all DATABASE COMMAND…: for all of its keys, under COMMAND.
ask_all()
{
	local database=$1

	keys "$database" | xargs -n 5000 "${@:2}" getent -s "$database:sss" "$database" >/dev/null
}

# Groups last: an initgroups that finds new memberships drops the groups that it knew.
warm()
{
	local database

	for database in passwd initgroups group; do ask_all "$database" env; done
}

# questions DATABASE [VAR=VALUE]: how often a process that asks for all of its keys turns to the daemon.
questions()
{
	ask_all "$1" strace -f -e trace=connect,sendto -o "$WORK/calls" env "${@:2}"
	grep -c 'sss/pipes/nss\|sendto' "$WORK/calls" || true
}

# The two subjects are what they are called: the memory cache answers for all keys and asks nobody, the daemon path the daemon.
verify()
{
	local database asked

	for database in passwd initgroups group; do
		asked=$(questions "$database")
		test "$asked" -eq 0 || fail "sssd's memory cache does not hold all of $database: $asked questions to its daemon"
		asked=$(questions "$database" "$WITHOUT")
		test "$asked" -gt "$(keys "$database" | wc -l)" || fail "sssd answers $database without its daemon: $asked questions"
	done
}

version sssd-memcache sssd-common sssd-ldap libnss-sss slapd
version sssd-daemon sssd-common sssd-ldap libnss-sss slapd
need_slapd
start
answers sss
answers sss "$WITHOUT"
list_keys >"$WORK/keys"
warm
verify
subject sssd-memcache sss - "$OPERATIONS" "$NOTE"
subject sssd-daemon sss "$WITHOUT" "$OPERATIONS" "$NOTE"
