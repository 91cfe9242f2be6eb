/*
 * Mail that is kept so that only the holder of a secret key can read it.  Who
 * seals knows the public half alone.
 *
 * Each body has a random key of its own, which is sealed to the recipient: an
 * X25519 pair that lives for a few bodies, its public half, a nonce, and
 * crypto_box of the key and of the header of its stream.  The pieces of the
 * body are one stream of crypto_secretstream (XChaCha20-Poly1305) under that
 * key: their order, and that none is missing, is part of it, and the last one
 * is marked as the last.  With each piece is authenticated which body it
 * belongs to, its place there and how it is packed.  The envelope is sealed by
 * XChaCha20-Poly1305 under a key that is derived from the body's, and says
 * inside to which message of which account the body belongs.
 *
 * Lengths are kept, but for what would tell more than the size of the plain
 * bytes: packed pieces and envelopes are padded.
 */
#ifndef SECRET_SEALING_H
#define SECRET_SEALING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a public key, and of the seed of a pair. */
#define SEALING_PUBLIC_SIZE 32
#define SEALING_SEED_SIZE   32
/* The beginning of a digest of the public key: for whom something is sealed. */
#define SEALING_RECIPIENT_SIZE 8
/* A body's key as it is kept. */
#define SEALING_KEY_SIZE 128

void sealing_recipient_of(const unsigned char public[SEALING_PUBLIC_SIZE],
    unsigned char recipient_r[SEALING_RECIPIENT_SIZE]);

/* What a body belongs to. */
enum sealing_kind {
	SEALING_MESSAGE = 1,
	SEALING_QUARANTINE
};
struct sealing_binding {
	enum sealing_kind kind;
	int64_t owner; /* the id of the message, or of its row of quarantine */
	int64_t account; /* its number in the store */
	int64_t body;    /* likewise */
};

/* How a piece is packed, before it is sealed. */
enum sealing_packing {
	SEALING_PLAIN = 0,
	SEALING_ZSTD /* a frame; what is sealed is padded */
};

/* So much longer may a sealed piece be than what is in it. */
#define SEALING_PIECE_EXTRA(length) ((length) / 16 + 256 + 17)
/* The same for an envelope. */
#define SEALING_ENVELOPE_EXTRA 384

/* ---- sealing ---- */

struct sealing;
struct sealing_body;

/*
 * Seals to this key.  For one thread.  NULL without memory, or where it is no
 * key.
 */
struct sealing *sealing_new(const unsigned char public[SEALING_PUBLIC_SIZE])
    __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL. */
void sealing_free(struct sealing **);
const unsigned char *sealing_recipient(const struct sealing *);

/* Begin a body, with a new key; NULL without memory. */
struct sealing_body *sealing_body_new(struct sealing *, int64_t number)
    __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL. */
void sealing_body_free(struct sealing_body **);
/* Its key as it is kept. */
void sealing_body_key(
    const struct sealing_body *, unsigned char key_r[SEALING_KEY_SIZE]);

/*
 * Seal the next piece; the last one, which may be empty, ends the body.
 * sealed_r has room for the length and SEALING_PIECE_EXTRA() of it, and does
 * not overlap the piece.  Returns the length of the sealed one.
 */
size_t sealing_body_piece(struct sealing_body *, enum sealing_packing,
    const void *piece, size_t length, bool is_last, unsigned char *sealed_r);

/* The same for the envelope, with SEALING_ENVELOPE_EXTRA; at any time. */
size_t sealing_body_envelope(struct sealing_body *,
    const struct sealing_binding *, const void *envelope, size_t length,
    unsigned char *sealed_r);

/* ---- opening ---- */

enum sealing_error {
	SEALING_OK = 0,
	SEALING_NO_MEMORY,
	SEALING_OTHER_KEY,        /* it is sealed to another key */
	SEALING_KEY_CHANGED,      /* the body's key does not open */
	SEALING_ENVELOPE_CHANGED, /* or it belongs to another body */
	SEALING_OTHER_KIND,       /* a message for a quarantined one */
	SEALING_OTHER_ACCOUNT,    /* it was put into another account */
	SEALING_OTHER_MESSAGE,    /* it was exchanged with another message's */
	SEALING_OTHER_BODY,       /* the same, where only the body was */
	SEALING_PIECE_CHANGED,    /* or out of order, or of another body */
	SEALING_CUT,              /* the last piece is missing */
	SEALING_TRAILING,         /* pieces behind the last one */
	SEALING_PACKED_WRONG,     /* a piece cannot be unpacked */
	SEALING_NOT_SEALED        /* it has not the form of sealed mail */
};
/* In a few words, after a colon; a constant. */
const char *sealing_error_text(enum sealing_error);

struct sealing_opener;
struct sealing_opened;

/*
 * Who holds the secret key, of which this is the seed (SECRET_KEY_MAIL).
 * NULL without memory.
 */
struct sealing_opener *sealing_opener_new(
    const unsigned char seed[SEALING_SEED_SIZE])
    __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL. */
void sealing_opener_free(struct sealing_opener **);
const unsigned char *sealing_opener_recipient(const struct sealing_opener *);
const unsigned char *sealing_opener_public(const struct sealing_opener *);

/* Open a body's key; *opened_r is NULL where it fails. */
enum sealing_error sealing_open(const struct sealing_opener *,
    const unsigned char key[SEALING_KEY_SIZE], int64_t body,
    struct sealing_opened **opened_r) __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL. */
void sealing_opened_free(struct sealing_opened **);

/*
 * Open the envelope, which must belong where it stands; envelope_r has room
 * for `length`.
 */
enum sealing_error sealing_opened_envelope(const struct sealing_opened *,
    const struct sealing_binding *stands, const void *sealed, size_t length,
    unsigned char *envelope_r, size_t *length_r)
    __attribute__((warn_unused_result));

/*
 * Open the next piece; piece_r has room for `length`.  It is packed as it was.
 */
enum sealing_error sealing_opened_piece(struct sealing_opened *,
    enum sealing_packing, const void *sealed, size_t length,
    unsigned char *piece_r, size_t *length_r)
    __attribute__((warn_unused_result));

/* After the last: whether it was one. */
enum sealing_error sealing_opened_finish(const struct sealing_opened *)
    __attribute__((warn_unused_result));

/*
 * The same key sealed to another recipient: pieces and envelope stay as they
 * are.
 */
enum sealing_error sealing_again(const struct sealing_opener *,
    const unsigned char key[SEALING_KEY_SIZE], struct sealing *to,
    unsigned char key_r[SEALING_KEY_SIZE]) __attribute__((warn_unused_result));

#endif
