/*
 * All bytes of a message's body, in order, handed to somebody who reads it on a
 * reader's thread.  Each step is a question of its own with a few pieces.
 */
#ifndef STORE_PASSAGE_H
#define STORE_PASSAGE_H

#include "daemon/store/op.h"

enum store_passage_wish {
	STORE_PASSAGE_MORE = 0,
	STORE_PASSAGE_PAUSE, /* until store_passage_go() */
	STORE_PASSAGE_ENOUGH,
	STORE_PASSAGE_FAILED /* for want of memory */
};

/* Runs on a reader's thread, but for `done`, which runs on the loop. */
struct store_passage_reader {
	enum store_passage_wish (*take)(
	    void *arg, const char *bytes, size_t length);
	/* After the last byte, or what was enough; false without memory. */
	bool (*finish)(void *arg);
	/* It has paused, ended or failed; the passage may be freed. */
	void (*done)(void *arg, enum store_status);
};

struct store_passage {
	struct store *store;
	int64_t id;
	const struct store_passage_reader *reader;
	void *arg;
	const void *asker;
	int64_t body;      /* 0: not known yet */
	uint32_t sequence; /* of the next piece */
	enum store_passage_wish wish;
	bool is_finished;
};

void store_passage_init(struct store_passage *, struct store *, int64_t id,
    const struct store_passage_reader *, void *arg);

/* Begin, or go on after a pause; who asks may leave (store_leave()). */
void store_passage_go(struct store_passage *, const void *asker);

#endif
