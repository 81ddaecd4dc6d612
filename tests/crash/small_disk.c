#include "tests/crash/small_disk.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch.h"

#define IMAGE "/run/small-disk.image"
#define FILLER "filler"
#define PIECE 65536u

const char *small_disk_name(enum small_disk_kind kind)
{
	return kind == SMALL_DISK_EXT4 ? "ext4" : "tmpfs";
}

static bool make_ext4(unsigned megabytes)
{
	int fd = open(IMAGE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), status = 0;
	pid_t pid;

	if (fd < 0 || ftruncate(fd, (off_t)megabytes << 20) < 0)
		err(1, IMAGE);
	close(fd);
	pid = fork();
	if (pid == 0) {
		execl("/usr/sbin/mkfs.ext4", "mkfs.ext4", "-q", "-m", "0", IMAGE, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The image as a block device that goes with its last user; "" where the machine has none to give. */
static void attach(char device[32])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE), fd, image;
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };

	if (control >= 0)
		close(control);
	snprintf(device, 32, "/dev/loop%d", number);
	fd = number < 0 ? -1 : open(device, O_RDWR | O_CLOEXEC); /* stays open until it is mounted: left to this process's end */
	image = open(IMAGE, O_RDWR | O_CLOEXEC);
	config.fd = (unsigned)image;
	if (fd < 0 || image < 0 || ioctl(fd, LOOP_CONFIGURE, &config) < 0)
		device[0] = '\0';
	if (image >= 0)
		close(image);
}

bool small_disk_mount(const char *path, enum small_disk_kind kind, unsigned megabytes)
{
	char options[64], device[32];

	if (kind == SMALL_DISK_TMPFS) {
		snprintf(options, sizeof(options), "mode=755,size=%um", megabytes);
		return mount("tmpfs", path, "tmpfs", 0, options) == 0;
	}
	if (!make_ext4(megabytes))
		return false;
	attach(device);
	return *device && mount(device, path, "ext4", 0, NULL) == 0;
}

/* A file system with delayed allocation says that it is full before it is: what a sync gives back is filled too. */
static off_t fill(int fd)
{
	static const char piece[PIECE];
	off_t before = -1;
	struct stat st = { .st_size = 0 };

	while (st.st_size != before) {
		before = st.st_size;
		for (size_t size = sizeof(piece); size >= 512; size /= 2) {
			while (write(fd, piece, size) > 0)
				;
		}
		if (errno != ENOSPC || fsync(fd) < 0 || fstat(fd, &st) < 0)
			err(1, FILLER);
	}
	return st.st_size;
}

void small_disk_fill(const char *path, size_t left)
{
	char filler[SCRATCH_SIZE];
	off_t size;
	int fd;

	scratch_path(filler, path, FILLER);
	fd = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		err(1, "%s", filler);
	size = fill(fd);
	if (ftruncate(fd, size > (off_t)left ? size - (off_t)left : 0) < 0 || fsync(fd) < 0)
		err(1, "%s", filler);
	close(fd);
}

void small_disk_free(const char *path)
{
	char filler[SCRATCH_SIZE];

	scratch_path(filler, path, FILLER);
	if (unlink(filler) < 0)
		err(1, "%s", filler);
}
