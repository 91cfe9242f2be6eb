#include "daemon/poll/ledger.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/queue.h>

/* Below this a share is nothing out of the ordinary. */
#define LEDGER_LARGE (UINT64_C(4) << 20)

/*
 * What is larger than this has a mapping of its own, which can grow where it is
 * and goes back to the system as a whole.  glibc would raise the limit up to 32
 * MiB, as such are freed: a listing that grows would then be copied inside of
 * the heap, and leave there what it no longer takes.  Pieces of bodies, of 256
 * KiB at the most, come and go, and stay in the heap.
 */
#define LEDGER_MAPPED_LEAST (320 * 1024)

struct ledger_share {
	TAILQ_ENTRY(ledger_share) link;
	struct ledger *ledger;
	uint64_t held;
	bool has_been_large;
	bool is_overdrawn; /* it ends, and counts no longer */
	void (*overdrawn)(void *arg);
	void *arg;
};

struct ledger {
	uint64_t capacity, held;
	bool has_been_large; /* some share */
	TAILQ_HEAD(, ledger_share) shares;
};

struct ledger *
ledger_new(uint64_t capacity)
{
	struct ledger *ledger;

	ledger = calloc(1, sizeof *ledger);
	if (ledger == NULL)
		return NULL;
	ledger->capacity = capacity;
	TAILQ_INIT(&ledger->shares);
	return ledger;
}

uint64_t
ledger_capacity(const struct ledger *ledger)
{
	return ledger->capacity;
}

uint64_t
ledger_held(const struct ledger *ledger)
{
	return ledger->held;
}

void
ledger_free(struct ledger **ledger)
{
	if (*ledger == NULL)
		return;
	assert(TAILQ_EMPTY(&(*ledger)->shares));
	free(*ledger);
	*ledger = NULL;
}

struct ledger_share *
ledger_open(struct ledger *ledger, void (*overdrawn)(void *arg), void *arg)
{
	struct ledger_share *share;

	share = calloc(1, sizeof *share);
	if (share == NULL)
		return NULL;
	share->ledger = ledger;
	share->overdrawn = overdrawn;
	share->arg = arg;
	TAILQ_INSERT_TAIL(&ledger->shares, share, link);
	return share;
}

static void
ledger_strike_out(struct ledger_share *share)
{
	share->is_overdrawn = true;
	share->ledger->held -= share->held;
}

/* Only looked for when there is no room: shares are as many as sessions. */
static struct ledger_share *
ledger_largest(struct ledger *ledger)
{
	struct ledger_share *share, *largest = NULL;

	TAILQ_FOREACH(share, &ledger->shares, link)
		if (!share->is_overdrawn &&
		    (largest == NULL || share->held > largest->held))
			largest = share;
	return largest;
}

static void
ledger_note_large(struct ledger_share *share)
{
	if (share->held < LEDGER_LARGE || share->has_been_large)
		return;
	share->has_been_large = true;
	if (!share->ledger->has_been_large)
		(void)mallopt(M_MMAP_THRESHOLD, LEDGER_MAPPED_LEAST);
	share->ledger->has_been_large = true;
}

bool
ledger_charge(struct ledger_share *share, int64_t octets)
{
	struct ledger *ledger = share->ledger;
	struct ledger_share *largest;

	assert(octets >= 0 || share->held >= (uint64_t)-octets);
	share->held += (uint64_t)octets;
	ledger_note_large(share);
	if (share->is_overdrawn)
		return false;
	ledger->held += (uint64_t)octets;
	while (ledger->held > ledger->capacity) {
		largest = ledger_largest(ledger);
		ledger_strike_out(largest);
		if (largest == share)
			return false;
		largest->overdrawn(largest->arg);
	}
	return true;
}

uint64_t
ledger_share_held(const struct ledger_share *share)
{
	return share->held;
}

void
ledger_close(struct ledger_share **share_p)
{
	struct ledger_share *share = *share_p;

	if (share == NULL)
		return;
	*share_p = NULL;
	if (!share->is_overdrawn)
		share->ledger->held -= share->held;
	TAILQ_REMOVE(&share->ledger->shares, share, link);
	/* What it has freed among other blocks, too. */
	if (share->has_been_large)
		(void)malloc_trim(0);
	free(share);
}
