/*
 * What people type about dry runs, held deletions, quarantine and the
 * verification of the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/ctl/print.h"
#include "tests/unit/test_ctl_daemon.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
test_commands(void **state)
{
	static const struct {
		const char *line;
		int code;
		const char *wanted, *unwanted;
	} cases[] = {
		{ "poll --dry-run --confirm work", 64, "one of --dry-run",
		    NULL },
		{ "poll --baseline --confirm work", 64, "one of --dry-run",
		    NULL },
		{ "poll --confirm", 64, "name accounts", NULL },
		{ "poll --confirm --all", 64, "name each account", NULL },
		{ "poll --confirm 'w*'", 64, "name each account", NULL },
		{ "poll --baseline --all", 64, "name each account", NULL },
		{ "poll --dryrun work", 64, "did you mean \"--dry-run\"?",
		    NULL },
		{ "poll --dry-run nobody", 66, "there is no account", NULL },
		{ "poll --dry-run off", 78, "is disabled", NULL },
		{ "status", 1, "Held           1200 deletions of 1 account\n",
		    NULL },
		{ "status", 1, "evpopctl poll --confirm NAME", NULL },
		{ "accounts", 0, "1200 deletions held (poll --confirm)", NULL },
		{ "accounts", 0,
		    "3 too large to fetch, 12 for later polls, 1 waits "
		    "(fetch_after), no UIDL, no TOP: known by their bytes",
		    NULL },
		{ "account work", 0,
		    "Held           1200 deletions, far more than usual",
		    NULL },
		{ "account work", 0, "evpopctl poll --dry-run work\n", NULL },
		{ "account work", 0, "evpopctl poll --confirm work\n", NULL },
		{ "account work", 0, "known by their unique-ids",
		    "Not fetched" },
		{ "account work", 0,
		    "Recognised     9 known under other unique-ids, 5.0 MiB "
		    "not downloaded",
		    NULL },
		{ "account home", 0,
		    "Not fetched    3 larger than max_message_size, 12 for "
		    "later polls, 1 waits (fetch_after)",
		    "Held" },
		{ "account home", 0, "no UIDL, no TOP", "Recognised" },
		{ "account off", 0, "disabled", "Messages" },
		{ "quarantine", 0, "cut \xef\xbf\xbd[31m", "\033" },
		{ "quarantine list", 0, "1b", "\033" },
		{ "quarantine list work", 0, "timeout", NULL },
		{ "quarantine work", 0, "REASON", NULL },
		{ "quarantine -n 1", 0, "cut", "timeout" },
		{ "quarantine -n x", 64, "bad --limit", NULL },
		{ "quarantine list work home", 64,
		    "quarantine list: too many arguments", NULL },
		{ "quarantine work home", 64, "too many arguments", NULL },
		{ "quarantine show", 64, "quarantine show: too few arguments",
		    NULL },
		{ "quarantine show 8", 0, "S: +OK\nC: RETR 9 \xef\xbf\xbd[2J\n",
		    "\033" },
		{ "quarantine show 8", 0, "Reason         cut \xef\xbf\xbd[31m",
		    NULL },
		{ "quarantine show 7", 0, "Unique-id      U7\n", NULL },
		{ "quarantine show 99", 66, "no quarantined message 99", NULL },
		{ "quarantine show x", 64, "is no id", NULL },
		{ "quarantine show 8 7", 64, "too many arguments", NULL },
		{ "quarantine show -n 3 8", 64, "--limit is for a list", NULL },
		{ "quarantine show -o f 8", 64,
		    "--output is for \"quarantine raw\"", NULL },
		{ "quarantine show --force 8", 64,
		    "--force is for \"quarantine raw\"", NULL },
		{ "quarantine raw 99", 66, "no quarantined message 99", NULL },
		{ "quarantine raw", 64, "too few arguments", NULL },
		{ "quarantine retry", 64, "too few arguments", NULL },
		{ "quarantine retry 8", 0, "to be fetched  8 of work\n", NULL },
		{ "quarantine retry 99 8", 66, "to be fetched  8 of work\n",
		    NULL },
		{ "quarantine retry 7", 0, "no longer in the configuration",
		    NULL },
		{ "quarantine retry work", 0, "to be fetched  1 of work\n",
		    "gone" },
		{ "quarantine retry work 7", 0, "to be fetched  7 of gone\n",
		    NULL },
		{ "quarantine retry --all", 0, "1 of gone\n", NULL },
		{ "quarantine retry -a", 0, "1 of work\n", NULL },
		{ "quarantine retry --account home", 0,
		    "nothing is in quarantine\n", NULL },
		{ "quarantine retry --account 7", 66, "\"7\"", NULL },
		{ "quarantine retry nobody", 66, "nobody", NULL },
		{ "quarantine retry --all work", 64, "too many arguments",
		    NULL },
		{ "quarantine retry --all --account work", 64,
		    "exclude each other", NULL },
		{ "quarantine list --all", 64,
		    "--all is for \"quarantine retry\"", NULL },
		{ "quarantine --account work", 64,
		    "--account is for \"quarantine retry\"", NULL },
		{ "status", 1, "2 messages skipped after repeated failures",
		    NULL },
		{ "check", 64, "say what to check: --store", NULL },
		{ "check", 64, "the digest of each", NULL },
		{ "check --store work", 64, "too many arguments", NULL },
		{ "help quarantine", 0, "retry ID...", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect(cases[i].code, cases[i].wanted, cases[i].unwanted,
		    "ctl %s", cases[i].line);
	}
}

static void
test_dry_runs(void **state)
{
	struct result result;
	json_t *json;

	(void)state;
	run(&result, "ctl poll --dry-run work");
	assert_int_equal(result.code, 0);
	assert_int_equal(strncmp(result.out, "NUMBER", 6), 0);
	assert_non_null(
	    strstr(result.out, "\n     1  2.0 KiB  fetch             UID-1 "));
	/* Octets that are no text, and a size that was not asked for. */
	assert_non_null(
	    strstr(result.out, "\n     2  2.0 KiB  delete            1b5b6d "));
	assert_non_null(strstr(result.out,
	    "\xef\xbf\xbd]0;evil\xef\xbf\xbd gr\xc3\xbc\xc3\x9f\n"));
	assert_non_null(
	    strstr(result.out, "\n     3        -  fetch and delete  UID-1 "));
	assert_non_null(strstr(result.out, "\n  1003 "));
	assert_non_null(strstr(result.out, "longer than what is shown"));
	assert_non_null(strstr(result.out,
	    "work           2000 on the server, 334 to fetch (668 KiB), 250 "
	    "deletions held\n"));
	assert_non_null(strstr(result.out, "evpopctl poll --confirm work\n"));
	assert_null(strchr(result.out, 0x1b));
	free(result.out);
	/* Another one waits for a plan that is newer. */
	run(&result, "ctl poll -n work | tail -n 2 | head -n 1");
	assert_non_null(strstr(result.out, "2001 on the server"));
	free(result.out);

	run(&result, "ctl poll --dry-run home");
	assert_int_equal(result.code, 0);
	assert_string_equal(
	    result.out, "home           2002 on the server, nothing to do\n");
	free(result.out);

	run(&result, "ctl --json poll --dry-run work");
	assert_int_equal(lines_of(result.out), 2);
	json = json_loads(result.out, JSON_DISABLE_EOF_CHECK, NULL);
	assert_int_equal(
	    json_array_size(json_object_get(json, "entries")), 1000);
	json_decref(json);
	free(result.out);

	expect(77, "broken         refused \xef\xbf\xbd[31m", NULL,
	    "ctl poll --dry-run broken home");
	/* A poll that leaves no plan is no success. */
	expect(75, "weak", NULL, "ctl poll --dry-run weak");
}

static void
test_wishes_are_waited_for(void **state)
{
	(void)state;
	expect(0, "1200 deleted", "held", "ctl poll --confirm --wait work");
	expect(0, "40 counted as seen", NULL, "ctl poll --baseline -w work");
	expect(0, "queued         work\n", NULL, "ctl poll --confirm work");
}

static void
test_quarantined_octets(void **state)
{
	struct fixture *fixture = *state;
	struct result result;
	struct stat status;
	char path[128];

	run(&result, "ctl quarantine raw 8");
	assert_int_equal(result.code, 0);
	assert_int_equal(result.length, BODY_SIZE);
	assert_memory_equal(result.out, "\x1b[31mHello\r\n", 12);
	free(result.out);
	snprintf(path, sizeof(path), "%s/m", fixture->folder);
	expect(0, NULL, NULL, "ctl quarantine raw -o %s 8", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, BODY_SIZE);
	assert_int_equal(unlink(path), 0);
	expect(75, NULL, NULL, "ctl quarantine raw -o %s 7", path);
	assert_int_equal(stat(path, &status), -1);
}

static void
test_the_store_is_checked(void **state)
{
	struct result result;
	json_t *json;

	(void)state;
	run(&result, "ctl check --store");
	assert_int_equal(result.code, 0);
	assert_string_equal(result.out,
	    "Checked        1000 messages, 3.9 MiB, in 1 min 5 s\n"
	    "Store          sound\n");
	free(result.out);
	/* One that runs already is followed; it finds problems. */
	run(&result,
	    "ctl check --store >/dev/null & sleep 0.1; ctl check --store; "
	    "code=$?; wait $!; echo $? $code");
	assert_non_null(strstr(result.out, "following it\n"));
	assert_non_null(
	    strstr(result.out, "Store          7 problems\n"
			       "               message 3: its digest differs\n"
			       "               message 4: \xef\xbf\xbd[31m\n"
			       "               and 5 more\n65 65\n"));
	free(result.out);
	expect(75, "could not be checked (io)", NULL, "ctl check --store");
	expect(65, NULL, NULL, "ctl check --store");
	run(&result, "ctl --json check --store");
	assert_int_equal(result.code, 0);
	json = json_loads(result.out, 0, NULL);
	assert_true(json_is_true(json_object_get(json, "sound")));
	json_decref(json);
	free(result.out);
}

static void
test_a_terminal(void **state)
{
	struct result result;

	(void)state;
	run(&result, "command -v script >/dev/null");
	if (result.code != 0) {
		free(result.out);
		skip();
	}
	free(result.out);
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	assert_int_equal(unsetenv("NO_COLOR"), 0);
	run(&result,
	    "script -qec 'stty cols 79; %s check --store' /dev/null "
	    "</dev/null",
	    EVPOPCTL);
	assert_non_null(strstr(result.out, "\rchecking "));
	assert_non_null(strstr(result.out, " %  "));
	/* The line is gone before the result comes. */
	assert_non_null(strstr(result.out, " \r\033[1mChecked "));
	free(result.out);
	run(&result,
	    "script -qec 'stty cols 40; %s poll --dry-run work' /dev/null "
	    "</dev/null",
	    EVPOPCTL);
	assert_non_null(strstr(result.out, "\033[31mdelete\033[0m"));
	assert_non_null(strstr(result.out, "\033[33mheld\033[0m"));
	free(result.out);
	run(&result, "script -qec '%s quarantine show 8' /dev/null </dev/null",
	    EVPOPCTL);
	assert_non_null(strstr(result.out, "evpopctl quarantine retry 8"));
	free(result.out);
}

static void
test_progress(void **state)
{
	static const struct {
		uint64_t done, total;
		size_t width;
		const char *text;
	} cases[] = {
		{ 0, 0, 0, "checking ..." },
		{ 0, 3, 0, "checking [....................]   0 %  0 of 3 m" },
		{ 1, 3, 0, "checking [######..............]  33 %  1 of 3 m" },
		{ 3, 3, 0, "checking [####################] 100 %  3 of 3 m" },
		{ 5, 3, 0, "checking [####################] 100 %  5 of 3 m" },
		{ UINT64_MAX / 2, UINT64_MAX, 42,
		    "checking [##########..........]  50 %  92" },
		{ 1, 3, 1, "" },
	};
	char text[160];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		progress_text("checking", cases[i].done, cases[i].total, "m",
		    cases[i].width, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void
test_phrases(void **state)
{
	struct phrase phrase;

	(void)state;
	phrase_begin(&phrase);
	assert_string_equal(phrase.text, "");
	phrase_add(&phrase, "%d things", 3);
	phrase_add(&phrase, "%s", "more");
	assert_string_equal(phrase.text, "3 things, more");
	for (int i = 0; i < 500; i++)
		phrase_add(&phrase, "%d", i);
	assert_int_equal(strlen(phrase.text), PHRASE_SIZE - 1);
	assert_int_equal(phrase.length, PHRASE_SIZE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_commands),
		LIVE(test_dry_runs),
		LIVE(test_wishes_are_waited_for),
		LIVE(test_quarantined_octets),
		LIVE(test_the_store_is_checked),
		LIVE(test_a_terminal),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_phrases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
