#include "tests/fuzz/model_choice.h"

#include <assert.h>

struct model_choice
model_choice_seed(uint64_t seed, unsigned rate)
{
	return (struct model_choice){
		.state = seed * 2 + 1,
		.rate = rate,
	};
}

struct model_choice
model_choice_octets(const void *octets, size_t length)
{
	return (struct model_choice){ .at = octets, .left = length };
}

/* SplitMix64. */
static uint64_t
choice_next(struct model_choice *choice)
{
	uint64_t z = choice->state += 0x9e3779b97f4a7c15u * 2;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned
choice_octet(struct model_choice *choice, unsigned otherwise)
{
	if (choice->left == 0)
		return otherwise;
	choice->left--;
	return *choice->at++;
}

static unsigned
choice_record(struct model_choice *choice, unsigned chosen)
{
	choice->made++;
	if (choice->record != NULL)
		(void)fputc((int)chosen, choice->record);
	return chosen;
}

unsigned
model_pick(struct model_choice *choice, unsigned count)
{
	unsigned chosen;

	assert(count > 0 && count <= 256);
	if (choice->state != 0)
		chosen = (unsigned)(choice_next(choice) >> 33) % count;
	else
		chosen = choice_octet(choice, 0) % count;
	return choice_record(choice, chosen);
}

unsigned
model_fault(struct model_choice *choice, unsigned count)
{
	unsigned chosen = 0;

	assert(count > 0 && count <= 256);
	if (choice->state == 0)
		chosen = choice_octet(choice, 0);
	else if (choice->rate != 0 &&
		 (unsigned)(choice_next(choice) >> 33) % choice->rate == 0)
		chosen = (unsigned)(choice_next(choice) >> 33) % count;
	return choice_record(choice, chosen < count ? chosen : 0);
}
