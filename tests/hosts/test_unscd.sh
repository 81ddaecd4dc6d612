#!/usr/bin/env bash
# unscd beside us: it takes nscd's requests, so a revocation shows through it when warm, and doctor reports it.
test -n "${LONG:-}" || { echo "skip unscd: it is nscd's twin to us, and takes a layer of its own (make check-long)"; exit 0; }
LAYER=unscd
. "$(dirname "$0")/lib.sh"
lab_start
federation_start
host_start web7
caching_start nscd -d
caching_daemon unscd
caching_closes_many unscd
finish
