/*
 * Conversions of charsets that stay loaded.  The C library keeps each charset
 * in a file of its own and lets go of it with its last user, which GMime is
 * anew for each word: loading would cost more than all the decoding.
 */
#ifndef STORE_CHARSET_H
#define STORE_CHARSET_H

/* Load that charset once and for all; any thread, any name, NULL included. */
void store_charset_keep(const char *name);

/* The same for those of all encoded words in a field (RFC 2047 section 2). */
void store_charset_keep_words(const char *value);

#endif
