/* Replies of LMTP: how they are read, and what they mean for a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/deliver/lmtp_reply.h"

/* Lines have '|' between them. */
static enum lmtp_read
read_lines(struct lmtp_reply *reply, const char *lines)
{
	enum lmtp_read read = LMTP_READ_MORE;
	size_t length;
	char line[512];

	while (read == LMTP_READ_MORE && *lines != '\0') {
		length = strcspn(lines, "|");
		memcpy(line, lines, length);
		line[length] = '\0';
		read = lmtp_reply_read(reply, line, length);
		lines += length + (lines[length] == '|');
	}
	return read;
}

static const struct {
	const char *lines;
	enum lmtp_read read;
	unsigned code, class, subject, detail;
	const char *text;
} replies[] = {
	{ "220 mx ready", LMTP_READ_WHOLE, 220, 0, 0, 0, "220 mx ready" },
	{ "250", LMTP_READ_WHOLE, 250, 0, 0, 0, "250" },
	{ "250 ", LMTP_READ_WHOLE, 250, 0, 0, 0, "250" },
	{ "550 5.1.1 <x> nobody", LMTP_READ_WHOLE, 550, 5, 1, 1,
	    "550 5.1.1 <x> nobody" },
	{ "250 2.0.0", LMTP_READ_WHOLE, 250, 2, 0, 0, "250 2.0.0" },
	/* It is no status of this code, or none at all. */
	{ "550 4.1.1 x", LMTP_READ_WHOLE, 550, 0, 0, 0, "550 4.1.1 x" },
	{ "550 5.1.1x", LMTP_READ_WHOLE, 550, 0, 0, 0, "550 5.1.1x" },
	{ "550 5.1 x", LMTP_READ_WHOLE, 550, 0, 0, 0, "550 5.1 x" },
	{ "550 5.1234.1 x", LMTP_READ_WHOLE, 550, 0, 0, 0, "550 5.1234.1 x" },
	{ "250-a|250-b|250 c", LMTP_READ_WHOLE, 250, 0, 0, 0, "250 a b c" },
	{ "250-a|250", LMTP_READ_WHOLE, 250, 0, 0, 0, "250 a" },
	{ "250-a", LMTP_READ_MORE, 250, 0, 0, 0, "250 a" },
	{ "250 \x1b[1m\xff", LMTP_READ_WHOLE, 250, 0, 0, 0, "250 ?[1m?" },
	{ "250-a|251 b", LMTP_READ_BROKEN, 250, 0, 0, 0, "250 a" },
	{ "25", LMTP_READ_BROKEN, 0, 0, 0, 0, "" },
	{ "2500 x", LMTP_READ_BROKEN, 0, 0, 0, 0, "" },
	{ "150 x", LMTP_READ_BROKEN, 0, 0, 0, 0, "" },
	{ "650 x", LMTP_READ_BROKEN, 0, 0, 0, 0, "" },
	{ "2x0 x", LMTP_READ_BROKEN, 0, 0, 0, 0, "" },
	{ "+OK ready", LMTP_READ_BROKEN, 0, 0, 0, 0, "" },
	{ "* OK IMAP", LMTP_READ_BROKEN, 0, 0, 0, 0, "" },
};

static void
test_replies(void **state)
{
	struct lmtp_reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof replies / sizeof replies[0]; i++) {
		memset(&reply, 0, sizeof reply);
		assert_int_equal(
		    read_lines(&reply, replies[i].lines), replies[i].read);
		assert_string_equal(reply.text, replies[i].text);
		assert_int_equal(reply.length, strlen(reply.text));
		assert_int_equal(reply.code, replies[i].code);
		assert_int_equal(reply.class, replies[i].class);
		assert_int_equal(reply.subject, replies[i].subject);
		assert_int_equal(reply.detail, replies[i].detail);
	}
}

static void
test_another_begins_anew(void **state)
{
	struct lmtp_reply reply = { 0 };

	(void)state;
	assert_int_equal(
	    read_lines(&reply, "550-5.1.1 a|550 b"), LMTP_READ_WHOLE);
	assert_int_equal(read_lines(&reply, "250 c"), LMTP_READ_WHOLE);
	assert_string_equal(reply.text, "250 c");
	assert_int_equal(reply.class, 0);
}

static void
test_long_replies(void **state)
{
	struct lmtp_reply reply = { 0 };
	char line[400];
	size_t i;

	(void)state;
	memset(line, 'x', sizeof line);
	memcpy(line, "250-", 4);
	for (i = 0; i < LMTP_LINES; i++)
		assert_int_equal(
		    lmtp_reply_read(&reply, line, sizeof line), LMTP_READ_MORE);
	assert_int_equal(reply.length, LMTP_TEXT - 1);
	assert_int_equal(
	    lmtp_reply_read(&reply, line, sizeof line), LMTP_READ_BROKEN);
}

static const struct {
	const char *line;
	enum lmtp_step step;
	enum carried outcome;
} meanings[] = {
	{ "554 no", LMTP_GREETING, CARRIED_DOWN },
	{ "421 no", LMTP_GREETING, CARRIED_DOWN },
	{ "500 what", LMTP_LHLO, CARRIED_WRONG },
	{ "451 no", LMTP_LHLO, CARRIED_DOWN },
	{ "454 no", LMTP_STARTTLS, CARRIED_DOWN },
	{ "502 no", LMTP_STARTTLS, CARRIED_WRONG },
	{ "421 no", LMTP_MAIL, CARRIED_DOWN },
	{ "421 no", LMTP_BODY, CARRIED_DOWN },
	{ "430 log in", LMTP_MAIL, CARRIED_WRONG },
	{ "530 5.7.0 log in", LMTP_RCPT, CARRIED_WRONG },
	{ "500 what", LMTP_MAIL, CARRIED_WRONG },
	{ "502 what", LMTP_MAIL, CARRIED_WRONG },
	{ "500 too long", LMTP_RCPT, CARRIED_REFUSED },
	{ "452 4.3.1 full", LMTP_MAIL, CARRIED_DOWN },
	{ "452 full", LMTP_MAIL, CARRIED_LATER },
	{ "552 5.3.4 too large", LMTP_MAIL, CARRIED_REFUSED },
	{ "450 busy", LMTP_RCPT, CARRIED_LATER },
	{ "550 nobody", LMTP_RCPT, CARRIED_REFUSED },
	{ "552 5.2.2 full", LMTP_RCPT, CARRIED_LATER },
	{ "552 5.2.2 full", LMTP_BODY, CARRIED_LATER },
	{ "552 5.2.3 too large", LMTP_BODY, CARRIED_REFUSED },
	{ "452 4.3.1 full", LMTP_BODY, CARRIED_LATER },
	{ "354 what", LMTP_BODY, CARRIED_LATER },
	{ "554 5.6.0 no", LMTP_BODY, CARRIED_REFUSED },
	{ "503 no", LMTP_DATA, CARRIED_REFUSED },
	{ "500 what", LMTP_RSET, CARRIED_DOWN },
};

static void
test_meanings(void **state)
{
	struct lmtp_reply reply = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		assert_int_equal(
		    read_lines(&reply, meanings[i].line), LMTP_READ_WHOLE);
		assert_int_equal(lmtp_reply_outcome(&reply, meanings[i].step),
		    meanings[i].outcome);
	}
}

static void
test_offers(void **state)
{
	static const char *const lines[] = { "250-SIZE 1000", "250-pipelining",
		"250-8BITMIME", "250-STARTTLS", "250-SMTPUTF8",
		"250-auth  plain login ", "250 SIZES", "250", "250-" };
	struct lmtp_offer offer = { 0 };
	size_t i;
	char line[400];

	(void)state;
	lmtp_offer_read(&offer, "250-PIPELININGS", 15);
	lmtp_offer_read(&offer, "250-AUTHENTIC", 13);
	assert_false(offer.pipelining);
	assert_string_equal(offer.auth, "");
	for (i = 0; i < sizeof lines / sizeof lines[0]; i++)
		lmtp_offer_read(&offer, lines[i], strlen(lines[i]));
	assert_true(offer.pipelining && offer.starttls && offer.eight_bit &&
		    offer.size && offer.utf8);
	assert_string_equal(offer.auth, "PLAIN LOGIN");
	lmtp_offer_read(&offer, "250 AUTH=CRAM-MD5", 17);
	assert_string_equal(offer.auth, "CRAM-MD5");
	lmtp_offer_read(&offer, "250 AUTH", 8);
	assert_string_equal(offer.auth, "");
	snprintf(line, sizeof line, "250-AUTH %0390d", 1);
	lmtp_offer_read(&offer, line, strlen(line));
	assert_int_equal(strlen(offer.auth), sizeof offer.auth - 1);
}

static const struct {
	const char *address;
	bool is_one;
} addresses[] = {
	{ "a@b", true },
	{ "postmaster", true },
	{ "\"a b\"@c", true },
	{ "\"a\\\"> b\"@c", true },
	{ "\xc3\xbc@b", true },
	{ "a+b=c@[IPv6:::1]", true },
	{ "", false },
	{ "@b", false },
	{ "a@", false },
	{ "a b@c", false },
	{ "a>@b", false },
	{ "<a@b", false },
	{ "\"a@b", false },
	{ "\"a\\", false },
	{ "a\\b@c", false },
	{ "a\r\n@b", false },
	{ "\"a\\\n\"@b", false },
	{ "a\x7f@b", false },
	{ "\xfc@b", false },
};

static void
test_addresses(void **state)
{
	char address[400];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		assert_int_equal(
		    lmtp_is_address(addresses[i].address), addresses[i].is_one);
	memset(address, 'a', 320);
	address[320] = '\0';
	assert_true(lmtp_is_address(address));
	memcpy(address + 320, "a", 2);
	assert_false(lmtp_is_address(address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_another_begins_anew),
		cmocka_unit_test(test_long_replies),
		cmocka_unit_test(test_meanings),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
