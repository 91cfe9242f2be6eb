/*
 * The log as plain lines, as JSON and in the journal: whatever is logged, there
 * is one entry, and it is UTF-8.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/log/log.h"
#include "lib/base/text.h"

/* What a server could say to forge a line, a field or a sequence. */
#define HOSTILE                                                    \
	"no\n2026-01-01T00:00:00.000Z error: forged\r\nPRIORITY=0" \
	"\x1b[31m\xff\xc3\"\\,\"level\":\"x\"\x7f\xc2\x85"

static const struct log_about about = { .account = "an\"na\n",
	.host = "h\nEVPOP_ACCOUNT=evil",
	.failure = "auth" };

static int kept_stderr;
static FILE *written;

static void
catch_stderr(void)
{
	written = tmpfile();
	assert_non_null(written);
	kept_stderr = dup(STDERR_FILENO);
	assert_true(kept_stderr >= 0);
	assert_int_equal(dup2(fileno(written), STDERR_FILENO), STDERR_FILENO);
}

/* The one line that went there, without its end. */
static void
release_stderr(char *line, size_t size)
{
	size_t length;

	assert_int_equal(dup2(kept_stderr, STDERR_FILENO), STDERR_FILENO);
	close(kept_stderr);
	rewind(written);
	length = fread(line, 1, size - 1, written);
	line[length] = '\0';
	fclose(written);
	assert_true(evpop_text_is_utf8(line));
	if (length == 0)
		return;
	assert_ptr_equal(strchr(line, '\n'), line + length - 1);
	line[length - 1] = '\0';
}

static void
log_hostile(enum log_format format, char *line, size_t size)
{
	log_set_format(format);
	catch_stderr();
	log_write_about(LOG_LEVEL_WARNING, &about, "%s", HOSTILE);
	release_stderr(line, size);
	log_set_format(LOG_FORMAT_AUTO);
}

static void
test_plain(void **state)
{
	char line[8192];

	(void)state;
	log_hostile(LOG_FORMAT_PLAIN, line, sizeof line);
	assert_non_null(strstr(line, "Z warning: an\"na?: no?2026-01-01"));
	for (const char *at = line; *at != '\0'; at++)
		assert_true((unsigned char)*at >= 0x20);
	catch_stderr();
	log_write(LOG_LEVEL_INFO, NULL, "caf\xc3\xa9");
	release_stderr(line, sizeof line);
	assert_non_null(strstr(line, "Z info: caf\xc3\xa9"));
}

static void
expect(const json_t *json, const char *name, const char *value)
{
	assert_string_equal(
	    json_string_value(json_object_get(json, name)), value);
}

static void
test_json(void **state)
{
	char line[65536], *text;
	json_t *json;

	(void)state;
	log_hostile(LOG_FORMAT_JSON, line, sizeof line);
	json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_int_equal(json_object_size(json), 6);
	expect(json, "level", "warning");
	expect(json, "account", "an\"na\n");
	expect(json, "host", "h\nEVPOP_ACCOUNT=evil");
	expect(json, "class", "auth");
	expect(json, "message",
	    "no\n2026-01-01T00:00:00.000Z error: forged\r\nPRIORITY=0"
	    "\x1b[31m\xef\xbf\xbd\xef\xbf\xbd\"\\,\"level\":\"x\"\x7f\xc2\x85");
	json_decref(json);

	/* The longest, of what takes most room; and cut within a character. */
	text = malloc(5000);
	assert_non_null(text);
	memset(text, 1, 4999);
	text[4999] = '\0';
	log_set_format(LOG_FORMAT_JSON);
	catch_stderr();
	log_write_about(LOG_LEVEL_ERROR,
	    &(struct log_about){ text, text, text }, "%s", text);
	release_stderr(line, sizeof line);
	json = json_loads(line, 0, NULL);
	assert_non_null(json);
	assert_int_equal(
	    json_string_length(json_object_get(json, "message")), 1023);
	json_decref(json);
	for (int i = 0; i < 4998; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	catch_stderr();
	log_write(LOG_LEVEL_ERROR, NULL, "x%s", text);
	release_stderr(line, sizeof line);
	json = json_loads(line, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_object_size(json), 3);
	json_decref(json);
	free(text);
	log_set_format(LOG_FORMAT_AUTO);
}

static void
test_levels(void **state)
{
	char line[1024];

	(void)state;
	log_set_level(LOG_LEVEL_WARNING);
	catch_stderr();
	log_write(LOG_LEVEL_INFO, NULL, "not this");
	release_stderr(line, sizeof line);
	assert_string_equal(line, "");
	log_set_level(LOG_LEVEL_INFO);
}

#ifdef EVPOPD_SYSTEMD

static bool has_journal;
static char fields[8][2048];
static int field_count;

int __wrap_sd_journal_sendv(const struct iovec *list, int count);

int
__wrap_sd_journal_sendv(const struct iovec *list, int count)
{
	if (!has_journal)
		return -1;
	field_count = count;
	for (int i = 0; i < count; i++) {
		assert_true(list[i].iov_len < sizeof fields[i]);
		memcpy(fields[i], list[i].iov_base, list[i].iov_len);
		fields[i][list[i].iov_len] = '\0';
	}
	return 0;
}

static void
test_journal(void **state)
{
	char line[8192];

	(void)state;
	has_journal = true;
	log_hostile(LOG_FORMAT_JOURNAL, line, sizeof line);
	assert_string_equal(line, "");
	assert_int_equal(field_count, 5);
	assert_non_null(strstr(fields[0], "MESSAGE=an\"na?: no?2026-01-01"));
	assert_string_equal(fields[1], "PRIORITY=4");
	assert_string_equal(fields[2], "EVPOP_ACCOUNT=an\"na?");
	assert_string_equal(fields[3], "EVPOP_HOST=h?EVPOP_ACCOUNT=evil");
	assert_string_equal(fields[4], "EVPOP_CLASS=auth");
	for (int i = 0; i < field_count; i++)
		assert_true(evpop_text_is_utf8(fields[i]));
	/* Nothing is lost where there is none. */
	has_journal = false;
	log_hostile(LOG_FORMAT_JOURNAL, line, sizeof line);
	assert_non_null(strstr(line, "Z warning: an\"na?: no?"));
}

static void
test_auto(void **state)
{
	char line[8192], stream[64];
	struct stat status;

	(void)state;
	has_journal = true;
	unsetenv("JOURNAL_STREAM");
	log_hostile(LOG_FORMAT_AUTO, line, sizeof line);
	assert_non_null(strstr(line, "Z warning: an\"na?"));
	/* Standard error is what systemd says that it is. */
	catch_stderr();
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
	    (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	field_count = 0;
	log_write(LOG_LEVEL_ERROR, NULL, "words");
	release_stderr(line, sizeof line);
	assert_string_equal(line, "");
	assert_int_equal(field_count, 2);
	assert_string_equal(fields[0], "MESSAGE=words");
	unsetenv("JOURNAL_STREAM");
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_levels),
#ifdef EVPOPD_SYSTEMD
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_auto),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
