#include "tests/unit/poll_house.h"

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* cmocka wants the four above before it. */
#include <cmocka.h>

#include "daemon/config/config.h"
#include "daemon/log/log.h"

#define ACCOUNT "home"

int
poll_house_set_up(void **state)
{
	struct poll_house *house = calloc(1, sizeof(*house));
	void *fixture = NULL;
	char path[160];
	FILE *file;

	assert_non_null(house);
	*state = house;
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(fixture_setup(&fixture), 0);
	house->fixture = fixture;
	net_server_start(&house->server, house->fixture->base, NULL, NULL, 0);
	(void)snprintf(
	    path, sizeof(path), "%s/password", house->fixture->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	assert_true(fputs("secret\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	return 0;
}

int
poll_house_tear_down(void **state)
{
	struct poll_house *house = *state;
	void *fixture = house->fixture;

	notify_leave(&house->subscription);
	net_server_stop(&house->server);
	(void)fixture_teardown(&fixture);
	free(house);
	return 0;
}

struct config *
poll_house_read(struct poll_house *house, const char *text)
{
	struct config_messages messages;
	struct config *config;
	char path[160];
	FILE *file;

	(void)snprintf(
	    path, sizeof(path), "%s/main.conf", house->fixture->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	for (; *text != '\0'; text++) {
		if (*text != '@')
			assert_true(fputc(*text, file) != EOF);
		else
			assert_true(
			    fprintf(file,
				"host = 127.0.0.1\nport = %u\n"
				"tls = %s\npassword_file = "
				"%s/password\nuser = ",
				(unsigned int)house->server.port,
				house->tls == NULL ? "none" : house->tls,
				house->fixture->folder) > 0);
	}
	assert_int_equal(fclose(file), 0);
	config = config_read(path, &messages);
	for (size_t i = 0; i < messages.count; i++)
		print_message("%s\n", messages.lines[i]);
	assert_int_equal(messages.count, 0);
	config_messages_free(&messages);
	return config;
}

static void
house_over(struct store *store, void *arg)
{
	(void)store;
	((struct poll_house *)arg)->over = true;
}

/* ---- Text ---- */

static void __attribute__((format(printf, 3, 4)))
text_add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

/* The folder's name, which is another each time, becomes "D". */
static void
text_shorten(char *text, const char *folder)
{
	size_t length = strlen(folder);
	char *at;

	while ((at = strstr(text, folder)) != NULL) {
		*at = 'D';
		memmove(at + 1, at + length, strlen(at + length) + 1);
	}
}

/* ---- What is published ---- */

static void
house_hear(const struct notify_event *event, void *arg)
{
	struct poll_house *house = arg;

	text_add(house->told, sizeof(house->told), "%s%s",
	    event->account == NULL ? "" : event->account,
	    event->account == NULL ? "" : ": ");
	if (event->kind == NOTIFY_ACCOUNT_STATE)
		text_add(house->told, sizeof(house->told), "%s > %s",
		    event->state.from, event->state.to);
	else if (event->kind == NOTIFY_POLL_OVER)
		text_add(house->told, sizeof(house->told), "%s %s%s",
		    notify_kind_name(event->kind), event->poll.outcome,
		    event->poll.is_dry_run ? ", a dry run" : "");
	else if (event->kind == NOTIFY_MESSAGE_STORED)
		text_add(house->told, sizeof(house->told), "%s %llu",
		    notify_kind_name(event->kind),
		    (unsigned long long)event->message.octets);
	else
		text_add(house->told, sizeof(house->told), "%s",
		    notify_kind_name(event->kind));
	text_add(house->told, sizeof(house->told), "\n");
}

/* ---- What is logged ---- */

static void
log_path(const struct poll_house *house, char path_r[160])
{
	(void)snprintf(path_r, 160, "%s/log", house->fixture->folder);
}

/* Standard error goes to a file; returns what it was. */
static int
log_divert(const struct poll_house *house)
{
	char path[160];
	int kept = dup(STDERR_FILENO), file;

	log_path(house, path);
	file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_true(kept >= 0 && file >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	(void)close(file);
	log_set_level(LOG_LEVEL_INFO);
	return kept;
}

/* Keep the lines, without when, how long it took, and when it goes on. */
static void
log_restore(struct poll_house *house, int kept)
{
	char path[160], line[1024], *at, *end;
	FILE *file;

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	(void)close(kept);
	log_path(house, path);
	file = fopen(path, "r");
	assert_non_null(file);
	house->logged[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		at = strstr(line, "Z ");
		at = at == NULL ? line : at + 2;
		end = strstr(at, ", in ");
		if (end == NULL)
			end = strstr(at, "; next try in ");
		if (end == NULL && strstr(at, " works again after ") != NULL)
			end = strstr(at, " after ");
		if (end != NULL)
			(void)strcpy(end, "\n");
		text_add(house->logged, sizeof(house->logged), "%s", at);
	}
	(void)fclose(file);
	text_shorten(house->logged, house->fixture->folder);
}

/* ---- What came of it ---- */

/* All figures but zeros, and but for the octets of the session. */
static void
house_note_status(struct poll_house *house, const char *name)
{
	struct poller_account_status status;
	const char *between = ": ";

	assert_true(poller_account_status(house->poller, name, &status));
	(void)snprintf(house->said, sizeof(house->said), "%s %s",
	    poller_shown_state(status.state, status.health),
	    status.last_outcome == NULL ? "none" : status.last_outcome);
	for (enum tally_figure i = 0; i < TALLY_COUNT; i++) {
		uint64_t figure = tally_get(&status.tally, i);

		if (figure == 0 || i == TALLY_OCTETS_IN ||
		    i == TALLY_OCTETS_OUT)
			continue;
		text_add(house->said, sizeof(house->said), "%s%s %llu", between,
		    tally_names[i].json, (unsigned long long)figure);
		between = ", ";
	}
	(void)snprintf(house->text, sizeof(house->text), "%s",
	    status.last_text == NULL ? "" : status.last_text);
	if (!poller_account_advice(house->poller, name, house->advice))
		house->advice[0] = '\0';
	text_shorten(house->advice, house->fixture->folder);
}

static void
house_note_plan(struct poll_house *house)
{
	const struct poller_plan *plan = poller_plan(house->poller, ACCOUNT);

	house->plan[0] = '\0';
	if (plan == NULL)
		return;
	text_add(
	    house->plan, sizeof(house->plan), "%zu messages", plan->messages);
	for (size_t i = 0; i < plan->entry_count; i++)
		text_add(house->plan, sizeof(house->plan), "%s%u %s",
		    i == 0 ? ": " : ", ", (unsigned int)plan->entries[i].number,
		    plan->entries[i].action);
}

static void
house_note_uids(enum store_status status, const struct store_uid *uids,
    size_t count, bool more, void *arg)
{
	static const char *const names[] = { "stored", "owed", "seen",
		"deleted", "gone", "quarantined" };
	struct poll_house *house = arg;

	assert_int_equal(status, STORE_OK);
	assert_false(more);
	(void)snprintf(house->known, sizeof(house->known), "%d messages",
	    (int)fixture_integer(
		house->fixture, "SELECT count(*) FROM v_message"));
	for (size_t i = 0; i < count; i++) {
		text_add(house->known, sizeof(house->known), "%s",
		    i == 0 ? ": " : ", ");
		/* By its octets: a digest stands for it. */
		if (uids[i].unique_id[0] == ' ')
			text_add(house->known, sizeof(house->known), "body");
		else
			text_add(house->known, sizeof(house->known), "%.*s",
			    (int)uids[i].unique_id_length,
			    (const char *)uids[i].unique_id);
		if (uids[i].occurrence > 0)
			text_add(house->known, sizeof(house->known), "+%u",
			    (unsigned int)uids[i].occurrence);
		text_add(house->known, sizeof(house->known), " %s",
		    names[uids[i].state]);
	}
	house->over = true;
}

static void
house_open(struct poll_house *house, const char *text, bool once)
{
	struct fixture *fixture = house->fixture;
	const struct poller_options options = { .base = fixture->base,
		.store = fixture->store,
		.notify = fixture->config.notify,
		.once = once };

	house->server.log[0] = '\0';
	house->asked = house->server.log;
	house->config = poll_house_read(house, text);
	house->over = false;
	house->told[0] = '\0';
	notify_leave(&house->subscription);
	notify_subscribe(fixture->config.notify, &house->subscription,
	    (1u << NOTIFY_KIND_COUNT) - 1, house_hear, house);
	fixture_on(fixture, NOTIFY_POLLS_ENDED, house_over, house);
	house->poller = poller_new(&options, house->config);
	assert_non_null(house->poller);
}

void
poll_house_open(struct poll_house *house, const char *text)
{
	house_open(house, text, false);
}

void
poll_house_close(struct poll_house *house)
{
	house->over = false;
	poller_stop(house->poller, 60000);
	fixture_wait(house->fixture, &house->over);
	poller_free(&house->poller);
	config_free(&house->config);
}

void
poll_house_wait_polled(struct poll_house *house, const char *name)
{
	struct poller_account_status status;

	do {
		fixture_turn(house->fixture, 1);
		assert_true(
		    poller_account_status(house->poller, name, &status));
	} while (status.last_finished_ms == 0 ||
		 status.state == POLLER_POLLING ||
		 status.state == POLLER_QUEUED);
	house_note_status(house, name);
}

void
poll_house_poll(
    struct poll_house *house, const char *keys, enum poller_wish wish)
{
	struct fixture *fixture = house->fixture;
	char text[1024];
	int kept = log_divert(house);

	(void)snprintf(
	    text, sizeof(text), "[account " ACCOUNT "]\n@anna\n%s", keys);
	if (wish == POLLER_WISH_POLL) {
		house_open(house, text, true);
		fixture_wait(fixture, &house->over);
		house_note_status(house, ACCOUNT);
		house_note_plan(house);
		poller_free(&house->poller);
		config_free(&house->config);
	} else {
		poll_house_open(house, text);
		(void)poller_poll_now(house->poller, ACCOUNT, wish);
		poll_house_wait_polled(house, ACCOUNT);
		house_note_plan(house);
		poll_house_close(house);
	}
	log_restore(house, kept);
	house->over = false;
	store_uids(
	    fixture->store, fixture->account, NULL, house_note_uids, house);
	fixture_wait(fixture, &house->over);
}
