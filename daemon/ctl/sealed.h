/*
 * Sealed mail, opened by who holds its key: what a message says of itself, and
 * its bytes.
 */
#ifndef CTL_SEALED_H
#define CTL_SEALED_H

#include "daemon/ctl/client.h"

/* The secret keys that were given. */
struct sealed_keys;
struct sealing_opener;

/* NULL without memory. */
struct sealed_keys *sealed_keys_new(void) __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL, which it may be. */
void sealed_keys_free(struct sealed_keys **);
/*
 * Add the key in a file, as keyfile_read() reads it.  The reason is said where
 * it cannot be had.
 */
enum ctl_exit sealed_keys_add(struct sealed_keys *, const struct ctl *,
    const char *path) __attribute__((warn_unused_result));

/* One of them, for what only its holder does; NULL behind the last one. */
const struct sealing_opener *sealed_keys_opener(
    const struct sealed_keys *, size_t number);

/*
 * Where the bytes of a message come from, the first `most` of them, or all, if
 * that is 0: it gives them to the sink, and returns as client_download() does.
 * They need not be sealed.
 */
typedef bool (*sealed_from)(void *from, size_t most, client_sink sink,
    void *sink_arg, struct client_error *error_r);

/* What is asked of a message. */
struct sealed_read {
	const struct sealed_keys *keys;
	const char *name; /* of the message, in words: "message 12" */
	sealed_from read;
	void *from;
	/*
	 * What its envelope says is put into this JSON, or NULL; and if
	 * `puts_place`, by what it was known where it is from.  Where it is not
	 * sealed, nothing is put.
	 */
	json_t *message;
	bool puts_place;
};

/*
 * Give its plain bytes to the sink; as client_download().  Memory is bounded by
 * a piece.  What was given before an error is right as far as it goes.
 */
bool sealed_read_bytes(const struct sealed_read *, client_sink sink,
    void *sink_arg, struct client_error *error_r)
    __attribute__((warn_unused_result));

/* Read no further than its envelope. */
bool sealed_read_envelope(const struct sealed_read *,
    struct client_error *error_r) __attribute__((warn_unused_result));

#endif
