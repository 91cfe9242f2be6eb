/* Many accounts that fail alike make few lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log/log.h"
#include "daemon/poll/outages.h"
#include "lib/base/clock.h"

/* The clock is the test's: windows end when it says so. */
static int64_t now_ms;

int64_t __wrap_evpop_clock_monotonic_ms(void);
int64_t
__wrap_evpop_clock_monotonic_ms(void)
{
	return now_ms;
}

/* libevent calls this when it is due by its own clock. */
static event_callback_fn timer_cb;
static void *timer_arg;

struct event *__wrap_event_new(
    struct event_base *, evutil_socket_t, short, event_callback_fn, void *);
struct event *__real_event_new(
    struct event_base *, evutil_socket_t, short, event_callback_fn, void *);
struct event *
__wrap_event_new(struct event_base *base, evutil_socket_t fd, short what,
    event_callback_fn cb, void *arg)
{
	timer_cb = cb;
	timer_arg = arg;
	return __real_event_new(base, fd, what, cb, arg);
}

static char logged[4096];

/* Lines of the log, without their times. */
void __wrap_log_write_about(
    enum log_level, const struct log_about *, const char *, ...);
void
__wrap_log_write_about(enum log_level level, const struct log_about *about,
    const char *format, ...)
{
	size_t length = strlen(logged);
	va_list arguments;

	(void)about;
	length += (size_t)snprintf(
	    logged + length, sizeof(logged) - length, "%d ", (int)level);
	va_start(arguments, format);
	length += (size_t)vsnprintf(
	    logged + length, sizeof(logged) - length, format, arguments);
	va_end(arguments);
	(void)snprintf(logged + length, sizeof(logged) - length, "\n");
}

static void
pass(int64_t ms)
{
	now_ms += ms;
	timer_cb(-1, EV_TIMEOUT, timer_arg);
}

static void
expect_logged(const char *expected)
{
	assert_string_equal(logged, expected);
	logged[0] = '\0';
}

struct scene {
	struct event_base *base;
	struct outages *outages;
};

static int
set_up(void **state)
{
	static struct scene scene;

	now_ms = 1000;
	logged[0] = '\0';
	scene.base = event_base_new();
	scene.outages = outages_new(scene.base);
	*state = &scene;
	return scene.outages == NULL;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;

	outages_free(&scene->outages);
	event_base_free(scene->base);
	return 0;
}

#define MORE "; \"evpopctl accounts --failing\" lists what fails\n"

static void
the_first_is_told_and_the_others_are_counted(void **state)
{
	struct scene *scene = *state;
	unsigned marks[500] = { 0 };

	assert_true(outages_note(scene->outages, "a", "refused", &marks[0]));
	for (int i = 1; i < 500; i++)
		assert_false(
		    outages_note(scene->outages, "A", "refused", &marks[i]));
	/* Tried twice, it is still one. */
	for (int i = 0; i < 10; i++)
		assert_false(
		    outages_note(scene->outages, "a", "refused", &marks[i]));
	pass(4999);
	expect_logged("");
	pass(1);
	expect_logged("1 a: refused: 499 other accounts" MORE);
	/* It lasts: they are told less and less often. */
	for (int i = 0; i < 500; i++)
		assert_false(
		    outages_note(scene->outages, "a", "refused", &marks[i]));
	pass(5000);
	expect_logged("");
	pass(5000);
	expect_logged("1 a: refused: 500 other accounts" MORE);
	/* It is over; the next one is another first one. */
	pass(20000);
	assert_true(outages_note(scene->outages, "a", "refused", &marks[7]));
	expect_logged("");
}

static void
reasons_and_servers_are_told_apart(void **state)
{
	struct scene *scene = *state;
	unsigned mark = 0;

	assert_true(outages_note(scene->outages, "a", "refused", &mark));
	assert_true(outages_note(scene->outages, "a", "expired", &mark));
	assert_true(outages_note(scene->outages, "b", "refused", &mark));
	assert_true(outages_note(scene->outages, "a", NULL, &mark));
	mark = 0;
	assert_false(outages_note(scene->outages, "a", "expired", &mark));
	mark = 0;
	assert_false(outages_note(scene->outages, "a", NULL, &mark));
	pass(5000);
	expect_logged("1 a: expired: 1 other account" MORE
		      "2 a: 1 other account works again\n");
}

/* A daemon that ends keeps nothing to itself. */
static void
the_rest_is_told_at_the_end(void **state)
{
	struct scene *scene = *state;
	unsigned marks[3] = { 0 };

	for (int i = 0; i < 3; i++)
		(void)outages_note(scene->outages, "a", NULL, &marks[i]);
	outages_free(&scene->outages);
	expect_logged("2 a: 2 other accounts work again\n");
}

/* Servers may say something else each time. */
static void
there_are_not_too_many(void **state)
{
	struct scene *scene = *state;
	char reason[32];
	unsigned mark;

	for (int i = 0; i < 2000; i++) {
		mark = 0;
		(void)snprintf(reason, sizeof(reason), "number %d", i);
		assert_true(outages_note(scene->outages, "a", reason, &mark));
		assert_int_equal(mark != 0, i < 256);
	}
	mark = 0;
	assert_true(outages_note(scene->outages, "a", "number 1999", &mark));
	pass(5000);
	expect_logged("");
	assert_true(outages_note(scene->outages, "a", "number 0", &mark));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    the_first_is_told_and_the_others_are_counted, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    reasons_and_servers_are_told_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_rest_is_told_at_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    there_are_not_too_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
