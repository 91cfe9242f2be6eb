/*
 * Carriers without the rest of the daemon: brings messages to a target of a
 * configuration, and says what became of each.
 *
 * usage: carry [-p] CONFIG TARGET
 *
 * On standard input is a message a line, as an object of JSON: `file` (its
 * octets), `recipient`, `sender`, `folder`, `path`, `may_be_there`, `note`,
 * and `fails`, octets after which it cannot be read.  On standard output is a
 * result a line: `message` (the line's number, from 1; 0: the probe's),
 * `outcome`, `may_be_there`, `retry_after`, `answer`, `place`, `note`.  With
 * -p the target is probed first.
 */
#include <assert.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <jansson.h>

#include <evpop/client.h>

#include "daemon/config/config.h"
#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/carriers.h"
#include "daemon/deliver/parcel.h"
#include "daemon/deliver/way.h"
#include "daemon/secret/secret.h"

#define PIECE ((size_t)256 * 1024)

struct letter {
	struct parcel parcel;
	struct letter *next;
	json_t *line;
	char *octets;
	size_t at, fails;
	char note[256];
};

static struct {
	const struct carrier_type *type;
	struct carrier *carrier; /* NULL: none */
	struct carrier_setup setup;
	struct way_trust trust;
	struct event *more;
	struct letter *letters;
	unsigned under_way;
	bool is_over, wants_probe;
} run;

/* ---- parcels ---- */

void
parcel_next(struct parcel *parcel, parcel_cb callback, void *arg)
{
	struct letter *letter = (struct letter *)parcel;
	size_t length = (size_t)parcel->octets - letter->at, at = letter->at;

	if (letter->fails != 0 && at >= letter->fails) {
		callback(PARCEL_FAILED, NULL, 0, arg);
		return;
	}
	if (length > PIECE)
		length = PIECE;
	if (letter->fails != 0 && length > letter->fails - at)
		length = letter->fails - at;
	letter->at += length;
	callback(length == 0 ? PARCEL_END : PARCEL_PIECE,
	    (const unsigned char *)letter->octets + at, length, arg);
}

void
parcel_rewind(struct parcel *parcel)
{
	((struct letter *)parcel)->at = 0;
}

void
parcel_stop(struct parcel *parcel)
{
	(void)parcel;
}

void
parcel_note(
    struct parcel *parcel, const char *text, parcel_noted_cb done, void *arg)
{
	struct letter *letter = (struct letter *)parcel;

	snprintf(letter->note, sizeof letter->note, "%s", text);
	done(true, arg);
}

static char *
letter_read(const char *path, const char *line_in_front, size_t *length_r)
{
	FILE *file = fopen(path, "rb");
	char *octets;
	size_t front = strlen(line_in_front), length;

	if (file == NULL || fseek(file, 0, SEEK_END) == -1)
		err(1, "%s", path);
	length = (size_t)ftell(file);
	rewind(file);
	octets = malloc(front + length + 1);
	assert(octets != NULL);
	memcpy(octets, line_in_front, front);
	if (fread(octets + front, 1, length, file) != length)
		err(1, "%s", path);
	fclose(file);
	*length_r = front + length;
	return octets;
}

static const char *
letter_text(const struct letter *letter, const char *name)
{
	const char *text =
	    json_string_value(json_object_get(letter->line, name));

	return text == NULL ? "" : text;
}

static struct letter *
letter_new(const char *line, int64_t number)
{
	struct letter *letter = calloc(1, sizeof *letter);
	struct parcel *parcel = &letter->parcel;
	char front[128];
	size_t length;

	assert(letter != NULL);
	letter->line = json_loads(line, 0, NULL);
	if (letter->line == NULL)
		errx(1, "line %lld is no JSON", (long long)number);
	parcel->id = parcel->message_id = number;
	snprintf(parcel->key, sizeof parcel->key, "%032llx.%lld",
	    (unsigned long long)number, (long long)number);
	snprintf(front, sizeof front, "X-Evpop-Id: %s\r\n", parcel->key);
	letter->octets =
	    letter_read(letter_text(letter, "file"), front, &length);
	parcel->octets = length;
	parcel->account = "account";
	parcel->recipient = letter_text(letter, "recipient");
	parcel->sender = letter_text(letter, "sender");
	parcel->folder = letter_text(letter, "folder");
	parcel->path = letter_text(letter, "path");
	parcel->note = letter_text(letter, "note");
	parcel->may_be_there =
	    json_is_true(json_object_get(letter->line, "may_be_there"));
	parcel->received_ms = parcel->stored_ms = 1767225600000;
	letter->fails =
	    (size_t)json_integer_value(json_object_get(letter->line, "fails"));
	return letter;
}

static void
letter_free(struct letter *letter)
{
	json_decref(letter->line);
	free(letter->octets);
	free(letter);
}

static void
run_read_letters(void)
{
	struct letter **end = &run.letters;
	char *line = NULL;
	size_t room = 0;
	int64_t number = 0;

	while (getline(&line, &room, stdin) != -1) {
		*end = letter_new(line, ++number);
		end = &(*end)->next;
	}
	free(line);
}

/* ---- the carrier ---- */

static const char *const outcomes[] = {
	[CARRIED_DELIVERED] = "delivered",
	[CARRIED_LATER] = "later",
	[CARRIED_REFUSED] = "refused",
	[CARRIED_UNREAD] = "unread",
	[CARRIED_DOWN] = "down",
	[CARRIED_WRONG] = "wrong",
};

static void
run_report(const struct letter *letter, const struct carried_result *result)
{
	json_t *line = json_pack("{s:I, s:s, s:b, s:I, s:s*, s:s*, s:s*}",
	    "message", (json_int_t)(letter == NULL ? 0 : letter->parcel.id),
	    "outcome", outcomes[result->outcome], "may_be_there",
	    result->may_be_there, "retry_after",
	    (json_int_t)result->retry_after_ms, "answer", result->answer,
	    "place", result->place, "note",
	    letter == NULL || letter->note[0] == '\0' ? NULL : letter->note);

	assert(line != NULL);
	json_dumpf(line, stdout, 0);
	puts("");
	fflush(stdout);
	json_decref(line);
}

static void
run_carried(
    struct parcel *parcel, const struct carried_result *result, void *arg)
{
	struct letter *letter = (struct letter *)parcel;

	(void)arg;
	run_report(letter, result);
	if (letter != NULL) {
		letter_free(letter);
		run.under_way--;
	} else
		run.wants_probe = false;
	/* As the engine does with what is down. */
	if (result->outcome == CARRIED_DOWN || result->outcome == CARRIED_WRONG)
		run.is_over = true;
	event_active(run.more, EV_TIMEOUT, 0);
}

static void
run_closed(void *arg)
{
	(void)arg;
	assert(run.under_way == 0);
	run.type->end(run.carrier);
	run.carrier = NULL;
	event_active(run.more, EV_TIMEOUT, 0);
}

static void
run_more(evutil_socket_t fd, short what, void *arg)
{
	struct letter *letter;

	(void)fd;
	(void)what;
	(void)arg;
	if (run.under_way == 0 && !run.wants_probe &&
	    (run.is_over || run.letters == NULL)) {
		event_base_loopbreak(run.setup.base);
		return;
	}
	if (run.carrier == NULL) {
		run.carrier = run.type->begin(&run.setup);
		assert(run.carrier != NULL);
		if (run.wants_probe)
			run.type->probe(run.carrier);
	}
	if (run.is_over || run.wants_probe)
		return;
	while (run.letters != NULL && run.under_way < run.type->depth) {
		letter = run.letters;
		run.letters = letter->next;
		run.under_way++;
		run.type->carry(run.carrier, &letter->parcel);
	}
	if (run.letters == NULL && run.type->flush != NULL)
		run.type->flush(run.carrier);
}

static struct config *
run_read_config(const char *path)
{
	struct config_messages messages;
	struct config *config = config_read(path, &messages);
	size_t i;

	for (i = 0; config == NULL && i < messages.count; i++)
		warnx("%s", messages.lines[i]);
	config_messages_free(&messages);
	if (config == NULL)
		exit(1);
	return config;
}

int
main(int argc, char **argv)
{
	struct config *config;
	struct letter *letter;

	if (argc > 1 && strcmp(argv[1], "-p") == 0) {
		run.wants_probe = true;
		argv++;
		argc--;
	}
	if (argc != 3 || !secret_init())
		errx(64, "usage: carry [-p] CONFIG TARGET");
	config = run_read_config(argv[1]);
	run.setup = (struct carrier_setup){
		.target = config_target_find(config, argv[2]),
		.base = event_base_new(),
		.trust = &run.trust,
		.carried = run_carried,
		.closed = run_closed,
	};
	if (run.setup.target == NULL)
		errx(1, "there is no target %s", argv[2]);
	way_trust_set(&run.trust, run.setup.target);
	run.type = carriers[run.setup.target->type];
	run.setup.names = evpop_names_new(run.setup.base, NULL, NULL);
	run.more = event_new(run.setup.base, -1, 0, run_more, NULL);
	assert(run.type != NULL && run.setup.names != NULL && run.more != NULL);
	run_read_letters();
	event_active(run.more, EV_TIMEOUT, 0);
	event_base_dispatch(run.setup.base);
	if (run.carrier != NULL)
		run.type->end(run.carrier);
	while ((letter = run.letters) != NULL) {
		run.letters = letter->next;
		letter_free(letter);
	}
	way_trust_set(&run.trust, NULL);
	event_free(run.more);
	evpop_names_free(run.setup.names);
	event_base_free(run.setup.base);
	config_free(&config);
	return 0;
}
