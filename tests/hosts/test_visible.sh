#!/usr/bin/env bash
# Who sees whom. As a partner, everything that may tell of another organisation's people is tried (inside/snoop), by every
# way that a local person proves to be one; then the agent's socket; then the other kinds of visibility.
LAYER=services
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
HOST_HOST='enumerate = yes'
host_start web7
host_local_user web7 lena
session_login erin erin@globex erin@globex web7 || die "erin cannot log in"
host_exec web7 sh -c 'touch /run/lab/of-them; chown erin@globex /run/lab/of-them'
SNOOP="$TOOLS/snoop erin@globex $(host_exec web7 id -u erin@globex) ops@globex 9d01f2"

# What the system tells of who is logged in, and what takes it away again (nss_b2b(8), VISIBILITY).
TOLD='told-by-utmp told-by-wtmp told-by-titles'
# Lena cannot do these either; they are ways to have fewer groups, which no partner may find.
CLOSED='shadow partners secrets database through-fd registry homes hard-link agent-memory b2bctl their-group namespace-chroot chage chfn at gpasswd
no-groups-by-name no-groups-by-uid user-namespace-by-name user-namespace-by-uid namespace-root-by-name namespace-root-by-uid
namespace-no-groups-by-name namespace-no-groups-by-uid namespace-groups-by-name namespace-groups-by-uid
namespace-users-by-name namespace-users-by-uid namespace-mounts-by-name namespace-mounts-by-uid'

# tried NAME: what snoop said, of each attempt one line.
tried()
{
	grep -E '^[a-z-]+ (seen|nothing)$' "$LAB/run/snoop.$1"
}

seen()
{
	tried "$1" | sed -n 's/ seen$//p' | grep -vxF "$(tr ' ' '\n' <<<"$TOLD")"
}

# as PERSON COMMAND…: with their ids and groups, without a log-in.
as()
{
	host_exec web7 setpriv --reuid "$1" --regid "$(host_exec web7 id -g "$1")" --init-groups "${@:2}"
}

ask()
{
	as "$1" "$TOOLS/ask_agent" "${@:2}"
}

sees()
{
	as "$1" getent passwd "$2" >/dev/null
}

hides()
{
	! sees "$@"
}

LOGIN_SECONDS=120 ssh_as alice@acme alice@acme web7 "$SNOOP" >"$LAB/run/snoop.alice"
LOGIN_SECONDS=120 ssh_key lena web7 "$SNOOP" >"$LAB/run/snoop.lena"
attempts=$(tried lena | wc -l)
check attempts "snoop tried only $attempts things" test "$attempts" -gt 50
check partner-tried-all "alice tried $(tried alice | wc -l) of $attempts" test "$(tried alice | wc -l)" = "$attempts"
check partner-sees-nothing "alice learns of erin by: $(seen alice | paste -sd' ')" test -z "$(seen alice)"
blind=$(tried lena | sed -n 's/ nothing$//p' | grep -vxF "$(tr ' \n' '\n\n' <<<"$CLOSED")")
check attempts-are-real "nobody at all could learn by: $blind" test -z "$blind"
check told-by-the-system "the page says that these tell, and they do not: $(tried alice | grep ^told)" \
	test "$(tried alice | grep -c '^told.*seen$')" = 3
host_exec web7 sh -c 'chmod o-r /run/utmp /var/log/wtmp /var/log/lastlog; mount -o remount,hidepid=invisible /proc'
as alice@acme $SNOOP told >"$LAB/run/snoop.alice"
check told-no-more "hidepid and modes leave: $(tried alice | grep seen)" test "$(tried alice | grep -c '^told.*nothing$')" = 3
check partner-sees-own "alice does not see carol" sees alice@acme carol@acme
check other-way-round "erin sees alice" hides erin@globex alice@acme
check no-subordinate-ids "a partner has subordinate ids" host_exec web7 sh -c '! grep -q @ /etc/subuid /etc/subgid'
host_exec web7 sh -c 'echo alice@acme:400000:65536 | tee -a /etc/subuid >>/etc/subgid'
as alice@acme $SNOOP subordinate >"$LAB/run/snoop.alice"
check subordinate-ids-would-tell "the page says that these open rosters, and they do not" test "$(tried alice)" = 'subordinate-ids seen'
check subordinate-ids-reported "doctor says $(doctor_says subids)" test "$(doctor_says subids)" = problem
host_exec web7 sed -i /alice/d /etc/subuid /etc/subgid

# Every request that there is but the first; b2b-keys may make one of them.
for who in alice@acme lena sshd b2b-keys; do
	for type in 2 3 4 5 6 7 8 9 10 11; do
		test $who-$type = b2b-keys-8 && continue
		answer=$(ask $who $type erin@globex)
		check "agent-refuses-$who-$type" "it says $answer" test "$answer" = '1 not-root'
	done
	answer=$(ask $who 12 erin@globex)
	check "agent-hears-no-other-of-$who" "it says $answer" test "$answer" = '1 protocol'
done
check agent-gives-keys-to-b2b-keys "it says $(ask b2b-keys 8 erin@globex)" test "$(ask b2b-keys 8 erin@globex)" = '1 ok'
check agent-tells-a-partner-nothing "alice is told of erin: $(ask alice@acme 1 erin@globex)" test "$(ask alice@acme 1 erin@globex)" = '1 user-unknown'
control person organisation=globex local=newcomer >/dev/null || FAIL new-person "the service makes nobody"
check agent-fetches-nobody-for-others "alice had a newcomer of globex fetched" test "$(ask alice@acme 1 newcomer@globex)" = '1 user-unknown'
check agent-tells-members "alice is not told of carol: $(ask alice@acme 1 carol@acme)" test "$(ask alice@acme 1 carol@acme)" = '1 ok'
check agent-tells-local-people "lena is not told of erin" test "$(ask lena 1 erin@globex)" = '1 ok'
flood=$(ask alice@acme 1 '#@acme' 100)
check agent-limits-a-flood "it answered $flood" test "$(sed -n 's/ busy$//p' <<<"$flood")" -ge 50
check agent-limits-by-uid "alice's flood stops lena" test "$(ask lena 1 zoe@acme)" = '1 user-unknown'

# The other kinds of visibility: root's word, then a new policy.
visibility()
{
	host_exec web7 sed -i "/^visibility/d; s/^enumerate.*/&\nvisibility = $1/" /etc/b2b/b2b.conf
	host_exec web7 b2bctl policy apply >/dev/null && host_exec web7 sh -c 'kill -HUP "$(cat /run/lab/b2bd.pid)"' && wait_for 10 host_ready web7
}

visibility strict || die "strict cannot be applied"
check strict-member "alice does not see carol" wait_for 5 sees alice@acme carol@acme
check strict-partner "alice sees erin" hides alice@acme erin@globex
check strict-local "lena sees erin" hides lena erin@globex
check strict-root "root does not see erin" test -n "$(host_exec web7 getent passwd erin@globex)"
alice_is_told_of() { test "$(ask alice@acme 1 "$1")" = '1 ok'; } # by the agent that has read the new policy, once it is there
check strict-agent-member "the agent does not tell alice of carol" wait_for 10 alice_is_told_of carol@acme
check strict-agent-local "the agent tells lena of erin" test "$(ask lena 1 erin@globex)" = '1 user-unknown'
visibility everyone || die "everyone cannot be applied"
check everyone-partner "alice does not see erin" wait_for 5 sees alice@acme erin@globex
check everyone-local "lena does not see erin" sees lena erin@globex
check everyone-agent "the agent does not tell alice of erin" wait_for 10 alice_is_told_of erin@globex
check everyone-setuid "passwd -S does not know erin for alice" sh -c 'grep -q "may not" <<EOT
'"$(as alice@acme passwd -S erin@globex 2>&1)"'
EOT'
visibility organisation || die "organisation cannot be applied"
check closed-again "alice still sees erin" wait_for 5 hides alice@acme erin@globex
check local-sees-again "lena does not see erin" sees lena erin@globex
check others-live "erin's session has ended over it" test "$(session_run erin 'echo still-$((6*7))')" = still-42
finish
