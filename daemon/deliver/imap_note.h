/*
 * Where a message is about to be put, as it is kept with its outbox row before
 * it goes: so that an attempt whose end is not known is looked for there.
 */
#ifndef DELIVER_IMAP_NOTE_H
#define DELIVER_IMAP_NOTE_H

#include "daemon/deliver/imap_data.h"

#define IMAP_NOTE 2048

struct imap_note {
	/*
	 * As the folder was when it was noted: the message has a UID of
	 * `next` or above, unless the validity is another by now.
	 */
	struct imap_state state;
	int64_t noted_ms;   /* Unix time */
	const char *folder; /* of the configuration, in UTF-8 */
};

/* False where it does not fit. */
bool imap_note_write(char text_r[IMAP_NOTE], const struct imap_note *)
    __attribute__((warn_unused_result));
/* Borrows the folder's name.  False where the text is no note. */
bool imap_note_read(const char *text, struct imap_note *note_r);

#endif
