#include "tests/fuzz/model_plan.h"

#include <stdio.h>
#include <string.h>

#define BIT(name) EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_##name)

#define BY_PASSWORD                                                           \
	(BIT(SCRAM_SHA_256) | BIT(SCRAM_SHA_1) | BIT(CRAM_MD5) | BIT(PLAIN) | \
	    BIT(LOGIN) | BIT(USER) | BIT(APOP))
#define BY_BINDING (BIT(SCRAM_SHA_256_PLUS) | BIT(SCRAM_SHA_1_PLUS))
#define BY_TOKEN   (BIT(OAUTHBEARER) | BIT(XOAUTH2))

/* What servers offer together; the first is the plainest. */
static const unsigned offers[] = {
	BIT(USER) | BIT(PLAIN),
	BIT(USER),
	BIT(USER) | BIT(APOP),
	BIT(USER) | BIT(PLAIN) | BIT(LOGIN) | BIT(CRAM_MD5),
	BIT(SCRAM_SHA_256) | BIT(SCRAM_SHA_1) | BIT(PLAIN),
	BIT(SCRAM_SHA_1),
	BIT(CRAM_MD5) | BIT(APOP) | BIT(USER),
	BIT(PLAIN),
	BIT(LOGIN),
	BIT(PLAIN) | BIT(XOAUTH2),
	BIT(PLAIN) | BIT(XOAUTH2) | BIT(OAUTHBEARER),
	BIT(OAUTHBEARER),
	BIT(XOAUTH2) | BIT(USER),
	BY_PASSWORD | BY_TOKEN,
	BIT(SCRAM_SHA_256_PLUS) | BIT(SCRAM_SHA_256) | BIT(PLAIN),
	BIT(SCRAM_SHA_1_PLUS) | BIT(SCRAM_SHA_256_PLUS),
};

static const unsigned wishes[] = {
	0,
	0,
	0,
	BIT(PLAIN),
	BIT(USER),
	BIT(PLAIN) | BIT(USER),
	BIT(CRAM_MD5) | BIT(PLAIN) | BIT(APOP),
	BY_PASSWORD,
	BIT(APOP),
	BIT(XOAUTH2),
};

static void
traits_make(struct model_traits *traits, struct model_choice *choice)
{
	memset(traits, 0, sizeof *traits);
	traits->mechanisms =
	    offers[model_pick(choice, sizeof offers / sizeof offers[0])];
	/* One mechanism of three is out of order at one server of four. */
	if (model_pick(choice, 4) == 3) {
		traits->broken = model_pick(choice, 256);
		traits->broken |= model_pick(choice, 256) << 8;
		traits->broken &= traits->mechanisms;
	}
	traits->admission = model_pick(choice, 6) < 4
				? MODEL_ADMITS
				: (enum model_admission)model_pick(choice, 3);
	traits->refusal =
	    (enum model_refusal)model_pick(choice, MODEL_REFUSAL_COUNT);
	traits->behind =
	    (enum model_behind)model_pick(choice, MODEL_BEHIND_COUNT);
	traits->farewell =
	    model_pick(choice, 6) < 5
		? MODEL_FAREWELL
		: (enum model_farewell)model_pick(choice, MODEL_FAREWELL_COUNT);
	traits->has_capa = model_pick(choice, 8) < 7;
	traits->has_uidl = model_pick(choice, 8) < 7;
	traits->has_top = model_pick(choice, 8) < 7;
	traits->pipelines_before = model_pick(choice, 3) < 2;
	traits->pipelines_after =
	    traits->pipelines_before || model_pick(choice, 2) == 1;
	traits->wants_two_lines = model_pick(choice, 3) == 2;
	traits->codes_refusals = model_pick(choice, 2) == 1;
	traits->renews_ids = model_pick(choice, 8) == 7;
	traits->is_faulty = model_pick(choice, 2) == 1;
}

static void
policy_make(struct evpop_policy *policy, struct model_choice *choice)
{
	memset(policy, 0, sizeof *policy);
	policy->keep =
	    model_pick(choice, 2) == 0 ? EVPOP_KEEP_FOREVER : EVPOP_KEEP_NONE;
	policy->order = (enum evpop_order)model_pick(choice, 2);
	policy->expect_nothing = model_pick(choice, 2) == 1;
	policy->fetch_unidentified = model_pick(choice, 2) == 1;
	policy->verify_deletes = model_pick(choice, 6) == 5;
	if (model_pick(choice, 6) == 5)
		policy->max_session_deletes = 2;
}

static void
account_make(struct model_account_plan *account, struct model_choice *choice,
    bool is_secure)
{
	unsigned poll;

	traits_make(&account->traits, choice);
	if (!is_secure)
		account->traits.mechanisms &= ~BY_BINDING;
	if (account->traits.mechanisms == 0)
		account->traits.mechanisms = BIT(USER);
	account->traits.broken &= account->traits.mechanisms;
	policy_make(&account->policy, choice);
	account->driver =
	    model_pick(choice, 4) == 3 ? MODEL_TALKS : MODEL_POLLS_MAILDROP;
	account->mechanisms =
	    wishes[model_pick(choice, sizeof wishes / sizeof wishes[0])];
	account->has_token = (account->traits.mechanisms & BY_TOKEN) != 0 &&
			     model_pick(choice, 4) != 0;
	account->asks_token = account->has_token && model_pick(choice, 2) == 1;
	account->skips_unchanged = model_pick(choice, 2) == 1;
	for (poll = 0; poll < MODEL_POLLS; poll++)
		account->arrivals[poll] = model_pick(choice, poll == 0 ? 7 : 3);
}

/* One server for all: they differ only in who comes, and in what goes wrong. */
static void
account_share(
    struct model_account_plan *account, const struct model_account_plan *first)
{
	struct model_traits own = account->traits;

	account->traits = first->traits;
	account->traits.admission = own.admission;
	account->traits.is_faulty = own.is_faulty;
	account->has_token =
	    (first->traits.mechanisms & BY_TOKEN) != 0 && account->has_token;
	account->asks_token = account->has_token && account->asks_token;
}

void
model_plan_make(struct model_plan *plan, struct model_choice *choice)
{
	static const uint32_t windows[] = { 0, 1, 2, 5 };
	static const size_t octets[] = { 0, 0, 64, 16 };
	static const enum evpop_tls tls[] = { EVPOP_TLS_NONE, EVPOP_TLS_NONE,
		EVPOP_TLS_NONE, EVPOP_TLS_NONE, EVPOP_TLS_NONE, EVPOP_TLS_NONE,
		EVPOP_TLS_STLS, EVPOP_TLS_IMPLICIT };
	unsigned i;

	memset(plan, 0, sizeof *plan);
	plan->accounts = 1 + model_pick(choice, MODEL_ACCOUNTS);
	plan->polls = 1 + model_pick(choice, MODEL_POLLS);
	plan->cut = model_pick(choice, 6);
	plan->tls = tls[model_pick(choice, 8)];
	plan->window_commands = windows[model_pick(choice, 4)];
	plan->window_octets = octets[model_pick(choice, 4)];
	plan->is_staggered = model_pick(choice, 2) == 1;
	/* What TLS sends is not the same each time: no choice hangs on it. */
	if (plan->tls != EVPOP_TLS_NONE && plan->cut > 1)
		plan->cut = 2;
	plan->is_mixed = model_pick(choice, 2) == 1;
	for (i = 0; i < plan->accounts; i++) {
		account_make(
		    &plan->account[i], choice, plan->tls != EVPOP_TLS_NONE);
		if (!plan->is_mixed)
			account_share(&plan->account[i], &plan->account[0]);
	}
}

static void
mechanisms_show(const char *what, unsigned mechanisms)
{
	unsigned i;

	if (mechanisms == 0)
		return;
	fprintf(stderr, " %s", what);
	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		if (mechanisms & EVPOP_MECHANISM_BIT(i))
			fprintf(stderr, " %s",
			    evpop_mechanism_name((enum evpop_mechanism)i));
	fputc(';', stderr);
}

void
model_plan_show(const struct model_plan *plan)
{
	static const char *const admissions[] = { "", " wrong password;",
		" busy;" };
	static const char *const refusals[] = { "", " refuses with code;",
		" refuses and closes;", " closes where it refuses;" };
	static const char *const behind[] = { "", " swallows behind a log-in;",
		" swallows behind an initial response;" };
	static const char *const farewells[] = { "", " closes at QUIT;",
		" refuses QUIT;" };
	unsigned i;

	fprintf(stderr, "%u accounts, %u polls, cut %u, window %u/%zu%s\n",
	    plan->accounts, plan->polls, plan->cut, plan->window_commands,
	    plan->window_octets, plan->is_staggered ? ", staggered" : "");
	fprintf(stderr, "%s\n",
	    plan->is_mixed ? "servers that differ" : "one server");
	for (i = 0; i < plan->accounts; i++) {
		const struct model_account_plan *account = &plan->account[i];
		const struct model_traits *traits = &account->traits;

		fprintf(stderr, "account %u: %s;%s%s%s%s%s", i,
		    account->driver == MODEL_TALKS ? "talks" : "polls",
		    traits->is_faulty ? " faulty;" : "",
		    admissions[traits->admission], refusals[traits->refusal],
		    behind[traits->behind], farewells[traits->farewell]);
		mechanisms_show("offers", traits->mechanisms);
		mechanisms_show("of these broken", traits->broken);
		mechanisms_show("wishes", account->mechanisms);
		fprintf(stderr, "%s%s%s%s%s%s%s%s",
		    account->has_token ? " token" : "",
		    account->asks_token ? " on demand" : "",
		    traits->has_capa ? "" : " no-CAPA",
		    traits->has_uidl ? "" : " no-UIDL",
		    traits->has_top ? "" : " no-TOP",
		    traits->pipelines_before ? " PIPELINING" : "",
		    traits->pipelines_after ? " PIPELINING-after" : "",
		    traits->wants_two_lines ? " two-lines" : "");
		if (traits->at != NULL)
			fprintf(stderr, " at %s %s %s", traits->at,
			    model_fault_names[traits->there],
			    traits->words != NULL ? traits->words : "");
		if (traits->renews_ids)
			fprintf(stderr, " renews-ids");
		fprintf(stderr, "%s%s%s; arrivals %u %u %u %u\n",
		    account->policy.keep == EVPOP_KEEP_NONE ? " deletes" : "",
		    account->policy.expect_nothing ? " expects-nothing" : "",
		    account->policy.verify_deletes ? " verifies" : "",
		    account->arrivals[0], account->arrivals[1],
		    account->arrivals[2], account->arrivals[3]);
	}
}

bool
model_plan_is_sound(const struct model_account_plan *account)
{
	const struct model_traits *traits = &account->traits;

	return account->driver == MODEL_POLLS_MAILDROP && !traits->is_faulty &&
	       (traits->at == NULL || traits->words != NULL);
}

/* What the owner may use of what he can know to be offered. */
static unsigned
account_usable(const struct model_account_plan *account)
{
	unsigned wished = account->mechanisms != 0 ? account->mechanisms
						   : EVPOP_MECHANISMS_DEFAULT;
	unsigned able =
	    account->has_token ? BY_TOKEN : BY_PASSWORD | BY_BINDING;
	unsigned offered = account->traits.mechanisms;

	/* Without CAPA there is no telling but by the greeting. */
	if (!account->traits.has_capa && (wished & (wished - 1)) != 0)
		offered &= BIT(USER) | BIT(APOP);
	return wished & able & offered;
}

bool
model_plan_outcome(
    const struct model_account_plan *account, enum evpop_error *error_r)
{
	const struct model_traits *traits = &account->traits;

	if (!model_plan_is_sound(account) || traits->broken != 0 ||
	    traits->at != NULL || traits->farewell != MODEL_FAREWELL ||
	    !traits->has_uidl ||
	    (traits->wants_two_lines && account->has_token))
		return false;
	if (account_usable(account) == 0) {
		*error_r = EVPOP_ERROR_AUTH;
		/* Something else may be tried, and be hung up on. */
		return traits->refusal != MODEL_CLOSES_ONLY;
	}
	if (traits->admission == MODEL_ADMITS)
		*error_r = EVPOP_ERROR_NONE;
	else if (traits->admission == MODEL_IS_BUSY)
		*error_r = EVPOP_ERROR_REFUSED;
	else if (traits->refusal == MODEL_REFUSES ||
		 traits->refusal == MODEL_REFUSES_WITH_CODE)
		*error_r = EVPOP_ERROR_AUTH;
	else
		return false;
	return true;
}
