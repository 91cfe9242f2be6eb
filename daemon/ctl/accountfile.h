/*
 * Files of one account each, in a folder that the daemon's configuration
 * includes: where such a file goes, and how it comes and goes there whole.
 */
#ifndef CTL_ACCOUNTFILE_H
#define CTL_ACCOUNTFILE_H

#include "daemon/config/config.h"
#include "daemon/ctl/ctl.h"

/* Where the daemon looks for its configuration. */
#define ACCOUNTFILE_CONFIG "/etc/evpopd/evpopd.conf"

/*
 * Read the daemon's configuration; NULL, with the reason said and *code_r what
 * to exit with.
 */
struct config *accountfile_config(const struct ctl *, const char *path,
    enum ctl_exit *code_r) __attribute__((warn_unused_result));

/*
 * The path of a new file for an account, which an include of the configuration
 * names.  For free(); NULL, with the reason said.
 */
char *accountfile_path(const struct ctl *, const struct config *,
    const char *config_path, const char *name, enum ctl_exit *code_r)
    __attribute__((warn_unused_result));

/*
 * Write it, durably, readable for nobody but the daemon's user, and see that
 * the configuration is correct with it; else nothing is left behind.
 */
enum ctl_exit accountfile_write(const struct ctl *, const struct config *,
    const char *config_path, const char *path, const char *text)
    __attribute__((warn_unused_result));

/* Take it away, durably. */
enum ctl_exit accountfile_remove(const struct ctl *, const char *path)
    __attribute__((warn_unused_result));

/* Whether an account's file holds this account and nothing else. */
bool accountfile_is_alone(const struct config_account *);

#endif
