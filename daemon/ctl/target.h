/*
 * The address of a request: a path and parameters, encoded.
 */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct target {
	char *text; /* NULL: there was no memory */
	size_t length;
	bool has_query;
};

/* Begin with a path that needs no encoding. */
void target_begin(struct target *target_r, const char *path);
/* Append a segment, encoded, or more of the path as it is. */
void target_segment(struct target *, const char *name);
void target_path(struct target *, const char *path);
/* Append a parameter; nothing where the value is NULL. */
void target_parameter(struct target *, const char *name, const char *value);
void target_free(struct target *);

#endif
