#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"

/* The file itself, so that the binary stands alone. */
__asm__(".pushsection .rodata\n"
	".local fed_builtin_seed\n"
	"fed_builtin_seed:\n"
	".incbin \"tests/federation/seed.json\"\n"
	".byte 0\n"
	".popsection\n");
extern const char fed_builtin_seed[];

static int read_seed(const char *path, json_t **ret_seed)
{
	json_error_t trouble;
	json_t *seed = path ? json_load_file(path, JSON_REJECT_DUPLICATES, &trouble) : json_loads(fed_builtin_seed, JSON_REJECT_DUPLICATES, &trouble);
	if (!json_is_object(seed)) {
		fprintf(stderr, "b2b-federation: %s:%d: %s\n", path ? path : "the built-in seed", trouble.line, seed ? "not an object" : trouble.text);
		json_decref(seed);
		return -EINVAL;
	}
	*ret_seed = seed;
	return 0;
}

static int create_all(struct fed *fed, const json_t *list, const char *what, int (*create)(struct fed *, const json_t *, json_t **))
{
	const json_t *wanted;
	size_t i;
	json_array_foreach (list, i, wanted) {
		json_t *made = NULL;
		int error = create(fed, wanted, &made);
		json_decref(made);
		if (error) {
			fprintf(stderr, "b2b-federation: seed: %s[%zu]: %s\n", what, i, strerror(-error));
			return error;
		}
	}
	return 0;
}

int fed_seed(struct fed *fed, const char *path)
{
	json_t *seed = NULL;
	int64_t count;
	int error = fed_sql_number(fed->db, "SELECT count(*) FROM organisations", json_array(), &count);
	if (error || count > 0)
		return error;
	error = read_seed(path, &seed);
	if (!error)
		error = fed_store_begin(fed);
	if (!error) {
		error = create_all(fed, json_object_get(seed, "organisations"), "organisations", fed_org_create);
		if (!error)
			error = create_all(fed, json_object_get(seed, "people"), "people", fed_person_create);
		if (!error)
			error = create_all(fed, json_object_get(seed, "groups"), "groups", fed_group_create);
		error = fed_store_end(fed, error, NULL);
	}
	json_decref(seed);
	return error;
}
