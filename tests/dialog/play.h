/*
 * Playing a dialog: by the core alone, in memory; or by the client and the
 * sync driver against a server of the test on loopback.
 */
#ifndef DIALOG_PLAY_H
#define DIALOG_PLAY_H

#include "tests/dialog/cuts.h"
#include "tests/dialog/dialog.h"

/* How a dialog is carried. */
enum play_mode {
	PLAY_CORE, /* no network: the core, fed by hand */
	PLAY_PLAIN,
	PLAY_TLS,
	PLAY_STLS,
	PLAY_MODE_COUNT
};

const char *play_mode_name(enum play_mode);

/* Whether a dialog is one to be played so. */
bool play_fits(const struct dialog *, enum play_mode);

/*
 * Play a dialog once by the core; false where something is not as it should
 * be, with the reasons appended to `why`.  With `shown`, what both sides said
 * is appended to it.
 */
bool play_core(const struct dialog *, const struct cuts *, struct octets *why,
    struct octets *shown);

/* What all plays on sockets share. */
struct play_stage;

struct play_stage *play_stage_new(void);
void play_stage_free(struct play_stage *);

/*
 * Play a dialog on sockets in each of these ways, many at once, until one goes
 * wrong.  Returns how many did; `wrong` is called for the first of them, with
 * its index in the list.
 */
typedef void (*play_wrong_cb)(size_t index, const char *why, void *arg);
size_t play_net(struct play_stage *, const struct dialog *, enum play_mode,
    const struct cuts *, size_t count, struct octets *shown,
    play_wrong_cb wrong, void *arg);

#endif
