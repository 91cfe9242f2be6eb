/*
 * The memory that a process and the one which reads mail for it share: one
 * request at a time.  A byte over a socket says that there is one, another that
 * it is answered.
 */
#ifndef STORE_MAIL_AREA_H
#define STORE_MAIL_AREA_H

#include <stddef.h>
#include <stdint.h>

/* As much of a message as words are read of, and what may come of it. */
#define MAIL_AREA_IN  ((size_t)1024 * 1024)
#define MAIL_AREA_OUT ((size_t)8 * 1024 * 1024)

#define MAIL_AREA_TEXTS 6

/* No message takes a second; the process that reads one for so long is ended.
 */
#define MAIL_AREA_SECONDS 60

enum mail_area_kind {
	MAIL_AREA_WORDS = 1,
	MAIL_AREA_TEXT,
	MAIL_AREA_READ, /* the next piece of a message that is read */
	MAIL_AREA_READ_END
};

enum mail_area_status {
	MAIL_AREA_DONE = 1,
	MAIL_AREA_NO_MEMORY
};

struct mail_area {
	/* The request. */
	uint32_t kind;
	uint32_t length; /* of `in` */
	uint32_t max;    /* of a text */
	/* The answer: texts one behind the other in `out`. */
	uint32_t status;
	uint32_t is_cut;
	uint32_t lengths[MAIL_AREA_TEXTS];
	char in[MAIL_AREA_IN];
	char out[MAIL_AREA_OUT];
};

#endif
