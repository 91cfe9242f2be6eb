/*
 * The programs whose accounts can be carried over, by file.  Each reads its
 * configuration and its notes of unique-ids, as it finds them at home or at a
 * path, and needs neither the program nor a server.
 */
#ifndef CTL_MIGRATE_PROGRAM_H
#define CTL_MIGRATE_PROGRAM_H

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/migrate/migration.h"

struct migrate_program {
	const char *name;
	/* Where its configuration is, "~" for the home; the first that is. */
	const char *places[4];
	/* CTL_OK; or how to exit, the reason said. */
	enum ctl_exit (*read)(
	    const struct ctl *, struct migration *, const char *path);
};

/* NULL: none of these. */
const struct migrate_program *migrate_find(const char *name);

/*
 * evpopctl import PROGRAM: carry over, or show with --dry-run what would be;
 * the first argument is one of these.
 */
struct invocation;
enum ctl_exit migrate_command(const struct ctl *, const struct invocation *);

/* Whether a command line is one of those, and will note unique-ids. */
bool migrate_fills(const struct invocation *);

/* fdm.c */
enum ctl_exit fdm_read(
    const struct ctl *, struct migration *, const char *path);

/* fetchmail.c */
enum ctl_exit fetchmail_read(
    const struct ctl *, struct migration *, const char *path);

/* getmail.c */
enum ctl_exit getmail_read(
    const struct ctl *, struct migration *, const char *path);

/* mpop.c */
enum ctl_exit mpop_read(
    const struct ctl *, struct migration *, const char *path);

#endif
