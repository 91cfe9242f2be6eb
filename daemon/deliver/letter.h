/*
 * A parcel as the thread knows it that puts it into files, and what became of
 * it.
 */
#ifndef DELIVER_LETTER_H
#define DELIVER_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/carrier.h"
#include "daemon/deliver/parcel.h"

#define LETTER_ANSWER 512
#define LETTER_WISH   64

/* What became of it; the strings are the letter's. */
struct letter_fate {
	struct carried_result result;
	char answer[LETTER_ANSWER];
	char wish[LETTER_WISH];
	char *place;
};

/* All of it is a copy. */
struct letter {
	char key[PARCEL_KEY];
	char *path, *folder, *sender, *note;
	int64_t message_id, received_ms, stored_ms;
	bool may_be_there;
	bool is_again; /* it was tried before, or may be there */
	/*
	 * Its path, or its folder, is its account's: what is wrong there is not
	 * with others.
	 */
	bool has_own_path;
	struct letter_fate *fate;
};

/*
 * Of a parcel, or of a template's path where there is none.  `folder` is the
 * template of that, or NULL.  NULL without memory.
 */
struct letter *letter_new(const struct parcel *, const char *template,
    const char *folder) __attribute__((warn_unused_result));
void letter_free(struct letter *);

/*
 * Its fate by an error of the system: "cannot WHAT PATH: ...".  Returns false.
 */
bool letter_fail(
    const struct letter *, int error, const char *what, const char *path);
/* Another fate; the answer as printf() makes it.  Returns false. */
bool letter_fail_words(const struct letter *, enum carried, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* Delivered, at this place; `answer` may be "". */
void letter_done(const struct letter *, const char *answer, const char *place);
/* It was maybe put there, whatever its fate says. */
void letter_doubt(const struct letter *);
/* To be noted with it before it is committed. */
void letter_wish(const struct letter *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
