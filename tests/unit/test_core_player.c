#include "tests/unit/test_core_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An exchange that makes more events than this does not end by itself. */
#define EVENTS_MAX 100000

/* Exchanges longer than this are cut in two only, and not in three. */
#define SHORT_EXCHANGE 90

static void append(char *record, const char *format, ...) EVPOP_PRINTF(2, 3);

static void
append(char *record, const char *format, ...)
{
	size_t at = strlen(record);
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(record + at, PLAY_RECORD_SIZE - at, format, ap);
	va_end(ap);
	assert_true(length >= 0 && (size_t)length < PLAY_RECORD_SIZE - at);
}

static void
append_octets(char *record, const unsigned char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (bytes[i] < 0x20)
			append(record, "^%c", bytes[i] + '@');
		else if (bytes[i] >= 0x7f)
			append(record, "<%02X>", bytes[i]);
		else
			append(record, "%c", bytes[i]);
}

struct evpop_request
play_parse_command(const char *command, char storage[PLAY_LINE_SIZE])
{
	struct evpop_request request = { .command = EVPOP_COMMAND_NONE };
	size_t verb = strcspn(command, " ");
	const char *name;
	char *argument, *end;
	int i;

	for (i = 1; i < EVPOP_COMMAND_COUNT; i++) {
		name = evpop_command_name((enum evpop_command)i);
		if (strlen(name) == verb && memcmp(name, command, verb) == 0)
			request.command = (enum evpop_command)i;
	}
	assert_int_not_equal(request.command, EVPOP_COMMAND_NONE);
	if (command[verb] == '\0')
		return request;
	assert_true(strlen(command + verb + 1) < PLAY_LINE_SIZE);
	argument = strcpy(storage, command + verb + 1);
	if (request.command == EVPOP_COMMAND_USER ||
	    request.command == EVPOP_COMMAND_PASS) {
		request.text = argument;
		return request;
	}
	request.number = (uint32_t)strtoul(argument, &end, 10);
	if (*end == ' ')
		request.lines = (uint32_t)strtoul(end, NULL, 10);
	if (*end == '/')
		request.octets = strtoull(end + 1, NULL, 10);
	return request;
}

static void
submit_all(struct play *play)
{
	const char *at = play->exchange->commands;
	char command[PLAY_LINE_SIZE], storage[PLAY_LINE_SIZE];
	struct evpop_request request;
	enum evpop_error error;
	size_t length;

	while (*at != '\0') {
		length = strcspn(at, "|");
		assert_true(length < sizeof command);
		memcpy(command, at, length);
		command[length] = '\0';
		at += length + (at[length] == '|');
		request = play_parse_command(command, storage);
		request.arg = (void *)(uintptr_t)(play->accepted + 1);
		error = evpop_proto_submit(play->proto, &request);
		memset(storage, 'X', sizeof storage);
		if (error == EVPOP_ERROR_MEMORY &&
		    play->delivery->memory_may_fail)
			continue;
		if (error != EVPOP_ERROR_NONE)
			fail_msg("%s: %s: %s", play->exchange->name, command,
			    evpop_error_name(error));
		play->accepted++;
		assert_true(play->accepted <= PLAY_COMMANDS);
	}
}

static void
append_result(char *record, const struct evpop_result *result)
{
	append(record, " %s", evpop_error_name(result->error));
	if (result->error != EVPOP_ERROR_NONE)
		append(record, "@%s", evpop_phase_name(result->phase));
	if (result->scope != EVPOP_SCOPE_NONE)
		append(record, " %s", evpop_scope_name(result->scope));
	if (result->retry)
		append(record, " retry");
	if (result->code != EVPOP_CODE_NONE)
		append(record, " [%s]", evpop_response_code_name(result->code));
	append(record, " '%s'", result->text);
}

static void
append_numbers(char *record, const struct evpop_event *event)
{
	if (event->number != 0)
		append(record, " number=%lu", (unsigned long)event->number);
	if (event->has_octets)
		append(
		    record, " octets=%llu", (unsigned long long)event->octets);
	if (event->data != NULL) {
		append(record, " id='");
		append_octets(record, event->data, event->length);
		append(record, "'");
	}
	if (event->ignored != 0)
		append(record, " ignored=%lu '%s'",
		    (unsigned long)event->ignored, event->ignored_line);
	if (event->quit != EVPOP_QUIT_NONE)
		append(record, " quit=%s", evpop_quit_name(event->quit));
}

static void
flush_body(struct play *play)
{
	if (play->body[0] == '\0')
		return;
	append(play->events, "body '%s'\n", play->body);
	play->body[0] = '\0';
}

static void
record_done(struct play *play, const struct evpop_event *event)
{
	char line[PLAY_RECORD_SIZE] = "";

	append(line, "done %s", evpop_command_name(event->command));
	append_result(line, event->result);
	append_numbers(line, event);
	assert_true(strlen(line) < PLAY_LINE_SIZE);
	strcpy(play->done_lines[play->done], line);
	append(play->events, "%s\n", line);
	play->done++;
}

static void
record_event(struct play *play, const struct evpop_event *event)
{
	const char *command = evpop_command_name(event->command);

	assert_int_equal(play->closed, 0);
	if (event->type == EVPOP_EVENT_GREETING ||
	    event->type == EVPOP_EVENT_CLOSED)
		assert_null(event->arg);
	else
		assert_int_equal((uintptr_t)event->arg, play->done + 1);
	if (event->type == EVPOP_EVENT_BODY) {
		assert_true(event->length > 0);
		append_octets(play->body, event->data, event->length);
		return;
	}
	flush_body(play);
	switch (event->type) {
	case EVPOP_EVENT_GREETING:
		append(play->events, "greeting");
		append_result(play->events, event->result);
		break;
	case EVPOP_EVENT_BEGIN:
		append(play->events, "begin %s", command);
		append_result(play->events, event->result);
		append_numbers(play->events, event);
		break;
	case EVPOP_EVENT_ENTRY:
		append(play->events, "entry %s", command);
		append_numbers(play->events, event);
		break;
	case EVPOP_EVENT_LINE:
		append(play->events, "line '");
		append_octets(play->events, event->data, event->length);
		append(play->events, "'");
		break;
	case EVPOP_EVENT_DONE:
		record_done(play, event);
		return;
	case EVPOP_EVENT_CLOSED:
		play->closed++;
		append(play->events, "closed");
		append_result(play->events, event->result);
		break;
	default:
		fail_msg("event %d", event->type);
	}
	append(play->events, "\n");
}

/* Give input to the session until it wants more; whether it had news. */
static bool
pump(struct play *play, const unsigned char *data, size_t length)
{
	struct evpop_event event;
	size_t at = 0, used, events = 0;

	for (;;) {
		evpop_proto_next(play->proto, data == NULL ? NULL : data + at,
		    length - at, &used, &event);
		at += used;
		assert_true(at <= length);
		if (event.type == EVPOP_EVENT_NONE)
			break;
		record_event(play, &event);
		if (++events > EVENTS_MAX)
			fail_msg("%s: no end of it", play->exchange->name);
	}
	assert_int_equal(at, length);
	return events > 0;
}

static void
server_replies(struct play *play)
{
	const struct octets *reply = &play->exchange->replies[play->lines_sent];

	assert_true(play->lines_sent < PLAY_REPLIES);
	assert_true(
	    play->inbound_length + reply->length <= sizeof play->inbound);
	if (reply->length > 0)
		memcpy(play->inbound + play->inbound_length, reply->at,
		    reply->length);
	play->inbound_length += reply->length;
}

static void
server_takes(struct play *play, const unsigned char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		assert_true(play->sent_line_length < PLAY_LINE_SIZE);
		play->sent_line[play->sent_line_length++] = (char)bytes[i];
		if (bytes[i] != '\n')
			continue;
		assert_true(play->sent_line_length >= 2);
		assert_int_equal(
		    play->sent_line[play->sent_line_length - 2], '\r');
		append(play->wire, "%s%.*s", play->lines_sent == 0 ? "" : "|",
		    (int)play->sent_line_length - 2, play->sent_line);
		play->sent_line_length = 0;
		play->lines_sent++;
		server_replies(play);
	}
}

static bool
take_output(struct play *play)
{
	const unsigned char *bytes;
	size_t length;

	bytes = evpop_proto_output(play->proto, &length);
	assert_true((bytes == NULL) == (length == 0));
	if (length == 0)
		return false;
	if (play->delivery->output_by_octet)
		length = 1;
	server_takes(play, bytes, length);
	evpop_proto_sent(play->proto, length);
	return true;
}

/* The next octets that the server's side of the network lets through. */
static size_t
next_piece(const struct play *play)
{
	const struct delivery *delivery = play->delivery;
	size_t end = play->inbound_length, i;

	if (delivery->octet_by_octet && end > play->delivered)
		end = play->delivered + 1;
	for (i = 0; i < 2; i++)
		if (delivery->cuts[i] > play->delivered &&
		    delivery->cuts[i] < end)
			end = delivery->cuts[i];
	if (delivery->truncated && delivery->truncated_at < end)
		end = delivery->truncated_at;
	return end - play->delivered;
}

/*
 * Deliver from memory of exactly the piece's size, which is gone afterwards.
 * Not from malloc(), which a test may make fail.
 */
static bool
deliver(struct play *play)
{
	size_t length = next_piece(play);
	void *piece;
	bool news;

	if (length == 0)
		return pump(play, NULL, 0);
	assert_int_equal(posix_memalign(&piece, sizeof(void *), length), 0);
	memcpy(piece, play->inbound + play->delivered, length);
	play->delivered += length;
	news = pump(play, piece, length);
	free(piece);
	return news || length > 0;
}

static bool
truncated(const struct play *play)
{
	return play->delivery->truncated &&
	       play->delivered == play->delivery->truncated_at;
}

static bool
handshake(struct play *play)
{
	if (evpop_proto_state(play->proto) != EVPOP_STATE_HANDSHAKE ||
	    play->delivered < play->inbound_length || truncated(play))
		return false;
	evpop_proto_secured(play->proto);
	assert_false(evpop_proto_capabilities(play->proto)->known);
	append(play->events, "secured\n");
	return true;
}

static void
end_exchange(struct play *play)
{
	struct evpop_result result;

	if (play->exchange->ending == PLAY_ENDS_EOF ||
	    play->delivery->truncated)
		evpop_proto_eof(play->proto);
	else if (play->exchange->ending == PLAY_ENDS_FAIL) {
		evpop_result_set(&result, EVPOP_ERROR_TIMEOUT,
		    EVPOP_PHASE_COMMAND, "too late");
		evpop_proto_fail(play->proto, &result);
	}
	pump(play, NULL, 0);
	/* Nothing follows the end, and nothing leaves any more. */
	if (play->closed > 0) {
		assert_false(pump(play, (const unsigned char *)"x", 1));
		assert_false(take_output(play));
		assert_int_equal(
		    evpop_proto_state(play->proto), EVPOP_STATE_CLOSED);
	}
	flush_body(play);
}

bool
play_once(struct play *play, const struct exchange *exchange,
    const struct delivery *delivery)
{
	bool progress, last;

	memset(play, 0, sizeof *play);
	play->exchange = exchange;
	play->delivery = delivery;
	play->proto = evpop_proto_new(&exchange->limits);
	if (play->proto == NULL)
		return false;
	evpop_proto_set_window(
	    play->proto, exchange->window_commands, exchange->window_octets);
	evpop_proto_set_trace(
	    play->proto, delivery->trace, delivery->trace_arg);
	submit_all(play);
	server_replies(play);
	do {
		progress = take_output(play);
		progress = deliver(play) || progress;
		progress = handshake(play) || progress;
		last = truncated(play);
	} while (progress && !last);
	end_exchange(play);
	assert_int_equal(
	    play->done + evpop_proto_pending(play->proto), play->accepted);
	if (play->closed > 0)
		assert_int_equal(play->done, play->accepted);
	evpop_proto_free(play->proto);
	return true;
}

static const char *
expected_wire(const struct exchange *exchange)
{
	return exchange->wire == NULL ? exchange->commands : exchange->wire;
}

static void
compare(const struct exchange *exchange, const struct delivery *delivery,
    struct play *play)
{
	assert_true(play_once(play, exchange, delivery));
	if (strcmp(play->wire, expected_wire(exchange)) == 0 &&
	    strcmp(play->events, exchange->events) == 0)
		return;
	fail_msg("%s (cuts %zu, %zu; %s; output %s)\n--- sent:\n%s\n"
		 "--- events:\n%s--- expected:\n%s",
	    exchange->name, delivery->cuts[0], delivery->cuts[1],
	    delivery->octet_by_octet ? "octet by octet" : "whole",
	    delivery->output_by_octet ? "octet by octet" : "whole", play->wire,
	    play->events, exchange->events);
}

/* Whether the QUIT that was cut off may have deleted what was marked. */
static bool
deletion_at_stake(const struct play *play)
{
	size_t i;

	if (strstr(play->wire, "|QUIT") == NULL)
		return false;
	for (i = 0; i < play->done; i++)
		if (strncmp(play->done_lines[i], "done PASS ok", 12) == 0 ||
		    strncmp(play->done_lines[i], "done PASS io", 12) == 0)
			return true;
	return false;
}

/* The commands up to some point end as in the whole exchange, then with EOF. */
static void
check_truncated(const struct play *whole, const struct play *play)
{
	const char *name = play->exchange->name;
	size_t at = play->delivery->truncated_at, i;
	bool cut = false, unknown;

	assert_int_equal(play->closed, 1);
	assert_int_equal(play->done, play->accepted);
	for (i = 0; i < play->done; i++) {
		if (i < whole->done && !cut &&
		    strcmp(play->done_lines[i], whole->done_lines[i]) == 0)
			continue;
		cut = true;
		if (strstr(play->done_lines[i], " io@") == NULL)
			fail_msg("%s, cut short at %zu:\n%s", name, at,
			    play->events);
		if (strncmp(play->done_lines[i], "done QUIT", 9) != 0)
			continue;
		unknown = strstr(play->done_lines[i], "quit=unknown") != NULL;
		if (unknown != deletion_at_stake(play))
			fail_msg("%s, cut short at %zu: %s", name, at,
			    play->done_lines[i]);
	}
}

static void
truncate_everywhere(
    const struct exchange *exchange, const struct play *whole, size_t total)
{
	struct delivery delivery = { .truncated = true };
	struct play *play = calloc(1, sizeof *play);

	assert_non_null(play);
	for (delivery.truncated_at = 0; delivery.truncated_at < total;
	     delivery.truncated_at++) {
		assert_true(play_once(play, exchange, &delivery));
		check_truncated(whole, play);
	}
	free(play);
}

void
play_everywhere(const struct exchange *exchange)
{
	struct delivery delivery = { .octet_by_octet = false };
	struct play *play = calloc(1, sizeof *play);
	size_t total, first, second, last;

	assert_non_null(play);
	delivery.output_by_octet = true;
	compare(exchange, &delivery, play);
	delivery.octet_by_octet = true;
	compare(exchange, &delivery, play);
	delivery.output_by_octet = false;
	compare(exchange, &delivery, play);
	delivery.octet_by_octet = false;
	compare(exchange, &delivery, play);
	total = play->inbound_length;
	for (first = 1; first < total; first++) {
		last = total <= SHORT_EXCHANGE ? total : first + 1;
		for (second = first; second < last; second++) {
			delivery.cuts[0] = first;
			delivery.cuts[1] = second;
			compare(exchange, &delivery, play);
		}
	}
	truncate_everywhere(exchange, play, total);
	free(play);
}
