/*
 * Figures as text for a monitoring system: OpenMetrics 1.0, or the older text
 * format of Prometheus, whose names and values are the same.  Nothing is known
 * here of what is counted.
 */
#ifndef METRICS_EXPOSITION_H
#define METRICS_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

struct evbuffer;
struct histogram;

enum exposition_format {
	EXPOSITION_OPENMETRICS = 0,
	EXPOSITION_TEXT, /* version 0.0.4 */
	EXPOSITION_FORMAT_COUNT
};

/* The Content-Type. */
const char *exposition_type(enum exposition_format);

/*
 * What a request's Accept header asks for, which may be NULL: the older format
 * only where it is preferred to OpenMetrics.
 */
enum exposition_format exposition_choose(const char *accept);

enum exposition_kind {
	EXPOSITION_GAUGE = 0,
	EXPOSITION_COUNTER, /* its samples are called NAME_total */
	EXPOSITION_HISTOGRAM,
	EXPOSITION_INFO /* its sample, always 1, is called NAME_info */
};

/* Values of one name. */
struct exposition_family {
	const char *name; /* ends in the unit, where there is one */
	enum exposition_kind kind;
	const char *unit; /* "seconds", "bytes"; or NULL */
	const char *help; /* a sentence without its full stop */
};

/* Names and values by turns, then NULL; values are escaped. */
typedef const char *const *exposition_labels;

struct exposition {
	struct evbuffer *out;
	enum exposition_format format;
	const struct exposition_family *family;
};

/* Begin a family: all its samples come before the next one. */
void exposition_begin(struct exposition *, const struct exposition_family *);

/* A sample of the family; without labels NULL. */
void exposition_count(struct exposition *, exposition_labels, uint64_t value);
void exposition_ms(struct exposition *, exposition_labels, int64_t value_ms);
void exposition_us(struct exposition *, exposition_labels, uint64_t value_us);
void exposition_histogram(
    struct exposition *, exposition_labels, const struct histogram *);

/* Nothing follows. */
void exposition_end(struct exposition *);

#endif
