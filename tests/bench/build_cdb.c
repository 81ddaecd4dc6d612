/*
 * build_cdb: makes /bench/cdb out of /bench/passwd and /bench/group, and prints how long it took in seconds and how many bytes were
 * written. Apart from build.c: it is compiled in the host, where the library is.
 */
#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/floor/cdb.h"
#include "tests/bench/floor/floor.h"

/* RECORD under its name and under its id. */
static int add(struct cdb_make *make, const char kinds[2], const char *name, uint32_t id, const void *record, size_t size)
{
	char key[BENCH_CDB_KEY_SIZE];
	unsigned len = bench_cdb_key(key, kinds[0], name, strlen(name));

	if (len == 0 || cdb_make_add(make, key, len, record, (unsigned)size) < 0)
		return -EINVAL;
	len = bench_cdb_key(key, kinds[1], &id, sizeof(id));
	return cdb_make_add(make, key, len, record, (unsigned)size) < 0 ? -errno : 0;
}

static int add_all(struct cdb_make *make, const struct source *source)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < source->n_users; i++) {
		size_t size = packed_user_size(source, i);
		void *record = calloc(1, size);

		if (!record)
			return -ENOMEM;
		packed_user_make(source, i, record);
		r = add(make, "uU", source->users[i].name, source->users[i].uid, record, size);
		free(record);
	}
	for (uint32_t i = 0; r == 0 && i < source->n_groups; i++) {
		size_t size = packed_group_size(source, i);
		void *record = calloc(1, size);

		if (!record)
			return -ENOMEM;
		packed_group_make(source, i, record);
		r = add(make, "gG", source->groups[i].name, source->groups[i].gid, record, size);
		free(record);
	}
	return r;
}

static int write_cdb(const struct source *source, off_t *ret_size)
{
	int fd = open(BENCH_DIR "/cdb.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), r;
	struct cdb_make make;
	struct stat st;

	if (fd < 0 || cdb_make_start(&make, fd) < 0)
		return -errno;
	r = add_all(&make, source);
	if (cdb_make_finish(&make) < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0 || rename(BENCH_DIR "/cdb.new", BENCH_DIR "/cdb") < 0)
		r = r < 0 ? r : -errno;
	close(fd);
	if (r == 0)
		*ret_size = st.st_size;
	return r;
}

int main(void)
{
	struct timespec began, ended;
	struct source source;
	off_t size = 0;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &began);
	r = source_read(BENCH_DIR, &source);
	if (r == 0) {
		r = write_cdb(&source, &size);
		source_free(&source);
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	if (r < 0) {
		fprintf(stderr, "build_cdb: %s\n", strerror(-r));
		return 1;
	}
	printf("%.6f %lld\n", (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9, (long long)size);
	return 0;
}
