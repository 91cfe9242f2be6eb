/*
 * Worlds of the model in which clients have gone wrong: what each is about
 * stands above it.  Each is run with different timing, and all that
 * model_world.h says must hold is checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fuzz/model_world.h"

#define BIT(name) EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_##name)

/* Each decides anew who comes first and where replies are cut. */
#define TIMINGS 12

static const struct model_account_plan plain = {
	.traits = { .mechanisms = BIT(USER) | BIT(PLAIN),
	    .has_capa = true,
	    .has_uidl = true,
	    .has_top = true,
	    .pipelines_before = true,
	    .pipelines_after = true },
	.arrivals = { 3, 1, 0, 2 },
};

static void
make(struct model_plan *plan, unsigned accounts)
{
	unsigned i;

	memset(plan, 0, sizeof *plan);
	plan->tls = EVPOP_TLS_NONE;
	plan->accounts = accounts;
	plan->polls = MODEL_POLLS;
	for (i = 0; i < accounts; i++)
		plan->account[i] = plain;
}

static void
run(struct model_plan *plan)
{
	static const uint32_t windows[] = { 0, 1, 2, 5 };
	struct model_statistics statistics = { .sessions = 0 };
	struct model_choice choice;
	unsigned i;

	for (i = 0; i < TIMINGS; i++) {
		choice = model_choice_seed(i, 0);
		plan->cut = i % 3;
		plan->window_commands = windows[i / 3 % 4];
		plan->is_staggered = i % 2 == 1;
		model_world_compare(plan, &choice, &statistics);
	}
}

/*
 * One token of three is refused at a server that is known to take a flight:
 * what was learned is doubted, and CAPA and UIDL are under way behind AUTH.
 */
static void
test_refused_token(void **state)
{
	struct model_plan plan;
	unsigned i, wished;

	(void)state;
	for (wished = 0; wished < 3; wished++) {
		make(&plan, 3);
		for (i = 0; i < 3; i++) {
			plan.account[i].traits.mechanisms =
			    BIT(XOAUTH2) | BIT(OAUTHBEARER) | BIT(PLAIN);
			plan.account[i].has_token = true;
			plan.account[i].policy.expect_nothing = i == 1;
			plan.account[i].mechanisms = wished == 0 ? BIT(XOAUTH2)
						     : wished == 1
							 ? BIT(OAUTHBEARER)
							 : 0;
		}
		plan.account[2].traits.admission = MODEL_KNOWS_NO_SUCH;
		run(&plan);
		/* At once, without the challenge that says why. */
		plan.account[2].traits.at = "AUTH";
		plan.account[2].traits.there = MODEL_FAULT_REFUSES;
		plan.account[2].traits.words = "no";
		run(&plan);
	}
}

/*
 * What a session goes by is emptied by the refusal of a neighbour while it is
 * on its way: the mechanism after the one that is out of order is not found.
 */
static void
test_neighbour_refused(void **state)
{
	struct model_plan plan;
	unsigned i;

	(void)state;
	make(&plan, 4);
	for (i = 0; i < 4; i++) {
		plan.account[i].traits.mechanisms =
		    BIT(CRAM_MD5) | BIT(PLAIN) | BIT(LOGIN) | BIT(USER);
		plan.account[i].traits.broken =
		    BIT(CRAM_MD5) | BIT(LOGIN) | BIT(USER);
	}
	plan.account[1].mechanisms = BIT(PLAIN);
	plan.account[2].policy.expect_nothing = true;
	plan.account[3].traits.admission = MODEL_KNOWS_NO_SUCH;
	run(&plan);
}

/* A host of several servers, of which one offers what the other does not. */
static void
test_neighbour_offers_other(void **state)
{
	struct model_plan plan;

	(void)state;
	make(&plan, 4);
	plan.account[1].traits.mechanisms = BIT(LOGIN);
	plan.account[1].traits.admission = MODEL_IS_BUSY;
	plan.account[1].traits.codes_refusals = true;
	plan.account[2].traits.mechanisms = BIT(CRAM_MD5);
	plan.account[3].traits.mechanisms = BIT(SCRAM_SHA_1);
	run(&plan);
	plan.account[2].traits.mechanisms = BIT(USER);
	plan.account[3].traits.mechanisms = BIT(LOGIN);
	plan.account[3].traits.pipelines_before = false;
	run(&plan);
}

/*
 * A server swallows what stands behind a log-in.  There is one mechanism only,
 * so that something might be sent behind it; or a neighbour's server takes it.
 */
static void
test_swallowed_behind(void **state)
{
	static const unsigned mechanisms[] = { BIT(PLAIN), BIT(USER), BIT(APOP),
		BIT(CRAM_MD5), BIT(SCRAM_SHA_256), BIT(LOGIN) };
	struct model_plan plan;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
		make(&plan, 2);
		plan.account[0].traits.mechanisms = mechanisms[i] | BIT(USER);
		plan.account[0].mechanisms = mechanisms[i];
		plan.account[0].policy.expect_nothing = true;
		plan.account[1] = plan.account[0];
		plan.account[1].traits.behind = MODEL_SWALLOWS_BEHIND;
		run(&plan);
		plan.account[0].traits.behind = MODEL_SWALLOWS_BEHIND;
		plan.account[1].policy.expect_nothing = false;
		run(&plan);
		plan.account[0].traits.pipelines_before = false;
		run(&plan);
	}
}

/* After the swallowed ones come others: whose are the replies? */
static void
test_swallowed_partly(void **state)
{
	static const char *const scripts[] = { "R1R2R3D1R2S0", "N0D1S0R2",
		"C0I1I2I3L1", "D1D2D3" };
	static const unsigned mechanisms[] = { BIT(PLAIN), BIT(APOP), BIT(USER),
		BIT(SCRAM_SHA_1) };
	struct model_plan plan;
	unsigned i, j;

	(void)state;
	for (i = 0; i < 4; i++) {
		make(&plan, 2);
		for (j = 0; j < 2; j++) {
			plan.account[j].driver = MODEL_TALKS;
			plan.account[j].traits.mechanisms =
			    mechanisms[i] | BIT(USER);
			plan.account[j].mechanisms = mechanisms[i];
			plan.account[j].script = scripts[(i + j) % 4];
		}
		plan.account[1].traits.behind = MODEL_SWALLOWS_BEHIND;
		run(&plan);
	}
}

/* Listings are refused for a reason that is no matter of listings. */
static void
test_refused_listing(void **state)
{
	static const char *const commands[] = { "UIDL", "LIST", "CAPA", "TOP",
		"RETR", "DELE", "QUIT" };
	static const char *const words[] = { "[AUTH] no", "[SYS/PERM] no",
		"[SYS/TEMP] no", "[LOGIN-DELAY] no", "[X] no", "no",
		"the maildrop is already locked" };
	struct model_plan plan;
	unsigned i, j;

	(void)state;
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		for (j = 0; j < sizeof words / sizeof words[0]; j++) {
			make(&plan, 2);
			plan.account[0].traits.at = commands[i];
			plan.account[0].traits.there = MODEL_FAULT_REFUSES;
			plan.account[0].traits.words = words[j];
			plan.account[0].traits.has_uidl = j % 2 == 0;
			plan.account[0].policy.keep =
			    i > 3 ? EVPOP_KEEP_NONE : EVPOP_KEEP_FOREVER;
			run(&plan);
		}
	}
}

/*
 * Who is refused logs in again, while what was asked for behind the first
 * log-in is still to be cancelled.
 */
static void
test_second_log_in(void **state)
{
	static const char *const scripts[] = { "D3I2/O0S0", "/O0", "S0/O0O0R1",
		"R1R2/S0O0", "E0C0D1/O0C0" };
	struct model_plan plan;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		make(&plan, 2);
		plan.account[0].driver = MODEL_TALKS;
		plan.account[0].script = scripts[i];
		plan.account[0].traits.admission = MODEL_KNOWS_NO_SUCH;
		run(&plan);
		/* None of those that are offered is wanted. */
		plan.account[0].mechanisms = BIT(APOP);
		run(&plan);
	}
}

/* Whatever one server does at any command, always: its neighbour is well. */
static void
test_each_fault(void **state)
{
	static const char *const commands[] = { "greeting", "CAPA", "AUTH",
		"response", "UIDL", "LIST", "TOP", "RETR", "DELE", "QUIT" };
	struct model_statistics statistics = { .sessions = 0 };
	struct model_choice choice;
	struct model_plan plan;
	unsigned i, fault;

	(void)state;
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		for (fault = 1; fault < MODEL_FAULT_COUNT; fault++) {
			make(&plan, 2);
			plan.account[0].traits.at = commands[i];
			plan.account[0].traits.there =
			    (enum model_fault_kind)fault;
			plan.account[0].traits.mechanisms |= BIT(CRAM_MD5);
			plan.account[0].policy.keep = EVPOP_KEEP_NONE;
			plan.account[0].policy.verify_deletes = true;
			plan.account[1].policy.expect_nothing = fault % 2 == 1;
			choice = model_choice_seed(fault, 0);
			model_world_compare(&plan, &choice, &statistics);
		}
	}
}

/* Every mechanism, by who may and who may not, at servers of every kind. */
static void
test_each_mechanism(void **state)
{
	static const unsigned tokens = BIT(XOAUTH2) | BIT(OAUTHBEARER);
	struct model_statistics statistics = { .sessions = 0 };
	struct model_choice choice;
	struct model_plan plan;
	unsigned mechanism, kind, i;

	(void)state;
	for (mechanism = 0; mechanism < EVPOP_MECHANISM_COUNT; mechanism++) {
		if (EVPOP_MECHANISM_BIT(mechanism) &
		    (BIT(EXTERNAL) | BIT(SCRAM_SHA_1_PLUS) |
			BIT(SCRAM_SHA_256_PLUS)))
			continue;
		for (kind = 0; kind < 3 * 4 * 4; kind++) {
			make(&plan, 3);
			for (i = 0; i < 3; i++) {
				struct model_account_plan *account =
				    &plan.account[i];

				account->traits.mechanisms =
				    EVPOP_MECHANISM_BIT(mechanism);
				account->has_token =
				    (account->traits.mechanisms & tokens) != 0;
				account->mechanisms =
				    kind % 2 == 0 ||
					    mechanism == EVPOP_MECHANISM_APOP
					? account->traits.mechanisms
					: 0;
				account->traits.behind =
				    (enum model_behind)(kind % 3);
				account->traits.refusal =
				    (enum model_refusal)(kind / 3 % 4);
				account->traits.pipelines_before =
				    kind / 12 % 2 == 0;
				account->policy.expect_nothing = kind / 24 == 1;
			}
			plan.account[1].traits.admission = MODEL_KNOWS_NO_SUCH;
			plan.account[2].traits.admission = MODEL_IS_BUSY;
			choice = model_choice_seed(kind, 0);
			model_world_compare(&plan, &choice, &statistics);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_token),
		cmocka_unit_test(test_neighbour_refused),
		cmocka_unit_test(test_neighbour_offers_other),
		cmocka_unit_test(test_swallowed_behind),
		cmocka_unit_test(test_swallowed_partly),
		cmocka_unit_test(test_refused_listing),
		cmocka_unit_test(test_second_log_in),
		cmocka_unit_test(test_each_fault),
		cmocka_unit_test(test_each_mechanism),
	};

	/* A failure ends the program: one by one they can all be seen. */
	if (getenv("EVPOP_MODEL_CASE") != NULL)
		cmocka_set_test_filter(getenv("EVPOP_MODEL_CASE"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
