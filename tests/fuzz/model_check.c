/* What must hold in the model's worlds. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/model_world.h"

/* Of which worlds are compared, for who has to see them. */
static const struct model_plan *plan_compared;

void
model_broken(const char *format, ...)
{
	va_list arguments;

	fputs("model: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	model_world_show();
	if (plan_compared != NULL)
		model_plan_show(plan_compared);
	abort();
}

void
model_check_end(
    const struct model_account *account, const struct evpop_result *result)
{
	if (strstr(result->text, "the session was not over") != NULL)
		model_broken("account %u waited for nothing but the end of "
			     "all time",
		    account->number);
}

static struct model_answer *
account_find_answer(const struct model_account *account, const char *text,
    struct model_connection **connection_r)
{
	const char *mark = strchr(text, '#');
	struct model_connection *connection;
	unsigned id, number;

	if (mark == NULL || sscanf(mark, "#%u.%u", &id, &number) != 2)
		return NULL;
	LIST_FOREACH(connection, &account->server.connections, entry) {
		if (connection->id != id)
			continue;
		*connection_r = connection;
		return number > 0 && number <= connection->answer_count
			   ? &connection->answers[number - 1]
			   : NULL;
	}
	model_broken("account %u is given a reply of another: %s",
	    account->number, text);
}

/* Whether the command of the reply begins like one of these. */
static void
check_reply(const struct model_account *account,
    const struct evpop_result *result, const char *const *lines, size_t count)
{
	struct model_connection *connection;
	const struct model_answer *answer;
	bool fits = false;
	size_t i;

	if (result->error != EVPOP_ERROR_NONE &&
	    result->error != EVPOP_ERROR_REFUSED)
		return;
	answer = account_find_answer(account, result->text, &connection);
	if (answer == NULL || connection->misleads)
		return;
	for (i = 0; i < count; i++)
		fits |= strncmp(answer->line, lines[i], strlen(lines[i])) == 0;
	if (!fits)
		model_broken("%s of account %u is given the reply to %s: %s",
		    lines[0], account->number, answer->line, result->text);
	if (answer->ok != (result->error == EVPOP_ERROR_NONE))
		model_broken("%s of account %u comes to the opposite: %s",
		    lines[0], account->number, result->text);
}

void
model_check_reply(const struct model_account *account,
    const struct evpop_result *result, const char *line)
{
	check_reply(account, result, &line, 1);
}

void
model_check_login(
    const struct model_account *account, const struct evpop_result *result)
{
	static const char *const lines[] = { "AUTH", "PASS", "USER", "APOP" };

	check_reply(account, result, lines, sizeof lines / sizeof lines[0]);
}

static void
compare_account(const struct model_plan *plan, unsigned number,
    const int *together, const int *alone)
{
	const struct model_account_plan *account = &plan->account[number];
	enum evpop_error expected;
	bool is_plain;
	unsigned poll;

	plan_compared = plan;
	is_plain = model_plan_outcome(account, &expected);
	for (poll = 0; poll < plan->polls; poll++) {
		if (is_plain && alone[poll] != (int)expected)
			model_broken(
			    "poll %u of account %u comes to %s, alone, "
			    "where %s is right",
			    poll, number,
			    evpop_error_name((enum evpop_error)alone[poll]),
			    evpop_error_name(expected));
		/* What was learned from others may only help. */
		if (together[poll] == alone[poll] ||
		    together[poll] == EVPOP_ERROR_NONE)
			continue;
		/* Where all fails, it may fail in another way elsewhere;
		 * without CAPA, what a neighbour's server says is a guess. */
		if (plan->is_mixed && alone[poll] != EVPOP_ERROR_NONE &&
		    (!is_plain || !account->traits.has_capa))
			continue;
		model_broken("poll %u of account %u comes to %s in company "
			     "and to %s alone",
		    poll, number,
		    evpop_error_name((enum evpop_error)together[poll]),
		    evpop_error_name((enum evpop_error)alone[poll]));
	}
	plan_compared = NULL;
}

void
model_world_compare(const struct model_plan *plan, struct model_choice *choice,
    struct model_statistics *statistics)
{
	int together[MODEL_ACCOUNTS][MODEL_POLLS];
	int alone[MODEL_ACCOUNTS][MODEL_POLLS];
	struct model_choice steady;
	unsigned i;

	model_world_run(plan, -1, choice, statistics, together);
	for (i = 0; i < plan->accounts; i++) {
		if (!model_plan_is_sound(&plan->account[i]))
			continue;
		steady = model_choice_seed(i, 0);
		model_world_run(plan, (int)i, &steady, statistics, alone);
		compare_account(plan, i, together[i], alone[i]);
		statistics->choices += steady.made;
	}
	statistics->choices += choice->made;
}
