#include "daemon/confine/landlock.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

enum rule_type {
	RULE_PATH = 1,
	RULE_PORT
};

struct rule_path {
	uint64_t access;
	int32_t folder;
} __attribute__((packed));

struct rule_port {
	uint64_t access;
	uint64_t port;
};

int
landlock_version(void)
{
	return (int)syscall(
	    SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
}

/* An older kernel takes more than it knows only if that is zero. */
static size_t
ruleset_size(int version)
{
	if (version < 4)
		return offsetof(struct landlock_ruleset, ports);
	if (version < 6)
		return offsetof(struct landlock_ruleset, scoped);
	return sizeof(struct landlock_ruleset);
}

int
landlock_create(const struct landlock_ruleset *ruleset, int version)
{
	return (int)syscall(
	    SYS_landlock_create_ruleset, ruleset, ruleset_size(version), 0U);
}

int
landlock_allow_files(int ruleset, int folder, uint64_t access)
{
	const struct rule_path rule = { .access = access, .folder = folder };

	return (int)syscall(
	    SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0U);
}

int
landlock_allow_port(int ruleset, uint64_t port, uint64_t access)
{
	const struct rule_port rule = { .access = access, .port = port };

	return (int)syscall(
	    SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0U);
}

int
landlock_enter(int ruleset)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_landlock_restrict_self, ruleset, 0U);
}
