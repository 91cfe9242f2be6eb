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

#include "daemon/store/charset.h"
#include "daemon/store/envelope.h"

/* As in charset.c. */
#define KEPT_MAX  64
#define NAME_SIZE 32

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

static void
charset_stays_loaded(void **state)
{
	(void)state;
	if (is_loaded("/KOI8-R.so"))
		skip();
	store_charset_keep("koi8-r");
	if (!is_loaded("/KOI8-R.so"))
		skip();
	/* However many others come and go. */
	store_charset_keep("iso-8859-5");
	store_charset_keep("windows-1251");
	store_charset_keep("iso-8859-7");
	store_charset_keep("no-such-charset");
	assert_true(is_loaded("/KOI8-R.so"));
	assert_true(is_loaded("/ISO8859-5.so"));
}

static void
words_of_a_field(void **state)
{
	(void)state;
	assert_false(is_loaded("/EUC-KR.so") || is_loaded("/BIG5.so"));
	store_charset_keep_words("no words =? =?? =?=? a=?b");
	store_charset_keep_words(
	    "=?euc-kr?B?xde9usau?= and =?big5*zh?Q?a?= and =?");
	if (!is_loaded("/KOI8-R.so"))
		skip();
	assert_true(is_loaded("/EUC-KR.so"));
	assert_true(is_loaded("/BIG5.so"));
}

/* None of these takes the place of a charset. */
static void
what_is_not_kept(void **state)
{
	char name[3 * NAME_SIZE], word[4 * NAME_SIZE];

	(void)state;
	for (int i = 0; i < 2 * KEPT_MAX; i++) {
		store_charset_keep(NULL);
		store_charset_keep("");
		store_charset_keep(i % 2 == 0 ? "UTF-8" : "utf-8");
		store_charset_keep(i % 2 == 0 ? "KOI8-R" : "koi8-r");
		snprintf(name, sizeof(name), "%0*d", NAME_SIZE, i);
		store_charset_keep(name);
		snprintf(word, sizeof(word), "=?%s?Q?a?= =??Q?a?=", name);
		store_charset_keep_words(word);
		/* What does not end is no word. */
		snprintf(word, sizeof(word), "=?open-%d", i);
		store_charset_keep_words(word);
	}
	store_charset_keep("iso-8859-8");
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
		store_charset_keep(names[(i + *(size_t *)arg) % 6]);
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
		store_charset_keep(name);
	}
	assert_false(is_loaded("/IBM866.so"));
	store_charset_keep("ibm866");
	assert_false(is_loaded("/IBM866.so"));
	if (is_loaded("/KOI8-R.so"))
		assert_true(is_loaded("/ISO8859-8.so"));
}

static int
group_setup(void **state)
{
	(void)state;
	store_envelope_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charset_stays_loaded),
		cmocka_unit_test(words_of_a_field),
		cmocka_unit_test(what_is_not_kept),
		cmocka_unit_test(threads_at_the_same_time),
		cmocka_unit_test(so_many_are_kept),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
