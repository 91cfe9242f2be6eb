/*
 * Whole sessions of a client, from the log-in to QUIT, with servers that do
 * what the input says; over several polls and accounts at one host, with what
 * was learned of it kept between them.
 */
#include "tests/fuzz/model_world.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model_choice choice = model_choice_octets(data, size);
	struct model_statistics statistics = { .sessions = 0 };
	struct model_plan plan;

	model_plan_make(&plan, &choice);
	model_world_compare(&plan, &choice, &statistics);
	return 0;
}
