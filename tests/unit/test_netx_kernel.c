/* The part of ThreadX that programs for the NetX POP3 client use. */
#include "tests/unit/test_netx_run.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define STACK_SIZE 4096

/* Of the application that the kernel is entered with. */
static struct {
	void (*define)(unsigned char *memory);
	pthread_mutex_t mutex;
	TX_THREAD threads[8];
	ULONG ran;     /* a bit for each input */
	bool defining; /* tx_application_define() has not returned */
	unsigned char *memory;
} program = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void
tx_application_define(void *first_unused_memory)
{
	program.defining = true;
	program.define(first_unused_memory);
	program.defining = false;
}

static void
enter(void (*define)(unsigned char *))
{
	program.define = define;
	program.ran = 0;
	tx_kernel_enter();
}

static void
note(ULONG input)
{
	assert_false(program.defining);
	pthread_mutex_lock(&program.mutex);
	program.ran |= 1UL << input;
	pthread_mutex_unlock(&program.mutex);
}

static UINT
create(TX_THREAD *thread, VOID (*entry)(ULONG), ULONG input, void *stack)
{
	return tx_thread_create(thread, (CHAR *)"thread", entry, input, stack,
	    STACK_SIZE, 1, 1, TX_NO_TIME_SLICE, TX_AUTO_START);
}

static void
make_another(ULONG input)
{
	note(input);
	tx_thread_sleep(2);
	assert_int_equal(create(&program.threads[input + 1], note, input + 1,
			     program.memory),
	    TX_SUCCESS);
}

static void
define_threads(unsigned char *memory)
{
	ULONG i;

	assert_non_null(memory);
	program.memory = memory;
	/* What a program may carve from it, all of it writable. */
	memset(memory + (60 << 20), 0xFF, 1 << 20);
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    create(&program.threads[i], note, i, memory), TX_SUCCESS);
	assert_int_equal(
	    create(&program.threads[4], make_another, 4, memory), TX_SUCCESS);
	assert_int_equal(
	    create(&program.threads[4], note, 6, memory), TX_THREAD_ERROR);
	/* Nothing runs yet, however long this takes. */
	tx_thread_sleep(2);
	assert_int_equal(program.ran, 0);
}

/* It returns when all have ended, and may be entered again. */
static void
test_threads(void **state)
{
	int round;

	(void)state;
	for (round = 0; round < 3; round++) {
		enter(define_threads);
		assert_int_equal(program.ran, 0x3F);
	}
}

static void
define_nothing(unsigned char *memory)
{
	program.memory = memory;
	/* One kernel at a time. */
	tx_kernel_enter();
}

static void
test_no_threads(void **state)
{
	(void)state;
	program.memory = NULL;
	enter(define_nothing);
	assert_non_null(program.memory);
	assert_int_equal(
	    create(&program.threads[0], note, 0, &program), TX_CALLER_ERROR);
}

/* ---- a system that has nothing left ---- */

static bool exhausted;

void *__real_mmap(void *, size_t, int, int, int, off_t);
void *__wrap_mmap(void *, size_t, int, int, int, off_t);
int __real_pthread_create(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

void *
__wrap_mmap(
    void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return exhausted ? MAP_FAILED
			 : __real_mmap(at, size, protection, flags, fd, offset);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*function)(void *), void *arg)
{
	return exhausted
		   ? EAGAIN
		   : __real_pthread_create(thread, attributes, function, arg);
}

static void
define_in_vain(unsigned char *memory)
{
	NX_PACKET_POOL pool;

	assert_null(memory);
	assert_int_equal(
	    nx_packet_pool_create(&pool, (CHAR *)"p", 64, memory, 4096),
	    NX_PTR_ERROR);
	assert_int_equal(
	    create(&program.threads[0], note, 0, &pool), TX_START_ERROR);
}

static void
test_exhausted(void **state)
{
	(void)state;
	exhausted = true;
	enter(define_in_vain);
	exhausted = false;
	assert_int_equal(program.ran, 0);
	enter(define_threads);
	assert_int_equal(program.ran, 0x3F);
}

/* ---- parameters ---- */

static void
define_wrongly(unsigned char *memory)
{
	TX_THREAD *thread = &program.threads[0];
	CHAR *name = (CHAR *)"thread";
	const struct {
		UINT said, status;
	} rows[] = {
		{ tx_thread_create(NULL, name, note, 0, memory, STACK_SIZE, 1,
		      1, 0, TX_AUTO_START),
		    TX_THREAD_ERROR },
		{ tx_thread_create(thread, name, NULL, 0, memory, STACK_SIZE, 1,
		      1, 0, TX_AUTO_START),
		    TX_PTR_ERROR },
		{ tx_thread_create(thread, name, note, 0, NULL, STACK_SIZE, 1,
		      1, 0, TX_AUTO_START),
		    TX_PTR_ERROR },
		{ tx_thread_create(thread, name, note, 0, memory, 199, 1, 1, 0,
		      TX_AUTO_START),
		    TX_SIZE_ERROR },
		{ tx_thread_create(thread, name, note, 0, memory, STACK_SIZE,
		      32, 1, 0, TX_AUTO_START),
		    TX_PRIORITY_ERROR },
		{ tx_thread_create(thread, name, note, 0, memory, STACK_SIZE, 1,
		      2, 0, TX_AUTO_START),
		    TX_THRESH_ERROR },
		{ tx_thread_create(thread, name, note, 0, memory, STACK_SIZE, 1,
		      1, 0, TX_DONT_START),
		    TX_START_ERROR },
		{ tx_thread_create(
		      thread, name, note, 0, memory, STACK_SIZE, 1, 1, 0, 7),
		    TX_START_ERROR },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].said != rows[i].status)
			fail_msg("row %zu: 0x%02X", i, rows[i].said);
}

static void
test_parameters(void **state)
{
	(void)state;
	enter(define_wrongly);
	assert_int_equal(program.ran, 0);
}

/* Two sessions in two threads, from one pool. */
static struct netx_run run;
static UINT statuses[2];

static void
fetch(ULONG which)
{
	UINT status, items = 0, item, final;
	ULONG size, length, got;
	NX_POP3_CLIENT client;
	NX_PACKET *packet;

	status = nx_pop3_client_create(&client, NX_TRUE, &run.ip, &run.pool,
	    IP_ADDRESS(127, 0, 0, 1), run.server.server.port, (CHAR *)"anna",
	    (CHAR *)"secret");
	if (status == NX_SUCCESS)
		status = nx_pop3_client_mail_items_get(&client, &items, &size);
	for (item = 1; status == NX_SUCCESS && item <= items; item++) {
		status = nx_pop3_client_mail_item_get(&client, item, &size);
		for (final = NX_FALSE, got = 0; status == NX_SUCCESS && !final;
		     got += length) {
			status = nx_pop3_client_mail_item_message_get(
			    &client, &packet, &length, &final);
			if (status == NX_SUCCESS)
				status = nx_packet_release(packet);
		}
		assert_int_equal(got, 3000);
	}
	if (status == NX_SUCCESS)
		status = nx_pop3_client_quit(&client);
	assert_int_equal(nx_pop3_client_delete(&client), NX_SUCCESS);
	assert_int_equal(items, 4);
	statuses[which] = status;
	note(which);
}

static void
define_fetchers(unsigned char *memory)
{
	ULONG i;

	for (i = 0; i < 2; i++)
		assert_int_equal(
		    create(&program.threads[i], fetch, i, memory), TX_SUCCESS);
}

static void
test_sessions(void **state)
{
	static char text[3000];
	const struct net_message messages[] = {
		{ text, sizeof(text) },
		{ text, sizeof(text) },
		{ text, sizeof(text) },
		{ text, sizeof(text) },
	};

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 2, "\r\n", 2);
	netx_start(&run, &(struct net_server_options){ .messages = messages,
			     .message_count = COUNT(messages) });
	enter(define_fetchers);
	assert_int_equal(program.ran, 3);
	assert_int_equal(statuses[0], NX_SUCCESS);
	assert_int_equal(statuses[1], NX_SUCCESS);
	netx_finish(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_no_threads),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
