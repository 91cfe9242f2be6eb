#include "daemon/notify/tally.h"

#include <assert.h>

#define NAME(name, member, unit, json, heading, words)              \
	[TALLY_##name] = { json, heading, words, TALLY_UNIT_##unit, \
		offsetof(struct tally, member) },
const struct tally_name tally_names[TALLY_COUNT] = { TALLY_KEPT(NAME)
	    TALLY_PASSING(NAME) };

/* The unit says how wide the member is. */
#define CHECK_WIDTH_COUNT(member)                                    \
	_Static_assert(                                              \
	    sizeof(((struct tally *)0)->member) == sizeof(uint32_t), \
	    #member " is a count");
#define CHECK_WIDTH_OCTETS(member)                                   \
	_Static_assert(                                              \
	    sizeof(((struct tally *)0)->member) == sizeof(uint64_t), \
	    #member " is in octets");
#define CHECK(name, member, unit, json, heading, words) \
	CHECK_WIDTH_##unit(member)
TALLY_KEPT(CHECK)
TALLY_PASSING(CHECK)

uint64_t
tally_get(const struct tally *tally, enum tally_figure figure)
{
	const char *member;

	assert(figure < TALLY_COUNT);
	member = (const char *)tally + tally_names[figure].offset;
	return tally_names[figure].unit == TALLY_UNIT_COUNT
		   ? *(const uint32_t *)(const void *)member
		   : *(const uint64_t *)(const void *)member;
}

void
tally_set(struct tally *tally, enum tally_figure figure, uint64_t value)
{
	char *member;

	assert(figure < TALLY_COUNT);
	member = (char *)tally + tally_names[figure].offset;
	if (tally_names[figure].unit == TALLY_UNIT_COUNT)
		*(uint32_t *)(void *)member =
		    value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
	else
		*(uint64_t *)(void *)member = value;
}
