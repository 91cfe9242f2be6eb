/*
 * Questions for the beginning of a word.  FTS5 reads everything that the index
 * has of all words that begin so, even for the newest message alone, except for
 * beginnings of three letters, which the index has as if they were words.  So
 * others become some of those, or the words themselves, where those are few.
 */
#ifndef STORE_BEGINNING_H
#define STORE_BEGINNING_H

#include "daemon/store/db.h"
#include "daemon/store/mail/text.h"

/* What one question may become: each is read beside the others. */
#define BEGINNING_PARTS 160

/* What stands between the parts of one beginning, and nowhere else. */
#define BEGINNING_JOINT "\nOR\n"

/*
 * Teach a connection for questions which words the index has.  It may be done
 * where the index is damaged.
 */
enum store_status store_beginning_register(struct sql_db *)
    __attribute__((warn_unused_result));

/*
 * Add a phrase of FTS5, or what finds the same where the phrase is a beginning;
 * *parts_left, at first BEGINNING_PARTS, is lessened by what that needs.
 */
void store_beginning_add(struct sql_db *, struct mail_text *to,
    const char *phrase, size_t *parts_left);

#endif
