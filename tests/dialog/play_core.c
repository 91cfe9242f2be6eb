/* A dialog played by the core alone: no socket, no clock, no event loop. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <evpop/proto.h>

#include "tests/dialog/play.h"
#include "tests/dialog/record.h"
#include "tests/dialog/script.h"

/* An exchange that takes more turns than this does not end by itself. */
#define TURNS_MAX 10000000

struct core_play {
	const struct dialog *dialog;
	const struct cuts *cuts;
	struct script script;
	struct record record;
	struct evpop_proto *proto;
	size_t delivered;    /* octets of the server's, in all */
	struct octets heard; /* of the client's line, so far */
	bool closed, eof;
	size_t response; /* where to look for the next answer to a challenge */
	struct octets *shown;
};

/* ---- commands, which are the client's lines in the script ---- */

static bool
command_of(const struct octets *line, enum evpop_command *command_r)
{
	const char *text = octets_text(line), *name;
	size_t length = strcspn(text, " ");
	int i;

	for (i = EVPOP_COMMAND_NONE + 1; i < EVPOP_COMMAND_COUNT; i++) {
		name = evpop_command_name((enum evpop_command)i);
		if (strlen(name) == length && memcmp(name, text, length) == 0) {
			*command_r = (enum evpop_command)i;
			return true;
		}
	}
	return false;
}

/* The next line of the client from `at` on, or NULL. */
static const struct dialog_item *
next_line(const struct dialog *dialog, size_t *at)
{
	while (*at < dialog->item_count)
		if (dialog->items[(*at)++].type == DIALOG_HEAR)
			return &dialog->items[*at - 1];
	return NULL;
}

/* Whether the line behind `at` is no answer to a challenge. */
static bool
command_follows(const struct dialog *dialog, size_t at)
{
	const struct dialog_item *item = next_line(dialog, &at);
	enum evpop_command command;

	return item == NULL || command_of(&item->octets, &command);
}

static void
fill_request(struct evpop_request *request, char *argument)
{
	char *end;

	switch (request->command) {
	case EVPOP_COMMAND_USER:
	case EVPOP_COMMAND_PASS:
	case EVPOP_COMMAND_APOP:
	case EVPOP_COMMAND_LANG:
		request->text = argument;
		break;
	case EVPOP_COMMAND_AUTH:
		request->text = argument;
		end = strchr(argument, ' ');
		if (end != NULL) {
			*end = '\0';
			request->initial = end + 1;
		}
		break;
	default:
		request->number = (uint32_t)strtoul(argument, &end, 10);
		request->lines = (uint32_t)strtoul(end, NULL, 10);
		break;
	}
}

static void
submit_all(struct core_play *play)
{
	const struct dialog_item *item;
	struct evpop_request request;
	char *line, *argument;
	size_t at = 0;

	while ((item = next_line(play->dialog, &at)) != NULL) {
		memset(&request, 0, sizeof request);
		if (!command_of(&item->octets, &request.command))
			continue;
		line = strdup(octets_text(&item->octets));
		if (line == NULL)
			abort();
		argument = strchr(line, ' ');
		if (argument != NULL)
			fill_request(&request, argument + 1);
		request.arg = (void *)(uintptr_t)request.number;
		request.final = request.initial != NULL &&
				command_follows(play->dialog, at);
		if (evpop_proto_submit(play->proto, &request) !=
		    EVPOP_ERROR_NONE)
			record_add(&play->record, "%s usage",
			    octets_text(&item->octets));
		free(line);
	}
}

/* Answer by the next line of the script that is no command. */
static void
respond(struct core_play *play)
{
	const struct dialog_item *item;
	enum evpop_command command;

	do
		item = next_line(play->dialog, &play->response);
	while (item != NULL && command_of(&item->octets, &command));
	if (evpop_proto_respond(play->proto,
		item == NULL ? "*" : octets_text(&item->octets),
		command_follows(play->dialog, play->response)) !=
	    EVPOP_ERROR_NONE)
		record_add(&play->record, "response usage");
}

/* ---- events ---- */

/* Of the message that the command is for, or 0. */
static unsigned
number_of(const struct evpop_event *event)
{
	return (unsigned)(uintptr_t)event->arg;
}

static void
record_failure(struct core_play *play, const struct evpop_event *event)
{
	char name[16];
	size_t i;

	if (event->command == EVPOP_COMMAND_LIST ||
	    event->command == EVPOP_COMMAND_UIDL)
		record_no_entries(&play->record);
	switch (event->command) {
	case EVPOP_COMMAND_USER:
	case EVPOP_COMMAND_PASS:
	case EVPOP_COMMAND_APOP:
	case EVPOP_COMMAND_AUTH:
	case EVPOP_COMMAND_STLS:
		return;
	default:
		break;
	}
	snprintf(name, sizeof name, "%s", evpop_command_name(event->command));
	for (i = 0; name[i] != '\0'; i++)
		name[i] = (char)(name[i] - 'A' + 'a');
	record_result(&play->record, name, number_of(event), event->result);
}

static void
record_done(struct core_play *play, const struct evpop_event *event)
{
	struct record *record = &play->record;

	if (event->result->error != EVPOP_ERROR_NONE)
		record_failure(play, event);
	else
		switch (event->command) {
		case EVPOP_COMMAND_STAT:
			record_add(record, "stat %u %llu",
			    (unsigned)event->number,
			    (unsigned long long)event->octets);
			break;
		case EVPOP_COMMAND_LIST:
		case EVPOP_COMMAND_UIDL:
			if (event->number != 0)
				record_entry(record, event->number,
				    event->octets, event->data, event->length);
			record_entries(record, event->ignored);
			break;
		case EVPOP_COMMAND_RETR:
		case EVPOP_COMMAND_TOP:
			record_body_end(record, number_of(event));
			break;
		default:
			break;
		}
	if (event->quit != EVPOP_QUIT_NONE)
		record_add(record, "quit %s", evpop_quit_name(event->quit));
	if (event->command == EVPOP_COMMAND_CAPA &&
	    evpop_proto_capabilities(play->proto)->pipelining)
		evpop_proto_set_window(play->proto, 128, 4096);
}

static void
take_event(struct core_play *play, const struct evpop_event *event)
{
	assert(!play->closed);
	switch (event->type) {
	case EVPOP_EVENT_BEGIN:
		record_body_begin(&play->record);
		break;
	case EVPOP_EVENT_ENTRY:
		record_entry(&play->record, event->number, event->octets,
		    event->data, event->length);
		break;
	case EVPOP_EVENT_BODY:
		record_body(&play->record, event->data, event->length);
		break;
	case EVPOP_EVENT_CHALLENGE:
		respond(play);
		break;
	case EVPOP_EVENT_DONE:
		record_done(play, event);
		break;
	case EVPOP_EVENT_CLOSED:
		play->closed = true;
		record_result(&play->record, "closed", 0, event->result);
		break;
	default:
		break;
	}
}

static void
pump(struct core_play *play, const unsigned char *data, size_t length)
{
	struct evpop_event event;
	size_t at = 0, used;

	for (;;) {
		evpop_proto_next(play->proto, data == NULL ? NULL : data + at,
		    length - at, &used, &event);
		at += used;
		assert(at <= length);
		if (event.type == EVPOP_EVENT_NONE)
			break;
		take_event(play, &event);
	}
	assert(at == length);
}

/* ---- the server's side ---- */

static void
show(struct core_play *play, const char *who, const void *bytes, size_t length)
{
	if (play->shown == NULL)
		return;
	octets_add_text(play->shown, who);
	octets_escape(play->shown, bytes, length);
	octets_add_text(play->shown, "\n");
}

/* Take what the client wants to say; false where the script says otherwise. */
static bool
hear(struct core_play *play, bool *progress)
{
	const unsigned char *bytes;
	size_t length, i;

	bytes = evpop_proto_output(play->proto, &length);
	if (length == 0)
		return true;
	*progress = true;
	for (i = 0; i < length; i++) {
		octets_add(&play->heard, &bytes[i], 1);
		if (bytes[i] != '\n')
			continue;
		show(play, "C: ", play->heard.bytes, play->heard.length);
		assert(play->heard.length >= 2);
		if (!script_hear(&play->script, play->heard.bytes,
			play->heard.length - 2, true))
			return false;
		play->heard.length = 0;
		/* What answers it comes before the next line is looked at. */
		i++;
		break;
	}
	evpop_proto_sent(play->proto, i < length ? i : length);
	return true;
}

/*
 * Deliver from memory of exactly the piece's size, so that a sanitizer sees
 * the first octet read behind it.
 */
static void
say(struct core_play *play, const struct octets *octets)
{
	unsigned char *piece;
	size_t at = 0, length;

	while (at < octets->length) {
		length = cuts_piece(
		    play->cuts, play->delivered, octets->length - at);
		piece = malloc(length);
		if (piece == NULL)
			abort();
		memcpy(piece, octets->bytes + at, length);
		show(play, "S: ", piece, length);
		at += length;
		play->delivered += length;
		pump(play, piece, length);
		free(piece);
	}
}

static bool
act(struct core_play *play, const struct dialog_item *item)
{
	switch (item->type) {
	case DIALOG_SAY:
		say(play, &item->octets);
		return true;
	case DIALOG_EOF:
		evpop_proto_eof(play->proto);
		pump(play, NULL, 0);
		return true;
	case DIALOG_TLS:
		if (evpop_proto_state(play->proto) == EVPOP_STATE_HANDSHAKE)
			evpop_proto_secured(play->proto);
		return true;
	default:
		abort();
	}
}

static bool
turn(struct core_play *play, bool *progress)
{
	const struct dialog_item *item;

	*progress = false;
	if (script_next(&play->script, &item) == SCRIPT_ACT) {
		*progress = true;
		return act(play, item);
	}
	pump(play, NULL, 0);
	return hear(play, progress);
}

static void
trace(bool from_server, const char *line, void *arg)
{
	struct core_play *play = arg;

	record_trace(&play->record, from_server, line);
}

static void
limits_of(const struct dialog *dialog, struct evpop_proto_limits *limits)
{
	const struct dialog_settings *settings = &dialog->settings;

	memset(limits, 0, sizeof *limits);
	limits->line = settings->limit_line;
	limits->listing_line = settings->limit_listing_line;
	limits->listing_lines = (uint32_t)settings->limit_listing_lines;
	limits->capabilities = (uint32_t)settings->limit_capabilities;
	limits->body = settings->limit_body;
	limits->top = settings->limit_body;
}

bool
play_core(const struct dialog *dialog, const struct cuts *cuts,
    struct octets *why, struct octets *shown)
{
	struct core_play play = {
		.dialog = dialog, .cuts = cuts, .shown = shown
	};
	struct evpop_proto_limits limits;
	bool progress = true, well = true;
	size_t turns;

	limits_of(dialog, &limits);
	play.proto = evpop_proto_new(&limits);
	if (play.proto == NULL)
		abort();
	evpop_proto_set_trace(play.proto, trace, &play);
	script_begin(&play.script, dialog);
	submit_all(&play);
	for (turns = 0; well && progress && turns < TURNS_MAX; turns++)
		well = turn(&play, &progress);
	pump(&play, NULL, 0);
	well = well && script_left(&play.script);
	if (!well) {
		octets_add_text(why, "    ");
		octets_add_text(why, play.script.error);
		octets_add_text(why, "\n");
	}
	well = record_check(&play.record, dialog, RECORD_CORE, why) && well;
	evpop_proto_free(play.proto);
	record_clear(&play.record);
	octets_clear(&play.heard);
	return well;
}
