#include "daemon/deliver/imap_noting.h"

#include <stdlib.h>

#include "daemon/deliver/imap_note.h"
#include "daemon/deliver/parcel.h"
#include "daemon/failpoint/failpoint.h"
#include "lib/base/clock.h"

struct noted {
	struct imap_noting *noting;
	const struct imap_item *item;
};

struct imap_noting {
	const struct imap_folder *folder;
	void (*done)(void *arg);
	void *arg;
	struct noted noted[IMAP_DEPTH];
	size_t count, open;
};

static bool
noting_wants(const struct imap_folder *folder, const struct imap_item *item)
{
	return imap_item_goes_to(item, folder) &&
	       !imap_item_is(item, IMAP_MARK_NOTED);
}

struct imap_noting *
imap_noting_new(const struct imap_folder *folder,
    const struct imap_queue *queue, void (*done)(void *arg), void *arg)
{
	struct imap_noting *noting = calloc(1, sizeof(*noting));
	const struct imap_item *item;
	size_t i;

	if (noting == NULL)
		return NULL;
	noting->folder = folder;
	noting->done = done;
	noting->arg = arg;
	for (i = 0; i < imap_queue_count(queue); i++) {
		item = imap_queue_at(queue, i);
		if (noting_wants(folder, item))
			noting->noted[noting->count++] =
			    (struct noted){ noting, item };
	}
	return noting;
}

void
imap_noting_free(struct imap_noting **noting_p)
{
	free(*noting_p);
	*noting_p = NULL;
}

static void
noting_close(struct imap_noting *noting)
{
	if (--noting->open > 0)
		return;
	FAILPOINT("imap: messages noted");
	noting->done(noting->arg);
}

static void
noting_noted(bool is_durable, void *arg)
{
	static const struct carried_result unread = {
		.outcome = CARRIED_UNREAD,
		.answer = "The store cannot note that it is being delivered",
	};
	const struct noted *noted = arg;

	if (is_durable)
		imap_queue_mark(noted->item, IMAP_MARK_NOTED);
	else
		imap_queue_settle(noted->item, &unread);
	noting_close(noted->noting);
}

void
imap_noting_begin(struct imap_noting *noting)
{
	const struct imap_note note = {
		.state = noting->folder->state,
		.noted_ms = evpop_clock_unix_ms(),
		.folder = noting->folder->name,
	};
	char text[IMAP_NOTE];
	size_t i;

	/* The name of a folder that can be sent fits. */
	if (!imap_note_write(text, &note))
		text[0] = '\0';
	/* One more, for those that are answered at once. */
	noting->open = noting->count + 1;
	for (i = 0; i < noting->count; i++)
		parcel_note(noting->noted[i].item->parcel, text, noting_noted,
		    &noting->noted[i]);
	noting_close(noting);
}
