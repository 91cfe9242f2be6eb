/*
 * Charsets that stay loaded, as the memory map of the process tells: each is
 * kept in a shared object of its own.  What is kept is kept until the end, so
 * that the tests come in their order, and the one that fills all comes last.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/mail/charset.h"
#include "daemon/store/mail/encoded.h"

/* As in charset.c. */
#define KEPT_MAX 128

#define NAME_SIZE MAIL_CHARSET_SIZE

#define THREADS 8

static bool
is_loaded(const char *object)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];
	bool found = false;

	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps) != NULL)
		found = strstr(line, object) != NULL;
	fclose(maps);
	return found;
}

/* Whatever it is: it is kept by being looked for. */
static void
keep(const char *called)
{
	char name[MAIL_CHARSET_SIZE];

	(void)mail_charset_name(called, strlen(called), name);
}

static void
decode_words(const char *value)
{
	struct mail_text text;

	mail_text_init(&text, 1000);
	mail_encoded_add(&text, MAIL_ENCODED_TEXT, NULL, value, strlen(value));
	assert_false(text.has_failed);
	mail_text_free(&text);
}

static void
charset_stays_loaded(void **state)
{
	(void)state;
	if (is_loaded("/KOI8-R.so"))
		skip();
	keep("koi8-r");
	if (!is_loaded("/KOI8-R.so"))
		skip();
	/* However many others come and go. */
	keep("iso-8859-5");
	keep("windows-1251");
	keep("iso-8859-7");
	keep("no-such-charset");
	assert_true(is_loaded("/KOI8-R.so"));
	assert_true(is_loaded("/ISO8859-5.so"));
}

static void
words_of_a_field(void **state)
{
	(void)state;
	assert_false(is_loaded("/UHC.so") || is_loaded("/BIG5HKSCS.so"));
	decode_words("no words =? =?? =?=? a=?b");
	decode_words("=?euc-kr?B?xde9usau?= and =?big5*zh?Q?a?= and =?");
	if (!is_loaded("/KOI8-R.so"))
		skip();
	assert_true(is_loaded("/UHC.so"));
	assert_true(is_loaded("/BIG5HKSCS.so"));
}

/* None of these takes the place of a charset. */
static void
what_is_not_kept(void **state)
{
	char name[3 * NAME_SIZE], word[4 * NAME_SIZE];

	(void)state;
	for (int i = 0; i < 2 * KEPT_MAX; i++) {
		keep("");
		keep(i % 2 == 0 ? "UTF-8" : "utf-8");
		keep(i % 2 == 0 ? "KOI8-R" : "koi8-r");
		snprintf(name, sizeof(name), "%0*d", NAME_SIZE, i);
		keep(name);
		snprintf(word, sizeof(word), "=?%s?Q?a?= =??Q?a?=", name);
		decode_words(word);
		/* What does not end is no word. */
		snprintf(word, sizeof(word), "=?open-%d", i);
		decode_words(word);
	}
	keep("iso-8859-8");
	if (!is_loaded("/KOI8-R.so"))
		skip();
	assert_true(is_loaded("/ISO8859-8.so"));
}

static void *
keep_many(void *arg)
{
	static const char *const names[] = { "iso-8859-2", "iso-8859-3",
		"iso-8859-4", "iso-8859-6", "iso-8859-9", "iso-8859-15" };

	for (size_t i = 0; i < 600; i++)
		keep(names[(i + *(size_t *)arg) % 6]);
	return NULL;
}

static void
threads_at_the_same_time(void **state)
{
	pthread_t threads[THREADS];
	size_t numbers[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, keep_many, &numbers[i]),
		    0);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	if (!is_loaded("/KOI8-R.so"))
		skip();
	assert_true(is_loaded("/ISO8859-3.so"));
}

/* Strangers name them: there is an end. */
static void
so_many_are_kept(void **state)
{
	char name[NAME_SIZE];

	(void)state;
	for (int i = 0; i < KEPT_MAX; i++) {
		snprintf(name, sizeof(name), "stranger-%d", i);
		keep(name);
	}
	assert_false(is_loaded("/IBM866.so"));
	keep("ibm866");
	/* The C library lets go when others come. */
	for (int i = 0; i < 10; i++)
		keep(i % 2 == 0 ? "ibm855" : "ibm857");
	assert_false(is_loaded("/IBM866.so"));
	if (is_loaded("/KOI8-R.so"))
		assert_true(is_loaded("/ISO8859-8.so"));
}

/* What mail calls a charset, and what is meant. */
static void
names_are_understood(void **state)
{
	static const struct {
		const char *called, *name; /* NULL: says nothing */
	} cases[] = {
		{ "utf-8", "UTF-8" },
		{ "UTF8", "UTF-8" },
		{ "utf_8", "UTF-8" },
		{ " \"utf-8\"", "UTF-8" },
		{ "'utf-8'", "UTF-8" },
		{ "utf-8; format=flowed", "UTF-8" },
		{ "utf-8http-equiv", "UTF-8" },
		{ "unicode-1-1-utf-8", "UTF-8" },
		{ "us-ascii", NULL },
		{ "ANSI_X3.4-1968", NULL },
		{ "unknown-8bit", NULL },
		{ "x-unknown", NULL },
		{ "default_charset", NULL },
		{ "", NULL },
		{ "-", NULL },
		{ "no-such-charset", NULL },
		{ "../../../etc/passwd", NULL },
		{ "iso-8859-1", "CP1252" },
		{ "iso8859-1", "CP1252" },
		{ "ISO_8859-1:1987", "CP1252" },
		{ "iso-8859-15", "ISO-8859-15" },
		{ "iso-8859-8-i", "ISO-8859-8" },
		{ "latin1", "CP1252" },
		{ "windows-1251", "CP1251" },
		{ "win-1251", "CP1251" },
		{ "windows1251", "CP1251" },
		{ "x-cp1251", "CP1251" },
		{ "windows-1252http-equiv", "CP1252" },
		{ "cp-850", "CP850" },
		{ "CP850", "CP850" },
		{ "dos-862", "CP862" },
		{ "ibm-865", "CP865" },
		{ "gb2312", "GB18030" },
		{ "gb2312_charset", "GB18030" },
		{ "gbk", "GB18030" },
		{ "x-gbk", "GB18030" },
		{ "big5", "BIG5-HKSCS" },
		{ "shift_jis", "CP932" },
		{ "x-sjis", "CP932" },
		{ "windows-31j", "CP932" },
		{ "euc-jp", "EUC-JP-MS" },
		{ "iso-2022-jp", "ISO-2022-JP-3" },
		{ "iso-2022-jp-1", "ISO-2022-JP-2" },
		{ "iso-2022-jp-2", "ISO-2022-JP-2" },
		{ "csISO2022JP2", "ISO-2022-JP-2" },
		{ "iso-2022-jp-3", "ISO-2022-JP-3" },
		{ "iso-2022-jp-2004", "ISO-2022-JP-3" },
		{ "iso-2022-kr", "ISO-2022-KR" },
		{ "ks_c_5601-1987", "CP949" },
		{ "euc-kr", "CP949" },
		{ "koi8-r", "KOI8-R" },
		{ "koi8-u", "KOI8-U" },
		{ "tis-620", "CP874" },
		{ "windows-874", "CP874" },
		{ "macintosh", "MACINTOSH" },
		{ "utf-7", "UTF-7" },
		{ "unicode", "UTF-16" },
		{ "utf-16le", "UTF-16LE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *called = cases[i].called;
		char name[MAIL_CHARSET_SIZE] = "";
		bool is_one = mail_charset_name(called, strlen(called), name);

		if (is_one != (cases[i].name != NULL) ||
		    (is_one && strcmp(name, cases[i].name) != 0))
			fail_msg("%s: %s", called, is_one ? name : "none");
	}
}

/* Bytes in a charset, the hint beside it, and the text. */
static void
text_is_converted(void **state)
{
	static const struct {
		const char *name, *hint, *bytes;
		size_t length;
		const char *text;
	} cases[] = {
		{ NULL, NULL, "plain", 5, "plain" },
		{ NULL, NULL, "\xc3\xbc", 2, "\xc3\xbc" },
		{ NULL, NULL, "\xfc", 1, "\xc3\xbc" },
		{ NULL, "KOI8-R", "\xf0", 1, "\xd0\x9f" },
		{ NULL, "UTF-8", "\xfc", 1, "\xc3\xbc" },
		/* UTF-8 by chance, and on purpose. */
		{ NULL, "GB18030", "\xcd\xa8\xd6\xaa", 4,
		    "\xe9\x80\x9a\xe7\x9f\xa5" },
		{ NULL, "GB18030", "M\xc3\xbcller", 7, "M\xc3\xbcller" },
		{ NULL, "GB18030", "\xe9\x80\x9a", 3, "\xe9\x80\x9a" },
		{ NULL, NULL, "\x1b$B$*\x1b(B", 8, "\xe3\x81\x8a" },
		{ NULL, NULL, "\x1b$@$*\x1b(B", 8, "\xe3\x81\x8a" },
		{ NULL, NULL, "\x1b$(O$*\x1b(B", 9, "\xe3\x81\x8a" },
		{ NULL, NULL, "\x1b$(D0!\x1b(B", 9, "\xe4\xb8\x82" },
		{ "ISO-2022-JP-2", NULL, "\x1b$(D0!\x1b(B", 9, "\xe4\xb8\x82" },
		{ "ISO-2022-JP-2", NULL, "\x1b$A0!\x1b(B", 8, "\xe5\x95\x8a" },
		{ NULL, NULL, "\x1b(I1\x1b(B", 7, "\xef\xbd\xb1" },
		{ NULL, NULL, "\x1b$)C\x0e\x30\x21\x0f", 8, "\xea\xb0\x80" },
		{ NULL, NULL, "\x1b$)A\x0e\x30\x21\x0f", 8, "\xe5\x95\x8a" },
		{ NULL, NULL, "\x1b$)G\x0e\x44\x21\x0f", 8, "\xe4\xb8\x80" },
		{ "UTF-16", NULL, "a\0b\0", 4, "ab" },
		{ "UTF-16", NULL, "\xfe\xff\0a", 4, "a" },
		{ "UTF-16", NULL, "only said so", 12, "only said so" },
		{ "CP932", NULL, "\x82\xa0\xff", 3,
		    "\xe3\x81\x82\xef\xbf\xbd" },
		{ "GB18030", NULL, "\xd6", 1, "\xef\xbf\xbd" },
		{ "UTF-7", NULL, "+APw-", 5, "\xc3\xbc" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_text text;

		mail_text_init(&text, 100);
		mail_charset_add(&text, cases[i].name, cases[i].hint,
		    cases[i].bytes, cases[i].length);
		if (text.length != strlen(cases[i].text) ||
		    memcmp(text.bytes, cases[i].text, text.length) != 0)
			fail_msg(
			    "case %zu: %.*s", i, (int)text.length, text.bytes);
		mail_text_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charset_stays_loaded),
		cmocka_unit_test(words_of_a_field),
		cmocka_unit_test(what_is_not_kept),
		cmocka_unit_test(threads_at_the_same_time),
		cmocka_unit_test(names_are_understood),
		cmocka_unit_test(text_is_converted),
		cmocka_unit_test(so_many_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
