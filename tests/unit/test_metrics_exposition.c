/* The text for monitoring systems, as both formats have it. */
#include <event2/buffer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/metrics/exposition.h"
#include "daemon/notify/histogram.h"

static struct exposition
start(enum exposition_format format)
{
	struct exposition exposition = { .out = evbuffer_new(),
		.format = format };

	assert_non_null(exposition.out);
	return exposition;
}

/* What was written, which must be this. */
static void
expect(struct exposition *exposition, const char *text)
{
	evbuffer_add(exposition->out, "", 1);
	assert_string_equal(
	    (const char *)evbuffer_pullup(exposition->out, -1), text);
	evbuffer_free(exposition->out);
}

static const struct exposition_family mails = { "mails", EXPOSITION_COUNTER,
	NULL, "Mails seen" };
static const struct exposition_family wait = { "wait_seconds", EXPOSITION_GAUGE,
	"seconds", "How long it waits" };
static const struct exposition_family build = { "build", EXPOSITION_INFO, NULL,
	"The version" };

static void
write_all(struct exposition *exposition)
{
	exposition_begin(exposition, &mails);
	exposition_count(
	    exposition, (const char *const[]){ "a", "x", "b", "y", NULL }, 3);
	exposition_begin(exposition, &wait);
	exposition_ms(exposition, NULL, 61005);
	exposition_us(exposition, NULL, 1000001);
	exposition_begin(exposition, &build);
	exposition_count(
	    exposition, (const char *const[]){ "version", "1", NULL }, 1);
	exposition_end(exposition);
}

static void
test_openmetrics(void **state)
{
	struct exposition exposition = start(EXPOSITION_OPENMETRICS);

	(void)state;
	write_all(&exposition);
	expect(&exposition, "# HELP mails Mails seen.\n"
			    "# TYPE mails counter\n"
			    "mails_total{a=\"x\",b=\"y\"} 3\n"
			    "# HELP wait_seconds How long it waits.\n"
			    "# TYPE wait_seconds gauge\n"
			    "# UNIT wait_seconds seconds\n"
			    "wait_seconds 61.005\n"
			    "wait_seconds 1.000001\n"
			    "# HELP build The version.\n"
			    "# TYPE build info\n"
			    "build_info{version=\"1\"} 1\n"
			    "# EOF\n");
}

static void
test_older_text(void **state)
{
	struct exposition exposition = start(EXPOSITION_TEXT);

	(void)state;
	write_all(&exposition);
	expect(&exposition, "# HELP mails_total Mails seen.\n"
			    "# TYPE mails_total counter\n"
			    "mails_total{a=\"x\",b=\"y\"} 3\n"
			    "# HELP wait_seconds How long it waits.\n"
			    "# TYPE wait_seconds gauge\n"
			    "wait_seconds 61.005\n"
			    "wait_seconds 1.000001\n"
			    "# HELP build_info The version.\n"
			    "# TYPE build_info gauge\n"
			    "build_info{version=\"1\"} 1\n");
}

static void
test_labels_are_escaped(void **state)
{
	struct exposition exposition = start(EXPOSITION_TEXT);

	(void)state;
	exposition.family = &wait;
	exposition_count(&exposition,
	    (const char *const[]){ "a", "\"\\\n\xff\xc3\xa4", "b", "", NULL },
	    0);
	expect(&exposition, "wait_seconds{a=\"\\\"\\\\?"
			    "?\xc3\xa4\",b=\"\"} 0\n");
}

static void
test_histogram(void **state)
{
	static const struct exposition_family took = { "took_seconds",
		EXPOSITION_HISTOGRAM, "seconds", "How long it took" };
	struct exposition exposition = start(EXPOSITION_OPENMETRICS);
	struct histogram histogram = { .sum_us = 0 };
	const char *text;

	(void)state;
	/* Bounds belong to what is below them. */
	histogram_add(&histogram, -5);
	histogram_add(&histogram, 1000);
	histogram_add(&histogram, 1001);
	histogram_add(&histogram, INT64_C(3600000000));
	assert_int_equal(histogram_count(&histogram), 4);
	exposition_begin(&exposition, &took);
	exposition_histogram(
	    &exposition, (const char *const[]){ "a", "x", NULL }, &histogram);
	evbuffer_add(exposition.out, "", 1);
	text = (const char *)evbuffer_pullup(exposition.out, -1);
	assert_non_null(strstr(text, "_bucket{a=\"x\",le=\"0.001\"} 2\n"));
	assert_non_null(strstr(text, "_bucket{a=\"x\",le=\"0.0025\"} 3\n"));
	assert_non_null(strstr(text, "_bucket{a=\"x\",le=\"600.0\"} 3\n"));
	assert_non_null(strstr(text, "_bucket{a=\"x\",le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(text, "took_seconds_count{a=\"x\"} 4\n"));
	assert_non_null(
	    strstr(text, "took_seconds_sum{a=\"x\"} 3600.002001\n"));
	evbuffer_free(exposition.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_older_text),
		cmocka_unit_test(test_labels_are_escaped),
		cmocka_unit_test(test_histogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
