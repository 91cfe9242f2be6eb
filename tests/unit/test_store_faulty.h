/*
 * A file system that fails on demand: SQLite's own one, in between.
 */
#ifndef TEST_STORE_FAULTY_H
#define TEST_STORE_FAULTY_H

enum faulty_operation {
	FAULTY_READ = 0,
	FAULTY_WRITE,
	FAULTY_SYNC,
	FAULTY_OPERATION_COUNT
};

/* Become the default for files that are opened from now on. */
void faulty_install(void);

/* From now on, writes and syncs answer these SQLite codes; 0: they work. */
void faulty_set(int write_code, int sync_code);

/*
 * The same for one operation: after `skip` more that work, `times` of them
 * answer `code` (times below 0: all).
 */
void faulty_set_rule(enum faulty_operation, int code, long skip, long times);

/*
 * Functions that are called before each operation, and where one fails; on
 * the thread that does it.  Either may be NULL.
 */
void faulty_watch(
    void (*before)(void), void (*failed)(enum faulty_operation, int code));

/* For cmocka: install for a group; end a test, with what failed working. */
int faulty_setup_group(void **state);
int faulty_teardown(void **state);
#define FAULTY_TEST(function)            \
	cmocka_unit_test_setup_teardown( \
	    function, fixture_setup, faulty_teardown)

#endif
