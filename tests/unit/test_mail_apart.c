/*
 * Mail that is read in a process apart: the same words as within, whatever
 * becomes of that process, and nothing that it can do besides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/area.h"
#include "daemon/store/mail/reading.h"
#include "daemon/store/mail/serve.h"

bool __real_mail_words_read(const char *, size_t, struct mail_words *);
bool __wrap_mail_words_read(const char *, size_t, struct mail_words *);
bool __real_mail_reading_feed(struct mail_reading *, const char *, size_t);
bool __wrap_mail_reading_feed(struct mail_reading *, const char *, size_t);

static bool is_apart; /* this is the process apart */
static unsigned starts;
static pid_t last_pid;

/* ---- what a fault, or who makes use of one, does there ---- */

static void
crash(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	(void)kill(getpid(), SIGSEGV); /* not allowed */
	(void)raise(SIGSEGV);
	abort();
}

/* Each call's name, if it does not fail. */
static char *
escape(void)
{
	char could[256] = "", *const none[] = { NULL };
	void *memory;

	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
		strcat(could, "open ");
	if (open("/tmp", O_RDONLY | O_CLOEXEC) >= 0)
		strcat(could, "list ");
	if (socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0)
		strcat(could, "socket ");
	if (execve("/bin/true", none, none) == 0)
		strcat(could, "execute ");
	if (fork() >= 0)
		strcat(could, "fork ");
	if (kill(getppid(), 0) == 0)
		strcat(could, "kill ");
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory != MAP_FAILED)
		strcat(could, "code ");
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		strcat(could, "no-memory ");
	else if (mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0)
		strcat(could, "code-later ");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	memory = malloc((size_t)512 * 1024 * 1024);
	if (memory != NULL)
		strcat(could, "all-memory ");
	free(memory);
#endif
	return strdup(could);
}

bool
__wrap_mail_words_read(
    const char *message, size_t length, struct mail_words *words_r)
{
	bool done;

	if (is_apart && memmem(message, length, "CRASH", 5) != NULL)
		crash();
	done = __real_mail_words_read(message, length, words_r);
	if (is_apart && memmem(message, length, "ESCAPE", 6) != NULL) {
		free(words_r->text);
		words_r->text = escape();
	}
	return done;
}

bool
__wrap_mail_reading_feed(
    struct mail_reading *reading, const char *bytes, size_t length)
{
	if (is_apart && memmem(bytes, length, "CRASH", 5) != NULL)
		crash();
	return __real_mail_reading_feed(reading, bytes, length);
}

/* ---- processes ---- */

static bool
start(int socket, int memory, pid_t *pid_r)
{
	int own_socket, own_memory;

	starts++;
	*pid_r = last_pid = fork();
	if (*pid_r != 0)
		return *pid_r > 0;
	is_apart = true;
	own_socket = dup(socket);
	own_memory = dup(memory);
	(void)dup2(own_socket, 3);
	(void)dup2(own_memory, 4);
	closefrom(5);
	mail_serve(3, 4);
	_exit(0);
}

/* Whatever it is asked, this is what it says. */
static bool
start_liar_of(
    enum mail_area_status status, int socket, int memory, pid_t *pid_r)
{
	struct mail_area *area;
	char byte;

	*pid_r = fork();
	if (*pid_r != 0)
		return *pid_r > 0;
	area = mmap(
	    NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	/* It cannot take the memory away, either. */
	if (ftruncate(memory, 0) == 0)
		_exit(1);
	closefrom(socket + 1);
	while (recv(socket, &byte, 1, 0) == 1) {
		memset(area->out, 'x', sizeof(area->out));
		memset(area->lengths, 0xff, sizeof(area->lengths));
		area->status = status;
		(void)send(socket, &byte, 1, MSG_NOSIGNAL);
	}
	_exit(0);
}

static bool
start_liar(int socket, int memory, pid_t *pid_r)
{
	return start_liar_of(MAIL_AREA_DONE, socket, memory, pid_r);
}

static bool
start_without_memory(int socket, int memory, pid_t *pid_r)
{
	return start_liar_of(MAIL_AREA_NO_MEMORY, socket, memory, pid_r);
}

static bool
start_not(int socket, int memory, pid_t *pid_r)
{
	(void)socket;
	(void)memory;
	(void)pid_r;
	starts++;
	errno = EAGAIN;
	return false;
}

static int
set_up(void **state)
{
	(void)state;
	starts = 0;
	mail_apart_use(start);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mail_apart_end();
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

/* ---- the same as within ---- */

static const char *const messages[] = {
	"",
	"\r\n",
	"From: a@b\r\nSubject: hello\r\n\r\nsome words\r\n",
	"Subject: =?koi8-r?B?8NLJ18XU?= =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n"
	"\r\nx\r\n",
	"Content-Type: text/html; charset=windows-1251\r\n\r\n"
	"<p>\xcf\xf0\xe8\xe2\xe5\xf2 <b>bold</b><a href='http://x/'>link</a>",
	"Content-Type: text/plain; charset=gb2312\r\n\r\n\xc4\xe3\xba\xc3\r\n",
	"Content-Type: text/plain; charset=big5\r\n\r\n\xa7\x41\xa6\x6e\r\n",
	"Content-Type: text/plain; charset=iso-8859-7\r\n\r\n\xc3\xe5\xe9\xdc",
	"Content-Type: text/plain; charset=cp852\r\n\r\n\x9f\x86\x9f",
	"Content-Type: text/plain; charset=euc-kr\r\n\r\n\xbe\xc8\xb3\xe7",
	"Content-Type: text/plain; charset=utf-16\r\n\r\n\xff\xfe"
	"aabb",
	"Content-Type: text/plain; charset=nonsense\r\n\r\nw\xe9ird",
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	"Content-Disposition: attachment; filename=\"a b.txt\"\r\n\r\nin it\r\n"
	"--b\r\nContent-Type: "
	"text/html\r\n\r\n<table><tr><td>cell\r\n--b--\r\n",
};

static void
words_compare(const char *message, size_t length)
{
	struct mail_words within, apart;
	size_t read_length;
	struct mail_reading *reading = mail_reading_new();
	struct mail_apart_reading *apart_reading = mail_apart_reading_new();
	const char *read_text;
	char *text_within, *text_apart;

	assert_true(__real_mail_words_read(message, length, &within));
	assert_int_equal(
	    mail_apart_words(message, length, &apart), MAIL_APART_DONE);
	assert_string_equal(apart.senders, within.senders);
	assert_string_equal(apart.recipients, within.recipients);
	assert_string_equal(apart.copies, within.copies);
	assert_string_equal(apart.subject, within.subject);
	assert_string_equal(apart.text, within.text);
	assert_string_equal(apart.files, within.files);
	assert_int_equal(apart.is_cut, within.is_cut);
	mail_words_free(&within);
	mail_words_free(&apart);

	text_within = mail_words_read_text(message, length, 1000);
	assert_int_equal(mail_apart_text(message, length, 1000, &text_apart),
	    MAIL_APART_DONE);
	assert_string_equal(text_apart, text_within);
	free(text_within);
	free(text_apart);

	assert_true(mail_reading_feed(reading, message, length));
	assert_true(mail_reading_finish(reading));
	assert_true(
	    mail_apart_reading_feed(apart_reading, message, length / 2));
	assert_true(mail_apart_reading_feed(
	    apart_reading, message + length / 2, length - length / 2));
	assert_true(mail_apart_reading_finish(apart_reading));
	read_text = mail_apart_reading_text(apart_reading, &read_length);
	assert_int_equal(read_length, mail_reading_text(reading)->length);
	if (read_length > 0)
		assert_memory_equal(
		    read_text, mail_reading_text(reading)->bytes, read_length);
	mail_reading_free(reading);
	mail_apart_reading_free(apart_reading);
}

static void
test_same_as_within(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		print_message("message %zu\n", i);
		words_compare(messages[i], strlen(messages[i]));
	}
	/* One process for words, and one for what is read. */
	assert_int_equal(starts, 2);
}

static void
test_large(void **state)
{
	static const char header[] = "Subject: large\r\n\r\n";
	const size_t length = 3 * MAIL_AREA_IN;
	char *message = malloc(length);
	struct mail_words words;

	(void)state;
	assert_non_null(message);
	for (size_t i = 0; i < length; i++)
		message[i] = i % 64 == 63 ? '\n' : (char)('a' + i % 20);
	memcpy(message, header, sizeof(header) - 1);
	assert_int_equal(
	    mail_apart_words(message, length, &words), MAIL_APART_DONE);
	assert_true(words.is_cut);
	mail_words_free(&words);
	words_compare(message, MAIL_AREA_IN);
	free(message);
}

/* ---- what goes wrong ---- */

static void
test_a_message_that_ends_it(void **state)
{
	static const char message[] = "Subject: CRASH\r\n\r\ntext\r\n";
	struct mail_words words;
	char *text;

	(void)state;
	assert_int_equal(mail_apart_words(message, strlen(message), &words),
	    MAIL_APART_DIED);
	assert_string_equal(words.subject, "");
	assert_string_equal(words.text, "");
	assert_true(words.is_cut);
	mail_words_free(&words);
	/* It was tried twice, and no more. */
	assert_int_equal(starts, 2);
	/* A text is read by other code, which does well. */
	assert_int_equal(mail_apart_text(message, strlen(message), 100, &text),
	    MAIL_APART_DONE);
	free(text);
	assert_int_equal(starts, 3);
	words_compare(messages[2], strlen(messages[2]));
}

static void
test_somebody_ends_it(void **state)
{
	(void)state;
	words_compare(messages[2], strlen(messages[2]));
	starts = 0;
	mail_apart_end();
	mail_apart_use(start);
	words_compare(messages[2], strlen(messages[2]));
	assert_int_equal(starts, 2);
}

static void
test_it_is_killed_between(void **state)
{
	struct mail_words words;

	(void)state;
	assert_int_equal(mail_apart_words("x", 1, &words), MAIL_APART_DONE);
	mail_words_free(&words);
	assert_int_equal(kill(last_pid, SIGKILL), 0);
	assert_int_equal(
	    mail_apart_words(messages[2], strlen(messages[2]), &words),
	    MAIL_APART_DONE);
	assert_non_null(strstr(words.text, "some words"));
	mail_words_free(&words);
	assert_int_equal(starts, 2);
}

/* One that waits for the next message is killed meanwhile. */
static void
test_a_spare_is_killed(void **state)
{
	(void)state;
	words_compare(messages[2], strlen(messages[2]));
	assert_int_equal(kill(last_pid, SIGKILL), 0);
	words_compare(messages[2], strlen(messages[2]));
	assert_int_equal(starts, 3);
}

static void
test_a_reading_ends(void **state)
{
	struct mail_apart_reading *reading = mail_apart_reading_new();
	size_t length;

	(void)state;
	assert_true(mail_apart_reading_feed(reading, "Subject: x\r\n\r\n", 14));
	assert_true(mail_apart_reading_feed(reading, "CRASH", 5));
	assert_true(mail_apart_reading_feed(reading, "more", 4));
	assert_true(mail_apart_reading_finish(reading));
	assert_non_null(strstr(mail_apart_reading_text(reading, &length),
	    "the process that reads mail ended in it"));
	assert_int_equal(
	    length, strlen(mail_apart_reading_text(reading, &length)));
	mail_apart_reading_free(reading);
	/* Or is not wanted any more. */
	reading = mail_apart_reading_new();
	assert_true(mail_apart_reading_feed(reading, "Subject: x", 10));
	mail_apart_reading_free(reading);
}

static void
test_there_is_no_way_out(void **state)
{
	static const char message[] = "Subject: ESCAPE\r\n\r\ntext\r\n";
	struct mail_words words;

	(void)state;
	assert_int_equal(mail_apart_words(message, strlen(message), &words),
	    MAIL_APART_DONE);
	assert_string_equal(words.text, "");
	mail_words_free(&words);
	assert_int_equal(starts, 1);
}

static void
test_lies(void **state)
{
	struct mail_words words;

	(void)state;
	mail_apart_use(start_liar);
	assert_int_equal(mail_apart_words("x", 1, &words), MAIL_APART_DONE);
	assert_int_equal(strlen(words.senders), MAIL_AREA_OUT);
	assert_string_equal(words.files, "");
	mail_words_free(&words);
}

/* What is on the stack below is no pointer that anybody may free. */
static void __attribute__((noinline)) spoil_stack(void)
{
	volatile unsigned char bytes[4096];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0x5a;
}

static void
test_it_has_no_memory(void **state)
{
	struct mail_apart_reading *reading = mail_apart_reading_new();

	(void)state;
	mail_apart_use(start_without_memory);
	spoil_stack();
	assert_false(mail_apart_reading_feed(reading, "Subject: x", 10));
	mail_apart_reading_free(reading);
}

static void
test_it_cannot_start(void **state)
{
	struct mail_words words;
	struct mail_apart_reading *reading;
	size_t length;
	char *text;

	(void)state;
	mail_apart_use(start_not);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    mail_apart_words(messages[2], strlen(messages[2]), &words),
		    MAIL_APART_DONE);
		assert_non_null(strstr(words.text, "some words"));
		mail_words_free(&words);
	}
	assert_int_equal(starts, 2);
	assert_int_equal(
	    mail_apart_text(messages[2], strlen(messages[2]), 100, &text),
	    MAIL_APART_DONE);
	free(text);
	reading = mail_apart_reading_new();
	assert_non_null(reading);
	assert_true(
	    mail_apart_reading_feed(reading, messages[2], strlen(messages[2])));
	assert_true(mail_apart_reading_finish(reading));
	assert_non_null(
	    strstr(mail_apart_reading_text(reading, &length), "some words"));
	mail_apart_reading_free(reading);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_same_as_within, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_message_that_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_somebody_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_it_is_killed_between, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_spare_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_reading_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_there_is_no_way_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_it_has_no_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_it_cannot_start, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
