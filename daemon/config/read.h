/*
 * The state of one reading: read.c parses the files, accounts.c completes and
 * checks the accounts that they define.  Private to these two.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "daemon/config/config.h"
#include "daemon/config/files.h"
#include "daemon/config/option.h"
#include "daemon/config/report.h"
#include "daemon/config/targets.h"
#include "lib/base/arena.h"

/* An account as its section gives it; with config_option_bit() of what is
 * given. */
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
	struct config_targets targets;
	/* Where each key was given, accounts and targets aside. */
	struct config_place places[CONFIG_OPTIONS_MAX];
	struct config_draft *drafts;
	size_t draft_count, draft_capacity;
	struct config_file_set read;
	struct config_noted {
		char **items; /* in the arena */
		size_t count, capacity;
	} files, includes;
};

/*
 * A new account, to be completed later; valid until the next one begins.  NULL
 * without memory, which is reported.
 */
struct config_draft *config_begin_account(
    struct config_reading *, const char *name, const char *file, unsigned line);

/* Give accounts what they inherit, check them, and sort them by name. */
void config_finish_accounts(struct config_reading *);

/* As many as there are drafts; NULL without memory, which is reported. */
const struct config_account **config_list_accounts(struct config_reading *);

#endif
