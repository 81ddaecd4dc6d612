/* Watches a folder (inotify) and prints its path when the kernel lets it: whoever may not read a folder must not. */
#include <stdio.h>
#include <sys/inotify.h>

int main(int argc, char **argv)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (argc != 2 || fd < 0 || inotify_add_watch(fd, argv[1], IN_ALL_EVENTS) < 0)
		return 1;
	return puts(argv[1]) < 0;
}
