/*
 * evpopctl's targets, outbox, deliver and doctor of a target, as people run
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_ctl_daemon.h"

struct line {
	const char *line;
	int code;
	const char *wanted, *unwanted;
};

static void
expect_all(const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(lines[i].code, lines[i].wanted, lines[i].unwanted,
		    "ctl %s", lines[i].line);
}

#define EXPECT_ALL(lines) expect_all(lines, sizeof(lines) / sizeof((lines)[0]))

static void
test_targets(void **state)
{
	static const struct line lines[] = {
		{ "targets", 0, "archive  maildir  ready", "\033" },
		{ "targets", 0, "desk     http     down", NULL },
		{ "targets", 0, "connection refused \xef\xbf\xbd[31m", NULL },
		{ "targets", 0, "not in a running configuration", NULL },
		{ "targets desk", 0, "What to do     start it\n", "\033" },
		{ "targets desk", 0, "Refused        1 message for good\n",
		    NULL },
		{ "targets show archive people", 0,
		    "Where          /var/mail/{user}\n", NULL },
		{ "targets 'arch*' gone", 0, "\n\nTarget         gone\n",
		    NULL },
		{ "targets nobody", 66, "there is no target \"nobody\"", NULL },
		{ "targets 'x*'", 66, "no target matches \"x*\"", NULL },
		{ "targets pause archive", 0, "paused         archive\n",
		    NULL },
		{ "targets pause gone archive", 66, "paused         archive\n",
		    NULL },
		{ "targets pause 'a*'", 0, "paused         archive\n", NULL },
		{ "targets resume --all", 0, "resumed        desk\n",
		    "archive" },
		{ "targets resume --all", 0, "resumed        people\n", NULL },
		{ "targets pause", 64, "name targets, or say --all", NULL },
		{ "targets pause --all archive", 64, "say --all", NULL },
		{ "targets --all", 64, "--all goes with", NULL },
		{ "targets --json desk", 0, "\"state\":\"down\"", NULL },
	};

	(void)state;
	EXPECT_ALL(lines);
}

static void
test_the_outbox(void **state)
{
	static const struct line lines[] = {
		/* What needs a person is first; what is delivered, not there.
		 */
		{ "outbox", 0, "refused", "delivered" },
		{ "outbox", 0, "550 no such user \xef\xbf\xbd[31m", "\033" },
		{ "outbox", 0, "  next 1970-01-01T00:00:09.000Z", NULL },
		{ "outbox", 0, "  due\n", NULL },
		{ "outbox --state all", 0, "delivered", NULL },
		{ "outbox --state all", 0, "/var/mail/anna/new/key", NULL },
		{ "outbox list --state dropped", 0, "people", "desk" },
		{ "outbox --target people", 0, "nothing waits to be delivered",
		    NULL },
		{ "outbox --message 4", 0, "archive", NULL },
		{ "outbox --message 77", 0, "no delivery matches", NULL },
		{ "outbox --target nobody", 66, "no target \"nobody\"", NULL },
		{ "outbox --state odd", 64, "invalid state \"odd\"", NULL },
		{ "outbox show 4", 0, "Answer         550", "\033" },
		{ "outbox show 4", 0, "From           A <a@example.org>\n",
		    NULL },
		{ "outbox show 4 99", 66, "there is no delivery 99", NULL },
		{ "outbox show", 64, "which deliveries?", NULL },
		{ "outbox shwo", 64, "expected list, show", NULL },
		{ "outbox retry", 64, "which deliveries?", NULL },
		{ "outbox retry --account work 4", 64,
		    "--account goes with --all", NULL },
		{ "outbox retry 4", 0,
		    "to be tried    4: message 3 of work to desk\n", NULL },
		{ "outbox retry 6", 78, "has reached \"archive\"", NULL },
		{ "outbox drop 4 3", 0,
		    "dropped        3: message 2 of work to desk\n", NULL },
		{ "outbox drop 3", 78, "is dropped already", NULL },
		{ "outbox retry --all --state dropped --target desk", 0,
		    "to be tried: 2 deliveries\n", NULL },
		{ "outbox drop --all --state waiting </dev/null", 64,
		    "--yes says so", NULL },
		{ "outbox drop --all --state waiting --yes", 0,
		    "dropped: 3 deliveries\n", NULL },
		{ "outbox drop --yes --all --json", 0, "{\"changed\":0}\n",
		    NULL },
		{ "outbox retry --yes 3", 64, "--yes is not for this", NULL },
		{ "outbox retry --all 3", 64, "too many arguments", NULL },
		{ "outbox show --all", 64, "--all is not for this", NULL },
	};

	(void)state;
	EXPECT_ALL(lines);
}

static void
test_deliver(void **state)
{
	static const struct line lines[] = {
		{ "deliver", 64, "--to TARGET", NULL },
		{ "deliver --to archive", 64, "which messages?", NULL },
		{ "deliver --to archive --all 3", 64, "either ids or", NULL },
		{ "deliver --to nobody --all", 66, "no target \"nobody\"",
		    NULL },
		{ "deliver --to archive --since never", 64,
		    "invalid since \"never\"", NULL },
		{ "deliver --to archive --all", 0,
		    "to deliver     2 messages, 4.0 KiB, 1 passed over, for "
		    "the target was given them before\n",
		    NULL },
		{ "deliver --to archive 3 4", 0,
		    "to deliver     4 messages, 8.0 KiB", NULL },
		{ "deliver --to archive --dry-run --account work", 0,
		    "work           2 messages, 4.0 KiB", "to deliver" },
		/* Every account of the fake answers the same. */
		{ "deliver --to archive --dry-run --since 7d", 0,
		    "would deliver  10 messages", NULL },
		{ "deliver --to archive --account 'wo*' --json", 0,
		    "\"messages\":2", NULL },
		{ "deliver --to archive --account 'x*'", 66,
		    "no account matches", NULL },
	};

	(void)state;
	EXPECT_ALL(lines);
}

static void
test_doctor_tries_a_target(void **state)
{
	static const struct line lines[] = {
		{ "doctor desk", 69,
		    "Mail           cannot be delivered\n"
		    "It says        connection refused \xef\xbf\xbd[31m\n"
		    "What to do     start it\n",
		    "\033" },
		{ "doctor --target people", 69, "Target         people\n",
		    NULL },
		{ "doctor --target nobody", 66, "no target \"nobody\"", NULL },
		{ "doctor nobody", 66, "there is no account \"nobody\"", NULL },
		{ "doctor maildir:/tmp/x", 66, "no target \"maildir:/tmp/x\"",
		    NULL },
		{ "doctor mbox:/tmp/x", 66, "no target \"mbox:/tmp/x\"", NULL },
		{ "doctor --config /x --target desk", 64,
		    "--config is not for targets", NULL },
		{ "--json doctor desk", 69, "\"works\":false", NULL },
	};

	(void)state;
	EXPECT_ALL(lines);
}

static void
test_where_else_targets_are_told_of(void **state)
{
	static const struct line lines[] = {
		{ "status", 1, "Targets        3, 1 down, 1 paused\n", NULL },
		{ "status", 1, "Deliveries     1 waiting, 1 refused\n", NULL },
		{ "show -d 4", 0, "archive  delivered, 1970-01-01", NULL },
		{ "show -d 4", 0, "/var/mail/anna/new/key", NULL },
		{ "completion words -- targets pause de", 0, "desk\ttarget\n",
		    "archive" },
		{ "completion words -- deliver --to ''", 0, "people\t", NULL },
		{ "completion words -- outbox --target a", 0, "archive\t",
		    NULL },
		{ "completion words -- targets ''", 0, "pause\t", NULL },
		{ "completion words -- outbox ''", 0, "retry\t", "desk" },
	};

	(void)state;
	EXPECT_ALL(lines);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_targets),
		LIVE(test_the_outbox),
		LIVE(test_deliver),
		LIVE(test_doctor_tries_a_target),
		LIVE(test_where_else_targets_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
