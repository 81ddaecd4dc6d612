/*
 * Lingering: systemd-logind keeps the user manager of whoever has a file here, without a session, and starts it again
 * when the host starts (loginctl enable-linger). It looks at the files whenever it matters, so their removal is all it
 * takes; what a manager runs is ended like all else with the person's uid. Who is reinstated asks to linger again.
 */
#ifndef B2B_LINGER_H
#define B2B_LINGER_H

#include "b2bd/guard/scope.h"
#include "common/cache.h"

#define B2B_LINGER_DIR "/var/lib/systemd/linger"

/*
 * Nobody lingers any more below DIR (root's) who is closed by their live word, their organisation's, or that of one above: of
 * SCOPE policy and lives count. CACHE tells ids of names. Returns how many that were (0 also where there is no logind), or
 * a negative errno, which is logged.
 */
int b2b_linger_end(const char *dir, const struct b2b_scope *scope, struct b2b_cache *cache);

#endif
