#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/accounts.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/screen.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/targets.h"
#include "daemon/ctl/watched.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

#define DELAY_MS    1000
#define DELAY_MAX_S 3600

/* Lines of the screen that are no accounts: the state, headings, the keys. */
#define LINES_AROUND 7

/* Who has said what the last line shows. */
enum top_said {
	TOP_SAID_LOOKING = 0, /* why nothing new is seen, until it is */
	TOP_SAID_KEY          /* what a key came to, until the next key */
};

/* What the screen shows. */
enum top_view {
	TOP_VIEW_ACCOUNTS = 0,
	TOP_VIEW_ACCOUNT, /* the chosen one in full */
	TOP_VIEW_TARGETS, /* that mail is delivered to */
	TOP_VIEW_KEYS,
	TOP_VIEW_ASKING /* for a pattern, which is typed in the last line */
};

struct top {
	struct ctl ctl; /* `out` is what is drawn next */
	struct screen *screen;
	struct watched *watched;
	struct watched_filter filter;
	json_t *account;      /* of TOP_VIEW_ACCOUNT */
	json_t *targets;      /* of TOP_VIEW_TARGETS */
	size_t first, chosen; /* rows: the highest shown, and the marked one */
	bool has_chosen;      /* somebody has: it stays chosen where it moves */
	enum top_view view;
	enum top_said said_by;
	char said[CLIENT_MESSAGE_SIZE];
	struct client_error error; /* of the last look that failed */
	int64_t delay_ms;
};

/* ---- the daemon ---- */

/* What somebody's key came to is said until the next key. */
static void top_say(struct top *, enum top_said, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
top_say(struct top *top, enum top_said by, const char *format, ...)
{
	va_list arguments;

	top->said_by = by;
	va_start(arguments, format);
	vsnprintf(top->said, sizeof(top->said), format, arguments);
	va_end(arguments);
}

/* What was there stays where the daemon does not answer. */
static void
top_ask(struct top *top, const struct target *target, json_t **json)
{
	struct client_error error;
	json_t *answer;

	if (!client_ask(&top->ctl, "GET", target, &answer, &error)) {
		top_say(top, TOP_SAID_LOOKING, "%s", error.message);
		return;
	}
	json_decref(*json);
	*json = answer;
}

static void
top_look_at_account(struct top *top)
{
	struct target target;

	target_begin(
	    &target, "/v1/accounts/*", watched_name(top->watched, top->chosen));
	top_ask(top, &target, &top->account);
}

static void
top_look_at_targets(struct top *top)
{
	struct target target;

	target_begin(&target, "/v1/targets", NULL);
	target_parameter(&target, "limit", WATCHED_MOST);
	top_ask(top, &target, &top->targets);
}

/* The account that somebody has chosen stays so, wherever it is now. */
static void
top_choose_again(struct top *top, const char *name)
{
	size_t count = watched_count(top->watched);
	size_t row = top->has_chosen ? watched_find(top->watched, name) : 0;

	if (row < count)
		top->chosen = row;
	else if (top->chosen >= count)
		top->chosen = count - (count > 0);
}

/* Ask for everything that is shown; false with top->error, which is said. */
static bool
top_look(struct top *top)
{
	char name[WATCHED_PATTERN_SIZE];

	snprintf(
	    name, sizeof(name), "%s", watched_name(top->watched, top->chosen));
	if (!watched_look(top->watched, &top->ctl, &top->filter, &top->error)) {
		top_say(top, TOP_SAID_LOOKING, "%s", top->error.message);
		return false;
	}
	if (top->said_by == TOP_SAID_LOOKING)
		top->said[0] = '\0';
	top_choose_again(top, name);
	if (top->view == TOP_VIEW_ACCOUNT)
		top_look_at_account(top);
	if (top->view == TOP_VIEW_TARGETS)
		top_look_at_targets(top);
	return true;
}

/* ---- what is drawn ---- */

static void
top_print_form(const struct top *top, const char *form)
{
	struct phrase phrase;

	phrase_begin(&phrase);
	print_form(&top->ctl, form, watched_status(top->watched), &phrase);
	fputs(phrase.text, top->ctl.out);
}

/* The first thing that needs a person, and how many others do. */
static void
top_print_attention(const struct top *top)
{
	const json_t *all =
	    json_object_get(watched_status(top->watched), "attention");
	size_t count = json_array_size(all);
	const char *text = ctl_text(json_array_get(all, 0), "text");
	const char *before = top->ctl.colour ? "\033[31m" : "";
	const char *after = top->ctl.colour ? "\033[0m" : "";
	FILE *out = top->ctl.out;

	if (text != NULL)
		fprintf(out, "%s! %s%s", before, text, after);
	if (count > 1)
		fprintf(out, " (and %zu more: evpopctl status)", count - 1);
	fputc('\n', out);
}

static void
top_print_state(const struct top *top)
{
	struct watched_rates rates = watched_rates(top->watched);
	char size[EVPOP_UNIT_SIZE], clock[16];
	time_t now = time(NULL);
	struct tm local;
	FILE *out = top->ctl.out;

	if (localtime_r(&now, &local) == NULL ||
	    strftime(clock, sizeof(clock), "%H:%M:%S", &local) == 0)
		clock[0] = '\0';
	fprintf(out, "%s  ", clock);
	top_print_form(top, "evpopd {version}|up {uptime_seconds:span}|"
			    "store {store.status}|"
			    "{store.queued_bytes:size} to be written");
	fprintf(out, "\n");
	top_print_form(top, "{accounts.total} account{s}|{accounts.polling} "
			    "polling|?{accounts.queued} waiting for a session|"
			    "?{accounts.failing} failing|"
			    "?{accounts.refused} need{-s} attention|"
			    "?{deliveries.waiting} to be delivered");
	fprintf(out, "\n");
	top_print_form(top, "{polls.total} poll{s}|{polls.messages} message{s} "
			    "stored|{polls.bytes:size}");
	fprintf(out, "; now %.1f polls/s, %.1f messages/s, %s/s\n", rates.polls,
	    rates.messages, evpop_unit_size((uint64_t)rates.bytes, size));
	top_print_attention(top);
}

/* Rows of accounts that there is room for. */
static size_t
top_room(const struct top *top)
{
	size_t rows = screen_rows(top->screen);

	return rows > LINES_AROUND ? rows - LINES_AROUND : 1;
}

static void
top_print_accounts(struct top *top)
{
	size_t columns, room = top_room(top);
	const struct print_field *fields = accounts_live_columns(&columns);
	size_t count = watched_count(top->watched);
	struct table *table = table_new(fields, columns);

	if (table == NULL)
		return;
	if (top->chosen < top->first)
		top->first = top->chosen;
	if (top->chosen >= top->first + room)
		top->first = top->chosen - room + 1;
	if (top->first + room > count)
		top->first = count > room ? count - room : 0;
	for (size_t row = top->first; row < count && row < top->first + room;
	     row++)
		table_add(table, &top->ctl, watched_account(top->watched, row));
	if (!table_print(table, top->ctl.out, screen_columns(top->screen),
		top->ctl.colour))
		top_say(top, TOP_SAID_LOOKING, "out of memory");
	table_free(&table);
}

/* As many as there is room for. */
static void
top_print_targets(struct top *top)
{
	const json_t *rows = ctl_member(top->targets, "targets");
	size_t columns, count = json_array_size(rows);
	const struct print_field *fields = targets_live_columns(&columns);
	struct table *table = table_new(fields, columns);

	if (table == NULL)
		return;
	for (size_t row = 0; row < count && row < top_room(top); row++)
		table_add(table, &top->ctl, json_array_get(rows, row));
	if (count == 0)
		fprintf(top->ctl.out, "no target is configured\n");
	else if (!table_print(table, top->ctl.out, screen_columns(top->screen),
		     top->ctl.colour))
		top_say(top, TOP_SAID_LOOKING, "out of memory");
	table_free(&table);
}

static void
top_print_keys(const struct top *top)
{
	static const char *const keys[][2] = {
		{ "Up, Down", "choose an account; also j, k, Page, Home, End" },
		{ "Enter", "show it in full" },
		{ "p", "poll it now" },
		{ "Space", "pause it, or resume it" },
		{ "f", "only those that fail, or all" },
		{ "/", "only those that a pattern names; nothing: all" },
		{ "s", "another order: state, name, messages, next" },
		{ "t", "the targets that mail is delivered to" },
		{ "?", "these keys" },
		{ "q", "leave" },
	};

	fprintf(top->ctl.out, "\n");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		print_detail(&top->ctl, keys[i][0], keys[i][1]);
}

/* The last line: what was said or asked, else what can be done. */
static void
top_print_foot(const struct top *top)
{
	FILE *out = top->ctl.out;

	if (top->view == TOP_VIEW_ASKING)
		fprintf(
		    out, "accounts (such as cust0*): %s_", top->filter.pattern);
	else if (top->said[0] != '\0')
		fprintf(out, "%s", top->said);
	else if (top->view != TOP_VIEW_ACCOUNTS)
		fprintf(out, "any key: back");
	else
		fprintf(out,
		    "? keys  q leave  p poll  Space pause  f %s  s by %s%s%s%s",
		    top->filter.only_failing ? "all" : "failing",
		    watched_order_name(top->watched),
		    top->filter.pattern[0] != '\0' ? "  / " : "",
		    top->filter.pattern,
		    watched_has_more(top->watched)
			? "  (the first " WATCHED_MOST ")"
			: "");
}

static void
top_pad_to_foot(const struct top *top, const char *text)
{
	size_t lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	for (; lines + 1 < screen_rows(top->screen); lines++)
		fputc('\n', top->ctl.out);
}

static void
top_draw(struct top *top)
{
	bool has_list =
	    top->view == TOP_VIEW_ACCOUNTS || top->view == TOP_VIEW_ASKING;
	size_t length = 0, marked = SCREEN_NO_LINE;
	char *text = NULL;

	top->ctl.out = open_memstream(&text, &length);
	if (top->ctl.out == NULL)
		return;
	top->ctl.width = screen_columns(top->screen);
	if (top->view == TOP_VIEW_KEYS) {
		top_print_keys(top);
	} else if (top->view == TOP_VIEW_ACCOUNT && top->account != NULL) {
		accounts_print_one(&top->ctl, top->account);
	} else if (watched_status(top->watched) != NULL) {
		top_print_state(top);
		fputc('\n', top->ctl.out);
		if (top->view == TOP_VIEW_TARGETS)
			top_print_targets(top);
		else
			top_print_accounts(top);
		if (has_list && watched_count(top->watched) > 0)
			marked = LINES_AROUND - 1 + top->chosen - top->first;
	}
	fflush(top->ctl.out);
	top_pad_to_foot(top, text);
	top_print_foot(top);
	fclose(top->ctl.out);
	top->ctl.out = stdout;
	screen_draw(top->screen, text, marked);
	free(text);
}

/* ---- keys ---- */

/* POST to the chosen account; what came of it is said. */
static void
top_act(struct top *top, const char *pattern, const char *done)
{
	const char *name = watched_name(top->watched, top->chosen);
	struct client_error error;
	struct target target;
	json_t *answer;

	if (name[0] == '\0')
		return;
	target_begin(&target, pattern, name);
	if (!client_ask(&top->ctl, "POST", &target, &answer, &error)) {
		top_say(top, TOP_SAID_KEY, "%s", error.message);
		return;
	}
	top_say(top, TOP_SAID_KEY, "%s: %s", name, done);
	json_decref(answer);
}

static void
top_pause_or_resume(struct top *top)
{
	const json_t *account = watched_account(top->watched, top->chosen);

	if (account != NULL && ctl_is(account, "state", "paused"))
		top_act(top, "/v1/accounts/*/resume", "resumed");
	else
		top_act(top, "/v1/accounts/*/pause", "paused");
}

static void
top_move(struct top *top, int key)
{
	size_t room = top_room(top), last = watched_count(top->watched);

	last -= last > 0;
	top->has_chosen = key != SCREEN_HOME;
	if (key == SCREEN_UP || key == 'k')
		top->chosen -= top->chosen > 0;
	else if (key == SCREEN_DOWN || key == 'j')
		top->chosen += top->chosen < last;
	else if (key == SCREEN_PAGE_UP)
		top->chosen -= top->chosen < room ? top->chosen : room;
	else if (key == SCREEN_PAGE_DOWN)
		top->chosen +=
		    last - top->chosen < room ? last - top->chosen : room;
	else if (key == SCREEN_HOME)
		top->chosen = 0;
	else if (key == SCREEN_END)
		top->chosen = last;
}

/* A key while a pattern is typed. */
static void
top_type(struct top *top, int key)
{
	size_t length = strlen(top->filter.pattern);

	if (key == SCREEN_ESCAPE)
		top->filter.pattern[0] = '\0';
	if (key == SCREEN_ESCAPE || key == SCREEN_ENTER) {
		top->view = TOP_VIEW_ACCOUNTS;
		(void)top_look(top);
	} else if (key == SCREEN_ERASE) {
		top->filter.pattern[length - (length > 0)] = '\0';
	} else if (key < 128 && isgraph(key) &&
		   length + 1 < WATCHED_PATTERN_SIZE) {
		top->filter.pattern[length] = (char)key;
		top->filter.pattern[length + 1] = '\0';
	}
}

static void
top_press(struct top *top, int key)
{
	switch (key) {
	case SCREEN_ENTER:
		top->has_chosen = true;
		top->view = TOP_VIEW_ACCOUNT;
		top_look_at_account(top);
		break;
	case 't':
		top->view = TOP_VIEW_TARGETS;
		top_look_at_targets(top);
		break;
	case '?':
	case 'h':
		top->view = TOP_VIEW_KEYS;
		break;
	case '/':
		top->filter.pattern[0] = '\0';
		top->view = TOP_VIEW_ASKING;
		break;
	case 'p':
		top_act(top, "/v1/accounts/*/poll", "is polled now");
		break;
	case ' ':
		top_pause_or_resume(top);
		break;
	case 'f':
		top->filter.only_failing = !top->filter.only_failing;
		(void)top_look(top);
		break;
	case 's':
		watched_order_next(top->watched);
		break;
	default:
		top_move(top, key);
	}
}

/* Draw, look again when it is time, and do what is typed. */
static void
top_loop(struct top *top)
{
	int64_t due_us = 0, now_us, wait_ms;
	int key = SCREEN_NONE;

	while (key != SCREEN_QUIT &&
	       (key != 'q' || top->view == TOP_VIEW_ASKING)) {
		now_us = evpop_clock_monotonic_us();
		if (now_us >= due_us) {
			(void)top_look(top);
			due_us = now_us + top->delay_ms * 1000;
		}
		top_draw(top);
		wait_ms = (due_us - evpop_clock_monotonic_us()) / 1000 + 1;
		key = screen_wait(top->screen, wait_ms > 0 ? wait_ms : 0);
		if (key == SCREEN_NONE || key == SCREEN_QUIT)
			continue;
		top->said[0] = '\0';
		if (top->view == TOP_VIEW_ASKING) {
			top_type(top, key);
		} else if (top->view != TOP_VIEW_ACCOUNTS) {
			top->view = TOP_VIEW_ACCOUNTS;
			key = SCREEN_NONE;
		} else {
			top_press(top, key);
		}
	}
}

/* ---- the command ---- */

static enum ctl_exit
top_read_delay(const struct ctl *ctl, const struct invocation *invocation,
    int64_t *delay_ms_r)
{
	const char *text = command_value(invocation, "delay");
	char *end;
	double seconds;

	*delay_ms_r = DELAY_MS;
	if (text == NULL)
		return CTL_OK;
	errno = 0;
	seconds = strtod(text, &end);
	if (errno == 0 && *text != '\0' && *end == '\0' && seconds >= 0.1 &&
	    seconds <= DELAY_MAX_S) {
		*delay_ms_r = (int64_t)(seconds * 1000);
		return CTL_OK;
	}
	ctl_warn(
	    ctl, "bad --delay \"%s\": expected seconds from 0.1 to 3600", text);
	return CTL_USAGE;
}

/* The terminal is taken once the daemon has answered. */
static enum ctl_exit
top_show(struct top *top)
{
	if (!top_look(top))
		return client_report(&top->ctl, &top->error);
	top->screen = screen_open();
	if (top->screen == NULL) {
		ctl_warn(&top->ctl, "the terminal cannot be used: %s",
		    strerror(errno));
		return CTL_UNAVAILABLE;
	}
	top_loop(top);
	screen_close(&top->screen);
	return CTL_OK;
}

enum ctl_exit
top_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct top top = { .ctl = *ctl };
	enum ctl_exit code = top_read_delay(ctl, invocation, &top.delay_ms);

	if (code != CTL_OK)
		return code;
	if (!ctl->is_terminal || ctl->json) {
		ctl_warn(ctl, "top needs a terminal; \"evpopctl status\" and "
			      "\"evpopctl accounts\" print the same once");
		return CTL_USAGE;
	}
	if (invocation->count > 0)
		snprintf(top.filter.pattern, sizeof(top.filter.pattern), "%s",
		    invocation->arguments[0]);
	top.watched = watched_new();
	if (top.watched == NULL)
		return ctl_no_memory(ctl);
	code = top_show(&top);
	watched_free(&top.watched);
	json_decref(top.account);
	json_decref(top.targets);
	return code;
}
