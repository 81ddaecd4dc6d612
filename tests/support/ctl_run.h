/* b2bctl within the test: its whole command line, and what it said. */
#ifndef B2B_TEST_CTL_RUN_H
#define B2B_TEST_CTL_RUN_H

struct ctl_result {
	int code;
	char *out, *err;
};

/* ARGV ends with NULL. Free with ctl_result_free. */
struct ctl_result ctl_run(char **argv);
void ctl_result_free(struct ctl_result *result);

#define CTL_RUN(...) ctl_run((char *[]){ (char *)"b2bctl", __VA_ARGS__, NULL })

/* No line of TEXT is wider than a terminal, and nothing in it would move its cursor. Returns 1 or 0. */
int ctl_fits(const char *text);

#endif
