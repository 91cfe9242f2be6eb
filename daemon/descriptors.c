#include "daemon/descriptors.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "daemon/control/limits.h"

/*
 * A session has one socket; before that it has those of a race between
 * addresses, or the two pipes and the handle of a password_command.
 */
#define SESSION_DESCRIPTORS 3

/* The store's files, name servers, the loop, the log, a child being started. */
#define OTHER_DESCRIPTORS 128

/* Of events, however few descriptors there are. */
#define READERS_LEAST 16

#define FIXED_DESCRIPTORS \
	(LIMITS_DESCRIPTORS + OTHER_DESCRIPTORS + READERS_LEAST)

static uint32_t
sessions_within(rlim_t descriptors)
{
	rlim_t sessions;

	if (descriptors < FIXED_DESCRIPTORS + SESSION_DESCRIPTORS)
		return 1;
	sessions = (descriptors - FIXED_DESCRIPTORS) / SESSION_DESCRIPTORS;
	return sessions < UINT32_MAX ? (uint32_t)sessions : UINT32_MAX;
}

uint32_t
descriptors_make_room(uint32_t sessions, char *text, size_t size)
{
	rlim_t needed =
	    (rlim_t)sessions * SESSION_DESCRIPTORS + FIXED_DESCRIPTORS;
	rlim_t wanted = needed + LIMITS_READERS;
	struct rlimit limit, raised;
	uint32_t fit;

	if (size > 0)
		text[0] = '\0';
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return sessions;
	raised = limit;
	raised.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	fit = sessions_within(limit.rlim_cur);
	if (fit >= sessions)
		return sessions;
	(void)snprintf(text, size,
	    "max_sessions = %" PRIu32
	    " needs %ju open files, but only %ju are allowed: only %" PRIu32
	    " sessions run at a time; set "
	    "LimitNOFILE=%ju in the service, or ulimit -n, and restart",
	    sessions, (uintmax_t)needed, (uintmax_t)limit.rlim_cur, fit,
	    (uintmax_t)needed);
	return fit;
}

uint32_t
descriptors_readers(uint32_t sessions)
{
	rlim_t needed =
	    (rlim_t)sessions * SESSION_DESCRIPTORS + FIXED_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= needed + LIMITS_READERS)
		return LIMITS_READERS;
	if (limit.rlim_cur < needed + READERS_LEAST)
		return READERS_LEAST;
	return (uint32_t)(limit.rlim_cur - needed);
}
