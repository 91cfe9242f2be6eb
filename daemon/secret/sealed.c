#include "daemon/secret/sealed.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret/base64.h"
#include "daemon/secret/key.h"
#include "daemon/secret/line.h"
#include "daemon/secret/secret.h"
#include "lib/base/text.h"

#define MARK        "evpop-password-1:"
#define MARK_LENGTH (sizeof(MARK) - 1)
#define PAD_OCTETS  ((size_t)64)
/* The longest password that a source may give, its account, and the padding. */
#define PLAIN_MAX (SECRET_INPUT_MAX + 1 + SECRET_BOUND_MAX + PAD_OCTETS)

/* What stands before the box. */
struct head {
	unsigned char id[SECRET_KEY_ID_SIZE];
	unsigned char nonce[crypto_secretbox_NONCEBYTES];
};
_Static_assert(sizeof(struct head) == 8 + 24, "no gaps");
#define BOX_LEAST (PAD_OCTETS + crypto_secretbox_MACBYTES)

#define SEAL_ANEW "; seal the password anew: evpopctl seal"

/* ---- sealing ---- */

/* In guarded memory; NULL without memory. */
static unsigned char *
plain_make(const struct secret *password, const char *account, size_t *length_r)
{
	const size_t bound = account != NULL ? strlen(account) : 0;
	const size_t length = 1 + bound + secret_length(password);
	unsigned char *plain = sodium_malloc(length + PAD_OCTETS);

	if (plain == NULL)
		return NULL;
	plain[0] = (unsigned char)bound;
	if (bound > 0)
		memcpy(plain + 1, account, bound);
	memcpy(
	    plain + 1 + bound, secret_text(password), secret_length(password));
	if (sodium_pad(length_r, plain, length, PAD_OCTETS,
		length + PAD_OCTETS) != 0) {
		sodium_free(plain);
		return NULL;
	}
	return plain;
}

/* Head and box, for free(). */
static unsigned char *
sealed_make(const struct secret_key *key, const unsigned char *plain,
    size_t length, size_t *length_r)
{
	unsigned char derived[SECRET_KEY_SIZE], *sealed;
	struct head head;

	*length_r = sizeof(head) + crypto_secretbox_MACBYTES + length;
	sealed = malloc(*length_r);
	if (sealed == NULL)
		return NULL;
	secret_key_id(key, head.id);
	randombytes_buf(head.nonce, sizeof(head.nonce));
	memcpy(sealed, &head, sizeof(head));
	secret_key_derive(key, SECRET_KEY_PASSWORDS, derived);
	(void)crypto_secretbox_easy(
	    sealed + sizeof(head), plain, length, head.nonce, derived);
	sodium_memzero(derived, sizeof(derived));
	return sealed;
}

static char *
sealed_text(const unsigned char *sealed, size_t length)
{
	char *text = malloc(MARK_LENGTH + SECRET_BASE64_LENGTH(length) + 1);

	if (text == NULL)
		return NULL;
	memcpy(text, MARK, MARK_LENGTH);
	secret_base64_encode(sealed, length, text + MARK_LENGTH);
	return text;
}

char *
secret_seal(const struct secret_key *key, const struct secret *password,
    const char *account)
{
	unsigned char *plain, *sealed = NULL;
	size_t plain_length, sealed_length = 0;
	char *text = NULL;

	if (secret_length(password) > SECRET_INPUT_MAX ||
	    (account != NULL && strlen(account) > SECRET_BOUND_MAX))
		return NULL;
	plain = plain_make(password, account, &plain_length);
	if (plain != NULL)
		sealed = sealed_make(key, plain, plain_length, &sealed_length);
	if (sealed != NULL)
		text = sealed_text(sealed, sealed_length);
	free(sealed);
	sodium_free(plain); /* wipes */
	return text;
}

/* ---- opening ---- */

/* Head and box out of the text, for free(); NULL: it is no such text. */
static unsigned char *
sealed_parse(const char *text, size_t *length_r)
{
	size_t length = strlen(text);
	unsigned char *sealed;

	if (length < MARK_LENGTH || memcmp(text, MARK, MARK_LENGTH) != 0)
		return NULL;
	text += MARK_LENGTH;
	length -= MARK_LENGTH;
	sealed = malloc(length + 1);
	if (sealed == NULL)
		return NULL;
	if (secret_base64_decode(text, length, sealed, length, length_r) &&
	    *length_r >= sizeof(struct head) + BOX_LEAST &&
	    *length_r <=
		sizeof(struct head) + crypto_secretbox_MACBYTES + PLAIN_MAX)
		return sealed;
	free(sealed);
	return NULL;
}

static void
refuse_other_key(
    const struct head *head, const unsigned char *id, char *error, size_t size)
{
	char sealed[2 * SECRET_KEY_ID_SIZE + 1], mine[sizeof(sealed)];

	(void)sodium_bin2hex(
	    sealed, sizeof(sealed), head->id, sizeof(head->id));
	(void)sodium_bin2hex(mine, sizeof(mine), id, SECRET_KEY_ID_SIZE);
	(void)snprintf(error, size,
	    "password_sealed is sealed with the key %s, and evpopd has the key "
	    "%s" SEAL_ANEW,
	    sealed, mine);
}

static bool
bound_is(const unsigned char *plain, const char *kind, const char *name)
{
	const char *bound = (const char *)plain + 1;
	const size_t length = plain[0], begin = strlen(kind);

	return name != NULL && length == begin + strlen(name) &&
	       memcmp(bound, kind, begin) == 0 &&
	       memcmp(bound + begin, name, length - begin) == 0;
}

/* Whether it is bound to none, or to this account or target. */
static bool
bound_is_right(const struct secret_bearer *bearer, const unsigned char *plain)
{
	const char *kind = bearer->is_target ? SECRET_BOUND_TARGET : "";

	return plain[0] == 0 || bound_is(plain, kind, bearer->name) ||
	       bound_is(plain, kind, bearer->id);
}

static void
bound_refuse(const struct secret_bearer *bearer, const unsigned char *plain,
    char *error, size_t size)
{
	const size_t kind = strlen(SECRET_BOUND_TARGET);
	const char *bound = (const char *)plain + 1;
	size_t length = plain[0];
	bool of_target =
	    length > kind && memcmp(bound, SECRET_BOUND_TARGET, kind) == 0;
	char shown[SECRET_BOUND_MAX + 1];

	if (of_target) {
		bound += kind;
		length -= kind;
	}
	(void)evpop_text_printable(shown, sizeof(shown), bound, length);
	(void)snprintf(error, size,
	    "password_sealed is bound to the %s \"%s\", and this is %s\"%s\"; "
	    "seal the password for it: evpopctl seal --%s %s",
	    of_target ? "target" : "account", shown,
	    bearer->is_target ? "the target "
	    : of_target       ? "the account "
			      : "",
	    bearer->name, bearer->is_target ? "target" : "account",
	    bearer->name);
}

/* A key, and guarded memory for what it opens. */
struct secret_opener {
	const struct secret_key *key;
	unsigned char *plain;
	size_t size;
};

/* Memory for a plain text of this length; NULL without. */
static unsigned char *
opener_reserve(struct secret_opener *opener, size_t length)
{
	if (length > opener->size) {
		sodium_free(opener->plain);
		opener->plain = sodium_malloc(length);
		opener->size = opener->plain != NULL ? length : 0;
	}
	return opener->plain;
}

/*
 * The plain text without its padding, until the next one is opened; NULL with
 * the reason.
 */
static const unsigned char *
opener_open(struct secret_opener *opener, const unsigned char *sealed,
    size_t length, size_t *length_r, char *error, size_t size)
{
	unsigned char derived[SECRET_KEY_SIZE], id[SECRET_KEY_ID_SIZE], *plain;
	const size_t box = length - sizeof(struct head);
	struct head head;
	bool opens;

	memcpy(&head, sealed, sizeof(head));
	secret_key_id(opener->key, id);
	if (memcmp(head.id, id, sizeof(id)) != 0) {
		refuse_other_key(&head, id, error, size);
		return NULL;
	}
	plain = opener_reserve(opener, box);
	if (plain == NULL) {
		(void)snprintf(
		    error, size, "password_sealed: not enough memory");
		return NULL;
	}
	secret_key_derive(opener->key, SECRET_KEY_PASSWORDS, derived);
	opens = crypto_secretbox_open_easy(plain, sealed + sizeof(head), box,
		    head.nonce, derived) == 0;
	sodium_memzero(derived, sizeof(derived));
	if (!opens)
		(void)snprintf(error, size,
		    "password_sealed is damaged: it does not open with the key "
		    "that it names" SEAL_ANEW);
	else if (sodium_unpad(length_r, plain, box - crypto_secretbox_MACBYTES,
		     PAD_OCTETS) == 0 &&
		 *length_r > 1 + (size_t)plain[0])
		return plain;
	else
		(void)snprintf(
		    error, size, "password_sealed holds no password" SEAL_ANEW);
	return NULL;
}

/* The same of the text, and for the account that it is bound to. */
static const unsigned char *
opener_open_text(struct secret_opener *opener, const char *text,
    const struct secret_bearer *bearer, size_t *length_r, char *error,
    size_t size)
{
	const unsigned char *plain;
	unsigned char *sealed;
	size_t length;

	if (opener->key == NULL) {
		(void)snprintf(error, size,
		    "password_sealed needs the daemon's key; give key_file in "
		    "[daemon], or evpopd the credential evpopd.key");
		return NULL;
	}
	sealed = sealed_parse(text, &length);
	if (sealed == NULL) {
		(void)snprintf(error, size,
		    "password_sealed is not as `evpopctl seal' prints it: "
		    "\"" MARK "\" and what follows, on one line" SEAL_ANEW);
		return NULL;
	}
	plain = opener_open(opener, sealed, length, length_r, error, size);
	free(sealed);
	if (plain == NULL || bound_is_right(bearer, plain))
		return plain;
	bound_refuse(bearer, plain, error, size);
	return NULL;
}

struct secret_opener *
secret_opener_new(const struct secret_key *key)
{
	struct secret_opener *opener = calloc(1, sizeof(*opener));

	if (opener != NULL)
		opener->key = key;
	return opener;
}

void
secret_opener_free(struct secret_opener **opener_p)
{
	struct secret_opener *opener = *opener_p;

	if (opener != NULL)
		sodium_free(opener->plain); /* wipes */
	free(opener);
	*opener_p = NULL;
}

bool
secret_opener_try(struct secret_opener *opener, const char *text,
    const struct secret_bearer *bearer, char *error, size_t size)
{
	size_t length;

	return opener_open_text(opener, text, bearer, &length, error, size) !=
	       NULL;
}

struct secret *
secret_unseal(const struct secret_key *key, const char *text,
    const struct secret_bearer *bearer, char *error, size_t size)
{
	struct secret_opener opener = { .key = key };
	struct secret *password = NULL;
	const unsigned char *plain;
	size_t length, begin;

	plain = opener_open_text(&opener, text, bearer, &length, error, size);
	if (plain != NULL) {
		begin = 1 + (size_t)plain[0];
		password = secret_of_first_line("password_sealed", "password",
		    (const char *)plain + begin, length - begin, error, size);
	}
	sodium_free(opener.plain); /* wipes */
	return password;
}
