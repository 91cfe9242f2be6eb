/*
 * The words of a whole message, for the full-text index.
 */
#ifndef STORE_MAIL_WORDS_H
#define STORE_MAIL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How much of a message is looked at.  Text comes first in nearly all mail;
 * what follows is attachments.
 */
#define MAIL_WORDS_LOOK ((size_t)1024 * 1024)

/* Text as mail_pairs_index() makes it; none is NULL. */
struct mail_words {
	char *senders, *recipients, *copies, *subject;
	char *text;  /* of all parts */
	char *files; /* the names of attachments, and of files within a text */
	bool is_cut; /* at a bound, within what was looked at */
};

/*
 * Read them; broken mail gives what it gives.  Returns false without memory;
 * free what was filled either way.
 */
bool mail_words_read(const char *message, size_t length,
    struct mail_words *words_r) __attribute__((warn_unused_result));
void mail_words_free(struct mail_words *);

/* All of them, in the order of the members. */
#define MAIL_WORDS_TEXTS 6

/* Words that another process has read; takes the texts. */
void mail_words_take(struct mail_words *words_r,
    char *const texts[MAIL_WORDS_TEXTS], bool is_cut);
/* None, of a message that has some.  Returns false as mail_words_read(). */
bool mail_words_take_none(struct mail_words *words_r)
    __attribute__((warn_unused_result));

/*
 * The text of all parts as people read it, at most `max` octets; without what
 * the header says.  The caller's, for free(); NULL without memory.
 */
char *mail_words_read_text(const char *message, size_t length, size_t max)
    __attribute__((warn_unused_result));

#endif
