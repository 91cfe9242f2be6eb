#include "daemon/metrics/exposition.h"

#include <assert.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/notify/histogram.h"
#include "lib/base/text.h"

/* A label's value is cut there; names of accounts are shorter. */
#define LABEL_SIZE 1024

const char *
exposition_type(enum exposition_format format)
{
	static const char *const types[] = {
		[EXPOSITION_OPENMETRICS] = "application/openmetrics-text; "
					   "version=1.0.0; charset=utf-8",
		[EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	};

	_Static_assert(
	    sizeof types / sizeof types[0] == EXPOSITION_FORMAT_COUNT,
	    "a type for each format");
	assert(format < EXPOSITION_FORMAT_COUNT);
	return types[format];
}

/* ---- what is asked for ---- */

/* The weight of a range of an Accept header (RFC 9110 section 12.4.2). */
static double
accept_weight(const char *range, size_t length)
{
	const char *end = range + length, *at;

	for (at = range; at + 3 < end; at++) {
		if (*at != ';')
			continue;
		at += 1 + strspn(at + 1, " \t");
		if (at + 2 < end && (*at == 'q' || *at == 'Q') && at[1] == '=')
			return strtod(at + 2, NULL);
		at--;
	}
	return 1;
}

static bool
accept_names(const char *range, size_t length, const char *type)
{
	size_t size = strlen(type);

	return length >= size && strncasecmp(range, type, size) == 0 &&
	       (length == size || strchr(" \t;", range[size]) != NULL);
}

enum exposition_format
exposition_choose(const char *accept)
{
	double open = 0, text = 0, weight;
	size_t length;

	while (accept != NULL && *accept != '\0') {
		accept += strspn(accept, ", \t");
		length = strcspn(accept, ",");
		weight = accept_weight(accept, length);
		if (accept_names(
			accept, length, "application/openmetrics-text") &&
		    weight > open)
			open = weight;
		if ((accept_names(accept, length, "text/plain") ||
			accept_names(accept, length, "text/*")) &&
		    weight > text)
			text = weight;
		accept += length;
	}
	return text > open ? EXPOSITION_TEXT : EXPOSITION_OPENMETRICS;
}

/* ---- families ---- */

static const char *
family_suffix(const struct exposition_family *family)
{
	return family->kind == EXPOSITION_COUNTER ? "_total"
	       : family->kind == EXPOSITION_INFO  ? "_info"
						  : "";
}

void
exposition_begin(
    struct exposition *exposition, const struct exposition_family *family)
{
	static const char *const kinds[] = { "gauge", "counter", "histogram",
		"info" };
	bool is_open = exposition->format == EXPOSITION_OPENMETRICS;
	/* The older format has no infos, and names what its samples do. */
	const char *suffix = is_open ? "" : family_suffix(family);
	const char *kind = !is_open && family->kind == EXPOSITION_INFO
			       ? "gauge"
			       : kinds[family->kind];

	exposition->family = family;
	evbuffer_add_printf(exposition->out,
	    "# HELP %s%s %s.\n# TYPE %s%s %s\n", family->name, suffix,
	    family->help, family->name, suffix, kind);
	if (is_open && family->unit != NULL)
		evbuffer_add_printf(exposition->out, "# UNIT %s %s\n",
		    family->name, family->unit);
}

/* ---- samples ---- */

static void
label_add(struct evbuffer *out, const char *name, const char *value,
    const char *before)
{
	char text[LABEL_SIZE];
	size_t length = strlen(value), run;
	const char *at = text;

	(void)evpop_text_printable(text, sizeof text, value, length);
	evbuffer_add_printf(out, "%s%s=\"", before, name);
	for (;;) {
		run = strcspn(at, "\\\"");
		evbuffer_add(out, at, run);
		at += run;
		if (*at == '\0')
			break;
		evbuffer_add_printf(out, "\\%c", *at++);
	}
	evbuffer_add(out, "\"", 1);
}

/* Up to the value; `bound` is the label "le", or NULL. */
static void
sample_begin(struct exposition *exposition, const char *suffix,
    exposition_labels labels, const char *bound)
{
	struct evbuffer *out = exposition->out;
	const char *before = "{";

	evbuffer_add_printf(out, "%s%s", exposition->family->name, suffix);
	for (; labels != NULL && *labels != NULL; labels += 2) {
		label_add(out, labels[0], labels[1], before);
		before = ",";
	}
	if (bound != NULL) {
		label_add(out, "le", bound, before);
		before = ",";
	}
	evbuffer_add_printf(out, "%s ", *before == ',' ? "}" : "");
}

void
exposition_count(
    struct exposition *exposition, exposition_labels labels, uint64_t value)
{
	sample_begin(
	    exposition, family_suffix(exposition->family), labels, NULL);
	evbuffer_add_printf(exposition->out, "%" PRIu64 "\n", value);
}

void
exposition_ms(
    struct exposition *exposition, exposition_labels labels, int64_t value_ms)
{
	assert(value_ms >= 0);
	sample_begin(
	    exposition, family_suffix(exposition->family), labels, NULL);
	evbuffer_add_printf(exposition->out, "%" PRId64 ".%03" PRId64 "\n",
	    value_ms / 1000, value_ms % 1000);
}

static void
sample_end_us(struct exposition *exposition, uint64_t value_us)
{
	evbuffer_add_printf(exposition->out, "%" PRIu64 ".%06" PRIu64 "\n",
	    value_us / 1000000, value_us % 1000000);
}

void
exposition_us(
    struct exposition *exposition, exposition_labels labels, uint64_t value_us)
{
	sample_begin(
	    exposition, family_suffix(exposition->family), labels, NULL);
	sample_end_us(exposition, value_us);
}

void
exposition_histogram(struct exposition *exposition, exposition_labels labels,
    const struct histogram *histogram)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		count += histogram->counts[i];
		sample_begin(exposition, "_bucket", labels, histogram_bound(i));
		evbuffer_add_printf(exposition->out, "%" PRIu64 "\n", count);
	}
	sample_begin(exposition, "_count", labels, NULL);
	evbuffer_add_printf(exposition->out, "%" PRIu64 "\n", count);
	sample_begin(exposition, "_sum", labels, NULL);
	sample_end_us(exposition, histogram->sum_us);
}

void
exposition_end(struct exposition *exposition)
{
	if (exposition->format == EXPOSITION_OPENMETRICS)
		evbuffer_add_printf(exposition->out, "# EOF\n");
}
