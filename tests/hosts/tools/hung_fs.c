/*
 * A file system that takes questions and answers none: who asks sleeps in the kernel, where no signal reaches (state D), until
 * this program ends.
 *
 *   hung_fs DIRECTORY
 *
 * The kernel's protocol alone, <linux/fuse.h>: no library is needed to say nothing. Prints "mounted" once it is.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int open_device(void)
{
	static const char node[] = "/run/hung_fs.dev";
	int fd;

	mknod(node, S_IFCHR | 0600, makedev(10, 229));
	fd = open(node, O_RDWR | O_CLOEXEC);
	unlink(node);
	return fd;
}

/* The one answer: without it the kernel asks nothing. */
static int answer_init(int fd, const struct fuse_in_header *in)
{
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} out = { .header = { .len = sizeof(out), .unique = in->unique },
		  .init = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096 } };

	return write(fd, &out, sizeof(out)) == (ssize_t)sizeof(out) ? 0 : -1;
}

int main(int argc, char **argv)
{
	static char request[FUSE_MIN_READ_BUFFER * 32];
	const struct fuse_in_header *in = (const void *)request;
	char options[96];
	int fd;

	if (argc != 2)
		return 2;
	fd = open_device();
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", fd);
	if (fd < 0 || mount("hung_fs", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		perror("hung_fs");
		return 1;
	}
	puts("mounted");
	fflush(stdout);
	while (read(fd, request, sizeof(request)) > 0)
		if (in->opcode == FUSE_INIT && answer_init(fd, in) < 0)
			return 1;
	return 0;
}
