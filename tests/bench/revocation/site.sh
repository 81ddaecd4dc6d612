# The site: a directory, the service, a host on a disk whose flushes can be delayed, sessions and bystanders.

DISK_MS=85
RANGE=65536
FIRST_ID=2013265920

declare -A SESSION_UID # of who has a session now

alias_of()
{
	test "$1" = 0 && echo bench || echo "p$1.bench"
}

# What the service begins with: organisations. Number 1 is the large one.
site_seed()
{
	jq -n --argjson n "$ORGANISATIONS" '{ people: [], organisations: ([{ id: "b0", alias: "bench", display: "All of them" },
		{ id: "other", alias: "other", display: "Bystanders" }] + [range(1; $n) | { id: "b\(.)", alias: "p\(.).bench", display: "Partner \(.)", parent: "b0" }]) }'
}

# Root's configuration (in place of the tests' own).
host_conf()
{
	local i

	printf '[federation]\nissuer = %s\nclient_id = web7\nclient_key = /etc/b2b/client.key\nca_file = /etc/b2b/ca.pem\n' "$ISSUER"
	printf '[host]\nstaleness = 5m\nqr = no\n[service sshd]\nmethods = device\nkey_suffices = yes\n[service hold]\nkey_suffices = yes\n'
	for i in $(seq 0 $((ORGANISATIONS - 1))); do
		printf '[organisation %s]\nid = b%d\nrange = %s\nservices = sshd hold\n' "$(alias_of "$i")" "$i" "$(range_of "$i" -)"
	done
	printf '[organisation other]\nid = other\nrange = %s\nservices = sshd hold\n' "$(range_of "$ORGANISATIONS" -)"
}

# range_of NUMBER SEPARATOR: the first and the last id of an organisation.
range_of()
{
	echo "$((FIRST_ID + $1 * RANGE))$2$((FIRST_ID + ($1 + 1) * RANGE - 1))"
}

# As many people in each organisation, u0, u1, ….
site_people()
{
	local i each=$((PEOPLE / (ORGANISATIONS + 1)))

	for i in $(seq 0 $((ORGANISATIONS - 1))) other; do
		test "$i" = other || i=b$i
		FEDERATION_SECONDS=300 control people "organisation=$i" prefix=u "count:=$each" >/dev/null || die "the service takes no people"
	done
}

# /var/lib/b2b on a disk of its own, a loop device over a file whose fsync is slow_disk's business.
disk_start()
{
	mkdir -p "$LAB/mem/slow" "$LAB/mem/varlib"
	ln -s "$LAB/mem/varlib" "$LAB/disk/web7" # goes with the lab's memory
	disk_delay 0
	truncate -s 2G "$LAB/disk/image"
	"$BUILD/bench-tools/slow_disk" "$LAB/mem/slow" "$LAB/disk/image" "$LAB/run/delay" || die "a file system of the bench's own (FUSE) is refused"
	mkfs.ext4 -q -F -E nodiscard "$LAB/mem/slow/disk" || die "there is no file system for the slow disk"
	mount -o loop "$LAB/mem/slow/disk" "$LAB/mem/varlib" || die "there is no loop device for the slow disk"
}

disk_delay()
{
	echo "$1" >"$LAB/run/delay"
}

# hold <NAMES: sessions for them, as sshd opens them; whoever is refused (an event may be on its way) is asked for again.
hold()
{
	local names=$LAB/run/names.hold answers=$LAB/run/answers deadline=$((SECONDS + 180)) name uid

	cat >"$names"
	while test -s "$names"; do
		host_exec web7 /usr/local/lib/b2b-bench/hold 4 <"$names" >"$answers"
		while read -r name uid; do
			SESSION_UID[$name]=$uid
		done < <(grep -v ' refused: ' "$answers")
		sed -n 's/ refused: .*//p' "$answers" >"$names"
		test ! -s "$names" || test "$SECONDS" -lt "$deadline" || die "no session: $(grep ' refused: ' "$answers" | head -n 3)"
	done
}

# Names of those who get sessions: a fifth are of number 1, the others share the rest.
large_names()
{
	local i

	for i in $(seq 0 $((SESSIONS / 5 - 1))); do echo "u$i@p1.bench"; done
}

person_names()
{
	local i n=$((ORGANISATIONS - 1)) number

	for i in $(seq 0 $((SESSIONS - SESSIONS / 5 - 1))); do
		number=$((i % n))
		echo "u$((i / n))@$(alias_of $((number == 0 ? 0 : number + 1)))"
	done
}

has_key()
{
	host_exec web7 b2b-keys "$1" | grep -q .
}

# Plain log-ins with sshd, by a key of the directory, among the first that are ended.
site_ssh()
{
	local name

	for name; do
		control person "person=$name" "ssh_keys:=[\"$(cut -d' ' -f1,2 "$LAB/run/laptop.pub")\"]" >/dev/null || die "the service takes no key of $name"
	done
	host_exec web7 b2bctl sync >/dev/null
	LOGIN_SECONDS=3600
	for name; do
		wait_for 60 has_key "$name" || die "the key of $name does not arrive"
		ssh_key "$name" web7 'setsid sleep 86400 & wait' >/dev/null 2>&1 &
		disown
		SESSION_UID[$name]=$(host_exec web7 id -u "$name")
	done
	wait_for 30 sessions_registered $((SESSIONS + BYSTANDERS)) || die "sshd lets nobody in: $(host_log web7 sshd | tail -n 5)"
}

sessions_registered()
{
	test "$(host_exec web7 sh -c 'ls /run/b2b/sessions | wc -l')" = "$1"
}

# Are there people enough for everybody who gets a session?
site_check()
{
	local each=$((PEOPLE / (ORGANISATIONS + 1))) others=$(((SESSIONS + 3 * SAMPLES) / (ORGANISATIONS - 1) + 2))

	test "$each" -ge $((SESSIONS / 5)) && test "$each" -ge "$others" && test "$each" -ge "$BYSTANDERS" ||
		die "PEOPLE=$PEOPLE are $each in each organisation, too few for these sessions and samples; give more, or fewer of these"
	test "$SSH_SESSIONS" -le $((SESSIONS - SESSIONS / 5)) || die "SSH_SESSIONS=$SSH_SESSIONS are more than there are sessions of single people"
}

site_start()
{
	local i

	site_check
	site_seed >"$LAB/run/seed"
	FEDERATION_OPTIONS="--seed $LAB/run/seed"
	federation_start
	site_people
	disk_start
	install -d -m 755 "$LAB/mem/product/usr/local/lib/b2b-bench"
	install -m 755 "$BUILD/bench-tools/hold" "$LAB/mem/product/usr/local/lib/b2b-bench"
	HOST_READY_SECONDS=300 host_start web7
	host_exec web7 cp /etc/pam.d/sshd /etc/pam.d/hold
	host_local_user web7 lena
	for i in $(seq "$BYSTANDERS"); do
		host_spawn web7 "lena$i" setpriv --reuid lena --regid lena --init-groups sleep 86400
	done
	hold < <(for i in $(seq "$BYSTANDERS"); do echo "u$i@other"; done)
	mapfile -t LARGE < <(large_names)
	mapfile -t PERSONS < <(person_names)
	hold < <(printf '%s\n' "${LARGE[@]}" "${PERSONS[@]:SSH_SESSIONS}")
	site_ssh "${PERSONS[@]:0:SSH_SESSIONS}"
}
