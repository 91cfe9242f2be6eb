/*
 * The ids of labels, which are known by their names: looked up once, and made
 * where there is none of that name.
 */
#ifndef DELIVER_GMAIL_LABEL_H
#define DELIVER_GMAIL_LABEL_H

#include "daemon/deliver/gmail_link.h"

struct config_target;
struct gmail_labels;

/* NULL without memory. */
struct gmail_labels *gmail_labels_new(void) __attribute__((warn_unused_result));
/* Sets the pointer to NULL, which it may be. */
void gmail_labels_free(struct gmail_labels **);

/* NULL where it is not known; borrowed until anything else is called. */
const char *gmail_labels_find(const struct gmail_labels *, const char *name);
/* None is known any more: one of them was deleted. */
void gmail_labels_forget(struct gmail_labels *);

enum gmail_labelled {
	GMAIL_LABEL_GOES_ON = 0, /* another request is under way */
	GMAIL_LABEL_KNOWN,
	GMAIL_LABEL_FAILED /* as the reply says */
};
/* Ask for it; the name is borrowed until it is known. */
void gmail_labels_ask(struct gmail_labels *, struct gmail_link *,
    const struct config_target *, const char *name);
enum gmail_labelled gmail_labels_reply(struct gmail_labels *,
    struct gmail_link *, const struct config_target *,
    const struct gmail_reply *);

#endif
