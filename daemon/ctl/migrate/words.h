/*
 * What files of other programs have in common: lines, words, and settings that
 * mean the same under other names.
 */
#ifndef CTL_MIGRATE_WORDS_H
#define CTL_MIGRATE_WORDS_H

#include "daemon/ctl/migrate/migration.h"

/* The next line, its end cut off; NULL behind the last one. */
char *words_line(char **text);

/* Without blanks at its ends; they are cut off in place. */
char *words_trim(char *text);

/* Each `from` in the text replaced by `to`. */
const char *words_replace(
    struct migration *, const char *text, const char *from, const char *to);

/* A path in which braces stand for themselves. */
const char *words_as_template(struct migration *, const char *path);

/* Mail goes to this command, which will run as another user. */
void words_note_command(struct migration *,
    const struct migration_section *account, const char *command);

/* Whose home it is, by the folder's name. */
const char *words_user(struct migration *);

/* To a Maildir or an mbox; to a command of the shell; by LMTP. */
void words_deliver_to_path(struct migration *, struct migration_section *,
    const char *type, const char *path);
void words_deliver_to_shell(
    struct migration *, struct migration_section *, const char *command);
/* The host may be the path of a socket, and the port NULL. */
void words_deliver_to_lmtp(struct migration *, struct migration_section *,
    const char *host, const char *port);

/* Mail goes off the server once it is delivered, or stays there. */
void words_set_keep(struct migration *, struct migration_section *, bool keeps);

/* In seconds; nothing for "off" and NULL. */
void words_set_timeout(
    struct migration *, struct migration_section *, const char *seconds);

/* A fingerprint of a certificate; only those by SHA-256 are good enough. */
void words_set_pin(
    struct migration *, struct migration_section *, const char *fingerprint);

/* A command that prints a secret: it will run as another user. */
void words_set_command(struct migration *, struct migration_section *,
    const char *key, const char *command);

/* This password, or else that of ~/.netrc; host and user are set before. */
void words_set_password(struct migration *, struct migration_section *,
    const char *password, bool is_token);

#endif
