/*
 * A disk whose flushes take their time: a file system with one file, "disk", by FUSE, which a loop device makes a disk of.
 *
 *   slow_disk FOLDER FILE DELAY
 *
 * Mounts itself on FOLDER; FOLDER/disk is FILE. Each fsync of it takes at least as many milliseconds as the file DELAY says at
 * that moment; reads and writes go on meanwhile, as they do while a real disk empties its cache. Ends when FOLDER is unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ROOT FUSE_ROOT_ID
#define DISK 2
#define WRITE_MAX (1u << 17)
#define VALID_S 3600

struct request {
	struct fuse_in_header head;
	char body[WRITE_MAX + 4096];
};

static int fuse_fd, file_fd;
static const char *delay_path;

static void reply(uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + len), .error = error, .unique = unique };
	struct iovec parts[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)data, len } };

	/* Who asked may be gone; then nobody wants it. */
	if (writev(fuse_fd, parts, len ? 2 : 1) < 0 && errno != ENOENT)
		perror("slow_disk: reply");
}

static struct fuse_attr attributes(uint64_t node)
{
	struct fuse_attr attr = { .ino = node, .nlink = 1, .mode = node == ROOT ? S_IFDIR | 0700 : S_IFREG | 0600, .blksize = 4096 };
	struct stat st;

	if (node == DISK && fstat(file_fd, &st) == 0) {
		attr.size = (uint64_t)st.st_size;
		attr.blocks = (uint64_t)st.st_blocks;
	}
	return attr;
}

static void do_init(const struct request *request)
{
	const struct fuse_init_in *in = (const void *)request->body;
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = in->max_readahead,
		                     .flags = in->flags & FUSE_BIG_WRITES, .max_write = WRITE_MAX, .max_background = 64,
		                     .congestion_threshold = 48 };

	reply(request->head.unique, 0, &out, sizeof(out));
}

static void do_lookup(const struct request *request)
{
	struct fuse_entry_out out = { .nodeid = DISK, .entry_valid = VALID_S, .attr_valid = VALID_S, .attr = attributes(DISK) };

	if (request->head.nodeid != ROOT || strcmp(request->body, "disk") != 0)
		reply(request->head.unique, -ENOENT, NULL, 0);
	else
		reply(request->head.unique, 0, &out, sizeof(out));
}

static void do_getattr(const struct request *request)
{
	struct fuse_attr_out out = { .attr_valid = VALID_S, .attr = attributes(request->head.nodeid) };

	reply(request->head.unique, 0, &out, sizeof(out));
}

static void do_open(const struct request *request)
{
	const struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE };

	reply(request->head.unique, 0, &out, sizeof(out));
}

static void do_read(const struct request *request)
{
	static char data[WRITE_MAX];
	const struct fuse_read_in *in = (const void *)request->body;
	ssize_t got = pread(file_fd, data, in->size < sizeof(data) ? in->size : sizeof(data), (off_t)in->offset);

	reply(request->head.unique, got < 0 ? -errno : 0, data, got < 0 ? 0 : (size_t)got);
}

static void do_write(const struct request *request)
{
	const struct fuse_write_in *in = (const void *)request->body;
	ssize_t put = pwrite(file_fd, request->body + sizeof(*in), in->size, (off_t)in->offset);
	const struct fuse_write_out out = { .size = put < 0 ? 0 : (uint32_t)put };

	reply(request->head.unique, put < 0 ? -errno : 0, &out, put < 0 ? 0 : sizeof(out));
}

static void do_statfs(const struct request *request)
{
	const struct fuse_statfs_out out = { .st = { .bsize = 4096, .frsize = 4096, .namelen = 255 } };

	reply(request->head.unique, 0, &out, sizeof(out));
}

static long delay_ms(void)
{
	char text[16] = "";
	int fd = open(delay_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		perror("slow_disk: the delay");
	if (fd >= 0)
		close(fd);
	return strtol(text, NULL, 10);
}

/* The real disk's flush is part of the time. */
static void *flush(void *arg)
{
	uint64_t unique = *(uint64_t *)arg;
	struct timespec until;
	long ms = delay_ms();
	int r;

	free(arg);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	r = fdatasync(file_fd) < 0 ? -errno : 0;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	reply(unique, r, NULL, 0);
	return NULL;
}

static void do_fsync(const struct request *request)
{
	uint64_t *unique = malloc(sizeof(*unique));
	pthread_t thread;

	if (unique)
		*unique = request->head.unique;
	if (!unique || pthread_create(&thread, NULL, flush, unique) != 0) {
		free(unique);
		reply(request->head.unique, -ENOMEM, NULL, 0);
		return;
	}
	pthread_detach(thread);
}

static void serve(const struct request *request)
{
	switch (request->head.opcode) {
	case FUSE_INIT:
		return do_init(request);
	case FUSE_LOOKUP:
		return do_lookup(request);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return do_getattr(request);
	case FUSE_OPEN:
		return do_open(request);
	case FUSE_READ:
		return do_read(request);
	case FUSE_WRITE:
		return do_write(request);
	case FUSE_FSYNC:
		return do_fsync(request);
	case FUSE_STATFS:
		return do_statfs(request);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return; /* want no answer */
	default:
		reply(request->head.unique, request->head.opcode == FUSE_RELEASE || request->head.opcode == FUSE_DESTROY ? 0 : -ENOSYS, NULL, 0);
	}
}

static int fail(const char *what)
{
	fprintf(stderr, "slow_disk: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	static struct request request;
	char options[96];
	pid_t child;

	if (argc != 4) {
		fprintf(stderr, "usage: slow_disk FOLDER FILE DELAY\n");
		return 2;
	}
	delay_path = argv[3];
	file_fd = open(argv[2], O_RDWR | O_CLOEXEC);
	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (file_fd < 0 || fuse_fd < 0)
		return fail(file_fd < 0 ? argv[2] : "/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse_fd);
	if (mount("slow_disk", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return fail(argv[1]);
	/* Whoever started this may use the disk from now on. */
	child = fork();
	if (child != 0)
		return child < 0 ? fail("fork") : 0;
	for (;;) {
		ssize_t got = read(fuse_fd, &request, sizeof(request));

		if (got >= (ssize_t)sizeof(request.head))
			serve(&request);
		else if (got < 0 && errno == ENODEV)
			return 0;
		else if (got < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			return fail("/dev/fuse");
	}
}
