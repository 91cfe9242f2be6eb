#include "daemon/ctl/remark.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/human.h"

void
remark_begin(struct remark *remark_r)
{
	remark_r->text[0] = '\0';
	remark_r->length = 0;
}

static void
advance(struct remark *remark, int written)
{
	size_t room = sizeof(remark->text) - remark->length;

	if (written > 0)
		remark->length +=
		    (size_t)written < room ? (size_t)written : room - 1;
}

void
remark_add(struct remark *remark, const char *format, ...)
{
	va_list arguments;

	if (remark->length > 0)
		advance(
		    remark, snprintf(remark->text + remark->length,
				sizeof(remark->text) - remark->length, ", "));
	va_start(arguments, format);
	advance(remark,
	    vsnprintf(remark->text + remark->length,
		sizeof(remark->text) - remark->length, format, arguments));
	va_end(arguments);
}

void
remark_count(struct remark *remark, uint64_t count, const char *what)
{
	if (count > 0)
		remark_add(remark, "%llu %s", (unsigned long long)count, what);
}

void
remark_figure(
    struct remark *remark, const json_t *figures, enum tally_figure figure)
{
	const struct tally_name *name = &tally_names[figure];
	uint64_t value = ctl_count(figures, name->json);
	char size[HUMAN_SIZE];

	if (name->unit == TALLY_UNIT_COUNT)
		remark_count(remark, value, name->words);
	else if (value > 0)
		remark_add(
		    remark, "%s %s", human_octets(value, size), name->words);
}
