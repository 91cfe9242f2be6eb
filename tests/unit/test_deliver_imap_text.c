/* What a client of IMAP sends and reads: names, dates, data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/deliver/imap_data.h"
#include "daemon/deliver/imap_name.h"
#include "daemon/deliver/imap_note.h"

static struct imap_span
span(const char *text)
{
	return (struct imap_span){ text, strlen(text) };
}

/* ---- names of folders ---- */

/* As Cyrus has it without altnamespace, and Courier. */
static const struct imap_naming below_inbox = {
	.prefix = "INBOX.", .delimiter = '.', .foreign = { "user.", "shared." }
};
static const struct imap_naming plain = { .delimiter = '/' };
static const struct imap_naming dots = { .delimiter = '.' };
static const struct imap_naming flat = { .delimiter = '\0' };

static const struct {
	const char *folder;
	const struct imap_naming *naming;
	const char *sent;
} folders[] = {
	{ "", &plain, "\"INBOX\"" },
	{ "", &below_inbox, "\"INBOX\"" },
	{ "inbox", &below_inbox, "\"inbox\"" },
	{ "Archive", &plain, "\"Archive\"" },
	{ "Archive/2024", &plain, "\"Archive/2024\"" },
	{ "Archive/2024", &dots, "\"Archive.2024\"" },
	{ "Archive/2024", &flat, "\"Archive/2024\"" },
	{ "Archive/2024", &below_inbox, "\"INBOX.Archive.2024\"" },
	{ "INBOX/2024", &below_inbox, "\"INBOX.2024\"" },
	{ "INBOX.2024", &below_inbox, "\"INBOX.2024\"" },
	{ "inboxes", &below_inbox, "\"INBOX.inboxes\"" },
	{ "user.anna", &below_inbox, "\"user.anna\"" },
	{ "shared.all", &below_inbox, "\"shared.all\"" },
	{ "[Gmail]/All Mail", &plain, "\"[Gmail]/All Mail\"" },
	/* RFC 3501 section 5.1.3, and its kin. */
	{ "~peter/mail/\345\217\260\345\214\227/"
	  "\346\227\245\346\234\254\350\252\236",
	    &plain, "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\"" },
	{ "Gel\303\266scht", &plain, "\"Gel&APY-scht\"" },
	{ "R&D", &plain, "\"R&-D\"" },
	{ "\303\244&\303\266", &plain, "\"&AOQ-&-&APY-\"" },
	{ "\360\237\223\254", &plain, "\"&2D3c7A-\"" },
	{ "say \"x\\y\"", &plain, "\"say \\\"x\\\\y\\\"\"" },
	{ "a\303\244", &plain, "\"a&AOQ-\"" },
	{ "\303\244\303\244\303\244", &plain, "\"&AOQA5ADk-\"" },
	/* Not to be sent. */
	{ "a\nb", &plain, NULL },
	{ "a\177b", &plain, NULL },
	{ "a\302\205b", &plain, NULL },
	{ "a\303", &plain, NULL },
	{ "\377", &plain, NULL },
};

static void
test_folders(void **state)
{
	char sent[IMAP_FOLDER];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (folders[i].sent == NULL) {
			assert_false(imap_folder_write(
			    sent, folders[i].folder, folders[i].naming));
			continue;
		}
		assert_true(imap_folder_write(
		    sent, folders[i].folder, folders[i].naming));
		assert_string_equal(sent, folders[i].sent);
	}
}

static void
test_long_folders(void **state)
{
	char folder[IMAP_FOLDER + 1], sent[IMAP_FOLDER];

	(void)state;
	memset(folder, 'a', sizeof(folder));
	folder[IMAP_FOLDER - 3] = '\0';
	assert_true(imap_folder_write(sent, folder, &plain));
	assert_int_equal(strlen(sent), IMAP_FOLDER - 1);
	folder[IMAP_FOLDER - 3] = 'a';
	folder[IMAP_FOLDER - 2] = '\0';
	assert_false(imap_folder_write(sent, folder, &plain));
}

static void
test_quoted(void **state)
{
	char sent[8];

	(void)state;
	assert_true(imap_quoted_write(sent, sizeof(sent), "a\"\\"));
	assert_string_equal(sent, "\"a\\\"\\\\\"");
	assert_false(imap_quoted_write(sent, sizeof(sent), "a\"\\b"));
	assert_false(imap_quoted_write(sent, sizeof(sent), "a\n"));
	assert_false(imap_quoted_write(sent, sizeof(sent), "\303\244"));
}

static void
test_dates(void **state)
{
	static const struct {
		int64_t unix_ms;
		const char *date;
	} dates[] = {
		{ 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
		{ INT64_C(1721184265999), "\"17-Jul-2024 02:44:25 +0000\"" },
		{ INT64_C(951782400000), "\"29-Feb-2000 00:00:00 +0000\"" },
		{ INT64_C(253402300799000), "\"31-Dec-9999 23:59:59 +0000\"" },
		{ INT64_C(-1000), "\"31-Dec-1969 23:59:59 +0000\"" },
		{ INT64_C(253402300800000), NULL },
		{ INT64_MAX, NULL },
		{ INT64_MIN, NULL },
	};
	char date[IMAP_DATE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		assert_int_equal(imap_date_write(date, dates[i].unix_ms),
		    dates[i].date != NULL);
		if (dates[i].date != NULL)
			assert_string_equal(date, dates[i].date);
	}
}

/* ---- what a server can do ---- */

static void
test_capabilities(void **state)
{
	struct imap_capabilities can;

	(void)state;
	/* Dovecot's, behind a log-in. */
	imap_capabilities_read(
	    span("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT "
		 "MULTIAPPEND UIDPLUS NAMESPACE LITERAL+ ESEARCH"),
	    &can);
	assert_true(can.is_known && can.literal_plus && can.multiappend &&
		    can.sasl_ir && can.has_namespace && can.has_id);
	assert_false(can.literal_minus || can.starttls || can.login_disabled);
	assert_int_equal(can.append_limit, 0);
	assert_string_equal(can.mechanisms, "");
	/* Gmail's. */
	imap_capabilities_read(
	    span("IMAP4rev1 UNSELECT XLIST  AUTH=XOAUTH2 auth=plain "
		 "AUTH=PLAIN-CLIENTTOKEN LITERAL- APPENDLIMIT=35651584"),
	    &can);
	assert_true(can.literal_minus && !can.literal_plus && !can.multiappend);
	assert_int_equal(can.append_limit, 35651584);
	assert_string_equal(can.mechanisms, "XOAUTH2 PLAIN PLAIN-CLIENTTOKEN");
	imap_capabilities_read(
	    span("IMAP4 STARTTLS LOGINDISABLED AUTH= AUTH=A\"B APPENDLIMIT"),
	    &can);
	assert_true(can.starttls && can.login_disabled);
	assert_string_equal(can.mechanisms, "");
	assert_int_equal(can.append_limit, 0);
}

static void
test_many_mechanisms(void **state)
{
	struct imap_capabilities can;
	char text[4096] = "";
	size_t i;

	(void)state;
	for (i = 0; i < 300; i++)
		strcat(text, "AUTH=ABCDE ");
	imap_capabilities_read(span(text), &can);
	assert_true(strlen(can.mechanisms) < sizeof(can.mechanisms));
	assert_memory_equal(can.mechanisms, "ABCDE ABCDE ", 12);
}

static void
test_namespace(void **state)
{
	struct imap_naming naming;

	(void)state;
	assert_true(imap_naming_read_namespace(
	    span("((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))"),
	    &naming));
	assert_string_equal(naming.prefix, "INBOX.");
	assert_int_equal(naming.delimiter, '.');
	assert_string_equal(naming.foreign[0], "user.");
	assert_string_equal(naming.foreign[1], "");
	/* RFC 2342 sections 5.5 and 5.7. */
	assert_true(imap_naming_read_namespace(
	    span("((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"FLAG1\" "
		 "\"FLAG2\"))) ((\"~\" \"/\")) NIL"),
	    &naming));
	assert_string_equal(naming.prefix, "");
	assert_int_equal(naming.delimiter, '/');
	assert_string_equal(naming.foreign[0], "#mh/");
	assert_string_equal(naming.foreign[1], "~");
	assert_true(imap_naming_read_namespace(span("NIL NIL NIL"), &naming));
	assert_int_equal(naming.delimiter, '\0');
	assert_true(
	    imap_naming_read_namespace(span("((\"\" NIL)) NIL NIL"), &naming));
	assert_int_equal(naming.delimiter, '\0');
	assert_true(imap_naming_read_namespace(
	    span("((\"\" \"\\\\\")) NIL NIL"), &naming));
	assert_int_equal(naming.delimiter, '\\');
	assert_false(
	    imap_naming_read_namespace(span("((\"\" \"/\"))"), &naming));
	assert_false(imap_naming_read_namespace(span("(((("), &naming));
	assert_false(imap_naming_read_namespace(
	    span("((\"a\\\"b\" \"/\")) NIL NIL"), &naming));
	assert_true(imap_naming_read_list(
	    span("(\\Noselect \\HasChildren) \"/\" \"\""), &naming));
	assert_int_equal(naming.delimiter, '/');
	assert_true(imap_naming_read_list(span("() NIL INBOX"), &naming));
	assert_int_equal(naming.delimiter, '\0');
	assert_false(imap_naming_read_list(span("(\\Noselect"), &naming));
}

/* ---- where messages are ---- */

static void
test_state(void **state)
{
	struct imap_state found;

	(void)state;
	assert_true(
	    imap_state_read(span("INBOX (UIDVALIDITY 17 UIDNEXT 4)"), &found));
	assert_int_equal(found.validity, 17);
	assert_int_equal(found.next, 4);
	assert_true(imap_state_read(
	    span("\"a (b) \\\"\" (UIDNEXT 4294967295 FOO (1 (2)) )"), &found));
	assert_int_equal(found.validity, 0);
	assert_int_equal(found.next, 4294967295);
	assert_true(
	    imap_state_read(span("{3}\r\na b (UIDVALIDITY 1)"), &found));
	assert_int_equal(found.validity, 1);
	assert_true(
	    imap_state_read(span("INBOX (UIDNEXT 4294967296)"), &found));
	assert_int_equal(found.next, 0);
	assert_false(imap_state_read(span("INBOX"), &found));
	assert_false(imap_state_read(span("INBOX (UIDNEXT 1"), &found));
	assert_false(imap_state_read(span("{9}\r\nab"), &found));
}

static void
test_appenduid(void **state)
{
	uint32_t validity, uids[4];

	(void)state;
	assert_int_equal(
	    imap_appenduid_read(span("38505 3955"), &validity, uids, 4), 1);
	assert_int_equal(validity, 38505);
	assert_int_equal(uids[0], 3955);
	assert_int_equal(
	    imap_appenduid_read(span("1 3:4,9"), &validity, uids, 4), 3);
	assert_int_equal(uids[0], 3);
	assert_int_equal(uids[1], 4);
	assert_int_equal(uids[2], 9);
	/* Either end first. */
	assert_int_equal(
	    imap_appenduid_read(span("1 8:6"), &validity, uids, 4), 3);
	assert_int_equal(uids[0], 6);
	assert_int_equal(uids[2], 8);
	assert_int_equal(
	    imap_appenduid_read(span("1 1:4294967295"), &validity, uids, 4),
	    4294967295U);
	assert_int_equal(uids[3], 4);
	assert_int_equal(
	    imap_appenduid_read(span("1 "), &validity, uids, 4), 0);
	assert_int_equal(
	    imap_appenduid_read(span("0 1"), &validity, uids, 4), 0);
	assert_int_equal(
	    imap_appenduid_read(span("1 0"), &validity, uids, 4), 0);
	assert_int_equal(
	    imap_appenduid_read(span("1 2,"), &validity, uids, 4), 0);
	assert_int_equal(
	    imap_appenduid_read(span("1 2 3"), &validity, uids, 4), 0);
	assert_int_equal(
	    imap_appenduid_read(span("1 4294967296"), &validity, uids, 4), 0);
}

static void
test_fetched(void **state)
{
	static const struct {
		const char *text;
		uint32_t uid;
		const char *value;
	} fetched[] = {
		{ "(UID 7 BODY[HEADER.FIELDS (X-Evpop-Id)] {19}\r\n"
		  "X-Evpop-Id: abc\r\n\r\n)",
		    7, "abc" },
		{ "(FLAGS (\\Seen $a) BODY[HEADER.FIELDS (\"X-EVPOP-ID\")] "
		  "\"x-evpop-id:  a.1 \" UID 4294967295)",
		    4294967295U, "a.1" },
		{ "(BODY[HEADER.FIELDS (X-Evpop-Id)] {42}\r\n"
		  "X-Evpop-Id: first\r\nX-Evpop-Id: second\r\n\r\n UID 1)",
		    1, "first" },
		{ "(UID 7 BODY[HEADER.FIELDS (X-Evpop-Id)] {2}\r\n\r\n)", 0,
		    NULL },
		{ "(UID 7 BODY[HEADER.FIELDS (X-Evpop-Id)] NIL)", 0, NULL },
		{ "(UID 7)", 0, NULL },
		{ "(UID 7 BODY[HEADER.FIELDS (X-Evpop-Id)] {99}\r\nX)", 0,
		    NULL },
		{ "(UID 99999999999 BODY[] \"X-Evpop-Id: a\")", 0, NULL },
		{ "", 0, NULL },
		{ "((((((((((((", 0, NULL },
		{ "(A ((((((((((((", 0, NULL },
	};
	struct imap_span value;
	uint32_t uid;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(fetched) / sizeof(fetched[0]); i++) {
		assert_int_equal(imap_fetched_read(span(fetched[i].text),
				     "X-Evpop-Id", &uid, &value),
		    fetched[i].value != NULL);
		if (fetched[i].value == NULL)
			continue;
		assert_int_equal(uid, fetched[i].uid);
		assert_int_equal(value.length, strlen(fetched[i].value));
		assert_memory_equal(value.at, fetched[i].value, value.length);
	}
}

/* ---- notes ---- */

static void
test_notes(void **state)
{
	static const char *const broken[] = { "", "imap", "imap ", "imap 1 2 3",
		"imap 1 2 x y", "imap -1 2 3 a", "imap 1 4294967296 3 a",
		"imap 4294967296 1 3 a", "IMAP 1 2 3 a", "lmtp 1 2 3 a",
		"imap 1  2 3 a" };
	const struct imap_note note = { .state = { 4294967295U, 1 },
		.noted_ms = INT64_C(1796049251416),
		.folder = "Post/J\303\244nner & \"x\"" };
	struct imap_note found;
	char text[IMAP_NOTE], folder[IMAP_NOTE];
	size_t i;

	(void)state;
	assert_true(imap_note_write(text, &note));
	assert_true(imap_note_read(text, &found));
	assert_int_equal(found.state.validity, note.state.validity);
	assert_int_equal(found.state.next, note.state.next);
	assert_int_equal(found.noted_ms, note.noted_ms);
	assert_string_equal(found.folder, note.folder);
	assert_true(imap_note_read("imap 0 0 0 ", &found));
	assert_string_equal(found.folder, "");
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_false(imap_note_read(broken[i], &found));
	/* Any folder that can be sent fits, and no longer one is cut. */
	memset(folder, 'a', sizeof(folder));
	folder[IMAP_FOLDER] = '\0';
	found.folder = folder;
	assert_true(imap_note_write(text, &found));
	folder[IMAP_FOLDER] = 'a';
	folder[sizeof(folder) - 1] = '\0';
	assert_false(imap_note_write(text, &found));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_long_folders),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_many_mechanisms),
		cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_appenduid),
		cmocka_unit_test(test_fetched),
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
