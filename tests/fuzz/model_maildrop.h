/*
 * A maildrop at the model's server, and what its owner has of it: who counts
 * both sees a message lost, doubled, changed, or deleted too soon.
 */
#ifndef FUZZ_MODEL_MAILDROP_H
#define FUZZ_MODEL_MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MESSAGES 24

struct model_message {
	unsigned serial; /* from 1; never given twice */
	char *text;      /* as it is meant to arrive */
	size_t length;
	bool is_there;     /* at the server */
	bool is_stored;    /* by the owner, durably */
	bool is_condemned; /* the owner asked for its deletion by number */
	unsigned deliveries;
};

struct model_maildrop {
	unsigned owner;
	unsigned epoch; /* of its unique-ids */
	struct model_message messages[MODEL_MESSAGES];
	size_t count;
};

/* One more message, unless there is no room. */
void model_maildrop_receive(struct model_maildrop *);
void model_maildrop_clear(struct model_maildrop *);

/* "u3x5e0" for the fifth message of owner 3, at first; at least 16 octets. */
void model_message_id(
    const struct model_maildrop *, const struct model_message *, char *id_r);

/* SHA-256 of its header, up to the first empty line and without it. */
void model_message_digest(
    const struct model_message *, unsigned char digest_r[32]);

/* Dots doubled, with the terminator; for free(). */
char *model_message_stuffed(const struct model_message *, size_t *length_r);
/* The header and some lines, the same way. */
char *model_message_top(
    const struct model_message *, unsigned lines, size_t *length_r);

#endif
