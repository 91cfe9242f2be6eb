/*
 * What a client of IMAP sends: names of folders, texts, dates (RFC 3501).
 */
#ifndef DELIVER_IMAP_NAME_H
#define DELIVER_IMAP_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imap_naming;

/* Octets of a folder's name as it is sent, quotes and NUL included. */
#define IMAP_FOLDER 1024

/*
 * A folder of the configuration, in UTF-8 with "/" between folders, as this
 * server wants it: its prefix before it, its delimiter, in modified UTF-7
 * (section 5.1.3), quoted.  "" is INBOX.  False where it is too long, or no
 * UTF-8, or has control characters.
 */
bool imap_folder_write(char folder_r[IMAP_FOLDER], const char *folder,
    const struct imap_naming *) __attribute__((warn_unused_result));

/*
 * The text in quotes; false where it does not fit or cannot be sent so: only
 * ASCII without CR, LF and NUL can.
 */
bool imap_quoted_write(char *dst, size_t size, const char *text)
    __attribute__((warn_unused_result));

/* "\"17-Jul-2024 02:44:25 +0000\"", a NUL. */
#define IMAP_DATE 29
/* False where no date of four digits' year says it. */
bool imap_date_write(char date_r[IMAP_DATE], int64_t unix_ms)
    __attribute__((warn_unused_result));

#endif
