/*
 * evpopctl as people run it, against the real API over the fakes, which are a
 * process of their own.
 */
#ifndef TEST_CTL_DAEMON_H
#define TEST_CTL_DAEMON_H

#include <stddef.h>
#include <sys/types.h>

#define MESSAGES  1205
#define BODY_SIZE ((size_t)3 << 20)
/* More than a page. */
#define PLANNED 1003

struct fixture {
	char folder[64], socket[96];
	pid_t daemon;
};

/* A daemon in a folder of its own, which EVPOPCTL_SOCKET names. */
int setup(void **state);
int teardown(void **state);

struct result {
	int code;
	char *out; /* free it */
	size_t length;
};

/*
 * Run a line of the shell's, in which "ctl" is evpopctl; both outputs come
 * together unless it says otherwise.
 */
void run(struct result *result_r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The same, of which the exit code must be that, and the output have the
 * wanted words and not the unwanted ones; NULL: any.
 */
void expect(int code, const char *wanted, const char *unwanted,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

size_t lines_of(const char *text);

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
