/*
 * An OpenSSL BIO that reads from one evbuffer and writes to another, so that
 * TLS can be spoken without OpenSSL touching a socket.
 */

#ifndef MAILDROPD_WIRE_BIO_H
#define MAILDROPD_WIRE_BIO_H

#include <event2/buffer.h>

#include <openssl/bio.h>

/*
 * Both buffers must outlive the BIO.  Returns NULL when out of memory.
 */
BIO *wire_bio_new(struct evbuffer *from, struct evbuffer *to);

#endif
