/*
 * What a request asks for: a path of the API and parameters, encoded for the
 * daemon, and as they were before for who answers in its place.
 */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* Longer than any that the daemon takes. */
#define TARGET_SIZE 16384
/* The name, a segment and parameters. */
#define TARGET_VALUES 16

/* Why nothing can be asked for: it is too long, or a name in it is empty. */
enum target_flaw {
	TARGET_SOUND = 0,
	TARGET_CUT,
	TARGET_UNNAMED
};

struct target {
	char text[TARGET_SIZE];
	size_t length;
	bool has_query;
	enum target_flaw flaw; /* why it can be asked nothing */
	/* Private: values as they were given, each with a NUL behind it. */
	const char *pattern;
	struct {
		const char *name; /* of a parameter; "*" or "/" */
		size_t at;
	} values[TARGET_VALUES];
	size_t count;
	char given[TARGET_SIZE];
	size_t given_length;
};

/* Begin with a path of the API, in which "*" stands for `name`. */
void target_begin(
    struct target *target_r, const char *pattern, const char *name);
/* Append a segment to the path. */
void target_segment(struct target *, const char *segment);
/*
 * Append a parameter; nothing where the value is NULL.  Of two with one name
 * the last one counts.
 */
void target_parameter(struct target *, const char *name, const char *value);

/* Whether it was begun with this pattern; a constant of the program's. */
bool target_is(const struct target *, const char *pattern);
/* What stands for "*", the segment, and a parameter; NULL: there is none. */
const char *target_name(const struct target *);
const char *target_last_segment(const struct target *);
const char *target_value(const struct target *, const char *name);

#endif
