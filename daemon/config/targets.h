/*
 * The targets that a configuration defines, while it is read: sections, and
 * what `deliver` describes in its own words.
 */
#ifndef CONFIG_TARGETS_H
#define CONFIG_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/report.h"
#include "lib/base/arena.h"

struct config_strings;
struct config_target;

/* A target as its section gives it; with config_option_bit() of what is
 * given. */
struct config_target_draft {
	struct config_target *target;
	uint64_t given;
	size_t order;
};

/* Zeroed: none.  Private but to pass on. */
struct config_targets {
	struct config_target_draft *drafts;
	size_t count, capacity;
	size_t section_count; /* sorted by name, and first */
	bool looks_for_files; /* that keys name; set before all else */
};
void config_targets_free(struct config_targets *);

/*
 * A section begins; valid until the next one does.  NULL without memory, which
 * is reported.
 */
struct config_target_draft *config_targets_begin(struct config_targets *,
    struct evpop_arena *, const struct config_report_place *, const char *name);

/* All sections are read: check them, and sort them. */
void config_targets_finish_sections(
    struct config_targets *, struct evpop_arena *, struct config_report *);

/*
 * Check what a `deliver` names, and add what it describes; `who` begins the
 * message: "[account anna]: deliver".
 */
void config_targets_resolve(struct config_targets *, struct evpop_arena *,
    const struct config_report_place *, const char *who,
    const struct config_strings *deliver);

/* All of them, by name; NULL without memory, which is reported. */
const struct config_target **config_targets_list(struct config_targets *,
    struct evpop_arena *, struct config_report *, size_t *count_r);

#endif
