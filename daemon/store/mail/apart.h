/*
 * Mail read in a process apart, which has no files, no network, little memory,
 * and no system calls to get any of them: what a fault in a library for HTML or
 * charsets reaches there is one message.  It is given bytes and gives text, in
 * memory that both share.
 */
#ifndef STORE_MAIL_APART_H
#define STORE_MAIL_APART_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/store/mail/words.h"

/*
 * Start a child of this process that runs mail_serve() (serve.h) with copies
 * of these descriptors, and nothing else.  Returns false if it cannot.
 */
typedef bool (*mail_apart_start)(int socket, int memory, pid_t *pid_r);

/*
 * From now on mail is read apart; before any thread is started.  Until then,
 * and where a process cannot be started, it is read in this one.
 */
void mail_apart_use(mail_apart_start);

enum mail_apart_result {
	MAIL_APART_DONE = 0,
	MAIL_APART_NO_MEMORY, /* of ours */
	/* In this message; its words are none then.  It is in the log. */
	MAIL_APART_DIED
};

/* mail_words_read(), from any thread; free what was filled either way. */
enum mail_apart_result mail_apart_words(const char *message, size_t length,
    struct mail_words *words_r) __attribute__((warn_unused_result));

/* mail_words_read_text(); *text_r is NULL unless it is done. */
enum mail_apart_result mail_apart_text(const char *message, size_t length,
    size_t max, char **text_r) __attribute__((warn_unused_result));

/*
 * As struct mail_reading, which see, in a process of its own; a message in
 * which that ends has a line that says so.
 */
struct mail_apart_reading;
struct mail_apart_reading *mail_apart_reading_new(void)
    __attribute__((warn_unused_result));
void mail_apart_reading_free(struct mail_apart_reading *);
bool mail_apart_reading_feed(struct mail_apart_reading *, const char *bytes,
    size_t length) __attribute__((warn_unused_result));
bool mail_apart_reading_finish(struct mail_apart_reading *)
    __attribute__((warn_unused_result));
/* After the finish. */
const char *mail_apart_reading_text(
    const struct mail_apart_reading *, size_t *length_r);

/* The process that is kept for the others ends; no call may be under way. */
void mail_apart_end(void);

#endif
