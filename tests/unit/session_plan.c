#include "tests/unit/session_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char session_plan_letters[EVPOP_ACTION_COUNT] = {
	[EVPOP_ACTION_NONE] = '.',
	[EVPOP_ACTION_FETCH] = 'F',
	[EVPOP_ACTION_FETCH_DELETE] = 'R',
	[EVPOP_ACTION_DELETE] = 'D',
	[EVPOP_ACTION_TOO_LARGE] = 'T',
	[EVPOP_ACTION_LATER] = 'L',
	[EVPOP_ACTION_UNIDENTIFIED] = 'U',
	[EVPOP_ACTION_SEEN] = 'S',
	[EVPOP_ACTION_ADOPT] = 'A',
	[EVPOP_ACTION_HELD] = 'H',
	[EVPOP_ACTION_WAIT] = 'W',
};
_Static_assert(EVPOP_ACTION_COUNT == 11, "every action has a letter");

static void
read_entry(struct fixture *fixture, char *word)
{
	struct evpop_listing *listing = &fixture->listing;
	struct evpop_entry *entry = &fixture->entries[listing->count++];
	char *octets = strchr(word, ':');

	if (octets != NULL) {
		*octets++ = '\0';
		entry->octets = strtoull(octets, NULL, 10);
	}
	entry->number = (uint32_t)listing->count;
	if (strcmp(word, "-") == 0)
		return;
	entry->unique_id = (const unsigned char *)word;
	entry->unique_id_length = (uint32_t)strlen(word);
}

/* Cut off what follows a sign: a number, or `missing`. */
static int64_t
cut_number(char *word, char sign, int64_t missing)
{
	char *at = strchr(word, sign);

	if (at == NULL)
		return missing;
	*at = '\0';
	return strtoll(at + 1, NULL, 10);
}

static void
read_known(struct fixture *fixture, char *word)
{
	static const char states[] = {
		[EVPOP_KNOWN_STORED] = 's',
		[EVPOP_KNOWN_DELETE] = 'd',
		[EVPOP_KNOWN_SEEN] = 'n',
		[EVPOP_KNOWN_DELETED] = 'x',
		[EVPOP_KNOWN_GONE] = 'g',
		[EVPOP_KNOWN_WAITING] = 'w',
	};
	struct evpop_known *known = &fixture->known[fixture->known_count++];
	char *state, *digest = strchr(word, '~');

	if (digest != NULL) {
		*digest = '\0';
		known->header_digest = session_plan_digest(digest[1]);
	}
	known->octets = (uint64_t)cut_number(word, '#', 0);
	known->stored_ms = cut_number(word, '@', NOW_MS);
	state = strchr(word, '=');
	if (state != NULL) {
		while (states[known->state] != state[1])
			known->state++;
		*state = '\0';
	}
	known->occurrence = (uint32_t)cut_number(word, '/', 0);
	known->unique_id = (const unsigned char *)word;
	known->unique_id_length = strlen(word);
}

static void
read_words(struct fixture *fixture, char *text,
    void (*read_word)(struct fixture *, char *))
{
	char *rest = text, *word;

	while ((word = strtok_r(rest, " ", &rest)) != NULL)
		read_word(fixture, word);
}

const unsigned char *
session_plan_digest(char letter)
{
	static unsigned char digests[26][EVPOP_HEADER_DIGEST_SIZE];
	size_t which = (size_t)(letter - 'A');

	assert_true(which < 26);
	memset(digests[which], letter, EVPOP_HEADER_DIGEST_SIZE);
	return digests[which];
}

void
session_plan_fixture(
    struct fixture *fixture, const char *listing, const char *known)
{
	memset(fixture, 0, sizeof *fixture);
	snprintf(
	    fixture->listing_text, sizeof fixture->listing_text, "%s", listing);
	snprintf(fixture->known_text, sizeof fixture->known_text, "%s", known);
	fixture->listing.entries = fixture->entries;
	fixture->listing.unique_ids = true;
	read_words(fixture, fixture->listing_text, read_entry);
	read_words(fixture, fixture->known_text, read_known);
	assert_int_equal(
	    evpop_listing_occurrences(&fixture->listing), EVPOP_ERROR_NONE);
}
