/*
 * A Range header of one range of bytes (RFC 9110 section 14): 500-999, 500- or
 * -500.
 */
#ifndef CONTROL_RANGE_H
#define CONTROL_RANGE_H

#include <stdint.h>

enum range_result {
	RANGE_ALL = 0, /* none is asked for, or several, or what is no range */
	RANGE_PART,
	RANGE_UNSATISFIABLE /* it begins behind the end */
};

/* Inside what has `whole` octets. */
struct range {
	uint64_t first, length;
};

/* The header may be NULL. */
enum range_result range_read(
    const char *header, uint64_t whole, struct range *range_r);

#endif
