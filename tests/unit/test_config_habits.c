/*
 * What people bring along: the keys of other programs, quotes and comments as
 * they are elsewhere, what comes with copied text, files that are not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/option.h"
#include "daemon/config/suggest.h"
#include "tests/unit/test_config_folder.h"

#define ACCOUNT "[account a]\nhost = h\nuser = u\npassword_file = /p\n"
#define NO_KEY  "unknown key; evpopd.conf(5) lists those of [account NAME]\n"
#define ANEW                                                             \
	"which is invisible, is part of the value; type the line again " \
	"(or quote the value)\n"
#define NO_BREAK   "\xc2\xa0"
#define ZERO_WIDTH "\xe2\x80\x8b"
#define MARK       "\xef\xbb\xbf"

static void
test_keys_of_other_programs(void **state)
{
	static const struct {
		const char *key, *value, *ours, *shown; /* NULL: not shown */
	} rows[] = {
		{ "delete_after", "14", "keep", "write keep = 14d" },
		{ "delete_after", "0", "keep", "write keep = forever" },
		{ "delete-after", "2w", "keep", "write keep = 2w" },
		{ "delete", "true", "keep", "write keep = delete" },
		{ "delete", "false", "keep", "write keep = forever" },
		{ "delete", "", "keep", "here it is keep" },
		{ "nokeep", NULL, "keep", "write keep = delete" },
		{ "keep", NULL, "keep", "write keep = forever" },
		{ "keep", "off", "keep", "write keep = delete" },
		{ "keep", "14d", "keep", "write keep = 14d" },
		{ "delete_bigger_than", "5000000", "delete_above",
		    "write delete_above = 5000000" },
		{ "killsize", "100", "max_message_size",
		    "here it is max_message_size" },
		{ "skipsize", "100", "max_message_size",
		    "write max_message_size = 100K" },
		{ "fetchlimit", "20", "max_messages_per_poll",
		    "write max_messages_per_poll = 20" },
		{ "SERVER", "pop.example.org", "host",
		    "write host = pop.example.org" },
		{ "poll", "pop.example.org", "host",
		    "write host = pop.example.org" },
		{ "username", "joe", "user", "write user = joe" },
		{ "pass", "s3cret", "password", "here it is password" },
		{ "passwordeval", "pass s3cret", "password_command",
		    "here it is password_command" },
		{ "passeval", "pass s3cret", "password_command",
		    "here it is password_command" },
		{ "ssl", NULL, "tls", "write tls = implicit" },
		{ "ssl", "no", "tls", "write tls = stls" },
		{ "tls_starttls", "on", "tls", "write tls = stls" },
		{ "tls_starttls", "off", "tls", "write tls = implicit" },
		{ "tls_trust_file", "/ca.pem", "tls_ca",
		    "write tls_ca = /ca.pem" },
		{ "tls_fingerprint", "00:11", "tls_pin", "here it is tls_pin" },
		{ "daemon", "300", "interval", "write interval = 300s" },
		{ "timeout", "60", "timeout_command",
		    "write timeout_command = 60s" },
		{ "fetchall", NULL, NULL, "leave it out" },
		{ "only_new", "on", NULL, "leave it out" },
		{ "read_all", "false", NULL, "leave it out" },
		{ "uidls_file", "~/.uidls", NULL, "leave it out" },
		{ "protocol", "POP3", NULL, "leave it out" },
		{ "proto", "POP3", NULL, "leave it out" },
		{ "sslproto", "tls1.2+", NULL, "leave it out" },
		{ "mda", "maildrop", "deliver",
		    "write deliver = pipe:maildrop" },
		{ "mda", "maildrop -d %T", "deliver", "here it is deliver" },
		{ "smtphost", "localhost", "deliver", "here it is deliver" },
		{ "smtpname", "anna@example.org", "deliver_to",
		    "write deliver_to = anna@example.org" },
		{ "delivery", "maildir /m", "deliver",
		    "write deliver = maildir:/m" },
		{ "delivery", "mda,procmail -a x", "deliver",
		    "write deliver = pipe:procmail -a x" },
		{ "delivery", "mbox /m", "deliver", "write deliver = mbox:/m" },
		{ "delivery", "exchange /m", "deliver", "here it is deliver" },
		{ "delivery", "maildir", "deliver", "here it is deliver" },
	};
	const char *ours;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(config_foreign_describe(
		    rows[i].key, rows[i].value, text, sizeof(text), &ours));
		if (strstr(text, rows[i].shown) == NULL)
			fail_msg("%s: %s", rows[i].key, text);
		assert_null(strstr(text, "s3cret"));
		if (rows[i].ours == NULL)
			assert_null(ours);
		else
			assert_string_equal(ours, rows[i].ours);
		if (ours != NULL)
			assert_non_null(
			    config_option_find(CONFIG_SCOPE_ACCOUNT, ours));
	}
	assert_false(
	    config_foreign_describe("colour", "x", text, sizeof(text), &ours));
	assert_true(config_foreign_describe("tls_fingerprint",
	    "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
	    "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
	    text, sizeof(text), &ours));
	assert_non_null(strstr(text, "write tls_pin = sha256:00:11:22"));
}

static void
test_keys_that_are_none(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "delete_after = 14\n",
		    "F:5: delete_after: unknown key, of getmail; write keep = "
		    "14d\n" },
		{ "[defaults]\ndelete_after = 14\n" ACCOUNT,
		    "F:2: delete_after: unknown key, of getmail; write keep = "
		    "14d\n" },
		/* Nobody is led to what deletes. */
		{ ACCOUNT "kep = delete\n", "F:5: kep: " NO_KEY },
		{ ACCOUNT "keeep = 14d\n", "F:5: keeep: " NO_KEY },
		{ ACCOUNT "delete_over = 14\n", "F:5: delete_over: " NO_KEY },
		{ ACCOUNT "delete_abov = 14\n", "F:5: delete_abov: " NO_KEY },
		{ ACCOUNT "delete_aged = 14\n", "F:5: delete_aged: " NO_KEY },
		{ ACCOUNT "keep = delet\n",
		    "F:5: keep: expected forever, delete, until-delivered, or "
		    "an age such as "
		    "14d (h d w) from 1h to 3650d, not \"delet\"\n" },
		{ ACCOUNT "keep = yes\n",
		    "F:5: keep: expected forever, delete, until-delivered, or "
		    "an age such as "
		    "14d (h d w) from 1h to 3650d, not \"yes\"; did you mean "
		    "forever?\n" },
		/* As fetchmail and mpop write them. */
		{ ACCOUNT "keep\n",
		    "F:5: expected KEY = VALUE; keep is a key of fetchmail, "
		    "mpop and fdm; write keep = forever\n" },
		{ ACCOUNT "fetchall\n",
		    "F:5: expected KEY = VALUE; fetchall is a key of "
		    "fetchmail; leave it out: all new messages are fetched, "
		    "and none twice\n" },
		{ ACCOUNT "delete_above 1M\n", "F:5: expected KEY = VALUE\n" },
		/* What was meant is not missing. */
		{ "[account a]\nserver = h\nusername = u\npass = p\n",
		    "F:2: server: unknown key, of getmail and fdm; write host "
		    "= h\nF:3: username: unknown key, of getmail and "
		    "fetchmail; write user = u\nF:4: pass: unknown key, of "
		    "fetchmail and fdm; here it is password\n" },
		{ "[account a]\nhosst = h\nuser u\npasword = p\n",
		    "F:2: hosst: unknown key; did you mean host?\n"
		    "F:3: expected KEY = VALUE\n"
		    "F:4: pasword: unknown key; did you mean password?\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_one_mistake_makes_one_error(void **state)
{
	static const struct row rows[] = {
		{ "[account a]\nhost = h\nuser = \"a\" b\npassword = \"x\n",
		    "F:3: text after the closing quote; quotes surround the "
		    "whole value (write \"\" for a quote inside)\n"
		    "F:4: a value that begins with a quote must end with one "
		    "(write \"\" for a quote inside)\n" },
		{ "[defaults]\nhost = \"h\n[account a]\nuser=u\npassword=p\n",
		    "F:2: a value that begins with a quote must end with one "
		    "(write \"\" for a quote inside)\n" },
		{ "[account a]\nhost = h\nuser = \xff\npassword=p\n",
		    "F:3: expected UTF-8, but byte 8 of the line (0xff) is "
		    "not\n" },
		/* A second account, whose keys are not those of the first. */
		{ ACCOUNT "[account b\nhost = h\nuser = v\npassword = p\n",
		    "F:5: expected [SECTION], but the ] is missing\n" },
		{ ACCOUNT "[account \xff]\nhost = h\n",
		    "F:5: expected UTF-8, but byte 10 of the line (0xff) is "
		    "not\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_invisible(void **state)
{
	static const struct row rows[] = {
		{ "[account a]\nhost = " NO_BREAK "h\nuser = " NO_BREAK
		  "u\npassword = p" ZERO_WIDTH "\n",
		    "F:2: host: the value holds U+00A0 (no-break space), which "
		    "is invisible; type the line again\nF:3: warning: user: "
		    "U+00A0 (no-break space), " ANEW
		    "F:4: warning: password: U+200B (zero-width "
		    "space), " ANEW },
		{ ACCOUNT "id = a" MARK "b\n",
		    "F:5: warning: id: U+FEFF (byte-order mark, or zero-width "
		    "no-break space), " ANEW },
		{ ACCOUNT "interval =" NO_BREAK "5m\n",
		    "F:5: interval: the value holds U+00A0 (no-break space), "
		    "which is invisible; type the line again\n" },
		/* Who quotes it means it, where it can be meant. */
		{ ACCOUNT "id = \"a" NO_BREAK "b\"\n", "" },
		{ ACCOUNT "interval = \"5m" NO_BREAK "\"\n",
		    "F:5: interval: the value holds U+00A0 (no-break space), "
		    "which is invisible; type the line again\n" },
		{ ACCOUNT "# a" NO_BREAK "comment\n", "" },
		{ ACCOUNT NO_BREAK "\n",
		    "F:5: U+00A0 (no-break space), which is invisible, "
		    "precedes a name; type the line again\n" },
		{ "[account a]\nhost = h\n" NO_BREAK "user = u\npassword=p\n",
		    "F:3: U+00A0 (no-break space), which is invisible, "
		    "precedes a name; type the line again\n" },
		{ "[account a]\nhost = h\nuser" NO_BREAK "= u\npassword=p\n",
		    "F:3: U+00A0 (no-break space), which is invisible, is part "
		    "of a name; type the line again\n" },
		/* Two files that became one. */
		{ ACCOUNT MARK "[account b]\nhost = h\n",
		    "F:5: U+FEFF (byte-order mark, or zero-width no-break "
		    "space), which is invisible, precedes a name; type the "
		    "line again\n" },
		{ ACCOUNT "[account b" ZERO_WIDTH "]\nhost = h\n",
		    "F:5: U+200B (zero-width space), which is invisible, is "
		    "part of a name; type the line again\n" },
	};

	EXPECT_ROWS(state, rows);
}

#define QUOTED                                                         \
	"part of the value; leave them out (or surround the value by " \
	"double quotes)\n"
#define REMARK                                                       \
	"what looks like a comment is part of the value; a comment " \
	"needs a line of its own (or quote the value)\n"

static void
test_quotes_and_comments(void **state)
{
	static const struct row rows[] = {
		{ "[account a]\nhost=h\nuser = 'u'\npassword = 'secret'\n",
		    "F:3: warning: user: the single quotes are " QUOTED
		    "F:4: warning: password: the single quotes are " QUOTED },
		{ "[account a]\nhost=h\nuser=u\npassword_command = 'pass x'\n",
		    "F:4: warning: password_command: the single quotes "
		    "are " QUOTED },
		{ ACCOUNT "id = \xe2\x80\x9cx\xe2\x80\x9d\n",
		    "F:5: warning: id: the typographic quotes are " QUOTED },
		{ ACCOUNT "id = it's\n", "" },
		{ ACCOUNT "id = '\n", "" },
		{ ACCOUNT "id = \"'x'\"\n", "" },
		{ ACCOUNT "order = 'newest'\n",
		    "F:5: order: expected oldest or newest, not \"'newest'\"; "
		    "did you mean newest?; leave the quotes out\n" },
		{ ACCOUNT "keep = 14d # two weeks\n",
		    "F:5: keep: expected forever, delete, until-delivered, or "
		    "an age such as "
		    "14d (h d w) from 1h to 3650d, not \"14d # two weeks\"; a "
		    "comment needs a line of its own\n" },
		{ ACCOUNT "port = 995 ; POP3S\n",
		    "F:5: port: expected a whole number from 0 to 65535, not "
		    "\"995 ; POP3S\"; a comment needs a line of its own\n" },
		{ "[account a]\nhost=h\nuser=u\npassword = x # mine\n",
		    "F:4: warning: password: " REMARK },
		{ "[account a]\nhost=h\nuser=u\npassword = x#mine\n", "" },
		{ "[account a]\nhost=h\nuser=u\npassword = \"x # mine\"\n",
		    "" },
		{ "[account a]\nhost=h\nuser=u\npassword_command = x # mine\n",
		    "" },
		{ "[account a]\nhost=h\nuser=u\npassword_credential = x #y\n",
		    "F:4: warning: password_credential: " REMARK },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_a_path_is_no_shell_word(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "tls_ca = ~/ca.pem\n",
		    "F:5: tls_ca: expected a whole path (~ is not expanded), "
		    "not \"~/ca.pem\"\n" },
		{ ACCOUNT "tls_ca = ~joe/ca.pem\n",
		    "F:5: tls_ca: expected a whole path (~ is not expanded), "
		    "not \"~joe/ca.pem\"\n" },
		{ ACCOUNT "tls_ca = $HOME/ca.pem\n",
		    "F:5: tls_ca: expected a whole path (variables are not "
		    "expanded), not \"$HOME/ca.pem\"\n" },
		{ ACCOUNT "tls_ca = ca.pem~\n", "" },
		{ ACCOUNT "tls_ca = ./~/ca.pem\n", "" },
		{ ACCOUNT "[daemon]\ninclude = ~/*.conf\n",
		    "F:6: include: expected a whole path, not \"~/*.conf\": "
		    "neither ~ nor variables are expanded here\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_files_that_are_named(void **state)
{
	static const struct row rows[] = {
		{ "[store]\npath = new.db\n[account a]\nhost = h\nuser = u\n"
		  "password_file = pw\n",
		    "" },
		{ "[account a]\nhost = h\nuser = u\npassword_file = none\n"
		  "tls_ca = d\ntls_cert = fifo\n",
		    "F:4: warning: password_file: D/none: No such file or "
		    "directory\nF:5: warning: tls_ca: D/d: expected a file, "
		    "but it is a folder\nF:6: warning: tls_cert: D/fifo: "
		    "expected a regular file\n" },
		{ "[defaults]\ntls_ca = none\n[account a]\nhost = h\nuser = u\n"
		  "password_file = pw\n[account b]\nhost = i\nuser = u\n"
		  "password_file = pw\n",
		    "F:2: warning: tls_ca: D/none: No such file or "
		    "directory\n" },
		{ "[store]\npath = none/mail.db\n[control]\nsocket = d\n"
		  "[account a]\nhost = h\nuser = u\npassword_file = pw\n",
		    "F:2: warning: path: D/none/mail.db: its folder does not "
		    "exist\nF:4: warning: socket: D/d: expected a file, but it "
		    "is a folder\n" },
		{ "[store]\npath = pw/mail.db\n[account a]\nhost = h\n"
		  "user = u\npassword_file = pw\n",
		    "F:2: warning: path: D/pw/mail.db: its folder is a "
		    "file\n" },
		/* As systemd makes it at the start. */
		{ "[control]\nsocket = /run/evpop-test/none/x\n[account a]\n"
		  "host = h\nuser = u\npassword_file = pw\n",
		    "" },
	};
	const struct folder *folder = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/fifo", folder->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	folder_write_text(folder, "pw", "secret\n");
	folder_looks_for_files = true;
	EXPECT_ROWS(state, rows);
	if (geteuid() == 0)
		return;
	folder_write(folder, "pw", "", 0, 0);
	folder_write_text(folder, "main.conf",
	    "[account a]\nhost = h\nuser = u\npassword_file = pw\n");
	folder_expect(
	    folder, "F:4: warning: password_file: D/pw: Permission denied\n");
}

static void
test_secrets_that_others_can_read(void **state)
{
#define EXPOSED                                                           \
	": D/open: open to other users; run chmod 600 on it, or give it " \
	"to root and let nobody write it\n"
	static const struct row rows[] = {
		{ "[account a]\nhost = h\nuser = u\npassword_file = open\n",
		    "F:4: warning: password_file" EXPOSED },
		{ "[account a]\nhost = h\nuser = u\n"
		  "oauth2_client_id = c\noauth2_token_url = https://h/\n"
		  "oauth2_client_secret_file = open\n",
		    "F:6: warning: oauth2_client_secret_file" EXPOSED },
		{ "[target t]\ntype = http\nurl = https://h/\n"
		  "secret_file = open\n[account a]\nhost = h\nuser = u\n"
		  "password = p\n",
		    "F:4: warning: secret_file" EXPOSED },
		/* What everybody may know. */
		{ "[account a]\nhost = h\nuser = u\npassword = p\n"
		  "tls_ca = open\n",
		    "" },
	};
	const struct folder *folder = *state;

	folder_write(folder, "open", "secret\n", strlen("secret\n"), 0644);
	folder_looks_for_files = true;
	EXPECT_ROWS(state, rows);
#undef EXPOSED
}

static void
test_other_ports_are_other_servers(void **state)
{
	static const struct row rows[] = {
		{ "[defaults]\nhost = 127.0.0.1\nuser = u\npassword = p\n"
		  "tls = none\n[account a]\nport = 11101\n[account b]\n"
		  "port = 11102\n",
		    "" },
		/* The port of one is the default of the other. */
		{ "[defaults]\nhost = h\nuser = u\npassword = p\n[account a]\n"
		  "[account b]\nport = 995\n",
		    "F:6: warning: [account b]: the same host and user as "
		    "[account a] at F:5\n" },
		{ "[defaults]\nhost = h\nuser = u\npassword = p\n[account a]\n"
		  "[account b]\ntls = stls\n",
		    "" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_a_token_is_no_password(void **state)
{
	static const struct row rows[] = {
		{ "[account a]\nhost=h\nuser=u\ntls=none\ntoken_command=t\n",
		    "F:1: [account a]: tls = none would show the token to the "
		    "network; expected tls = implicit or tls = stls (or "
		    "allow_cleartext = yes)\n" },
		{ "[account a]\nhost=h\nuser=u\npassword=p\ntoken_command=t\n",
		    "F:1: [account a]: password and token_command are both "
		    "given; expected one of them\n" },
	};

	EXPECT_ROWS(state, rows);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys_of_other_programs),
		TEST(test_keys_that_are_none),
		TEST(test_one_mistake_makes_one_error),
		TEST(test_invisible),
		TEST(test_quotes_and_comments),
		TEST(test_a_path_is_no_shell_word),
		TEST(test_files_that_are_named),
		TEST(test_secrets_that_others_can_read),
		TEST(test_other_ports_are_other_servers),
		TEST(test_a_token_is_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
