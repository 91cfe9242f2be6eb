#include "daemon/secret/sealing.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret/number.h"

/*
 * Two multiplications on the curve take as long as all that the store does for
 * a message of average size.  One pair serves so many bodies; each has a key
 * and a nonce of its own.
 */
#define BODIES_OF_A_PAIR 256

/* Envelopes differ in length by what is in them: less so by multiples. */
#define ENVELOPE_UNIT 64
#define PIECE_UNIT    256

#define NONCE_SIZE crypto_box_NONCEBYTES
#define TAG_SIZE   crypto_box_MACBYTES

/* A body's key and the header of its stream, as crypto_box holds them. */
struct body_key {
	unsigned char key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
	unsigned char header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
};
_Static_assert(sizeof(struct body_key) == 56, "it has no holes");
_Static_assert(SEALING_KEY_SIZE == crypto_box_PUBLICKEYBYTES + NONCE_SIZE +
				       TAG_SIZE + sizeof(struct body_key),
    "a key as it is kept");
_Static_assert(SEALING_PUBLIC_SIZE == crypto_box_PUBLICKEYBYTES &&
		   SEALING_SEED_SIZE == crypto_box_SEEDBYTES,
    "libsodium's sizes");
_Static_assert(crypto_secretstream_xchacha20poly1305_ABYTES == 17,
    "SEALING_PIECE_EXTRA knows it");

struct sealing {
	unsigned char public[SEALING_PUBLIC_SIZE];
	unsigned char recipient[SEALING_RECIPIENT_SIZE];
	/* The pair of the bodies that come next, and what it has in common
	 * with the recipient's. */
	unsigned char own_public[crypto_box_PUBLICKEYBYTES];
	unsigned char shared[crypto_box_BEFORENMBYTES];
	unsigned left; /* bodies of this pair */
};

struct sealing_body {
	crypto_secretstream_xchacha20poly1305_state stream;
	struct body_key key;
	unsigned char sealed_key[SEALING_KEY_SIZE];
	int64_t number;
	uint32_t sequence;
	/* Of the next envelope; no two have the same. */
	unsigned char nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
};

struct sealing_opener {
	unsigned char public[SEALING_PUBLIC_SIZE];
	unsigned char secret[crypto_box_SECRETKEYBYTES];
	unsigned char recipient[SEALING_RECIPIENT_SIZE];
};

struct sealing_opened {
	crypto_secretstream_xchacha20poly1305_state stream;
	struct body_key key;
	int64_t number;
	uint32_t sequence;
	bool is_ended;
};

/* ---- what is bound ---- */

#define PIECE_PLACE_SIZE (8 + 4 + 1)

static void
place_of_piece(int64_t body, uint32_t sequence, enum sealing_packing packing,
    unsigned char place_r[PIECE_PLACE_SIZE])
{
	place_r = number_put(place_r, (uint64_t)body, 8);
	place_r = number_put(place_r, sequence, 4);
	number_put(place_r, packing, 1);
}

#define BINDING_SIZE (1 + 3 * 8)

static void
binding_put(
    const struct sealing_binding *binding, unsigned char bytes_r[BINDING_SIZE])
{
	bytes_r = number_put(bytes_r, binding->kind, 1);
	bytes_r = number_put(bytes_r, (uint64_t)binding->owner, 8);
	bytes_r = number_put(bytes_r, (uint64_t)binding->account, 8);
	number_put(bytes_r, (uint64_t)binding->body, 8);
}

static enum sealing_error
binding_compare(
    const struct sealing_binding *stands, const unsigned char *bytes)
{
	if (number_get(bytes, 1) != (uint64_t)stands->kind)
		return SEALING_OTHER_KIND;
	if (number_get(bytes + 9, 8) != (uint64_t)stands->account)
		return SEALING_OTHER_ACCOUNT;
	if (number_get(bytes + 1, 8) != (uint64_t)stands->owner)
		return SEALING_OTHER_MESSAGE;
	if (number_get(bytes + 17, 8) != (uint64_t)stands->body)
		return SEALING_OTHER_BODY;
	return SEALING_OK;
}

/* ---- keys ---- */

void
sealing_recipient_of(const unsigned char public[SEALING_PUBLIC_SIZE],
    unsigned char recipient_r[SEALING_RECIPIENT_SIZE])
{
	unsigned char digest[crypto_generichash_BYTES];

	crypto_generichash(
	    digest, sizeof(digest), public, SEALING_PUBLIC_SIZE, NULL, 0);
	memcpy(recipient_r, digest, SEALING_RECIPIENT_SIZE);
}

/* A key for the envelope alone. */
static void
envelope_key(const struct body_key *body,
    unsigned char key_r[crypto_aead_xchacha20poly1305_ietf_KEYBYTES])
{
	_Static_assert(sizeof(body->key) == crypto_kdf_KEYBYTES, "its size");
	crypto_kdf_derive_from_key(key_r,
	    crypto_aead_xchacha20poly1305_ietf_KEYBYTES, 1, "envelope",
	    body->key);
}

/* False where the recipient's key is none: a point of small order. */
static bool
sealing_renew_pair(struct sealing *sealing)
{
	unsigned char secret[crypto_box_SECRETKEYBYTES];
	int failed;

	crypto_box_keypair(sealing->own_public, secret);
	failed = crypto_box_beforenm(sealing->shared, sealing->public, secret);
	sodium_memzero(secret, sizeof(secret));
	sealing->left = BODIES_OF_A_PAIR;
	return failed == 0;
}

static void
sealing_seal_key(struct sealing *sealing, const struct body_key *key,
    const unsigned char random[NONCE_SIZE],
    unsigned char sealed_r[SEALING_KEY_SIZE])
{
	unsigned char *nonce = sealed_r + crypto_box_PUBLICKEYBYTES;

	/* Its key was looked at when sealing began. */
	if (sealing->left == 0 && !sealing_renew_pair(sealing))
		abort();
	sealing->left--;
	memcpy(sealed_r, sealing->own_public, crypto_box_PUBLICKEYBYTES);
	memcpy(nonce, random, NONCE_SIZE);
	crypto_box_easy_afternm(nonce + NONCE_SIZE, (const unsigned char *)key,
	    sizeof(*key), nonce, sealing->shared);
}

struct sealing *
sealing_new(const unsigned char public[SEALING_PUBLIC_SIZE])
{
	struct sealing *sealing;

	if (sodium_init() < 0)
		return NULL;
	sealing = sodium_malloc(sizeof(*sealing));
	if (sealing == NULL)
		return NULL;
	memcpy(sealing->public, public, sizeof(sealing->public));
	sealing_recipient_of(public, sealing->recipient);
	if (!sealing_renew_pair(sealing))
		sealing_free(&sealing);
	return sealing;
}

void
sealing_free(struct sealing **sealing)
{
	sodium_free(*sealing); /* wipes */
	*sealing = NULL;
}

const unsigned char *
sealing_recipient(const struct sealing *sealing)
{
	return sealing->recipient;
}

/* ---- sealing a body ---- */

struct sealing_body *
sealing_body_new(struct sealing *sealing, int64_t number)
{
	struct sealing_body *body = malloc(sizeof(*body));
	/* Asking the system once takes half of the time of asking thrice. */
	struct {
		unsigned char key[sizeof(body->key.key)];
		unsigned char nonce[NONCE_SIZE];
		unsigned char of_envelope[sizeof(body->nonce)];
	} random;

	if (body == NULL)
		return NULL;
	randombytes_buf(&random, sizeof(random));
	memcpy(body->key.key, random.key, sizeof(random.key));
	memcpy(body->nonce, random.of_envelope, sizeof(body->nonce));
	crypto_secretstream_xchacha20poly1305_init_push(
	    &body->stream, body->key.header, body->key.key);
	sealing_seal_key(sealing, &body->key, random.nonce, body->sealed_key);
	sodium_memzero(&random, sizeof(random));
	body->number = number;
	body->sequence = 0;
	return body;
}

void
sealing_body_free(struct sealing_body **body)
{
	if (*body == NULL)
		return;
	sodium_memzero(*body, sizeof(**body));
	free(*body);
	*body = NULL;
}

void
sealing_body_key(
    const struct sealing_body *body, unsigned char key_r[SEALING_KEY_SIZE])
{
	memcpy(key_r, body->sealed_key, SEALING_KEY_SIZE);
}

/* In steps below a sixteenth: how well a text packs says something about it. */
static size_t
piece_padded_length(size_t length)
{
	size_t unit = PIECE_UNIT;

	while (unit * 32 < length)
		unit *= 2;
	return (length / unit + 1) * unit;
}

static const unsigned char *
piece_pad(const void *piece, size_t *length, unsigned char *room)
{
	size_t padded = piece_padded_length(*length);

	memcpy(room, piece, *length);
	room[*length] = 0x80;
	memset(room + *length + 1, 0, padded - *length - 1);
	*length = padded;
	return room;
}

size_t
sealing_body_piece(struct sealing_body *body, enum sealing_packing packing,
    const void *piece, size_t length, bool is_last, unsigned char *sealed_r)
{
	unsigned char place[PIECE_PLACE_SIZE];
	const unsigned char *plain = piece;
	unsigned char tag =
	    is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
	unsigned long long sealed;

	place_of_piece(body->number, body->sequence++, packing, place);
	/* The stream goes over a piece in place where it lies behind the tag.
	 */
	if (packing == SEALING_ZSTD)
		plain = piece_pad(piece, &length, sealed_r + 1);
	crypto_secretstream_xchacha20poly1305_push(&body->stream, sealed_r,
	    &sealed, plain, length, place, sizeof(place), tag);
	return (size_t)sealed;
}

size_t
sealing_body_envelope(struct sealing_body *body,
    const struct sealing_binding *binding, const void *envelope, size_t length,
    unsigned char *sealed_r)
{
	unsigned char key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
	unsigned char *nonce = sealed_r;
	unsigned char *text =
	    sealed_r + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
	size_t plain = BINDING_SIZE + length, padded;
	unsigned long long sealed;

	binding_put(binding, text);
	if (length > 0)
		memcpy(text + BINDING_SIZE, envelope, length);
	padded = (plain / ENVELOPE_UNIT + 1) * ENVELOPE_UNIT;
	text[plain] = 0x80;
	memset(text + plain + 1, 0, padded - plain - 1);
	memcpy(nonce, body->nonce, sizeof(body->nonce));
	sodium_increment(body->nonce, sizeof(body->nonce));
	envelope_key(&body->key, key);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	    text, &sealed, text, padded, NULL, 0, NULL, nonce, key);
	sodium_memzero(key, sizeof(key));
	return crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + (size_t)sealed;
}
_Static_assert(BINDING_SIZE + ENVELOPE_UNIT +
		       crypto_aead_xchacha20poly1305_ietf_NPUBBYTES +
		       crypto_aead_xchacha20poly1305_ietf_ABYTES <=
		   SEALING_ENVELOPE_EXTRA,
    "there is room");

/* ---- opening ---- */

const char *
sealing_error_text(enum sealing_error error)
{
	static const char *const texts[] = {
		[SEALING_OK] = "it is whole",
		[SEALING_NO_MEMORY] = "out of memory",
		[SEALING_OTHER_KEY] = "it is sealed to another key",
		[SEALING_KEY_CHANGED] =
		    "the key of its body does not open: it was changed",
		[SEALING_ENVELOPE_CHANGED] =
		    "its envelope was changed, or is that of another body",
		[SEALING_OTHER_KIND] = "messages and quarantine were exchanged",
		[SEALING_OTHER_ACCOUNT] =
		    "it belongs to a message of another account",
		[SEALING_OTHER_MESSAGE] = "it belongs to another message",
		[SEALING_OTHER_BODY] = "its body is that of another message",
		[SEALING_PIECE_CHANGED] =
		    "a piece of its body was changed or is not in its place",
		[SEALING_CUT] = "it is cut: the end of its body is missing",
		[SEALING_TRAILING] = "there is more behind the end of its body",
		[SEALING_PACKED_WRONG] =
		    "a piece of its body cannot be unpacked",
		[SEALING_NOT_SEALED] = "it is no sealed mail",
	};

	return texts[error];
}

struct sealing_opener *
sealing_opener_new(const unsigned char seed[SEALING_SEED_SIZE])
{
	struct sealing_opener *opener;

	if (sodium_init() < 0)
		return NULL;
	opener = sodium_malloc(sizeof(*opener));
	if (opener == NULL)
		return NULL;
	crypto_box_seed_keypair(opener->public, opener->secret, seed);
	sealing_recipient_of(opener->public, opener->recipient);
	return opener;
}

void
sealing_opener_free(struct sealing_opener **opener)
{
	sodium_free(*opener); /* wipes */
	*opener = NULL;
}

const unsigned char *
sealing_opener_recipient(const struct sealing_opener *opener)
{
	return opener->recipient;
}

const unsigned char *
sealing_opener_public(const struct sealing_opener *opener)
{
	return opener->public;
}

static bool
opener_open_key(const struct sealing_opener *opener,
    const unsigned char sealed[SEALING_KEY_SIZE], struct body_key *key_r)
{
	const unsigned char *nonce = sealed + crypto_box_PUBLICKEYBYTES;

	return crypto_box_open_easy((unsigned char *)key_r, nonce + NONCE_SIZE,
		   TAG_SIZE + sizeof(*key_r), nonce, sealed,
		   opener->secret) == 0;
}

enum sealing_error
sealing_open(const struct sealing_opener *opener,
    const unsigned char key[SEALING_KEY_SIZE], int64_t body,
    struct sealing_opened **opened_r)
{
	struct sealing_opened *opened = malloc(sizeof(*opened));

	*opened_r = NULL;
	if (opened == NULL)
		return SEALING_NO_MEMORY;
	if (!opener_open_key(opener, key, &opened->key) ||
	    crypto_secretstream_xchacha20poly1305_init_pull(
		&opened->stream, opened->key.header, opened->key.key) != 0) {
		sealing_opened_free(&opened);
		return SEALING_KEY_CHANGED;
	}
	opened->number = body;
	opened->sequence = 0;
	opened->is_ended = false;
	*opened_r = opened;
	return SEALING_OK;
}

void
sealing_opened_free(struct sealing_opened **opened)
{
	if (*opened == NULL)
		return;
	sodium_memzero(*opened, sizeof(**opened));
	free(*opened);
	*opened = NULL;
}

/* The length without what was added; SIZE_MAX where nothing was. */
static size_t
unpadded_length(const unsigned char *bytes, size_t length)
{
	while (length > 0 && bytes[length - 1] == 0)
		length--;
	return length > 0 && bytes[length - 1] == 0x80 ? length - 1 : SIZE_MAX;
}

enum sealing_error
sealing_opened_envelope(const struct sealing_opened *opened,
    const struct sealing_binding *stands, const void *sealed, size_t length,
    unsigned char *envelope_r, size_t *length_r)
{
	const size_t nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
	unsigned char key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
	unsigned long long plain = 0;
	enum sealing_error error;
	int failed = -1;

	*length_r = 0;
	envelope_key(&opened->key, key);
	if (length > nonce)
		failed = crypto_aead_xchacha20poly1305_ietf_decrypt(envelope_r,
		    &plain, NULL, (const unsigned char *)sealed + nonce,
		    length - nonce, NULL, 0, sealed, key);
	sodium_memzero(key, sizeof(key));
	if (failed != 0)
		return SEALING_ENVELOPE_CHANGED;
	length = unpadded_length(envelope_r, (size_t)plain);
	if (length == SIZE_MAX || length < BINDING_SIZE)
		return SEALING_ENVELOPE_CHANGED;
	error = binding_compare(stands, envelope_r);
	if (error != SEALING_OK)
		return error;
	*length_r = length - BINDING_SIZE;
	memmove(envelope_r, envelope_r + BINDING_SIZE, *length_r);
	return SEALING_OK;
}

enum sealing_error
sealing_opened_piece(struct sealing_opened *opened,
    enum sealing_packing packing, const void *sealed, size_t length,
    unsigned char *piece_r, size_t *length_r)
{
	unsigned char place[PIECE_PLACE_SIZE], tag;
	unsigned long long plain;

	*length_r = 0;
	if (opened->is_ended)
		return SEALING_TRAILING;
	place_of_piece(opened->number, opened->sequence, packing, place);
	if (crypto_secretstream_xchacha20poly1305_pull(&opened->stream, piece_r,
		&plain, &tag, sealed, length, place, sizeof(place)) != 0)
		return SEALING_PIECE_CHANGED;
	opened->sequence++;
	opened->is_ended =
	    tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	*length_r = packing == SEALING_ZSTD
			? unpadded_length(piece_r, (size_t)plain)
			: (size_t)plain;
	return *length_r == SIZE_MAX ? SEALING_PACKED_WRONG : SEALING_OK;
}

enum sealing_error
sealing_opened_finish(const struct sealing_opened *opened)
{
	/* Nothing of a message came: then it has no body, and no end of it. */
	if (opened->number == 0 && opened->sequence == 0)
		return SEALING_OK;
	return opened->is_ended ? SEALING_OK : SEALING_CUT;
}

enum sealing_error
sealing_again(const struct sealing_opener *opener,
    const unsigned char key[SEALING_KEY_SIZE], struct sealing *to,
    unsigned char key_r[SEALING_KEY_SIZE])
{
	struct body_key opened;
	bool is_open = opener_open_key(opener, key, &opened);
	unsigned char nonce[NONCE_SIZE];

	randombytes_buf(nonce, sizeof(nonce));
	if (is_open)
		sealing_seal_key(to, &opened, nonce, key_r);
	sodium_memzero(&opened, sizeof(opened));
	return is_open ? SEALING_OK : SEALING_KEY_CHANGED;
}
