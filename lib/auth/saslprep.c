/*
 * SASLprep, by the tables of libidn and the normalization of libunistring: both
 * work in memory that is given to them.  libidn's own normalization, and what
 * it makes of UTF-8, would leave the password behind in memory of its own.
 */
#include <stdint.h>
#include <string.h>
#include <stringprep.h>
#include <uninorm.h>
#include <unistr.h>

#include "lib/auth/secret.h"
#include "lib/base/guarded.h"

/* No character becomes more of them by NFKC (U+FDFA does). */
#define NFKC_MOST 18

/* The profile has fewer steps. */
#define STEPS_MOST 32

/* Code points that are being prepared, in guarded memory. */
struct points {
	uint32_t *points;
	size_t length, room;
};

/* Take the profile's steps before NFKC, or behind it. */
static bool
points_take_steps(struct points *text, bool is_behind)
{
	const Stringprep_profile *from = stringprep_saslprep;
	Stringprep_profile steps[STEPS_MOST] = { { .operation = 0 } };
	bool was_normalized = false;
	size_t count = 0;

	for (; from->operation != 0; from++) {
		if (from->operation == STRINGPREP_NFKC)
			was_normalized = true;
		else if (was_normalized == is_behind && count < STEPS_MOST - 1)
			steps[count++] = *from;
	}
	return stringprep_4i(text->points, &text->length, text->room, 0,
		   steps) == STRINGPREP_OK;
}

static bool
points_normalize(struct points *text)
{
	uint32_t *normal = evpop_guarded_alloc(text->room * sizeof *normal);
	size_t length = text->room;
	uint32_t *made;

	if (normal == NULL)
		return false;
	made = u32_normalize(
	    UNINORM_NFKC, text->points, text->length, normal, &length);
	evpop_guarded_free(text->points);
	text->points = normal;
	text->length = length;
	return made == normal;
}

/* What is given has that many code points at most as it has octets. */
static enum evpop_saslprep
points_read(struct points *text, const char *from)
{
	const size_t octets = strlen(from);

	text->room = octets * NFKC_MOST + 1;
	text->length = text->room;
	text->points = evpop_guarded_alloc(text->room * sizeof *text->points);
	if (text->points == NULL)
		return EVPOP_SASLPREP_NO_MEMORY;
	return u8_to_u32((const uint8_t *)from, octets, text->points,
		   &text->length) == NULL
		   ? EVPOP_SASLPREP_FORBIDDEN
		   : EVPOP_SASLPREP_DONE;
}

static enum evpop_saslprep
points_write(const struct points *text, char **text_r)
{
	size_t room = text->length * 4 + 1;
	char *made = evpop_guarded_alloc(room);

	if (made == NULL)
		return EVPOP_SASLPREP_NO_MEMORY;
	if (u32_to_u8(text->points, text->length, (uint8_t *)made, &room) ==
	    NULL) {
		evpop_guarded_free(made);
		return EVPOP_SASLPREP_FORBIDDEN;
	}
	evpop_secret_forget(text_r);
	*text_r = made;
	return EVPOP_SASLPREP_DONE;
}

static enum evpop_saslprep
points_prepare(struct points *text)
{
	if (!points_take_steps(text, false))
		return EVPOP_SASLPREP_FORBIDDEN;
	if (!points_normalize(text))
		return EVPOP_SASLPREP_NO_MEMORY;
	if (!points_take_steps(text, true))
		return EVPOP_SASLPREP_FORBIDDEN;
	return text->length == 0 ? EVPOP_SASLPREP_EMPTY : EVPOP_SASLPREP_DONE;
}

enum evpop_saslprep
evpop_secret_saslprep(char **text)
{
	struct points points;
	enum evpop_saslprep status = points_read(&points, *text);

	if (status == EVPOP_SASLPREP_DONE)
		status = points_prepare(&points);
	if (status == EVPOP_SASLPREP_DONE)
		status = points_write(&points, text);
	evpop_guarded_free(points.points);
	return status;
}
