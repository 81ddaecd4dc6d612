#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cache_view.h"
#include "common/trusted_file.h"

int b2b_map_open(const char *path, size_t min, size_t max, struct b2b_map *ret_map)
{
	size_t size = 0;
	void *base;
	int fd, r = 0;

	fd = b2b_trusted_open(path, max, &size);
	if (fd < 0)
		return fd == -EFBIG ? -EBADMSG : fd;
	if (size < min) {
		close(fd);
		return -EBADMSG;
	}
	base = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		r = -errno;
	close(fd);
	if (r < 0)
		return r;
	ret_map->base = base;
	ret_map->size = size;
	return 0;
}

void b2b_map_close(struct b2b_map *map)
{
	if (map->base)
		munmap((void *)(uintptr_t)map->base, map->size);
	map->base = NULL;
}
