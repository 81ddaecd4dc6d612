/* b2bd: options, what must stand before its processes part, and then b2b_supervise (guard/supervise.h). */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "b2bd/agent.h"
#include "b2bd/errand/errand.h"
#include "b2bd/guard/prepare.h"
#include "b2bd/guard/supervise.h"
#include "common/conf.h"
#include "common/index.h"
#include "common/log.h"
#include "common/proto.h"

#define STATE_DIR "/var/lib/b2b/state"
#define USER "b2b"
#define KEYS_USER "b2b-keys"

#ifndef B2B_VERSION
#define B2B_VERSION "0.1"
#endif

static void help(FILE *out)
{
	fprintf(out,
	        "Usage: b2bd [options]\n"
	        "Keeps partners' accounts on this host: asks the federation service, serves pam_b2b, libnss_b2b and b2bctl,\n"
	        "and ends sessions that are revoked. Runs in the foreground; SIGTERM stops it, SIGHUP reloads.\n"
	        "\n"
	        "  --conf PATH        configuration (%s)\n"
	        "  --cache DIR        index, live files and snapshots (%s)\n"
	        "  --state DIR        the agent's database (%s)\n"
	        "  --shared-network   start although the guard cannot have a network namespace of its own (containers)\n"
	        "  --foreground       accepted and without effect: b2bd never leaves it\n"
	        "  --errand           run one errand of b2bctl's on the network, sandboxed, and end\n"
	        "  --debug            log more\n"
	        "  --version\n"
	        "  -h, --help\n"
	        "\n"
	        "Exit status: 0 stopped, 64 wrong usage, 71 the system refused something, 75 another b2bd runs,\n"
	        "78 the configuration or the compiled policy is wrong or missing.\n",
	        B2B_CONF_PATH, B2B_CACHE_DIR, STATE_DIR);
}

/* Returns -1 to go on, or an exit status. */
static int parse_options(int argc, char **argv, struct b2b_supervise_setup *setup, int *priority, bool *errand)
{
	enum { CONF = 256, CACHE, STATE, SHARED, FOREGROUND, ERRAND, DEBUG, VERSION };
	static const struct option options[] = {
		{ "conf", required_argument, NULL, CONF },         { "cache", required_argument, NULL, CACHE },
		{ "state", required_argument, NULL, STATE },       { "shared-network", no_argument, NULL, SHARED },
		{ "foreground", no_argument, NULL, FOREGROUND },   { "debug", no_argument, NULL, DEBUG },
		{ "errand", no_argument, NULL, ERRAND },
		{ "version", no_argument, NULL, VERSION },         { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case CONF: setup->conf_path = optarg; break;
		case CACHE: setup->cache_dir = optarg; break;
		case STATE: setup->state_dir = optarg; break;
		case SHARED: setup->shared_network = true; break;
		case FOREGROUND: break;
		case ERRAND: *errand = true; break;
		case DEBUG: *priority = LOG_DEBUG; break;
		case VERSION: printf("b2bd %s\n", B2B_VERSION); return 0;
		case 'h': help(stdout); return 0;
		default: help(stderr); return EX_USAGE;
		}
	}
	if (optind < argc || setup->cache_dir[0] != '/' || setup->state_dir[0] != '/' || setup->conf_path[0] != '/') {
		fprintf(stderr, "b2bd: %s\n", optind < argc ? "takes no operands" : "paths must be absolute");
		return EX_USAGE;
	}
	return -1;
}

/*
 * "b2b" is no partner's name (no separator), so our own NSS module answers at once that it does not know it, should the name
 * be missing in the sources before it: looking it up never waits for the agent that is to be started.
 */
static int find_user(struct b2b_supervise_setup *setup)
{
	const struct passwd *user = getpwnam(USER);

	if (!user || user->pw_uid == 0 || user->pw_gid == 0) {
		b2b_log(LOG_ERR, "no system user \"" USER "\": create it (systemd-sysusers, or useradd --system " USER ")");
		return EX_CONFIG;
	}
	setup->uid = user->pw_uid;
	setup->gid = user->pw_gid;
	user = getpwnam(KEYS_USER);
	setup->keys_uid = user && user->pw_uid != 0 ? user->pw_uid : (uid_t)-1;
	return 0;
}

static int read_policy(struct b2b_supervise_setup *setup)
{
	int r = b2b_index_recover(setup->cache_dir);

	if (r == 0 || r == -ENOENT)
		r = b2b_index_read(setup->cache_dir, &setup->policy);
	if (r < 0) {
		b2b_log(LOG_ERR, "%s/index: %s; run \"b2bctl policy apply\"", setup->cache_dir,
		        r == -ENOENT ? "the policy has not been compiled yet" :
		        r == -EPROTONOSUPPORT ? "a newer b2b compiled the policy, and this one cannot read it: install that one again, or go back for good" :
		        r == -EBADMSG ? "the compiled policy is damaged" : strerror(-r));
		return EX_CONFIG;
	}
	if (b2b_policy_org_by_uid(setup->policy, setup->uid) >= 0) {
		b2b_log(LOG_ERR, "user \"" USER "\" (uid %u) lies in an organisation's range: give it another uid", (unsigned)setup->uid);
		return EX_CONFIG;
	}
	return 0;
}

/* Everything that needs the file system as it is; the socket last, so that nobody connects to what will not start. */
static int prepare(struct b2b_supervise_setup *setup)
{
	int status, r;

	status = find_user(setup);
	if (status)
		return status;
	setup->lock_fd = b2b_prepare_lock();
	if (setup->lock_fd < 0) {
		b2b_log(LOG_ERR, "%s: %s", B2B_RUN_DIR, setup->lock_fd == -EBUSY ? "another b2bd runs" : strerror(-setup->lock_fd));
		return setup->lock_fd == -EBUSY ? EX_TEMPFAIL : EX_OSERR;
	}
	status = read_policy(setup);
	if (status)
		return status;
	r = b2b_prepare_dirs(setup->cache_dir, setup->state_dir, setup->uid, setup->gid);
	if (r < 0) {
		b2b_log(LOG_ERR, "directories below %s, %s, %s: %s", setup->cache_dir, setup->state_dir, B2B_RUN_DIR, strerror(-r));
		return EX_OSERR;
	}
	r = b2b_prepare_seal(setup->seal_key);
	if (r < 0) {
		b2b_log(LOG_ERR, "%s/seal: %s", B2B_RUN_DIR, strerror(-r));
		return EX_OSERR;
	}
	setup->listen_fd = b2b_prepare_socket();
	if (setup->listen_fd < 0) {
		b2b_log(LOG_ERR, "%s: %s", B2B_SOCKET_PATH, strerror(-setup->listen_fd));
		return EX_OSERR;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct b2b_supervise_setup setup = { .conf_path = B2B_CONF_PATH,
		                             .cache_dir = B2B_CACHE_DIR,
		                             .state_dir = STATE_DIR,
		                             .lock_fd = -1,
		                             .listen_fd = -1,
		                             .agent = b2b_agent_main };
	bool errand = false;
	int priority = LOG_INFO, status = parse_options(argc, argv, &setup, &priority, &errand);

	if (status >= 0)
		return status;
	b2b_log_open("b2bd", errand ? LOG_ERR : priority);
	if (geteuid() != 0) {
		b2b_log(LOG_ERR, "b2bd must be started as root; it gives up what it does not need by itself");
		return EX_USAGE;
	}
	umask(022);
	status = errand ? find_user(&setup) : prepare(&setup);
	if (status == 0)
		status = errand ? b2b_errand_main(setup.uid, setup.gid) : b2b_supervise(&setup);
	/* Not through atexit handlers: a sanitizer's would ptrace, which the sandbox refuses. */
	fflush(NULL);
	_exit(status);
}
