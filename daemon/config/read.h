/*
 * What the parts of one reading share: read.c takes files apart, accounts.c
 * completes and checks the accounts they define.  Private to this folder.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "daemon/config/config.h"
#include "daemon/config/file_set.h"
#include "daemon/config/option.h"
#include "daemon/config/report.h"
#include "lib/base/arena.h"

/* An account as its section gives it; bit i: config_options[i] is given. */
struct config_draft {
	struct config_account *account;
	uint64_t given;
	size_t order; /* as they stand in the files */
};

struct config_place {
	const char *file; /* NULL: nowhere */
	unsigned line;
};

struct config_reading {
	struct config *config;
	struct evpop_arena *arena;
	struct config_report report;
	struct config_account defaults;
	/* Where each key was given, accounts aside. */
	struct config_place places[CONFIG_ACCOUNT_OPTIONS_MAX];
	struct config_draft *drafts;
	size_t draft_count, draft_capacity;
	struct config_file_set read;
	char **files;
	size_t file_count, file_capacity;
	bool looks_for_files; /* that keys name */
};

/* Read a file and what it includes. */
void config_read_file(struct config_reading *, const char *path);

/*
 * Give accounts what they inherit, check them, and hand them to the config in
 * the order of names.
 */
void config_finish_accounts(struct config_reading *);

/*
 * Double *capacity of an array as needed for one more; false without memory.
 */
bool config_make_room(void *items_p, size_t *capacity, size_t count,
    size_t item_size) __attribute__((warn_unused_result));

#endif
