/*
 * The certificates that servers of dialogs show, by name: "good", "expired",
 * "wrong-name", "self-signed", "no-names" and "nul-name".
 */
#ifndef DIALOG_CERTIFICATES_H
#define DIALOG_CERTIFICATES_H

#include <openssl/ssl.h>

struct certificates;

struct certificates *certificates_new(void);
void certificates_free(struct certificates *);

/* The file of the CA that clients trust. */
const char *certificates_ca(const struct certificates *);

/* What a server needs that shows this one, NULL for "good"; borrowed. */
SSL_CTX *certificates_server(struct certificates *, const char *name);

#endif
