/*
 * A configuration and the key that goes with it, for as long as somebody works
 * by them: what is under way when another one comes ends as it began.
 */
#ifndef DELIVER_BASIS_H
#define DELIVER_BASIS_H

struct config;
struct secret_key;
struct basis;

/* Holds both; NULL without memory. */
struct basis *basis_new(const struct config *, const struct secret_key *)
    __attribute__((warn_unused_result));
/* The same, for somebody else as well. */
struct basis *basis_hold(struct basis *);
/* Sets the pointer to NULL; NULL is allowed. */
void basis_drop(struct basis **);

const struct config *basis_config(const struct basis *);
const struct secret_key *basis_key(const struct basis *);
/* The store's, where the daemon may write. */
const char *basis_folder(const struct basis *);

#endif
