#include "daemon/secret/webhook.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/guarded.h"

#define WEBHOOK_PREFIX "whsec_"
/* Both ends as the specification has them. */
#define WEBHOOK_KEY_LEAST ((size_t)24)
#define WEBHOOK_KEY_MOST  ((size_t)64)

struct webhook_key {
	size_t length;
	unsigned char octets[WEBHOOK_KEY_MOST];
};

struct webhook {
	crypto_auth_hmacsha256_state state;
};

struct webhook_key *
webhook_key_new(const struct secret *secret, const char **why_r)
{
	struct webhook_key *key = evpop_guarded_alloc(sizeof(*key));
	const char *text = secret_text(secret);
	size_t length = secret_length(secret), prefix = strlen(WEBHOOK_PREFIX);

	*why_r = "out of memory";
	if (key == NULL)
		return NULL;
	if (length >= prefix && memcmp(text, WEBHOOK_PREFIX, prefix) == 0) {
		text += prefix;
		length -= prefix;
	}
	if (sodium_base642bin(key->octets, sizeof(key->octets), text, length,
		NULL, &key->length, NULL,
		sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    key->length >= WEBHOOK_KEY_LEAST)
		return key;
	webhook_key_free(&key);
	*why_r = "the secret is not base64 of 24 to 64 octets; make one by "
		 "\"echo whsec_$(openssl rand -base64 32)\"";
	return NULL;
}

void
webhook_key_free(struct webhook_key **key)
{
	evpop_guarded_free(*key);
	*key = NULL;
}

struct webhook *
webhook_begin(const struct webhook_key *key, const char *id, int64_t sent_s)
{
	struct webhook *webhook = evpop_guarded_alloc(sizeof(*webhook));
	char text[24];

	if (webhook == NULL)
		return NULL;
	(void)crypto_auth_hmacsha256_init(
	    &webhook->state, key->octets, key->length);
	webhook_add(webhook, id, strlen(id));
	snprintf(text, sizeof(text), ".%" PRId64 ".", sent_s);
	webhook_add(webhook, text, strlen(text));
	return webhook;
}

void
webhook_add(struct webhook *webhook, const void *octets, size_t length)
{
	(void)crypto_auth_hmacsha256_update(&webhook->state, octets, length);
}

void
webhook_finish(struct webhook *webhook, char signature_r[WEBHOOK_SIGNATURE])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	_Static_assert(
	    WEBHOOK_SIGNATURE == 3 + sodium_base64_ENCODED_LEN(sizeof(mac),
					 sodium_base64_VARIANT_ORIGINAL),
	    "a version and base64");
	(void)crypto_auth_hmacsha256_final(&webhook->state, mac);
	memcpy(signature_r, "v1,", 3);
	(void)sodium_bin2base64(signature_r + 3, WEBHOOK_SIGNATURE - 3, mac,
	    sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
}

void
webhook_free(struct webhook **webhook)
{
	evpop_guarded_free(*webhook);
	*webhook = NULL;
}
