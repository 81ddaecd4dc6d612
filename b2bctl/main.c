#include "b2bctl/ctl.h"

int main(int argc, char **argv)
{
	return b2b_ctl_main(argc, argv, stdout, stderr);
}
