#include "daemon/store/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct status_words {
	const char *name, *hint;
};

static const struct status_words words[] = {
	[STORE_OK] = { "ok", "nothing to do" },
	[STORE_FULL] = { "full",
	    "free space on the file system of the store, or raise its quota; "
	    "polls resume by themselves" },
	[STORE_IO] = { "io", "look for disk errors in the log of the kernel; "
			     "polls resume by themselves when writes succeed" },
	[STORE_BUSY] = { "busy",
	    "end the other process that holds the store, or ask the running "
	    "daemon through evpopctl" },
	[STORE_READ_ONLY] = { "read-only",
	    "give the daemon's user permission to write the store's file and "
	    "folder, and mount its file system writable" },
	[STORE_DAMAGED] = { "damaged",
	    "stop the daemon and restore the store from a backup, or give "
	    "another path" },
	[STORE_NEWER] = { "newer",
	    "upgrade evpopd, or restore the backup made before the upgrade" },
	[STORE_NOT_FOUND] = { "not-found", "there is no such row" },
	[STORE_MEMORY] = { "memory",
	    "give the daemon more memory, or lower memory_limit and "
	    "max_sessions" },
	[STORE_REPLACED] = { "replaced",
	    "undo that, or restart evpopd to use what is there now" },
	[STORE_SEALED] = { "sealed",
	    "read it where its secret key is: evpopctl --key FILE" },
	[STORE_NO_KEY] = { "no-key",
	    "give key_file in [daemon], or the credential evpopd.key, with the "
	    "key that the store was used with" },
	[STORE_CLOSED] = { "closed", "start the daemon again" },
	[STORE_SLOW] = { "slow",
	    "ask for less: of one account (account), of some days (since, "
	    "before), or for words (q)" },
};
_Static_assert(sizeof(words) / sizeof(words[0]) == STORE_STATUS_COUNT,
    "each status has words");

const char *
store_status_name(enum store_status status)
{
	assert(status < STORE_STATUS_COUNT);
	return words[status].name;
}

const char *
store_status_hint(enum store_status status)
{
	assert(status < STORE_STATUS_COUNT);
	return words[status].hint;
}

enum store_status
store_error_set(struct store_error *error_r, enum store_status status,
    const char *format, ...)
{
	va_list arguments;

	error_r->status = status;
	va_start(arguments, format);
	vsnprintf(error_r->text, sizeof(error_r->text), format, arguments);
	va_end(arguments);
	return status;
}
