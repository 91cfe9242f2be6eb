/*
 * A server's side of SASL, by libgsasl, and by itself where that has no
 * mechanism: challenge and response, until the user is who he says or is not.
 */
#ifndef FUZZ_MODEL_SASL_H
#define FUZZ_MODEL_SASL_H

#include <stdbool.h>

#include <evpop/auth.h>

struct model_sasl;

enum model_sasl_outcome {
	MODEL_SASL_CHALLENGE, /* the text is the next challenge, in base64 */
	MODEL_SASL_ACCEPTED,
	MODEL_SASL_REFUSED
};

/* What the server knows; borrowed. */
struct model_sasl_user {
	const char *user, *password, *token;
};

/*
 * Never NULL.  `binding` is what the channel is bound to, in base64, or NULL;
 * it is taken over.
 */
struct model_sasl *model_sasl_new(
    enum evpop_mechanism, const struct model_sasl_user *, char *binding);
void model_sasl_free(struct model_sasl *);

/*
 * The client's line, or NULL where it gave no initial response; "=" is an empty
 * one.  The challenge is valid until the next step.
 */
enum model_sasl_outcome model_sasl_step(
    struct model_sasl *, const char *line, const char **challenge_r);

#endif
