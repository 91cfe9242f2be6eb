/*
 * The fields that a question may name, and what stands behind each.
 */
#ifndef STORE_QUERY_FIELD_H
#define STORE_QUERY_FIELD_H

#include "daemon/store/index/query.h"

struct query_field {
	const char *name;
	enum query_kind kind;
	const char *columns; /* of words: as FTS5 writes them */
	const char *expects; /* what stands behind it, for people */
};

/*
 * How long the name of a field is that begins here, with its colon behind it;
 * 0: no field begins here.
 */
size_t query_field_length(const char *at);

/* Names in any case; NULL where there is none. */
const struct query_field *query_field_find(const char *name, size_t length);
/* The name that was meant, where there is none; or NULL. */
const char *query_field_meant(const char *name, size_t length);

/* What stands behind it, where that is not words; false if it cannot. */
bool query_field_read(const struct query_field *, const char *text,
    store_query_time, int64_t now_ms, int64_t *value_r)
    __attribute__((warn_unused_result));

#endif
