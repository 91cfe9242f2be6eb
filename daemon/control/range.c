#include "daemon/control/range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Digits, if any; a number above 2^64 - 1 is that. */
static const char *
range_read_number(const char *text, uint64_t *number_r, bool *given_r)
{
	*number_r = 0;
	*given_r = false;
	for (; *text >= '0' && *text <= '9'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		*given_r = true;
		*number_r = *number_r > (UINT64_MAX - digit) / 10
				? UINT64_MAX
				: *number_r * 10 + digit;
	}
	return text;
}

static enum range_result
range_suffix(uint64_t length, uint64_t whole, struct range *range_r)
{
	if (length == 0)
		return RANGE_UNSATISFIABLE;
	range_r->length = length < whole ? length : whole;
	range_r->first = whole - range_r->length;
	/* Of nothing there is no part. */
	return whole > 0 ? RANGE_PART : RANGE_ALL;
}

enum range_result
range_read(const char *header, uint64_t whole, struct range *range_r)
{
	bool has_first, has_last;
	uint64_t first, last;

	*range_r = (struct range){ 0, whole };
	if (header == NULL || strncasecmp(header, "bytes=", 6) != 0)
		return RANGE_ALL;
	header += 6;
	header += strspn(header, " \t");
	header = range_read_number(header, &first, &has_first);
	if (*header++ != '-')
		return RANGE_ALL;
	header = range_read_number(header, &last, &has_last);
	header += strspn(header, " \t");
	if (*header != '\0' || (!has_first && !has_last) ||
	    (has_first && has_last && last < first))
		return RANGE_ALL;
	if (!has_first)
		return range_suffix(last, whole, range_r);
	if (first >= whole)
		return RANGE_UNSATISFIABLE;
	if (!has_last || last >= whole)
		last = whole - 1;
	*range_r = (struct range){ first, last - first + 1 };
	return RANGE_PART;
}
