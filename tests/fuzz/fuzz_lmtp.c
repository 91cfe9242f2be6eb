/*
 * A carrier of LMTP and a server that says what it likes, in any order: an
 * input is a line of settings, and then a line for each thing that happens.
 *
 *	l s	settings: there is a log-in; STARTTLS; and so many messages, as
 *		a digit
 *	!	all of the message that is being sent is on its way
 *	?	it cannot be read
 *	x	the connection breaks
 *	+	another message is to be carried
 *	p	the target is probed
 *
 * Any other is a line of the server's.  No message is lost or answered twice;
 * one counts as delivered only where the server had all of it and said yes
 * then, and may be there only where it had all of it and said nothing.
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

#define LETTERS 32

enum letter_state {
	LETTER_NEW = 0,
	LETTER_CARRIED,
	LETTER_SENDING, /* on this connection */
	LETTER_SENT,
	LETTER_ANSWERED
};

static struct {
	struct event_base *base;
	struct config_target target;
	struct carrier_setup setup;
	struct carrier *carrier;
	struct parcel parcels[LETTERS];
	enum letter_state letters[LETTERS];
	size_t count, carried, answered;
	bool is_probing;
	char line[512]; /* the last of the server's */
	bool is_broken; /* by what happens now */
} run;

/* ---- the connection ---- */

void
told_wrote(const char *text)
{
	/* One line, whatever it is made of. */
	assert(strcspn(text, "\r\n") + 2 >= strlen(text));
}

void
told_sends(struct parcel *parcel, enum talk_form form)
{
	size_t number = (size_t)parcel->id;

	assert(form == TALK_DOTTED);
	assert(run.letters[number] == LETTER_CARRIED);
	run.letters[number] = LETTER_SENDING;
}

void
told_ends(const char *goodbye)
{
	size_t i;

	assert(goodbye == NULL || strcmp(goodbye, "QUIT\r\n") == 0);
	/* What was on its way is answered, or begun with anew. */
	for (i = 0; i < LETTERS; i++) {
		if (run.letters[i] == LETTER_SENDING)
			run.letters[i] = LETTER_CARRIED;
	}
}

/* ---- what comes of it ---- */

static void
check_answer(size_t number, const struct carried_result *result)
{
	bool was_sent = run.letters[number] == LETTER_SENT;

	assert(run.letters[number] != LETTER_NEW &&
	       run.letters[number] != LETTER_ANSWERED);
	assert(result->answer != NULL && result->answer[0] != '\0');
	if (result->outcome == CARRIED_DELIVERED)
		assert(was_sent && run.line[0] == '2' && !run.is_broken);
	if (result->may_be_there)
		assert(was_sent && result->outcome == CARRIED_LATER);
	/* It was sent, and there is no answer to it. */
	if (was_sent && run.is_broken)
		assert(result->may_be_there);
}

static void
run_carried(
    struct parcel *parcel, const struct carried_result *result, void *arg)
{
	size_t number;

	(void)arg;
	if (parcel == NULL) {
		assert(run.is_probing);
		run.is_probing = false;
		return;
	}
	number = (size_t)parcel->id;
	check_answer(number, result);
	run.letters[number] = LETTER_ANSWERED;
	run.answered++;
}

static void
run_end(void)
{
	carrier_lmtp.end(run.carrier);
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
	run.carrier = carrier_lmtp.begin(&run.setup);
	assert(run.carrier != NULL);
}

static void
run_carry(void)
{
	if (run.carried == run.count ||
	    run.carried - run.answered == carrier_lmtp.depth)
		return;
	run_begin_carrier();
	run.letters[run.carried] = LETTER_CARRIED;
	carrier_lmtp.carry(run.carrier, &run.parcels[run.carried++]);
}

static void
run_sent(bool is_whole)
{
	const struct parcel *parcel = told_parcel();

	if (parcel == NULL)
		return;
	if (is_whole)
		run.letters[parcel->id] = LETTER_SENT;
	told_sent(is_whole);
}

static void
run_break(void)
{
	if (!told_exists())
		return;
	run.is_broken = true;
	told_break();
	run.is_broken = false;
}

static void
run_line(const struct fuzz_input *line)
{
	char *text;

	if (!told_is_open())
		return;
	/* Only a reply that is whole can answer a message. */
	snprintf(run.line, sizeof run.line, "%.*s",
	    (int)(line->left < 500 ? line->left : 500), line->at);
	text = fuzz_string(line->at, line->left);
	told_line(text, line->left);
	free(text);
}

static void
run_step(const struct fuzz_input *line)
{
	switch (line->left == 1 ? line->at[0] : '\0') {
	case '!':
	case '?':
		run_sent(line->at[0] == '!');
		break;
	case 'x':
		run_break();
		break;
	case '+':
		run_carry();
		break;
	case 'p':
		if (!run.is_probing) {
			run_begin_carrier();
			run.is_probing = true;
			carrier_lmtp.probe(run.carrier);
		}
		break;
	default:
		run_line(line);
	}
	told_turn(run.base);
}

static void
run_begin(struct fuzz_input *settings)
{
	static const char *const senders[] = { "a@b", "", "a b", "\xc3\xbc@b" };
	static const char *const recipients[] = { "c@d", "e@f", "", "g>h",
		"\xc3\xa4@b" };
	static char user[] = "user", password[] = "password";
	struct parcel *parcel;
	unsigned char setting;

	memset(&run, 0, sizeof run);
	run.base = event_base_new();
	run.target.tls = EVPOP_TLS_NONE;
	run.count = 3;
	while (settings->left > 0) {
		setting = fuzz_octet(settings);
		if (setting == 's')
			run.target.tls = EVPOP_TLS_STLS;
		else if (setting == 'l') {
			run.target.user = user;
			run.target.password.literal = password;
		} else if (setting >= '0' && setting <= '9')
			run.count = (size_t)(setting - '0') * 3;
	}
	run.setup = (struct carrier_setup){ .target = &run.target,
		.base = run.base,
		.carried = run_carried,
		.closed = run_closed };
	for (size_t i = 0; i < run.count; i++) {
		parcel = &run.parcels[i];
		parcel->id = (int64_t)i;
		parcel->sender = senders[i % 4];
		parcel->recipient = recipients[i % 5];
		parcel->octets = 1000;
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
		run_step(&line);
	}
	/* Each break costs a message at most, and each ends. */
	for (i = 0; i <= LETTERS && run.answered < run.carried; i++) {
		run_break();
		told_turn(run.base);
	}
	assert(run.answered == run.carried);
	if (run.carrier != NULL)
		run_end();
	assert(!told_exists());
	event_base_free(run.base);
	return 0;
}
