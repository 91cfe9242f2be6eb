/* Octets in hexadecimal (RFC 4648 section 8, in lower case). */
#ifndef EVPOP_BASE_HEX_H
#define EVPOP_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>

/* The text takes 2 * length + 1 octets. */
void evpop_hex_encode(const void *bytes, size_t length, char *text_r);

/* What a digit stands for, in either case; -1 for what is none. */
int evpop_hex_value(char digit);

/* The octet that two digits stand for; -1 unless there are two. */
int evpop_hex_octet(const char *digits);

/* Exactly `size` octets from their digits; false where the text is another. */
bool evpop_hex_decode(const char *text, void *bytes_r, size_t size);

#endif
