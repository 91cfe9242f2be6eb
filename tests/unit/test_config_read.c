/*
 * Lines, sections, keys and includes: every mistake is told with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/ini.h"
#include "tests/unit/test_config_folder.h"

/* An account without fault, in four lines. */
#define ACCOUNT "[account a]\nhost = h\nuser = u\npassword_file = /p\n"

/* 64 octets: a name can be no longer. */
#define LONGEST_KEY                        \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void
test_lines(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT, "" },
		{ "", "F: warning: no accounts; expected at least one [account "
		      "NAME]\n" },
		{ "\xef\xbb\xbf" ACCOUNT, "" },
		{ "\n\xef\xbb\xbf= x\n" ACCOUNT,
		    "F:2: U+FEFF (byte-order mark, or zero-width no-break "
		    "space), which is invisible, precedes a name; type the "
		    "line again\n" },
		{ "[account a]\r\nhost = h\r\nuser = u\r\npassword_file = "
		  "/p\r\n",
		    "" },
		{ "# one\n  ; two\n\n\t\n  [ account   a ]  \n\thost=h\n "
		  "user : u\npassword_file =/p",
		    "" },
		{ ACCOUNT "junk\n", "F:5: expected KEY = VALUE\n" },
		{ ACCOUNT "= x\n", "F:5: expected KEY = VALUE\n" },
		{ ACCOUNT "  continued\nagain", "F:5: expected KEY = VALUE\n"
						"F:6: expected KEY = VALUE\n" },
		{ ACCOUNT "ho ;st = x\n", "F:5: expected KEY = VALUE\n" },
		{ ACCOUNT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			  "aaaaaaaaaaaaaaaaaaaa = x\n",
		    "F:5: expected KEY = VALUE\n" },
		{ ACCOUNT LONGEST_KEY "= x\n",
		    "F:5: " LONGEST_KEY ": unknown key; evpopd.conf(5) lists "
		    "those of [account NAME]\n" },
		{ ACCOUNT "[defaults\n[control]\nhost = x\n",
		    "F:5: expected [SECTION], but the ] is missing\nF:7: host: "
		    "belongs in [account NAME] or [defaults]\n" },
		{ ACCOUNT "id = \xff\n", "F:5: expected UTF-8, but byte 6 of "
					 "the line (0xff) is not\n" },
		{ ACCOUNT "id = \xc0\xaf\n", "F:5: expected UTF-8, but byte 6 "
					     "of the line (0xc0) is not\n" },
		{ ACCOUNT "id = \xed\xa0\x80\n",
		    "F:5: expected UTF-8, but byte 6 of the line (0xed) is "
		    "not\n" },
		{ ACCOUNT "id = \xe2\x82", "F:5: expected UTF-8, but byte 6 of "
					   "the line (0xe2) is not\n" },
		{ ACCOUNT "id = \x1b[1m\n",
		    "F:5: expected text, but byte 6 of the line (0x1b) is a "
		    "control character\n" },
		{ ACCOUNT "id = a\rb\n",
		    "F:5: expected text, but byte 7 of the line (0x0d) is a "
		    "control character\n" },
		{ ACCOUNT "id = \xc2\x9b"
			  "1m\n",
		    "F:5: expected text, but byte 6 of the line (0xc2) is a "
		    "control character\n" },
		{ ACCOUNT "id = \x7f\n",
		    "F:5: expected text, but byte 6 of the line (0x7f) is a "
		    "control character\n" },
		{ ACCOUNT "id = \xe2\x82\xac\xf0\x9f\x93\xac\tx\n", "" },
		{ ACCOUNT "id = x ; y\n",
		    "F:5: warning: id: what looks like a comment is part of "
		    "the value; a comment needs a line of its own (or quote "
		    "the value)\n" },
		{ ACCOUNT "id = \"x ; y\"\n", "" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_nul_is_refused(void **state)
{
	static const char text[] = ACCOUNT "id = a\0b\n";

	folder_write(*state, "main.conf", text, sizeof(text) - 1, 0600);
	folder_expect(*state, "F:5: expected text, but byte 7 of the line "
			      "(0x00) is a control character\n");
}

static void
test_long_lines(void **state)
{
	char *text = malloc(sizeof(ACCOUNT) + 2 * CONFIG_LINE_MAX);
	struct config *config;
	size_t start;

	assert_non_null(text);
	strcpy(text, ACCOUNT "id = ");
	start = strlen(text);
	memset(text + start, 'x', CONFIG_LINE_MAX);
	text[start + CONFIG_LINE_MAX - 5] = '\0';
	folder_write_text(*state, "main.conf", text);
	config = folder_read(*state);
	assert_int_equal(strlen(config->accounts[0]->id), CONFIG_LINE_MAX - 5);
	config_free(&config);
	strcat(text, "x\nordr = no\n");
	folder_write_text(*state, "main.conf", text);
	folder_expect(*state,
	    "F:5: the line has 16385 bytes; expected at most "
	    "16384\nF:6: ordr: unknown key; did you mean order?\n");
	free(text);
}

static void
test_sections(void **state)
{
	static const struct row rows[] = {
		{ "log_level = info\n" ACCOUNT,
		    "F:1: log_level: precedes all sections; expected [daemon], "
		    "[store], [control], [hook], [target NAME], [defaults] or "
		    "[account NAME] "
		    "first\n" },
		{ "[damon]\nlog_level = x\n" ACCOUNT,
		    "F:1: [damon]: unknown section; did you mean [daemon]?\n" },
		{ "[acount bob]\nhost = x\n" ACCOUNT,
		    "F:1: [acount bob]: unknown section; did you mean "
		    "[account NAME]?\n" },
		{ "[network]\n" ACCOUNT,
		    "F:1: [network]: unknown section; expected [daemon], "
		    "[store], [control], [hook], [target NAME], [defaults] or "
		    "[account NAME]\n" },
		{ "[destination]\ntype = Maildir\n" ACCOUNT,
		    "F:1: [destination]: unknown section, of getmail; write "
		    "[target NAME], and deliver = NAME in the account\n" },
		{ "[]\n" ACCOUNT,
		    "F:1: []: unknown section; expected [daemon], [store], "
		    "[control], [hook], [target NAME], [defaults] or [account "
		    "NAME]\n" },
		{ "[Daemon]\n" ACCOUNT, "F:1: [Daemon]: unknown section; did "
					"you mean [daemon]?\n" },
		{ ACCOUNT "[account]\n",
		    "F:5: [account]: expected [account NAME]\n" },
		/* What is in it is checked nevertheless. */
		{ ACCOUNT "[account a/b]\ntls = on\n",
		    "F:5: [account a/b]: expected a name of at most 128 "
		    "letters, digits and . _ - @ +\n"
		    "F:6: tls: expected implicit, stls or none, not \"on\"\n" },
		{ ACCOUNT "[account \xc3\xa4]\n",
		    "F:5: [account \xc3\xa4]: expected a name of at most 128 "
		    "letters, digits and . _ - @ +\n" },
		{ "[daemon]\n[store]\n[control]\n[defaults]\n[daemon]"
		  "\n" ACCOUNT,
		    "" },
	};
	char text[512], name[140];

	EXPECT_ROWS(state, rows);
	memset(name, 'n', sizeof(name));
	name[128] = '\0';
	(void)snprintf(text, sizeof(text),
	    "[account %s]\nhost = h\nuser = u\npassword_file = /p\n", name);
	folder_write_text(*state, "main.conf", text);
	folder_expect(*state, "");
	name[128] = 'n';
	name[129] = '\0';
	(void)snprintf(text, sizeof(text), "%s[account %s]\n", ACCOUNT, name);
	folder_write_text(*state, "main.conf", text);
	name[128] = '\0';
	(void)snprintf(text, sizeof(text),
	    "F:5: [account %s]: expected a name of at most 128 letters, digits "
	    "and . _ - @ +\n",
	    name);
	folder_expect(*state, text);
}

static void
test_keys(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "intervall = 5m\n",
		    "F:5: intervall: unknown key; did you mean interval?\n" },
		{ ACCOUNT "tsl = none\n",
		    "F:5: tsl: unknown key; did you mean tls?\n" },
		{ ACCOUNT "colour = red\n",
		    "F:5: colour: unknown key; evpopd.conf(5) lists those of "
		    "[account NAME]\n" },
		{ ACCOUNT "[defaults]\ncolour = red\n",
		    "F:6: colour: unknown key; evpopd.conf(5) lists those of "
		    "[defaults]\n" },
		{ ACCOUNT "[store]\ncolour = red\n",
		    "F:6: colour: unknown key; evpopd.conf(5) lists those of "
		    "[store]\n" },
		{ ACCOUNT "max_sessions = 1\n",
		    "F:5: max_sessions: belongs in [daemon]\n" },
		{ ACCOUNT "[daemon]\ninterval = 1m\n",
		    "F:6: interval: belongs in [account NAME] or "
		    "[defaults]\n" },
		{ ACCOUNT "[defaults]\nid = x\n",
		    "F:6: id: belongs in [account NAME]; ids must differ\n" },
		{ ACCOUNT "host = i\n",
		    "F:5: host: given twice in this section; first at line "
		    "2\n" },
		{ ACCOUNT "[defaults]\nport = 1\n[daemon]\n[defaults]\nport = "
			  "2\n",
		    "F:9: port: given twice; first at F:6\n" },
		{ "[daemon]\nlog_level = info\n" ACCOUNT
		  "[daemon]\nlog_level = info\n",
		    "F:8: log_level: given twice; first at F:2\n" },
		/* All of them in one run. */
		{ ACCOUNT "x\ny = 1\ntls = no\n[what]\n[store]\npath =\n",
		    "F:5: expected KEY = VALUE\n"
		    "F:6: y: unknown key; evpopd.conf(5) lists those of "
		    "[account NAME]\n"
		    "F:7: tls: expected implicit, stls or none, not \"no\"\n"
		    "F:8: [what]: unknown section; expected [daemon], [store], "
		    "[control], [hook], [target NAME], [defaults] or [account "
		    "NAME]\n"
		    "F:10: path: expected a value, and there is none\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_quotes(void **state)
{
	static const struct {
		const char *value, *password;
	} rows[] = {
		{ "plain", "plain" },
		{ "p;w#d", "p;w#d" },
		{ "p ; w # d", "p ; w # d" },
		{ "#p", "#p" },
		{ ";p", ";p" },
		{ "=p=", "=p=" },
		{ ":p:", ":p:" },
		{ "[p]", "[p]" },
		{ "p\"q\"", "p\"q\"" },
		{ "p\"", "p\"" },
		{ "'p'", "'p'" },
		{ "\\n\\\"", "\\n\\\"" },
		{ "  p \t q  ", "p \t q" },
		{ "\" p \"", " p " },
		{ "\"p\" \t", "p" },
		{ "\"\"\"p\"\"\"", "\"p\"" },
		{ "\"\"\"\"", "\"" },
		{ "\"a\"\"b\"", "a\"b" },
		{ "\"; p #\"", "; p #" },
		{ "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
	};
	char text[256];
	struct config *config;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "[account a]\nhost=h\nuser=u\npassword =%s\n",
		    rows[i].value);
		folder_write_text(*state, "main.conf", text);
		config = folder_read(*state);
		assert_string_equal(
		    config->accounts[0]->password, rows[i].password);
		config_free(&config);
	}
}

static void
test_bad_quotes(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "id = \"\n",
		    "F:5: a value that begins with a quote must end with one "
		    "(write \"\" for a quote inside)\n" },
		{ ACCOUNT "id = \"a\n",
		    "F:5: a value that begins with a quote must end with one "
		    "(write \"\" for a quote inside)\n" },
		{ ACCOUNT "id = \"a\"\"\n",
		    "F:5: a value that begins with a quote must end with one "
		    "(write \"\" for a quote inside)\n" },
		{ ACCOUNT "id = \"a\" \"b\"\n",
		    "F:5: text after the closing quote; quotes surround the "
		    "whole value (write \"\" for a quote inside)\n" },
		{ ACCOUNT "id = \"a\" # b\n",
		    "F:5: text after the closing quote; a comment needs a line "
		    "of its own\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_file_modes(void **state)
{
	static const char text[] =
	    "[account a]\nhost = h\nuser = u\npassword = "
	    "s3cret\n[account b]\nhost = h\nuser = v\npassword = s3cret\n";
	static const char defaults[] = "[defaults]\npassword = s3cret\n"
				       "[account a]\nhost = h\nuser = u\n";
	static const char *const proxies[] = {
		"[defaults]\nproxy = http://me:s3cret@h:8080\n" ACCOUNT,
		"[defaults]\nproxy = http://me@h:8080\n" ACCOUNT
	};
	static const struct {
		mode_t mode;
		const char *expected;
	} rows[] = {
		{ 0600, "" },
		{ 0400, "" },
		{ 0640, "F:4: password: the file is open to other users; "
			"run: chmod 600 F\n" },
		{ 0620, "F:4: password: the file is open to other users; "
			"run: chmod 600 F\n" },
		{ 0604, "F:4: password: the file is open to other users; "
			"run: chmod 600 F\n" },
		{ 0602, "F: the file can be written by others; run: chmod o-w "
			"F\nF:4: password: the file is open to other users; "
			"run: chmod 600 F\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		folder_write(
		    *state, "main.conf", text, sizeof(text) - 1, rows[i].mode);
		folder_expect(*state, rows[i].expected);
	}
	folder_write(*state, "main.conf", defaults, sizeof(defaults) - 1, 0644);
	folder_expect(*state,
	    "F:2: password: the file is open to other users; run: "
	    "chmod 600 F\n");
	folder_write(*state, "main.conf", proxies[0], strlen(proxies[0]), 0640);
	folder_expect(*state,
	    "F:2: proxy: the file is open to other users; run: "
	    "chmod 600 F\n");
	folder_write(*state, "main.conf", proxies[1], strlen(proxies[1]), 0640);
	folder_expect(*state, "");
	folder_write(*state, "main.conf", ACCOUNT, sizeof(ACCOUNT) - 1, 0644);
	folder_expect(*state, "");
}

/* Whoever writes an included file writes accounts, secret or not. */
static void
test_included_file_modes(void **state)
{
	static const struct {
		mode_t mode;
		const char *expected;
	} rows[] = {
		{ 0644, "" },
		{ 0664, "" },
		{ 0602, "D/d/a.conf: the file can be written by others; run: "
			"chmod o-w D/d/a.conf\n" },
		{ 0666, "D/d/a.conf: the file can be written by others; run: "
			"chmod o-w D/d/a.conf\n" },
	};

	folder_write_text(
	    *state, "main.conf", "[daemon]\ninclude = d/a.conf\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		folder_write(*state, "d/a.conf", ACCOUNT, sizeof(ACCOUNT) - 1,
		    rows[i].mode);
		folder_expect(*state, rows[i].expected);
	}
}

static void
test_unreadable(void **state)
{
	const struct folder *folder = *state;

	folder_expect(folder, "F: cannot read: No such file or directory\n");
	assert_int_equal(mkfifo(folder->main, 0600), 0);
	folder_expect(folder, "F: expected a regular file\n");
	assert_int_equal(unlink(folder->main), 0);
	assert_int_equal(mkdir(folder->main, 0700), 0);
	folder_expect(folder, "F: expected a regular file\n");
	assert_int_equal(rmdir(folder->main), 0);
	folder_write_text(folder, "main.conf", "");
	assert_int_equal(
	    truncate(folder->main, (off_t)256 * 1024 * 1024 + 1), 0);
	folder_expect(
	    folder, "F: the file is larger than 256M; split it with include\n");
	if (geteuid() == 0)
		return;
	folder_write(folder, "main.conf", "", 0, 0);
	folder_expect(folder, "F: cannot read: Permission denied\n");
}

/* What one server may have, all may have, unless it is said how many. */
static void
test_sessions(void **state)
{
	static const struct {
		const char *keys;
		uint32_t all, per_host;
	} rows[] = {
		{ "", 64, 8 },
		{ "max_sessions_per_host = 64\n", 64, 64 },
		{ "max_sessions_per_host = 65\n", 65, 65 },
		{ "max_sessions_per_host = 200\n", 200, 200 },
		{ "max_sessions = 3\n", 3, 8 },
		{ "max_sessions = 64\nmax_sessions_per_host = 200\n", 64, 200 },
		{ "max_sessions_per_host = 200\nmax_sessions = 9\n", 9, 200 },
		{ "max_sessions = 300\nmax_sessions_per_host = 200\n", 300,
		    200 },
	};
	const struct folder *folder = *state;
	char text[512];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config;

		snprintf(
		    text, sizeof(text), ACCOUNT "[daemon]\n%s", rows[i].keys);
		folder_write_text(folder, "main.conf", text);
		config = folder_read(folder);
		assert_int_equal(config->max_sessions, rows[i].all);
		assert_int_equal(
		    config->max_sessions_per_host, rows[i].per_host);
		config_free(&config);
	}
}

static void
test_includes(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	const struct folder *folder = *state;
	struct config *config;

	folder_write_text(folder, "main.conf",
	    "[daemon]\ninclude = d/*.conf\ninclude = one.ini\n"
	    "max_sessions = 3\n");
	folder_write_text(folder, "d/10.conf", ACCOUNT);
	folder_write_text(folder, "d/2.conf",
	    "[account c]\nhost=h\nuser=c\npassword_file=p\n"
	    "[daemon]\ninclude = sub*\n");
	folder_write_text(folder, "d/ignored.conf~", "nonsense\n");
	folder_write_text(folder, "d/subs",
	    "[account b]\nhost=h\nuser=b\npassword_file=../q\n");
	folder_write_text(folder, "one.ini",
	    "[account d]\nhost=h\nuser=d\npassword_file=/p\n"
	    "[defaults]\ninterval=1h\n");
	config = folder_read(folder);
	assert_int_equal(config->max_sessions, 3);
	assert_int_equal(config->account_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(config->accounts[i]->name, names[i]);
		assert_int_equal(config->accounts[i]->interval_ms, 3600000);
		assert_int_equal(config->accounts[i]->line, 1);
	}
	/* Relative to the file that names it. */
	assert_memory_equal(config->accounts[1]->password_file, folder->path,
	    strlen(folder->path));
	assert_string_equal(
	    config->accounts[1]->password_file + strlen(folder->path),
	    "/d/../q");
	assert_string_equal(
	    config->accounts[2]->password_file + strlen(folder->path), "/d/p");
	assert_string_equal(config->accounts[3]->password_file, "/p");
	assert_int_equal(config->files.count, 5);
	assert_string_equal(config->files.items[0], folder->main);
	assert_string_equal(
	    config->files.items[1] + strlen(folder->path), "/d/10.conf");
	assert_string_equal(
	    config->files.items[2] + strlen(folder->path), "/d/2.conf");
	assert_string_equal(
	    config->files.items[3] + strlen(folder->path), "/d/subs");
	assert_string_equal(
	    config->files.items[4] + strlen(folder->path), "/one.ini");
	config_free(&config);
}

static void
test_bad_includes(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "[daemon]\ninclude = none/*.conf\n",
		    "F:6: warning: include: no file matches none/*.conf\n" },
		{ ACCOUNT "[daemon]\ninclude = d/[x].conf\n",
		    "F:6: warning: include: no file matches d/[x].conf\n" },
		{ ACCOUNT "[daemon]\ninclude = gone.conf\n",
		    "F:6: include: cannot read D/gone.conf: No such file or "
		    "directory\n" },
		{ ACCOUNT "[daemon]\ninclude =\n",
		    "F:6: include: expected a value\n" },
		{ ACCOUNT "[daemon]\ninclude = loop/*\n",
		    "F:6: include: cannot read the folder of loop/*: Too many "
		    "levels of symbolic links\n" },
		{ ACCOUNT "[daemon]\ninclude = main.conf\n",
		    "F:6: include: F includes itself\n" },
		{ ACCOUNT "[daemon]\ninclude = d/back\n",
		    "D/d/back:2: include: D/d/../main.conf includes itself\n" },
		{ ACCOUNT "[daemon]\ninclude = d/bad\n",
		    "D/d/bad:1: expected KEY = VALUE\n"
		    "D/d/bad:3: log_level: expected error, warning, info or "
		    "debug, not \"warn\"\n" },
		{ ACCOUNT "[daemon]\ninclude = d\n",
		    "D/d: expected a regular file\n" },
		{ ACCOUNT "[daemon]\ninclude = d/o*\ninclude = d/ok\n",
		    "F:7: warning: include: D/d/ok was read before\n" },
		{ ACCOUNT "[daemon]\ninclude = d/deep1\n",
		    "D/d/deep7:2: include: files include files more than 7 "
		    "deep\n" },
		/* A section of an included file goes no further than it. */
		{ ACCOUNT "[daemon]\ninclude = d/ok\nlog_level = info\n", "" },
		{ ACCOUNT "[daemon]\ninclude = d/headless\n",
		    "D/d/headless:1: log_level: precedes all sections; "
		    "expected [daemon], [store], [control], [hook], [target "
		    "NAME], [defaults] or "
		    "[account NAME] first\n" },
		{ ACCOUNT "[account b]\nhost=h\nuser=b\ninclude = d/ok\n",
		    "F:8: include: belongs in [daemon]\n"
		    "F:5: [account b]: no password; expected password, "
		    "password_file, password_command, "
		    "password_credential, password_sealed, token_command or "
		    "oauth2_client_id\n" },
	};
	const struct folder *folder = *state;
	char path[128], text[64], name[16];

	(void)snprintf(path, sizeof(path), "%s/loop", folder->path);
	assert_int_equal(symlink("loop", path), 0);
	folder_write_text(
	    folder, "d/back", "[daemon]\ninclude = ../main.conf\n");
	folder_write_text(folder, "d/bad", "x\n[daemon]\nlog_level = warn\n");
	folder_write_text(folder, "d/ok", "[defaults]\nport = 5\n");
	folder_write_text(folder, "d/headless", "log_level = info\n");
	for (char i = '1'; i <= '6'; i++) {
		(void)snprintf(name, sizeof(name), "d/deep%c", i);
		(void)snprintf(
		    text, sizeof(text), "[daemon]\ninclude = deep%c\n", i + 1);
		folder_write_text(folder, name, text);
	}
	folder_write_text(folder, "d/deep7", "[defaults]\nport = 1\n");
	folder_write_text(
	    folder, "main.conf", ACCOUNT "[daemon]\ninclude = d/deep1\n");
	folder_expect(folder, "");
	folder_write_text(folder, "d/deep7", "[daemon]\ninclude = ok\n");
	EXPECT_ROWS(state, rows);
}

/* The folder's own name may hold what is a sign in a pattern. */
static void
test_include_from_odd_folder(void **state)
{
	const struct folder *folder = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/d/[o]*d", folder->path);
	assert_int_equal(mkdir(path, 0700), 0);
	folder_write_text(
	    folder, "main.conf", "[daemon]\ninclude = d/[[]o]?d/start\n");
	folder_write_text(folder, "d/[o]*d/start", "[daemon]\ninclude = x?\n");
	folder_write_text(folder, "d/[o]*d/x1", ACCOUNT);
	folder_expect(folder, "");
}

static void
test_too_many_mistakes(void **state)
{
	const struct folder *folder = *state;
	struct config_messages messages;
	char *text = malloc(2 * 30000 + 1);

	assert_non_null(text);
	for (size_t i = 0; i < 30000; i++)
		memcpy(text + 2 * i, "x\n", 3);
	folder_write_text(folder, "main.conf", text);
	assert_null(config_read(folder->main, &messages));
	assert_int_equal(messages.errors, 30000);
	assert_int_equal(messages.count, 10001);
	assert_non_null(
	    strstr(messages.lines[10000], "too many mistakes; the others"));
	config_messages_free(&messages);
	free(text);
}

/* No message shows a password, whatever is wrong around it. */
static void
test_passwords_stay_unseen(void **state)
{
	static const char *const texts[] = {
		ACCOUNT "password = s3cret\n",
		ACCOUNT "pasword = s3cret\n",
		ACCOUNT "password s3cret\n",
		ACCOUNT "password = \"s3cret\n",
		ACCOUNT "password = s3cret\x01\n",
		ACCOUNT "[defaults]\npassword = s3cret\npassword = s3cret\n",
		ACCOUNT "[daemon]\npassword = s3cret\n",
		"password = s3cret\n",
		ACCOUNT "password_command = echo s3cret\n",
	};
	const struct folder *folder = *state;
	struct config_messages messages;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		folder_write(
		    folder, "main.conf", texts[i], strlen(texts[i]), 0644);
		assert_null(config_read(folder->main, &messages));
		for (size_t j = 0; j < messages.count; j++)
			assert_null(strstr(messages.lines[j], "s3cret"));
		config_messages_free(&messages);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_nul_is_refused),
		TEST(test_long_lines),
		TEST(test_sections),
		TEST(test_keys),
		TEST(test_quotes),
		TEST(test_bad_quotes),
		TEST(test_file_modes),
		TEST(test_included_file_modes),
		TEST(test_unreadable),
		TEST(test_sessions),
		TEST(test_includes),
		TEST(test_bad_includes),
		TEST(test_include_from_odd_folder),
		TEST(test_too_many_mistakes),
		TEST(test_passwords_stay_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
