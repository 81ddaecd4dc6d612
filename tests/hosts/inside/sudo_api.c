/* Does the real header agree with ours? Compiled where sudo is installed. */
#include <stddef.h>
#include <sudo_plugin.h>

#include "sudo_b2b/plugin_api.h"

#define SAME(a, b) _Static_assert((a) == (b), #a)
#define SAME_FIELD(field)                                                                                                           \
	SAME(offsetof(struct approval_plugin, field), offsetof(struct b2b_sudo_approval, field));                                    \
	_Static_assert(_Generic(((struct b2b_sudo_approval *)0)->field, __typeof__(((struct approval_plugin *)0)->field): 1, default: 0), #field)

SAME(SUDO_APPROVAL_PLUGIN, B2B_SUDO_APPROVAL);
SAME(SUDO_API_VERSION_MAJOR, B2B_SUDO_API_MAJOR);
_Static_assert(SUDO_API_VERSION_MINOR >= B2B_SUDO_API_MINOR, "the interface is older than ours");
SAME(SUDO_CONV_ERROR_MSG, B2B_SUDO_ERROR_MSG);
SAME(SUDO_CONV_INFO_MSG, B2B_SUDO_INFO_MSG);
SAME(SUDO_CONV_PREFER_TTY, B2B_SUDO_PREFER_TTY);
SAME(sizeof(struct approval_plugin), sizeof(struct b2b_sudo_approval));
SAME_FIELD(type);
SAME_FIELD(version);
SAME_FIELD(open);
SAME_FIELD(close);
SAME_FIELD(check);
SAME_FIELD(show_version);
