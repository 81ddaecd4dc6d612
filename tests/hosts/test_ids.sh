#!/usr/bin/env bash
# Two hosts that share files give everybody the same ids: pinned on one, laid on the other, in force for who is new.
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
ALICE=63acb50d-05c1-509d-b562-97d63011fe98

# ids HOST: who has which, without how it was chosen.
ids()
{
	host_exec "$1" b2bctl idmap export | grep -v '^#'
}

# place_of NAME: by b2b.conf(5); 64 bits are more than the shell's numbers hold, so digit by digit.
place_of()
{
	local digits rest=0 i

	digits=$(host_exec web7 b2bctl idmap --json "$1" | jq -rj '"user:" + .ids[0].owner' | sha256sum | cut -c1-16)
	for ((i = 0; i < 16; i++)); do rest=$(((rest * 16 + 0x${digits:i:1}) % 65535)); done
	echo $((2013265921 + rest))
}

known()
{
	host_exec "$1" getent passwd "$2" >/dev/null
}

# On the first host alice is pinned; all others have the place that the hash names.
HOST_PINS="42c3e9 user 2013300000 $ALICE"
host_start web7
check pinned "alice has $(host_exec web7 id -u alice@acme)" test "$(host_exec web7 id -u alice@acme)" = 2013300000
check hashed "carol's id is not what the manual says" test "$(host_exec web7 id -u carol@acme)" = "$(place_of carol@acme)"
check listed "b2bctl idmap does not list alice as pinned" \
	grep -qE "^2013300000 +user +alice@acme +active +pinned +63acb" <<<"$(host_exec web7 b2bctl idmap acme)"

# The second one gets what the first has, before it knows anybody, and nothing by hash.
HOST_PINS=$(host_exec web7 b2bctl idmap export) HOST_HASHED_IDS=no
host_start db3
check same-ids "the hosts differ: $(diff <(ids web7) <(ids db3))" test "$(ids web7)" = "$(ids db3)"
check same-for-ls "alice differs" test "$(host_exec db3 id alice@acme)" = "$(host_exec web7 id alice@acme)"

# Who is new has an id where hashing is wanted, and is kept out where it is not, until root pins.
control person organisation=acme local=zoe >/dev/null || FAIL new-person "the service makes nobody"
check new-by-hash "zoe is not known on web7" wait_for 10 known web7 zoe@acme
host_exec db3 b2bctl sync >/dev/null
check new-kept-out "db3 gave zoe an id" sh -c "! nsenter -t ${HOST_PID[db3]} -a getent passwd zoe@acme"
check others-stay "alice is gone from db3" known db3 alice@acme
told()
{
	grep -q '^ids .*acme: somebody is not published' <<<"$(host_exec db3 b2bctl status)"
}
check new-is-told "status does not say why" wait_for 10 told
zoe=$(host_exec web7 b2bctl idmap --json zoe@acme | jq -r '.ids[0].owner')
line=$(host_exec web7 b2bctl idmap pin acme "$zoe")
check pin-line "no pin: $line" grep -q "^42c3e9 user [0-9]* $zoe$" <<<"$line"
check wrong-pin-refused "db3 pins what alice has" \
	sh -c "! nsenter -t ${HOST_PID[db3]} -a b2bctl idmap pin acme $zoe 2013300000 2>/dev/null"
host_exec db3 b2bctl idmap pin acme "$zoe" "$(cut -d' ' -f3 <<<"$line")" --write >/dev/null || FAIL pin-write "the line is not appended"
host_exec db3 b2bctl policy check >/dev/null || FAIL pin-check "the file is wrong now"
host_exec db3 pkill -HUP -u root -x b2bd
check pinned-comes-in "zoe is not known on db3" wait_for 20 known db3 zoe@acme
check pinned-the-same "zoe differs" test "$(host_exec db3 id -u zoe@acme)" = "$(host_exec web7 id -u zoe@acme)"
check still-the-same "the hosts differ: $(diff <(ids web7) <(ids db3))" test "$(ids web7)" = "$(ids db3)"

# A wrong line is refused whole, with its place; what was in force stays.
host_exec db3 sh -c 'echo "42c3e9 user 2013300000 other" >>/etc/b2b/idmap'
out=$(host_exec db3 b2bctl policy check 2>&1)
check wrong-file "policy check says: $out" grep -q '/etc/b2b/idmap:[0-9]*: found id 2013300000 (0x78008520), which line' <<<"$out"
host_exec db3 pkill -HUP -u root -x b2bd
refused()
{
	host_log db3 b2bd | grep -q 'event=reload-refused.*idmap'
}
check reload-refused "the agent took it" wait_for 10 refused
check works-after "alice is gone from db3" known db3 alice@acme
finish
