/*
 * Memory that is wiped when it is freed, for what others' code keeps secrets
 * in: OpenSSL, libcurl and jansson take such functions.  What malloc() gave may
 * be freed so, too.
 */
#ifndef EVPOP_BASE_WIPING_H
#define EVPOP_BASE_WIPING_H

#include <stddef.h>

/* As free(). */
void evpop_wiping_free(void *);

/* As realloc(), which would leave the old octets where they were. */
void *evpop_wiping_realloc(void *, size_t size);

#endif
