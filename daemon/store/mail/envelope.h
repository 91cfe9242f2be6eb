/*
 * The facts in the header of a message, decoded to UTF-8 that is fit to show.
 * No header makes this fail: text that cannot be decoded is kept as well as
 * possible.
 */
#ifndef STORE_MAIL_ENVELOPE_H
#define STORE_MAIL_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/mail/header.h"
#include "daemon/store/mail/text.h"

/*
 * Members are NULL where the message has no such field; the sender is who sent
 * it or where it came from, where nobody wrote it.
 */
struct mail_envelope {
	char *sender, *recipients, *cc, *subject, *header_id;
	bool has_date;
	int64_t date_ms;
	bool is_cut; /* something was longer than what is kept of it */
	/* Nothing in it says in what charset its raw bytes are. */
	bool wants_charset;
};

/*
 * `hint` is the charset of raw bytes where the header names none for its body;
 * NULL: not known.  Returns false without memory; free what was filled either
 * way.
 */
bool mail_envelope_read(const char *header, size_t length, const char *hint,
    struct mail_envelope *envelope_r) __attribute__((warn_unused_result));
void mail_envelope_free(struct mail_envelope *);

/* A header's words for the index, by where people look for them. */
struct mail_names {
	struct mail_text senders;    /* From, Sender, Reply-To */
	struct mail_text recipients; /* To */
	struct mail_text copies;     /* Cc, Bcc */
	struct mail_text subject;
	struct mail_text others; /* Message-ID, List-Id and the like */
};

/* Add those of a header, decoded; `hint` as above. */
void mail_names_add(
    struct mail_names *, const char *header, size_t length, const char *hint);

#endif
