#!/usr/bin/env bash
# A soak: log-ins, log-outs, closings and returns at random, while service, network and daemons fail at random. At every rest host
# and service agree about everybody, whoever was closed has nothing left running, nobody else lost anything; at the end no
# descriptor, memory, process or file is left over.
#
#   SOAK_SECONDS   of random events (15; 1800 with LONG)
#   SOAK_FAULTS    of these kinds only; see soak/actions.sh
#   SOAK_SEED      repeats what was chosen (the moment of each choice differs)
. "$(dirname "$0")/lib.sh"
. "$HERE/soak/model.sh"
. "$HERE/soak/actions.sh"
. "$HERE/soak/verdict.sh"
SOAK_SECONDS=${SOAK_SECONDS:-$(test -n "${LONG:-}" && echo 1800 || echo 15)}
SOAK_REST=$((SOAK_SECONDS > 120 ? 60 : SOAK_SECONDS / 2))
SOAK_SEED=${SOAK_SEED:-$RANDOM}
RANDOM=$SOAK_SEED
echo "# seed $SOAK_SEED, $SOAK_SECONDS s, at rest every $SOAK_REST s"

lab_start
(umask 077; openssl rand -hex 16 >"$LAB/run/admin.secret")
FEDERATION_OPTIONS="--client-secret admin=$LAB/run/admin.secret --client-scope admin=directory"
federation_start
model_people acme s 8
model_people emea.acme m 4
control people organisation=acme prefix=x count:=1 >/dev/null || die "the service takes no marker"
model_people globex g 8
# Both hold their agents' descriptors and memory to account; only db3's are killed.
HOSTS_UP='web7 db3'
for host in $HOSTS_UP; do host_start "$host"; done
host_local_user web7 lena
for host in $HOSTS_UP; do
	check "$host-people" "not everybody arrived" wait_for 20 agrees "$host"
done

soak()
{
	local end=$(($(now_ms) + SOAK_SECONDS * 1000)) rest=$(($(now_ms) + SOAK_REST * 1000)) rests=0

	while test "$(now_ms)" -lt "$end"; do
		act
		test "$(now_ms)" -ge "$rest" || continue
		rests=$((rests + 1))
		verdict "rest-$rests"
		rest=$(($(now_ms) + SOAK_REST * 1000))
	done
}

lena()
{
	test "$(ssh_key lena web7 id -un)" = lena
}

baseline
soak
verdict end
check local-user "lena cannot log in" lena
everybody_closed
leaks
cp "$LAB"/run/soak.[0-9]* "$LAB/log/"
summary
finish
