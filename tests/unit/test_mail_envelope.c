#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/mail/envelope.h"

struct expectation {
	const char *header; /* one field */
	const char *text;   /* decoded; NULL: none */
};

static struct mail_envelope
decode(const char *header, size_t length)
{
	struct mail_envelope envelope;

	assert_true(mail_envelope_read(header, length, NULL, &envelope));
	return envelope;
}

static void
expect(const char *got, const char *expected, const char *header)
{
	if (expected == NULL && got == NULL)
		return;
	if (expected == NULL || got == NULL || strcmp(got, expected) != 0)
		fail_msg("%s: got \"%s\", not \"%s\"", header,
		    got != NULL ? got : "(none)",
		    expected != NULL ? expected : "(none)");
}

static void
subjects(void **state)
{
	static const struct expectation cases[] = {
		{ "Subject: plain\r\n\r\n", "plain" },
		{ "SUBJECT:tight\n\n", "tight" },
		{ "subject \t: spaced\r\n\r\n", "spaced" },
		{ "Subject:\r\n\r\n", "" },
		{ "\xef\xbb\xbfSubject: marked\r\n\r\n", "marked" },
		{ "X-Subject: other\r\n\r\n", NULL },
		{ "Subject: first\r\nSubject: second\r\n\r\n", "first" },
		{ "Subject: folded\r\n over\r\n\tlines\r\n\r\n",
		    "folded over lines" },
		{ "Subject: =?utf-8?B?SMOkbGxv?= =?utf-8?Q?_W=C3=B6rld?=\r\n",
		    "H\xc3\xa4llo W\xc3\xb6rld" },
		{ "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n",
		    "Gr\xc3\xbc\xc3\x9f"
		    "e" },
		{ "Subject: =?koi8-r?B?8NLJ18XU?=\r\n",
		    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
		{ "Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n",
		    "\xe6\x97\xa5\xe6\x9c\xac" },
		{ "Subject: =?gb2312?B?1tDOxA==?=\r\n",
		    "\xe4\xb8\xad\xe6\x96\x87" },
		{ "Subject: =?windows-1252?Q?=80_100?=\r\n",
		    "\xe2\x82\xac 100" },
		{ "Subject: =?utf-8?Q?never ended\r\n",
		    "=?utf-8?Q?never ended" },
		{ "Subject: raw \xc3\xbc utf-8\r\n", "raw \xc3\xbc utf-8" },
		{ "Subject: raw \xfc latin\r\n", "raw \xc3\xbc latin" },
		{ "Subject: tab\there \x1b[31mred\x07\r\n",
		    "tab here [31mred" },
		{ "Subject: =?utf-8?Q?nul=00and=0D=0Aline?=\r\n",
		    "nul and line" },
		{ "Subject: =?utf-8?Q?=E2=80=AEevil?=\r\n", "evil" },
		{ "\r\nSubject: below a blank\r\n", "below a blank" },
		{ "no header at all\r\nSubject: after junk\r\n\r\n",
		    "after junk" },
		{ "", NULL },
		{ ":\r\n:::\r\n\x80: x\r\nSubject: survived\r\n", "survived" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_envelope envelope =
		    decode(cases[i].header, strlen(cases[i].header));

		expect(envelope.subject, cases[i].text, cases[i].header);
		mail_envelope_free(&envelope);
	}
}

/* What is said is open, but it must be UTF-8 and it must be something. */
static void
unknown_charsets_are_survived(void **state)
{
	static const char *const cases[] = {
		"Subject: =?x-unknown?B?SMOkbGxv?= after\r\n\r\n",
		"Subject: =?utf-8?B?/////w==?= after\r\n\r\n",
		"Subject: =?utf-8?X?abc?= after\r\n\r\n",
		"Subject: =?utf-8?B?!!!!?= after\r\n\r\n",
		"Subject: =??Q?abc?= after\r\n\r\n",
		"Subject: =?utf-16?B?2AA=?= after\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_envelope envelope =
		    decode(cases[i], strlen(cases[i]));

		assert_non_null(envelope.subject);
		assert_non_null(strstr(envelope.subject, "after"));
		mail_envelope_free(&envelope);
	}
}

static void
senders(void **state)
{
	static const struct expectation cases[] = {
		{ "From: a@example.org\r\n\r\n", "a@example.org" },
		{ "From: \"Last, First\" <a@b>\r\n", "\"Last, First\" <a@b>" },
		{ "From: =?utf-8?Q?J=C3=BCrgen?= <j@b.example>\r\n",
		    "J\xc3\xbcrgen <j@b.example>" },
		{ "From: =?utf-8?Q?M=C3=BCller=2C_J?= <j@b>\r\n",
		    "\"M\xc3\xbcller, J\" <j@b>" },
		{ "From: \xfcnknown <u@b>\r\n", "\xc3\xbcnknown <u@b>" },
		{ "From: broken <\r\n", "broken <" },
		{ "From: =?utf-8?Q?=C3=BC?=\r\n", "\xc3\xbc" },
		{ "From:\r\n", "" },
		{ "Sender: Robot <a@b>\r\n", "Robot <a@b>" },
		{ "From: a@b\r\nSender: c@d\r\n", "a@b" },
		{ "From:\r\nSender: c@d\r\n", "c@d" },
		{ "Return-Path: <r@s>\r\nSender: c@d\r\n", "c@d" },
		{ "Return-Path: <r@s>\r\n", "<r@s>" },
		{ "To: a@b\r\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_envelope envelope =
		    decode(cases[i].header, strlen(cases[i].header));

		expect(envelope.sender, cases[i].text, cases[i].header);
		mail_envelope_free(&envelope);
	}
}

static void
recipients(void **state)
{
	static const struct expectation cases[] = {
		{ "To: a@b, C <c@d>\r\n", "a@b, C <c@d>" },
		{ "To: a@b\r\nCc: x@y\r\nTo: c@d\r\n", "a@b, c@d" },
		{ "To: undisclosed-recipients:;\r\n",
		    "undisclosed-recipients:;" },
		{ "To: friends: a@b, c@d;\r\n", "friends: a@b, c@d;" },
		{ "To: =?utf-8?Q?Fr=C3=BChling?=: a@b, =?utf-8?Q?=C3=B6?= "
		  "<c@d>;\r\n",
		    "Fr\xc3\xbchling: a@b, \xc3\xb6 <c@d>;" },
		{ "To: a@b,\r\n c@d,\r\n\te@f\r\n", "a@b, c@d, e@f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_envelope envelope =
		    decode(cases[i].header, strlen(cases[i].header));

		expect(envelope.recipients, cases[i].text, cases[i].header);
		mail_envelope_free(&envelope);
	}
}

static void
dates(void **state)
{
	static const struct {
		const char *header;
		bool has_date;
		int64_t date_ms;
	} cases[] = {
		{ "Date: Fri, 2 Jan 2026 04:04:05 +0100\r\n", true,
		    INT64_C(1767323045000) },
		{ "Date: 2 Jan 2026 03:04:05 GMT\r\n", true,
		    INT64_C(1767323045000) },
		{ "Date: Fri, 2 Jan 2026 03:04:05 -0000 (UTC)\r\n", true,
		    INT64_C(1767323045000) },
		{ "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n", true, 0 },
		{ "Date: yesterday\r\n", false, 0 },
		{ "Date:\r\n", false, 0 },
		{ "Subject: x\r\n", false, 0 },
		{ "Date: Fri, 99 Jan 2026 99:99:99 +9999\r\n", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_envelope envelope =
		    decode(cases[i].header, strlen(cases[i].header));

		if (envelope.has_date != cases[i].has_date ||
		    envelope.date_ms != cases[i].date_ms)
			fail_msg("%s: %d %lld", cases[i].header,
			    envelope.has_date, (long long)envelope.date_ms);
		mail_envelope_free(&envelope);
	}
}

static void
nuls_do_not_end_a_header(void **state)
{
	static const char header[] = "Subject: one\0two\r\nFrom: a@b\r\n\r\n";
	struct mail_envelope envelope = decode(header, sizeof(header) - 1);

	(void)state;
	assert_string_equal(envelope.subject, "one two");
	assert_string_equal(envelope.sender, "a@b");
	mail_envelope_free(&envelope);
}

static void
huge_headers_are_cut(void **state)
{
	size_t size = 3000000, filled;
	char *header = malloc(size);
	struct mail_envelope envelope;

	(void)state;
	assert_non_null(header);
	memset(header, 'x', size);
	memcpy(header, "Subject: ", 9);
	envelope = decode(header, size);
	assert_int_equal(strlen(envelope.subject), 4096);
	mail_envelope_free(&envelope);

	memcpy(header, "To: =?utf-8?Q?=C3=BC?=", 22);
	for (filled = 22; filled + 64 < size;)
		filled += (size_t)snprintf(header + filled, 64,
		    " <a%zu@b.example>,\r\n =?utf-8?Q?=C3=BC?=", filled);
	envelope = decode(header, filled);
	assert_true(strlen(envelope.recipients) > 16000);
	assert_true(strlen(envelope.recipients) <= 16384);
	mail_envelope_free(&envelope);
	free(header);
}

/* On a stack smaller than that of any thread of the daemon. */
static void *
decode_nested_groups(void *arg)
{
	static const char front[] = "To: ", back[] = "\xc3\xbc\r\n\r\n";
	const size_t count = 30000;
	struct mail_envelope *envelope = arg;
	char *header = malloc(sizeof(front) + 2 * count + sizeof(back));
	char *at = header;

	if (header == NULL)
		return NULL;
	at = stpcpy(at, front);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, "g:");
	at = stpcpy(at, back);
	if (!mail_envelope_read(header, (size_t)(at - header), NULL, envelope))
		envelope = NULL;
	free(header);
	return envelope;
}

static void
groups_within_groups_do_not_exhaust_the_stack(void **state)
{
	struct mail_envelope envelope;
	pthread_attr_t attributes;
	pthread_t thread;
	void *done;

	(void)state;
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(
	    pthread_attr_setstacksize(&attributes, (size_t)1024 * 1024), 0);
	assert_int_equal(pthread_create(&thread, &attributes,
			     decode_nested_groups, &envelope),
	    0);
	assert_int_equal(pthread_join(thread, &done), 0);
	assert_int_equal(pthread_attr_destroy(&attributes), 0);
	assert_non_null(done);
	assert_int_equal(strlen(envelope.recipients), 16384);
	assert_memory_equal(envelope.recipients, "g:g:g:", 6);
	mail_envelope_free(&envelope);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects),
		cmocka_unit_test(unknown_charsets_are_survived),
		cmocka_unit_test(senders),
		cmocka_unit_test(recipients),
		cmocka_unit_test(dates),
		cmocka_unit_test(nuls_do_not_end_a_header),
		cmocka_unit_test(huge_headers_are_cut),
		cmocka_unit_test(groups_within_groups_do_not_exhaust_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
