/*
 * Questions for the beginning of a word.  FTS5 reads everything that the index
 * has of all words that begin so, even for the newest message alone, except for
 * beginnings of three letters, which the index has as if they were words.  So
 * others become some of those, or the words themselves.  What a question may
 * become is bounded, whatever words there are: where they are more, it says
 * that it looks for some of them only.
 */
#ifndef STORE_BEGINNING_H
#define STORE_BEGINNING_H

#include "daemon/store/db.h"
#include "daemon/store/mail/text.h"

/*
 * What the beginnings of one question may become: each part is read beside the
 * others.  Of rare words all places are read, which takes at most 1 us for
 * each.
 */
#define BEGINNING_PARTS  320
#define BEGINNING_PLACES 10000

struct store_beginnings {
	size_t parts_left, places_left;
	bool is_cut; /* not all words are looked for */
};

/* What stands between the parts of one beginning, and nowhere else. */
#define BEGINNING_JOINT "\nOR\n"

/*
 * Teach a connection for questions which words the index has.  It may be done
 * where the index is damaged.
 */
enum store_status store_beginning_register(struct sql_db *)
    __attribute__((warn_unused_result));

/*
 * Add a phrase of FTS5, or what finds the same where the phrase is a beginning,
 * and take what that needs from what is left.
 */
void store_beginnings_add(struct store_beginnings *, struct sql_db *,
    struct mail_text *to, const char *phrase);

#endif
