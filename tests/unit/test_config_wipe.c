/* No secret of the configuration is left in memory that was given back. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "tests/unit/test_config_folder.h"

void __real_free(void *);
void __wrap_free(void *);
void *__real_realloc(void *, size_t);
void *__wrap_realloc(void *, size_t);

/* In each value that nobody else may know. */
#define SECRET "correct-horse-battery"

static size_t freed_with_secret;

static void
look_at(const void *memory)
{
	if (memory != NULL &&
	    memmem(memory, malloc_usable_size((void *)(uintptr_t)memory),
		SECRET, strlen(SECRET)) != NULL)
		freed_with_secret++;
}

void
__wrap_free(void *memory)
{
	look_at(memory);
	__real_free(memory);
}

/* It may move, and leave behind what it held. */
void *
__wrap_realloc(void *memory, size_t size)
{
	look_at(memory);
	return __real_realloc(memory, size);
}

#define ACCOUNT                                                           \
	"[account a]\nhost = h\nuser = u\n"                               \
	"proxy = socks5://me:" SECRET "@proxy:1080\npassword = \"" SECRET \
	"\"\n"
#define TARGETS                                                           \
	"[target i]\ntype = imap\nhost = h\nuser = u\npassword = " SECRET \
	"\nproxy = socks5://me:" SECRET "@proxy:1080\n"                   \
	"[target w]\ntype = http\nurl = https://h/\nsecret = " SECRET "\n"

/* Without a buffer of the C library's, which would hold the text, too. */
static void
write_file(const struct folder *folder, const char *text)
{
	int fd = open(folder->main, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
expect_wiped(const struct folder *folder, const char *text, bool is_good)
{
	struct config_messages messages;
	struct config *config;

	write_file(folder, text);
	freed_with_secret = 0;
	config = config_check(folder->main, &messages);
	assert_int_equal(config != NULL, is_good);
	for (size_t i = 0; i < messages.count; i++)
		assert_null(strstr(messages.lines[i], SECRET));
	config_messages_free(&messages);
	if (config != NULL)
		assert_string_equal(config_find(config, "a")->password, SECRET);
	config_free(&config);
	assert_int_equal(freed_with_secret, 0);
}

static void
what_was_read_is_wiped(void **state)
{
	expect_wiped(*state, ACCOUNT, true);
	expect_wiped(*state, ACCOUNT TARGETS, true);
}

static void
what_was_refused_is_wiped(void **state)
{
	static const char *const texts[] = {
		ACCOUNT "password_command = echo " SECRET "\n",
		"[account a]\nproxy = socks4://me:" SECRET "@proxy\n",
		ACCOUNT "pass = " SECRET "\n",
		ACCOUNT "auth = " SECRET "-\xff\n",
		"[account a]\npassword = \"" SECRET "\n",
		ACCOUNT TARGETS "secret_command = echo " SECRET "\n",
		ACCOUNT "[target w]\ntype = http\nurl = https://u:" SECRET
			"@h/\n",
		ACCOUNT "[target w]\ntype = http\nurl = htp://h/" SECRET "\n",
		ACCOUNT "[target w]\ntype = mbox\nsecret = " SECRET "\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_wiped(*state, texts[i], false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_was_read_is_wiped, folder_set_up, folder_tear_down),
		cmocka_unit_test_setup_teardown(
		    what_was_refused_is_wiped, folder_set_up, folder_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
