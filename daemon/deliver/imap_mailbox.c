#include "daemon/deliver/imap_mailbox.h"

#include <stdlib.h>

enum mailbox_step {
	MAILBOX_STATUS = 0,
	MAILBOX_CREATE,
	MAILBOX_SUBSCRIBE,
	MAILBOX_STATUS_AGAIN
};

struct imap_mailbox {
	struct imap_link *link;
	const char *sent;
	enum imap_mailbox_wish wish;
	const struct imap_mailbox_handler *handler;
	void *arg;
	enum mailbox_step step;
	struct imap_state state;
};

static void
mailbox_ask(struct imap_mailbox *mailbox, enum mailbox_step step)
{
	mailbox->step = step;
	imap_wire_command(imap_link_wire(mailbox->link), "the answer to STATUS",
	    "STATUS %s (UIDVALIDITY UIDNEXT)", mailbox->sent);
}

static void
mailbox_make(struct imap_mailbox *mailbox)
{
	mailbox->step = MAILBOX_CREATE;
	imap_wire_command(imap_link_wire(mailbox->link), "the answer to CREATE",
	    "CREATE %s", mailbox->sent);
}

/* Clients show what is subscribed; where it cannot be, it is there still. */
static void
mailbox_subscribe(struct imap_mailbox *mailbox)
{
	mailbox->step = MAILBOX_SUBSCRIBE;
	imap_wire_command(imap_link_wire(mailbox->link),
	    "the answer to SUBSCRIBE", "SUBSCRIBE %s", mailbox->sent);
}

struct imap_mailbox *
imap_mailbox_new(struct imap_link *link, const char *sent,
    enum imap_mailbox_wish wish, const struct imap_mailbox_handler *handler,
    void *arg)
{
	struct imap_mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (mailbox == NULL)
		return NULL;
	mailbox->link = link;
	mailbox->sent = sent;
	mailbox->wish = wish;
	mailbox->handler = handler;
	mailbox->arg = arg;
	if (wish == IMAP_MAILBOX_MAKE)
		mailbox_make(mailbox);
	else
		mailbox_ask(mailbox, MAILBOX_STATUS);
	return mailbox;
}

/* Whether the refusal may mean that it is not there: many have no code. */
static bool
mailbox_may_be_missing(const struct imap_reply *reply)
{
	struct imap_verdict verdict;

	if (imap_verdict_is_missing(reply))
		return true;
	imap_verdict_message(reply, &verdict);
	return reply->condition == IMAP_NO &&
	       (reply->code == IMAP_CODE_NONE ||
		   reply->code == IMAP_CODE_OTHER ||
		   reply->code == IMAP_CODE_CANNOT) &&
	       verdict.outcome != CARRIED_DOWN;
}

static void
mailbox_answered(struct imap_mailbox *mailbox, const struct imap_reply *reply)
{
	bool is_ok = reply->condition == IMAP_OK;

	switch (mailbox->step) {
	case MAILBOX_STATUS:
	case MAILBOX_STATUS_AGAIN:
		if (is_ok)
			mailbox->handler->found(&mailbox->state, mailbox->arg);
		else if (mailbox->step == MAILBOX_STATUS_AGAIN ||
			 !mailbox_may_be_missing(reply))
			mailbox->handler->refused(reply, mailbox->arg);
		else if (mailbox->wish == IMAP_MAILBOX_LOOK)
			mailbox->handler->missing(mailbox->arg);
		else
			mailbox_make(mailbox);
		return;
	case MAILBOX_CREATE:
		if (is_ok || reply->code == IMAP_CODE_ALREADYEXISTS)
			mailbox_subscribe(mailbox);
		else
			mailbox->handler->refused(reply, mailbox->arg);
		return;
	case MAILBOX_SUBSCRIBE:
		mailbox_ask(mailbox, MAILBOX_STATUS_AGAIN);
		return;
	}
}

void
imap_mailbox_reply(struct imap_mailbox *mailbox, const struct imap_reply *reply)
{
	if (reply->kind == IMAP_TAGGED)
		mailbox_answered(mailbox, reply);
	else if (reply->kind == IMAP_UNTAGGED &&
		 imap_span_is(reply->word, "STATUS"))
		(void)imap_state_read(reply->text, &mailbox->state);
}

void
imap_mailbox_free(struct imap_mailbox **mailbox_p)
{
	free(*mailbox_p);
	*mailbox_p = NULL;
}
