/*
 * A carrier of IMAP and a server that says what it likes, in any order: an
 * input is a line of settings, and then a line for each thing that happens.
 *
 *	s n	settings: STARTTLS; notes are durable at once; and so many
 *		messages, as a digit
 *	!	all of the message that is being sent is on its way
 *	?	it cannot be read
 *	x	the connection breaks
 *	+	another message is to be carried
 *	f	no other will come soon
 *	p	the target is probed
 *	n N	the notes that are awaited are durable; or cannot be kept
 *
 * Any other is a line of the server's, where "=" at its front stands for the
 * tag of the last command; octets of a literal follow it as they are.  No
 * message is lost or answered twice; one counts as delivered only where the
 * server had all of it or was found to have it, and may be there only where it
 * had all of it.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/parcel.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/told_talk.h"

#define LETTERS 40

enum letter_state {
	LETTER_NEW = 0,
	LETTER_CARRIED,
	LETTER_SENDING, /* on this connection */
	LETTER_SENT,
	LETTER_ANSWERED
};

struct letter {
	struct parcel parcel;
	enum letter_state state;
	bool is_read; /* its octets have been given out */
	bool is_noted;
	parcel_noted_cb noted; /* NULL: nothing waits for that */
	void *arg;
};

static struct {
	struct event_base *base;
	struct config_target target;
	struct carrier_setup setup;
	struct carrier *carrier;
	struct letter letters[LETTERS];
	size_t count, carried, answered;
	bool is_probing, notes_at_once;
	char tag[16];
} run;

/* ---- parcels ---- */

static struct letter *
letter_of(const struct parcel *parcel)
{
	return &run.letters[parcel->id];
}

void
parcel_next(struct parcel *parcel, parcel_cb callback, void *arg)
{
	(void)parcel;
	(void)callback;
	(void)arg;
	abort();
}

void
parcel_rewind(struct parcel *parcel)
{
	letter_of(parcel)->is_read = false;
}

void
parcel_stop(struct parcel *parcel)
{
	letter_of(parcel)->noted = NULL;
}

void
parcel_note(
    struct parcel *parcel, const char *text, parcel_noted_cb cb, void *arg)
{
	struct letter *letter = letter_of(parcel);

	assert(letter->noted == NULL && strlen(text) > 0);
	letter->is_noted = true;
	if (run.notes_at_once) {
		cb(true, arg);
		return;
	}
	letter->noted = cb;
	letter->arg = arg;
}

static void
run_noted(bool is_durable)
{
	parcel_noted_cb noted;
	size_t i;

	for (i = 0; i < run.count; i++) {
		noted = run.letters[i].noted;
		run.letters[i].noted = NULL;
		run.letters[i].is_noted = is_durable;
		if (noted != NULL)
			noted(is_durable, run.letters[i].arg);
	}
}

/* ---- the connection ---- */

void
told_wrote(const char *text)
{
	/* What names and servers gave is in it, but no line of theirs. */
	if (text[0] == 'e' && strspn(text + 1, "0123456789") > 0)
		snprintf(run.tag, sizeof run.tag, "e%u",
		    (unsigned)strtoul(text + 1, NULL, 10));
	assert(strcspn(text, "\r\n") + 2 >= strlen(text));
}

void
told_sends(struct parcel *parcel, enum talk_form form)
{
	struct letter *letter = letter_of(parcel);

	assert(form == TALK_COUNTED && letter->is_noted && !letter->is_read);
	assert(letter->state == LETTER_CARRIED || letter->state == LETTER_SENT);
	letter->state = LETTER_SENDING;
	letter->is_read = true;
}

void
told_ends(const char *goodbye)
{
	size_t i;

	assert(goodbye == NULL || strstr(goodbye, " LOGOUT\r\n") != NULL);
	for (i = 0; i < LETTERS; i++) {
		if (run.letters[i].state == LETTER_SENDING)
			run.letters[i].state = LETTER_CARRIED;
	}
}

/* ---- what comes of it ---- */

static void
check_answer(struct letter *letter, const struct carried_result *result)
{
	bool was_sent = letter->state == LETTER_SENT;

	assert(letter->state != LETTER_NEW && letter->state != LETTER_ANSWERED);
	assert(result->answer != NULL && letter->noted == NULL);
	if (result->outcome == CARRIED_DELIVERED)
		assert(was_sent ||
		       strcmp(result->answer,
			   "It was there from an earlier attempt") == 0);
	if (result->may_be_there)
		assert(was_sent && result->outcome == CARRIED_LATER);
}

static void
run_carried(
    struct parcel *parcel, const struct carried_result *result, void *arg)
{
	(void)arg;
	if (parcel == NULL) {
		assert(run.is_probing);
		run.is_probing = false;
		return;
	}
	check_answer(letter_of(parcel), result);
	letter_of(parcel)->state = LETTER_ANSWERED;
	run.answered++;
}

static void
run_end(void)
{
	carrier_imap.end(run.carrier);
	run.carrier = NULL;
	assert(!told_exists());
}

static void
run_closed(void *arg)
{
	(void)arg;
	assert(run.answered == run.carried);
	run_end();
}

/* ---- what happens ---- */

static void
run_begin_carrier(void)
{
	if (run.carrier != NULL)
		return;
	run.carrier = carrier_imap.begin(&run.setup);
	assert(run.carrier != NULL);
}

static void
run_carry(void)
{
	if (run.carried == run.count ||
	    run.carried - run.answered == carrier_imap.depth)
		return;
	run_begin_carrier();
	run.letters[run.carried].state = LETTER_CARRIED;
	carrier_imap.carry(run.carrier, &run.letters[run.carried++].parcel);
}

static void
run_sent(bool is_whole)
{
	const struct parcel *parcel = told_parcel();

	if (parcel == NULL)
		return;
	if (is_whole)
		letter_of(parcel)->state = LETTER_SENT;
	told_sent(is_whole);
}

static void
run_line(const struct fuzz_input *line, struct fuzz_input *rest)
{
	struct fuzz_input octets;
	char text[1024];
	size_t taken;
	int length;

	if (!told_is_open())
		return;
	taken = line->left < 900 ? line->left : 900;
	if (taken > 0 && line->at[0] == '=')
		length = snprintf(text, sizeof text, "%s %.*s", run.tag,
		    (int)taken - 1, (const char *)line->at + 1);
	else
		length = snprintf(text, sizeof text, "%.*s", (int)taken,
		    (const char *)line->at);
	told_line(text, (size_t)length);
	while (
	    (taken = told_awaits()) > 0 && rest->left > 0 && told_is_open()) {
		octets = (struct fuzz_input){ rest->at,
			taken < rest->left ? taken : rest->left };
		rest->at += octets.left;
		rest->left -= octets.left;
		told_literal(&octets);
	}
}

static void
run_step(const struct fuzz_input *line, struct fuzz_input *rest)
{
	switch (line->left == 1 ? line->at[0] : '\0') {
	case '!':
	case '?':
		run_sent(line->at[0] == '!');
		break;
	case 'x':
		if (told_exists())
			told_break();
		break;
	case '+':
		run_carry();
		break;
	case 'f':
		if (run.carrier != NULL)
			carrier_imap.flush(run.carrier);
		break;
	case 'n':
	case 'N':
		run_noted(line->at[0] == 'n');
		break;
	case 'p':
		if (!run.is_probing) {
			run_begin_carrier();
			run.is_probing = true;
			carrier_imap.probe(run.carrier);
		}
		break;
	default:
		if (told_awaits() == 0)
			run_line(line, rest);
	}
	told_turn(run.base);
}

static void
run_begin(struct fuzz_input *settings)
{
	static const char *const folders[] = { "", "A", "A/B", "" };
	static const char *const notes[] = { "", "", "imap 1 1 0 ",
		"imap 2 5 0 A", "nonsense", "" };
	static char user[] = "user", password[] = "password",
		    folder[] = "{account}";
	struct parcel *parcel;
	unsigned char setting;

	memset(&run, 0, sizeof run);
	run.base = event_base_new();
	run.target.tls = EVPOP_TLS_NONE;
	run.target.user = user;
	run.target.password.literal = password;
	run.count = 3;
	while (settings->left > 0) {
		setting = fuzz_octet(settings);
		if (setting == 's')
			run.target.tls = EVPOP_TLS_STLS;
		else if (setting == 'n')
			run.notes_at_once = true;
		else if (setting == 't')
			run.target.folder = folder;
		else if (setting >= '0' && setting <= '9')
			run.count = (size_t)(setting - '0') * 4;
	}
	run.setup = (struct carrier_setup){ .target = &run.target,
		.base = run.base,
		.carried = run_carried,
		.closed = run_closed };
	for (size_t i = 0; i < run.count; i++) {
		parcel = &run.letters[i].parcel;
		snprintf(parcel->key, sizeof parcel->key, "k%zu", i);
		parcel->id = (int64_t)i;
		parcel->folder = folders[i % 4];
		parcel->note = notes[i % 6];
		parcel->may_be_there = i % 5 == 4;
		parcel->attempts = i % 7 == 6;
		parcel->octets = i % 8 == 7 ? 300000 : 1000;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_input settings = fuzz_up_to(&input, '\n'), line;
	size_t i;

	run_begin(&settings);
	run_carry();
	told_turn(run.base);
	while (input.left > 0) {
		line = fuzz_up_to(&input, '\n');
		run_step(&line, &input);
	}
	/* Each break costs something, and each ends. */
	for (i = 0; i <= 4 * LETTERS && run.answered < run.carried; i++) {
		if (run.carrier != NULL)
			carrier_imap.flush(run.carrier);
		run_noted(true);
		told_turn(run.base);
		if (told_exists())
			told_break();
		told_turn(run.base);
	}
	assert(run.answered == run.carried);
	if (run.carrier != NULL)
		run_end();
	assert(!told_exists());
	event_base_free(run.base);
	return 0;
}
