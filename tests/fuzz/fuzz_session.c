/*
 * A whole session with a server whose every octet the input chooses.
 *
 *     WINDOW FLAGS CUTS LIMITS ENDING COMMANDS "\n" OCTETS
 *
 * Commands are letters of the table below, each with a digit for its argument
 * if it takes one.  The octet 0xff, which occurs in no UTF-8, ends a turn of
 * the server's: what the client has to say is written between turns, or, if
 * the flags say so, after each event.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <evpop/proto.h>

#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

#define COMMANDS_MAX 64
#define TURN_END     0xff

/* The argument of commands that take a secret: no trace may show it. */
#define SECRET "Pa55w0rd"

enum argument {
	TAKES_NOTHING = 0,
	TAKES_TEXT,
	TAKES_SECRET,
	TAKES_MECHANISM,
	TAKES_NUMBER,
	TAKES_NUMBER_AND_LINES
};

/* A command that joins the protocol joins here. */
static const struct letter {
	unsigned char letter;
	enum evpop_command command;
	enum argument argument;
} letters[] = {
	{ 'U', EVPOP_COMMAND_USER, TAKES_TEXT },
	{ 'P', EVPOP_COMMAND_PASS, TAKES_SECRET },
	{ 'S', EVPOP_COMMAND_STAT, TAKES_NOTHING },
	{ 'L', EVPOP_COMMAND_LIST, TAKES_NUMBER },
	{ 'I', EVPOP_COMMAND_UIDL, TAKES_NUMBER },
	{ 'R', EVPOP_COMMAND_RETR, TAKES_NUMBER },
	{ 'T', EVPOP_COMMAND_TOP, TAKES_NUMBER_AND_LINES },
	{ 'D', EVPOP_COMMAND_DELE, TAKES_NUMBER },
	{ 'N', EVPOP_COMMAND_NOOP, TAKES_NOTHING },
	{ 'Z', EVPOP_COMMAND_RSET, TAKES_NOTHING },
	{ 'C', EVPOP_COMMAND_CAPA, TAKES_NOTHING },
	{ 'X', EVPOP_COMMAND_STLS, TAKES_NOTHING },
	{ 'Q', EVPOP_COMMAND_QUIT, TAKES_NOTHING },
	{ 'O', EVPOP_COMMAND_APOP, TAKES_SECRET },
	{ 'A', EVPOP_COMMAND_AUTH, TAKES_MECHANISM },
	{ 'G', EVPOP_COMMAND_LANG, TAKES_TEXT },
	{ 'E', EVPOP_COMMAND_UTF8, TAKES_NOTHING },
	{ '!', EVPOP_COMMAND_COUNT, TAKES_NOTHING },
};

/* By digit: texts that go through, and some that must not. */
static const char *const texts[] = { "joe", "x", "a b", "=?", "\xc3\xa4", "",
	"a\rb", "a\nb", NULL, "." };

/* By digit of AUTH. */
static const struct mechanism {
	const char *text, *initial;
	bool final;
} mechanisms[] = {
	{ "LOGIN", NULL, false },
	{ "PLAIN", SECRET, true },
	{ "XOAUTH2", SECRET, false },
	{ "EXTERNAL", "=", true },
	{ "CRAM-MD5", NULL, true },
	{ "X", "", false },
	{ "X", "a\nb", false },
	{ "a\rb", NULL, false },
	{ NULL, NULL, false },
	{ "", SECRET, true },
};

/* What challenges are answered with, in turn. */
static const struct response {
	const char *line;
	bool final;
} responses[] = {
	{ SECRET, false },
	{ "", false },
	{ SECRET, true },
	{ "*", true },
};

static const struct evpop_proto_limits limits[] = {
	{ .line = 0 },
	{ .line = 40,
	    .listing_line = 20,
	    .listing_lines = 3,
	    .listing_octets = 100 },
	{ .capabilities = 2, .top = 10, .body = 10 },
	{ .line = 1,
	    .listing_line = 1,
	    .listing_lines = 1,
	    .top = 1,
	    .body = 1 },
};

enum {
	WRITES_AFTER_EVENTS = 1 << 0,
	WRITES_HALF = 1 << 1,
	SUBMITS_ONE_BY_ONE = 1 << 2,
	RESPONDS = 1 << 3
};

enum ending {
	ENDS_IDLE,
	ENDS_WITH_EOF,
	ENDS_WITH_TIMEOUT,
	ENDING_COUNT
};

struct script {
	uint32_t window;
	unsigned flags;
	const struct evpop_proto_limits *limits;
	enum ending ending;
	struct fuzz_input commands, server;
};

/* One run of a script. */
struct play {
	const struct script *script;
	struct fuzz_input commands; /* not yet submitted */
	struct evpop_proto *proto;
	struct fuzz_record *record;
	size_t submitted, done, challenges, events, events_max;
	bool closed, ended, begun, in_body, logged_in;
	/* Of the client's octets. */
	char line[8]; /* the front of the line being written */
	size_t line_length, lines, responses;
	unsigned char last; /* octet */
	bool silent;        /* QUIT or STLS was written: nothing may follow */
};

static const struct letter *
find_letter(unsigned char octet)
{
	size_t i;

	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == octet)
			return &letters[i];
	return NULL;
}

/* A digit behind the letter; 0 where there is none. */
static unsigned
take_digit(struct fuzz_input *commands)
{
	if (commands->left == 0 || *commands->at < '0' || *commands->at > '9')
		return 0;
	return (unsigned)fuzz_octet(commands) - '0';
}

static void
set_argument(
    struct evpop_request *request, enum argument argument, unsigned digit)
{
	switch (argument) {
	case TAKES_NOTHING:
		break;
	case TAKES_TEXT:
		request->text = texts[digit];
		break;
	case TAKES_SECRET:
		request->text = digit == 0 ? SECRET : texts[digit];
		break;
	case TAKES_MECHANISM:
		request->text = mechanisms[digit].text;
		request->initial = mechanisms[digit].initial;
		request->final = mechanisms[digit].final;
		break;
	case TAKES_NUMBER:
	case TAKES_NUMBER_AND_LINES:
		/* Some digit must stand for the largest number there is. */
		request->number = digit == 9 ? UINT32_MAX : digit;
		/* Which LIST may have said, or not. */
		request->octets = digit % 2 == 0 ? digit : 0;
		break;
	}
}

/* The next command; false where none is left. */
static bool
next_request(struct fuzz_input *commands, struct evpop_request *request_r)
{
	const struct letter *found = NULL;

	while (found == NULL) {
		if (commands->left == 0)
			return false;
		found = find_letter(fuzz_octet(commands));
	}
	memset(request_r, 0, sizeof(*request_r));
	request_r->command = found->command;
	set_argument(request_r, found->argument, take_digit(commands));
	if (found->argument == TAKES_NUMBER_AND_LINES)
		request_r->lines = take_digit(commands);
	return true;
}

/* Submit commands until one is taken; false where none was. */
static bool
submit_one(struct play *play)
{
	struct evpop_request request;
	enum evpop_error error = EVPOP_ERROR_USAGE;

	while (error == EVPOP_ERROR_USAGE && play->submitted < COMMANDS_MAX &&
	       next_request(&play->commands, &request)) {
		request.arg = (void *)(uintptr_t)(play->submitted + 1);
		error = evpop_proto_submit(play->proto, &request);
		fuzz_record_text(play->record, "\nsubmit ");
		fuzz_record_text(play->record, evpop_error_name(error));
	}
	if (error == EVPOP_ERROR_USAGE)
		return false;
	assert(error == EVPOP_ERROR_NONE && !play->closed);
	play->submitted++;
	return true;
}

static void
check_written(struct play *play, const unsigned char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		assert(!play->silent);
		assert(bytes[i] != '\0');
		assert((play->last == '\r') == (bytes[i] == '\n'));
		play->last = bytes[i];
		if (play->line_length < sizeof(play->line))
			play->line[play->line_length] = (char)bytes[i];
		play->line_length++;
		if (bytes[i] != '\n')
			continue;
		/* No argument may smuggle in a command. */
		assert(++play->lines <= play->submitted + play->responses);
		play->silent = play->line_length == 6 &&
			       (memcmp(play->line, "QUIT\r\n", 6) == 0 ||
				   memcmp(play->line, "STLS\r\n", 6) == 0);
		play->line_length = 0;
	}
}

static void
write_out(struct play *play)
{
	const unsigned char *bytes;
	size_t length;

	bytes = evpop_proto_output(play->proto, &length);
	if (length == 0)
		return;
	assert(bytes[length - 1] == '\n');
	assert(length == 1 || bytes[length - 2] == '\r');
	if (play->script->flags & WRITES_HALF)
		length = (length + 1) / 2;
	check_written(play, bytes, length);
	fuzz_record_text(play->record, "\nwrite ");
	fuzz_record_bytes(play->record, bytes, length);
	evpop_proto_sent(play->proto, length);
}

/* What the client does when the server has had its say. */
static void
act(struct play *play)
{
	if (play->closed || play->ended)
		return;
	if (evpop_proto_state(play->proto) == EVPOP_STATE_HANDSHAKE) {
		evpop_proto_secured(play->proto);
		play->silent = false;
	}
	write_out(play);
}

static void
record_result(struct play *play, const struct evpop_result *result)
{
	const char *end = memchr(result->text, '\0', sizeof(result->text));

	assert(result->error < EVPOP_ERROR_COUNT);
	assert(result->code < EVPOP_CODE_COUNT);
	assert(result->scope < EVPOP_SCOPE_COUNT);
	assert(result->phase < EVPOP_PHASE_COUNT);
	assert(end != NULL &&
	       fuzz_is_showable(result->text, strlen(result->text)));
	fuzz_record_number(play->record, result->error);
	fuzz_record_number(play->record, result->code);
	fuzz_record_number(play->record, result->scope);
	fuzz_record_number(play->record, result->phase);
	fuzz_record_number(play->record, result->retry);
	fuzz_record_text(play->record, result->text);
}

static void
record_event(struct play *play, const struct evpop_event *event)
{
	bool body = event->type == EVPOP_EVENT_BODY;

	/* Spans of a body are cut anywhere: only their octets count. */
	if (!body || !play->in_body) {
		fuzz_record_text(play->record, "\nevent");
		fuzz_record_number(play->record, event->type);
		fuzz_record_number(play->record, event->command);
	}
	play->in_body = body;
	if (event->data != NULL)
		fuzz_record_bytes(play->record, event->data, event->length);
	if (body)
		return;
	fuzz_record_number(play->record, event->number);
	fuzz_record_number(play->record, event->octets);
	fuzz_record_number(play->record, event->has_octets);
	fuzz_record_number(play->record, event->ignored);
	fuzz_record_number(play->record, event->quit);
	fuzz_record_number(play->record, event->swallowed);
	if (event->type == EVPOP_EVENT_GREETING ||
	    event->type == EVPOP_EVENT_BEGIN ||
	    event->type == EVPOP_EVENT_DONE ||
	    event->type == EVPOP_EVENT_CLOSED)
		record_result(play, event->result);
}

/* What holds after each event, whatever the server said. */
static void
check_counts(const struct play *play)
{
	size_t pending = evpop_proto_pending(play->proto);
	size_t outstanding = evpop_proto_outstanding(play->proto);
	enum evpop_command awaited = evpop_proto_awaited(play->proto);

	assert(pending == play->submitted - play->done);
	assert(outstanding <= pending && outstanding <= play->script->window);
	assert((awaited == EVPOP_COMMAND_NONE) == (outstanding == 0));
	assert(evpop_proto_state(play->proto) < EVPOP_STATE_COUNT);
}

/* Nothing unfinished passes for done. */
static void
check_progress(struct play *play, const struct evpop_event *event)
{
	bool body = event->command == EVPOP_COMMAND_RETR ||
		    event->command == EVPOP_COMMAND_TOP;

	if (event->type == EVPOP_EVENT_BEGIN) {
		assert(!play->begun);
		play->begun = true;
	} else if (event->type == EVPOP_EVENT_BODY)
		assert(play->begun && body && event->length > 0);
	else if (event->type == EVPOP_EVENT_ENTRY ||
		 event->type == EVPOP_EVENT_LINE)
		assert(play->begun && !body);
	if (event->type != EVPOP_EVENT_DONE)
		return;
	if (event->result->error == EVPOP_ERROR_NONE)
		assert(!play->ended && (play->begun || !body));
	if (event->quit == EVPOP_QUIT_COMMITTED)
		assert(play->logged_in && event->command == EVPOP_COMMAND_QUIT);
	play->begun = false;
	if (evpop_proto_state(play->proto) == EVPOP_STATE_TRANSACTION)
		play->logged_in = true;
}

static void
respond(struct play *play)
{
	const size_t count = sizeof(responses) / sizeof(responses[0]);
	const struct response *response =
	    &responses[play->challenges++ % count];

	if (!(play->script->flags & RESPONDS))
		return;
	assert(evpop_proto_respond(play->proto, "a\r", false) ==
	       EVPOP_ERROR_USAGE);
	assert(evpop_proto_respond(play->proto, response->line,
		   response->final) == EVPOP_ERROR_NONE);
	play->responses++;
	/* What was written before was all taken for answers, even a QUIT. */
	play->silent = false;
	/* One challenge has one answer. */
	assert(evpop_proto_respond(play->proto, SECRET, false) ==
	       EVPOP_ERROR_USAGE);
}

static void
take_event(struct play *play, const struct evpop_event *event)
{
	bool of_session = event->type == EVPOP_EVENT_GREETING ||
			  event->type == EVPOP_EVENT_CLOSED;

	assert(
	    event->type > EVPOP_EVENT_NONE && event->type < EVPOP_EVENT_COUNT);
	assert(!play->closed && ++play->events <= play->events_max);
	record_event(play, event);
	if (of_session)
		assert(event->arg == NULL);
	else
		assert((uintptr_t)event->arg == play->done + 1);
	if (event->type == EVPOP_EVENT_DONE)
		play->done++;
	if (event->type == EVPOP_EVENT_CLOSED) {
		assert(play->done == play->submitted);
		play->closed = true;
	}
	if (event->type == EVPOP_EVENT_DONE &&
	    event->command == EVPOP_COMMAND_STLS &&
	    event->result->error != EVPOP_ERROR_NONE)
		play->silent = false;
	check_counts(play);
	check_progress(play, event);
	if (event->type == EVPOP_EVENT_CHALLENGE)
		respond(play);
	if (event->type == EVPOP_EVENT_DONE &&
	    (play->script->flags & SUBMITS_ONE_BY_ONE))
		(void)submit_one(play);
	if (event->type != EVPOP_EVENT_BODY &&
	    (play->script->flags & WRITES_AFTER_EVENTS))
		act(play);
}

static void
give(struct play *play, const unsigned char *bytes, size_t length)
{
	struct evpop_event event;
	size_t at = 0, used;

	do {
		evpop_proto_next(
		    play->proto, bytes + at, length - at, &used, &event);
		assert(used <= length - at);
		at += used;
		if (event.type != EVPOP_EVENT_NONE)
			take_event(play, &event);
	} while (event.type != EVPOP_EVENT_NONE);
	assert(at == length);
}

static void
give_turn(struct play *play, struct fuzz_input turn, struct fuzz_cuts *cuts)
{
	unsigned char *piece;
	size_t length;

	while (turn.left > 0) {
		length = fuzz_piece(cuts, turn.left);
		piece = fuzz_copy(turn.at, length);
		give(play, piece, length);
		free(piece);
		turn.at += length;
		turn.left -= length;
	}
}

static void
trace(bool from_server, const char *line, void *arg)
{
	struct play *play = arg;

	assert(fuzz_is_showable(line, strlen(line)));
	assert(from_server || strstr(line, SECRET) == NULL);
	fuzz_record_text(play->record, from_server ? "\nS: " : "\nC: ");
	fuzz_record_text(play->record, line);
}

static const unsigned char nothing[] = "";

static void
end(struct play *play)
{
	struct evpop_result result;

	play->ended = true;
	if (play->script->ending == ENDS_WITH_EOF)
		evpop_proto_eof(play->proto);
	else if (play->script->ending == ENDS_WITH_TIMEOUT) {
		evpop_result_set(&result, EVPOP_ERROR_TIMEOUT,
		    EVPOP_PHASE_COMMAND, "no answer");
		evpop_proto_fail(play->proto, &result);
	}
	give(play, nothing, 0);
	evpop_result_set(
	    &result, EVPOP_ERROR_CANCELLED, EVPOP_PHASE_NONE, "given up");
	evpop_proto_fail(play->proto, &result);
	give(play, nothing, 0);
	assert(play->closed);
	/* Nothing comes after the end, and nothing is taken. */
	assert(evpop_proto_state(play->proto) == EVPOP_STATE_CLOSED);
	give(play, (const unsigned char *)"+OK\r\n", 5);
	assert(!submit_one(play));
	assert(evpop_proto_respond(play->proto, SECRET, true) ==
	       EVPOP_ERROR_USAGE);
	write_out(play);
	assert(evpop_proto_pending(play->proto) == 0);
}

/*
 * Returns whether the same octets, cut otherwise, come to the same events: what
 * follows a body unasked is the one exception.
 */
static bool
run(const struct script *script, struct fuzz_cuts cuts,
    struct fuzz_record *record)
{
	struct play play = {
		.script = script,
		.commands = script->commands,
		.proto = evpop_proto_new(script->limits),
		.record = record,
		.events_max = 3 * script->server.left + 3 * COMMANDS_MAX,
	};
	struct fuzz_input server = script->server, turn;
	enum evpop_body_fault fault;
	uint32_t number;

	assert(play.proto != NULL);
	evpop_proto_set_trace(play.proto, trace, &play);
	evpop_proto_set_window(
	    play.proto, script->window, (size_t)script->window * 16);
	while (submit_one(&play) && !(script->flags & SUBMITS_ONE_BY_ONE))
		;
	while (server.left > 0) {
		turn = fuzz_up_to(&server, TURN_END);
		give_turn(&play, turn, &cuts);
		act(&play);
		give(&play, nothing, 0);
	}
	end(&play);
	fault = evpop_proto_body_fault(play.proto, &number);
	evpop_proto_free(play.proto);
	return fault != EVPOP_BODY_FAULT_CUT;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_record whole = { NULL, 0, 0 }, cut = { NULL, 0, 0 };
	struct fuzz_cuts cuts;
	struct script script;
	bool same;

	script.window = 1u << (fuzz_octet(&input) & 7);
	script.flags = fuzz_octet(&input) & 15;
	cuts = fuzz_take_cuts(&input);
	script.limits = &limits[fuzz_octet(&input) & 3];
	script.ending = fuzz_octet(&input) % ENDING_COUNT;
	script.commands = fuzz_up_to(&input, '\n');
	script.server = input;
	same = run(&script, FUZZ_WHOLE, &whole);
	same = run(&script, cuts, &cut) && same;
	if (same)
		fuzz_record_same(&whole, &cut);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
	return 0;
}
