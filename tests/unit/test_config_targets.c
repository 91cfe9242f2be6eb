/*
 * Targets: what a section needs, what `deliver` names and describes, and what
 * templates become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <evpop/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/option.h"
#include "daemon/config/target.h"
#include "daemon/config/value.h"
#include "tests/unit/test_config_folder.h"

#define ACCOUNT "[account a]\nhost = h\nuser = u\npassword = p\n"
#define NO_KEY  " is no key of a target with type = "

/* A target of each type with all that it needs. */
static const char *const least[CONFIG_TARGET_COUNT] = {
	[CONFIG_TARGET_MAILDIR] = "type = maildir\npath = /m\n",
	[CONFIG_TARGET_MBOX] = "type = mbox\npath = /m\n",
	[CONFIG_TARGET_LMTP] = "type = lmtp\nhost = localhost\n",
	[CONFIG_TARGET_PIPE] = "type = pipe\ncommand = cat\n",
	[CONFIG_TARGET_IMAP] =
	    "type = imap\nhost = h\nuser = u\npassword_file = /p\n",
	[CONFIG_TARGET_HTTP] = "type = http\nurl = https://h/\n",
	[CONFIG_TARGET_GMAIL] = "type = gmail\ntoken_command = t\n",
};

static struct config *
read_text(const struct folder *folder, const char *text)
{
	folder_write_text(folder, "main.conf", text);
	return folder_read(folder);
}

/* One of the messages holds this. */
static void
expect_error(const struct folder *folder, const char *text, const char *wanted)
{
	struct config_messages messages;
	bool is_told = false;

	folder_write_text(folder, "main.conf", text);
	assert_null(config_read(folder->main, &messages));
	for (size_t i = 0; i < messages.count; i++)
		is_told |= strstr(messages.lines[i], wanted) != NULL;
	if (!is_told)
		fail_msg("\"%s\" is not told of\n%s", wanted, text);
	config_messages_free(&messages);
}

/* A value other than the default, for each key of a target. */
static const struct {
	const char *key, *value;
} others[] = { { "enabled", "no" }, { "path", "/other" }, { "folder", "x" },
	{ "label", "x" }, { "archive", "yes" }, { "never_mark_spam", "yes" },
	{ "internal_date", "received-time" }, { "mode", "0640" },
	{ "line_ends", "crlf" }, { "deliver_to", "x" }, { "command", "tac" },
	{ "shell", "yes" }, { "memory_limit", "1G" }, { "host", "127.0.0.2" },
	{ "port", "1" }, { "socket", "/s" }, { "tls", "stls" },
	{ "tls_pin", "sha256:"
		     "0123456789abcdef0123456789abcdef0123456789abcdef012345678"
		     "9abcdef" },
	{ "tls_ca", "/x" }, { "tls_cert", "/x" },
	{ "tls_key", "/x\ntls_cert = /c" }, { "proxy", "http://x" },
	{ "source_address", "::1" }, { "allow_cleartext", "yes" },
	{ "user", "x" }, { "password", "x" }, { "password_file", "/x" },
	{ "password_command", "x" }, { "password_credential", "x" },
	{ "password_sealed", "evpop-password-1:x" }, { "token_command", "x" },
	{ "oauth2_flow", "code" }, { "oauth2_client_id", "x" },
	{ "oauth2_client_secret", "x" }, { "oauth2_client_secret_file", "/x" },
	{ "oauth2_client_secret_sealed", "evpop-password-1:x" },
	{ "oauth2_tenant", "x" }, { "oauth2_scope", "x" },
	{ "oauth2_token_url", "https://x/" },
	{ "oauth2_device_url", "https://x/" },
	{ "oauth2_authorization_url", "https://x/" }, { "auth", "plain" },
	{ "url", "https://x/" }, { "body", "json" }, { "secret", "x" },
	{ "secret_file", "/x" }, { "secret_command", "x" },
	{ "secret_credential", "x" }, { "secret_sealed", "evpop-password-1:x" },
	{ "allow_private", "yes" }, { "timeout", "1s" }, { "concurrency", "1" },
	{ "rate", "1" }, { "order", "account" }, { "retry_min", "1s" },
	{ "retry_max", "2h" }, { "give_up_after", "1d" },
	{ "max_waiting", "1" }, { "rspamd", "https://h" },
	{ "rspamd_down", "deliver" },
	{ "spam_target", "spam\nrspamd = https://h" } };

static bool
is_for_login(const char *key)
{
	return strncmp(key, "password", 8) == 0 ||
	       strcmp(key, "token_command") == 0;
}

static bool
is_for_oauth2(const char *key)
{
	return strncmp(key, "oauth2_", 7) == 0;
}

/* The needs of a type, without a key that is given and what excludes it. */
static void
write_target(char *text, size_t size, enum config_target_type type,
    const char *key, const char *value)
{
	char copy[256], *rest = copy, *line;
	size_t used;

	(void)snprintf(copy, sizeof(copy), "%s", least[type]);
	used = (size_t)snprintf(text, size,
	    ACCOUNT "[target spam]\ntype = mbox\npath = /spam\n[target t]\n");
	while ((line = strsep(&rest, "\n")) != NULL) {
		size_t length = strcspn(line, " ");

		if (*line == '\0' ||
		    (strncmp(line, key, length) == 0 && key[length] == '\0') ||
		    (is_for_login(key) && strncmp(line, "password", 8) == 0) ||
		    (is_for_oauth2(key) &&
			strncmp(line, "token_command", 13) == 0) ||
		    (strcmp(key, "socket") == 0 &&
			strncmp(line, "host", 4) == 0))
			continue;
		used +=
		    (size_t)snprintf(text + used, size - used, "%s\n", line);
	}
	if (is_for_oauth2(key) && strcmp(key, "oauth2_client_id") != 0)
		used += (size_t)snprintf(
		    text + used, size - used, "oauth2_client_id = c\n");
	if (is_for_login(key) && type == CONFIG_TARGET_LMTP)
		used += (size_t)snprintf(text + used, size - used, "user=u\n");
	if (strcmp(key, "user") == 0 && type == CONFIG_TARGET_LMTP)
		used += (size_t)snprintf(
		    text + used, size - used, "password_file = /p\n");
	if (strcmp(key, "proxy") == 0 && type == CONFIG_TARGET_LMTP)
		used +=
		    (size_t)snprintf(text + used, size - used, "tls = stls\n");
	(void)snprintf(text + used, size - used, "%s = %s\n", key, value);
}

/* Each key is taken by the types that have it, and a change of it is seen. */
static void
test_every_key(void **state)
{
	char text[1024], wanted[256];
	size_t keys = 0;

	for (size_t i = 0; i < config_option_count; i++)
		keys += config_options[i].scope == CONFIG_SCOPE_TARGET;
	assert_int_equal(keys, sizeof(others) / sizeof(others[0]) + 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct config_option *option =
		    config_option_find(CONFIG_SCOPE_TARGET, others[i].key);

		assert_non_null(option);
		for (int type = 0; type < CONFIG_TARGET_COUNT; type++) {
			struct config *plain, *config;

			write_target(text, sizeof(text),
			    (enum config_target_type)type, others[i].key,
			    others[i].value);
			if (option->targets != 0 &&
			    (option->targets & (1U << type)) == 0) {
				(void)snprintf(wanted, sizeof(wanted),
				    ": %s" NO_KEY "%s", others[i].key,
				    config_target_type_name(
					(enum config_target_type)type));
				expect_error(*state, text, wanted);
				continue;
			}
			config = read_text(*state, text);
			write_target(text, sizeof(text),
			    (enum config_target_type)type, "", "");
			*strstr(text, " = \n") = '\0';
			plain = read_text(*state, text);
			assert_int_equal(config->target_count, 2);
			assert_false(config_values_equal(CONFIG_SCOPE_TARGET,
			    config_target_find(config, "t"),
			    config_target_find(plain, "t")));
			assert_true(config_values_equal(CONFIG_SCOPE_TARGET,
			    config_target_find(config, "spam"),
			    config_target_find(plain, "spam")));
			config_free(&config);
			config_free(&plain);
		}
	}
}

static void
test_what_is_needed(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "[target]\n",
		    "F:5: [target]: expected [target NAME]\n" },
		{ ACCOUNT "[target a:b]\n",
		    "F:5: [target a:b]: expected a name of at most 128 "
		    "letters, digits and . _ - @ +\n" },
		{ ACCOUNT "[target t]\n",
		    "F:5: [target t]: type is missing; expected type = "
		    "maildir, mbox, lmtp, pipe, imap, http or gmail\n" },
		{ ACCOUNT "[target t]\ntype = maildirs\n",
		    "F:6: type: expected maildir, mbox, lmtp, pipe, imap, "
		    "http or gmail, not \"maildirs\"; did you mean "
		    "maildir?\n" },
		{ ACCOUNT "[target t]\ntype = maildir\n",
		    "F:5: [target t]: path is missing\n" },
		{ ACCOUNT "[target t]\ntype = mbox\npath = ~/m\n",
		    "F:7: path: expected a whole path (~ is not expanded), not "
		    "\"~/m\"\n" },
		{ ACCOUNT "[target t]\ntype = mbox\npath = /{usr}\n",
		    "F:7: path: expected {account}, {login}, {user}, {domain} "
		    "or {host} where there are braces ({{ for a brace), not "
		    "\"/{usr}\"\n" },
		{ ACCOUNT "[target t]\ntype = pipe\n",
		    "F:5: [target t]: command is missing\n" },
		{ ACCOUNT "[target t]\ntype = lmtp\n",
		    "F:5: [target t]: host is missing; expected host, or "
		    "socket = /PATH\n" },
		{ ACCOUNT "[target t]\ntype = lmtp\nhost = h\nsocket = /s\n",
		    "F:5: [target t]: host and socket are both given; expected "
		    "one of them\n" },
		{ ACCOUNT "[target t]\ntype = lmtp\nhost = h\ntls = none\n",
		    "F:5: [target t]: tls = none would show mail to the "
		    "network; expected tls = implicit or tls = stls (or "
		    "allow_cleartext = yes)\n" },
		{ ACCOUNT "[target t]\ntype = imap\nhost = h\n",
		    "F:5: [target t]: user is missing\n" },
		{ ACCOUNT "[target t]\ntype = imap\nhost = h\nuser = u\n",
		    "F:5: [target t]: no password; expected password, "
		    "password_file, password_command, password_credential, "
		    "password_sealed or token_command\n" },
		{ ACCOUNT "[target t]\ntype = imap\nhost = h\nuser = u\n"
			  "password = x\ntoken_command = y\n",
		    "F:5: [target t]: expected a password or token_command, "
		    "not both\n" },
		{ ACCOUNT "[target t]\ntype = imap\nhost = h\nuser = u\n"
			  "password = x\npassword_file = /y\n",
		    "F:5: [target t]: expected one of password, password_file, "
		    "password_command, password_credential and "
		    "password_sealed\n" },
		{ ACCOUNT "[target t]\ntype = http\n",
		    "F:5: [target t]: url is missing\n" },
		{ ACCOUNT "[target t]\ntype = http\nurl = http://h/\n",
		    "F:5: [target t]: url begins with http:// and would show "
		    "mail to the network; expected https:// (or "
		    "allow_cleartext = yes)\n" },
		{ ACCOUNT "[target t]\ntype = http\nurl = https://u:p@h/\n",
		    "F:7: url: expected a URL without a user or password in "
		    "it\n" },
		{ ACCOUNT "[target t]\ntype = http\nurl = ftp://h/\n",
		    "F:7: url: expected https://HOST/PATH, or "
		    "http://HOST/PATH with the port behind the host where it "
		    "is not the usual one\n" },
		{ ACCOUNT "[target t]\ntype = mbox\npath = /m\n"
			  "retry_min = 2h\n",
		    "F:5: [target t]: retry_min = 2h is longer than retry_max "
		    "= 1h\n" },
		{ ACCOUNT "[target t]\ntype = mbox\npath = /m\n"
			  "rspamd = http://spam.example:11333\n",
		    "F:5: [target t]: rspamd begins with http:// and would "
		    "show mail to the network; expected https:// (or "
		    "allow_cleartext = yes)\n" },
		{ ACCOUNT "[target t]\ntype = mbox\npath = /m\n"
			  "spam_target = u\n",
		    "F:5: [target t]: spam_target without rspamd\n"
		    "F:5: [target t]: spam_target: there is no [target u]\n" },
		{ ACCOUNT "[target t]\ntype = mbox\npath = /m\n"
			  "rspamd = https://h\nspam_target = u\n"
			  "[target u]\ntype = mbox\npath = /n\n"
			  "rspamd = https://h\nspam_target = v\n"
			  "[target v]\ntype = mbox\npath = /o\n",
		    "F:5: [target t]: spam_target: [target u] has a "
		    "spam_target, too; spam would not come to rest\n" },
		{ ACCOUNT "[target t]\ntype = mbox\npath = /m\n"
			  "[target t]\ntype = mbox\npath = /n\n",
		    "F:8: [target t]: defined before at F:5\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_what_is_wrong_with_deliver(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "deliver = loacl\n"
			  "[target local]\ntype = mbox\npath = /m\n",
		    "F:1: [account a]: deliver: there is no [target loacl]; "
		    "did you mean local?\n" },
		{ "[defaults]\ndeliver = x\n" ACCOUNT,
		    "F:2: deliver: there is no [target x]\n" },
		{ ACCOUNT "deliver = maildir:/a, maildir:/a\n",
		    "F:5: deliver: expected each target once, not "
		    "\"maildir:/a\"\n" },
		{ ACCOUNT "deliver = maildir:\n",
		    "F:5: deliver: expected a path behind the colon, not "
		    "\"maildir:\"\n" },
		{ ACCOUNT "deliver = /home/anna/Maildir\n",
		    "F:5: deliver: expected maildir:PATH or mbox:PATH, not "
		    "\"/home/anna/Maildir\"\n" },
		{ ACCOUNT "deliver = |procmail\n",
		    "F:5: deliver: expected pipe:COMMAND, not "
		    "\"|procmail\"\n" },
		{ ACCOUNT "deliver = imap:host\n",
		    "F:5: deliver: expected the name of a [target NAME] that "
		    "describes the server, not \"imap:host\"\n" },
		{ ACCOUNT "deliver = file:/x\n",
		    "F:5: deliver: expected names of targets, or "
		    "maildir:PATH, mbox:PATH, lmtp:HOST:PORT, lmtp:/SOCKET or "
		    "pipe:COMMAND, with commas between, not \"file:/x\"\n" },
		{ ACCOUNT "deliver = lmtp:host:0\n",
		    "F:5: deliver: expected lmtp:HOST, lmtp:HOST:PORT or "
		    "lmtp:/SOCKET, not \"lmtp:host:0\"\n" },
		{ ACCOUNT "deliver = a,,b\n",
		    "F:5: deliver: expected names of targets, of letters, "
		    "digits and . _ - @ +, with commas between, not \"\"\n" },
		{ ACCOUNT "deliver = pipe: \n",
		    "F:5: deliver: expected a command behind pipe:, not "
		    "\"pipe:\"\n" },
		{ ACCOUNT "keep = until-delivered\n",
		    "F:1: [account a]: keep = until-delivered without deliver: "
		    "nothing would be delivered, and nothing deleted; expected "
		    "deliver = TARGET, or another keep\n" },
		{ "[daemon]\nkey_file = /k\n[store]\nseal_to = "
		  "evpop-public-1:AAAA\n" ACCOUNT "deliver = mbox:/m\n",
		    "F:5: [account a]: deliver with seal_to in [store]: the "
		    "daemon cannot read what is sealed, and so cannot deliver "
		    "it; expected one of them\n" },
	};

	EXPECT_ROWS(state, rows);
}

/* What --check warns of. */
static void
test_what_is_not_there(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "deliver = maildir:/nowhere/a, mbox:/tmp\n",
		    "F:1: warning: path: /nowhere/a: its folder does not "
		    "exist\n"
		    "F:1: warning: path: /tmp: expected a file, but it is a "
		    "folder\n" },
		{ ACCOUNT "deliver = maildir:/tmp, mbox:/tmp/nothing-here, "
			  "maildir:/tmp/no{user}/x\n",
		    "" },
		{ ACCOUNT "deliver = maildir:/nowhere/{user}\n",
		    "F:1: warning: path: /nowhere/{user}: the folder before "
		    "the braces does not exist\n" },
		{ ACCOUNT "deliver = maildir:/etc/passwd\n",
		    "F:1: warning: path: /etc/passwd: expected a folder, but "
		    "it is a file\n" },
		{ ACCOUNT "deliver = pipe:no-such-program {recipient}, x\n",
		    "F:1: warning: command: no-such-program: there is no such "
		    "program\n" },
		{ ACCOUNT "[target t]\ntype = pipe\n"
			  "command = '/no such/program' x\n",
		    "F:5: warning: command: /no such/program: there is no such "
		    "program\n" },
		{ ACCOUNT "[target t]\ntype = pipe\nshell = yes\n"
			  "command = '/no such/program' x\n",
		    "" },
		{ ACCOUNT "[target t]\ntype = pipe\ncommand = cat 'x\n",
		    "F:5: [target t]: command: a quote is not closed, or the "
		    "command ends with a backslash\n" },
		{ ACCOUNT "[target t]\ntype = http\nurl = https://h/\n"
			  "secret_file = /nowhere/a\n",
		    "F:8: warning: secret_file: /nowhere/a: No such file or "
		    "directory\n" },
		{ ACCOUNT "[target t]\ntype = lmtp\nsocket = /nowhere/a\n",
		    "" },
	};

	folder_looks_for_files = true;
	EXPECT_ROWS(state, rows);
}

/* What an account describes is a target of that name, whoever else does. */
static void
test_targets_of_deliver(void **state)
{
	const struct folder *folder = *state;
	const struct config_target *target;
	const struct config_account *account;
	char path[128];
	struct config *config = read_text(folder,
	    "[defaults]\ndeliver = local, maildir:md/{user}\n"
	    "keep = until-delivered\n" ACCOUNT
	    "deliver = lmtp:[::1]:2400 , lmtp:/run/l,lmtp:h, "
	    "pipe: cat >/dev/null, yes\n"
	    "deliver_to = {login}\n"
	    "[account b]\nhost = h\nuser = v\npassword = p\n"
	    "[account c]\nhost = h\nuser = w\npassword = p\n"
	    "deliver = maildir:md/{user}\n"
	    "[target local]\ntype = lmtp\nhost = localhost\n");

	assert_int_equal(config->target_count, 6);
	account = config_find(config, "a");
	assert_int_equal(account->deliver.count, 4);
	assert_int_equal(account->keep.kind, CONFIG_KEEP_DELIVERED);
	assert_string_equal(account->deliver_to, "{login}");
	target = config_target_find(config, account->deliver.items[0]);
	assert_string_equal(target->name, "lmtp:[::1]:2400");
	assert_string_equal(target->host, "::1");
	assert_int_equal(config_target_port(target), 2400);
	assert_int_equal(target->tls, EVPOP_TLS_NONE);
	assert_string_equal(target->deliver_to, "{user}@{domain}");
	assert_true(target->enabled);
	target = config_target_find(config, account->deliver.items[1]);
	assert_string_equal(target->socket, "/run/l");
	assert_int_equal(target->tls, EVPOP_TLS_NONE);
	target = config_target_find(config, account->deliver.items[2]);
	assert_int_equal(config_target_port(target), 24);
	assert_int_equal(target->tls, EVPOP_TLS_STLS);
	target = config_target_find(config, account->deliver.items[3]);
	assert_int_equal(target->type, CONFIG_TARGET_PIPE);
	assert_string_equal(target->command, "cat >/dev/null, yes");
	account = config_find(config, "b");
	assert_int_equal(account->deliver.count, 2);
	assert_string_equal(account->deliver.items[0], "local");
	target = config_target_find(config, account->deliver.items[1]);
	(void)snprintf(path, sizeof(path), "%s/md/{user}", folder->path);
	assert_string_equal(target->path, path);
	assert_int_equal(target->mode, 0600);
	account = config_find(config, "c");
	assert_ptr_equal(
	    config_target_find(config, account->deliver.items[0]), target);
	assert_null(config_target_find(config, "nobody"));
	config_free(&config);
}

/* Who writes a target for each account is told of templates. */
static void
test_many_targets(void **state)
{
	const size_t size = 1001 * 96;
	char *text = malloc(size);
	size_t used = 0;

	assert_non_null(text);
	for (int i = 0; i < 1001; i++)
		used += (size_t)snprintf(text + used, size - used,
		    "[account a%d]\nhost = h\nuser = u%d\npassword = p\n"
		    "deliver = maildir:/m%d\n",
		    i, i, i);
	folder_write_text(*state, "main.conf", text);
	folder_expect(*state,
	    "F:4996: warning: deliver: accounts describe 1001 targets, this is "
	    "the last one; one target with a template, such as "
	    "maildir:/PATH/{user}, serves them all\n");
	free(text);
}

/* Where a confined daemon may write. */
static void
add_place(const char *folder, bool makes_folders, void *arg)
{
	char *text = arg;

	(void)sprintf(
	    text + strlen(text), "%s%s\n", folder, makes_folders ? " +" : "");
}

static void
test_places(void **state)
{
	char text[512] = "";
	struct config *config = read_text(*state,
	    ACCOUNT "deliver = maildir:/a/b, maildir:/c/d{user}/e, mbox:/f/g, "
		    "mbox:/{user}, mbox:/h/{user}.mbox, lmtp:h\n");

	config_each_place(config, add_place, text);
	assert_string_equal(text, "/a/b +\n/c/ +\n/f/\n/h/ +\n/ +\n");
	config_free(&config);
}

static void
test_templates(void **state)
{
	static const struct config_template_facts facts = { "work",
		"anna@b@example.org", "pop.example.net" };
	static const struct config_template_facts bad = { "a", "../x/\n=\xff",
		"h" };
	static const struct config_template_facts none = { "a", "@d", "h" };
	static const struct {
		const char *text;
		const struct config_template_facts *facts;
		bool as_path;
		const char *expected;
	} rows[] = {
		{ "{user}@{domain}", &facts, false, "anna@b@example.org" },
		{ "{account}-{login}-{host}", &facts, false,
		    "work-anna@b@example.org-pop.example.net" },
		{ "{{{user}}}", &facts, false, "{anna@b}" },
		{ "{user}@{domain}", &bad, false, "../x/\n=\xff@h" },
		{ "/m/{login}/x", &bad, true, "/m/=2E.=2Fx=2F=0A=3D=FF/x" },
		{ "/m/{user}/x", &none, true, "/m/=/x" },
		{ "/m/.{user}", &facts, true, "/m/.anna@b" },
		{ "", &facts, true, "" },
	};
	char *made;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(config_template_problem(rows[i].text));
		made = config_template_expand(
		    rows[i].text, rows[i].facts, rows[i].as_path);
		assert_string_equal(made, rows[i].expected);
		free(made);
	}
	assert_non_null(config_template_problem("{"));
	assert_non_null(config_template_problem("}"));
	assert_non_null(config_template_problem("{user"));
	assert_non_null(config_template_problem("a}b"));
	assert_non_null(config_template_problem("{}"));
	assert_non_null(config_template_problem("{User}"));
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_key),
		TEST(test_what_is_needed),
		TEST(test_what_is_wrong_with_deliver),
		TEST(test_what_is_not_there),
		TEST(test_targets_of_deliver),
		TEST(test_many_targets),
		TEST(test_places),
		TEST(test_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
