#include "daemon/store/index/marks.h"

#include <stdio.h>

/* What is smaller is in the first class. */
#define CLASS_LEAST 1024

unsigned
store_marks_class(int64_t octets)
{
	unsigned class = 0;

	while (octets >= CLASS_LEAST && class < STORE_MARKS_CLASSES - 1) {
		octets /= 4;
		class ++;
	}
	return class;
}

void
store_marks_of(struct store_marks *marks_r, int64_t account, int64_t octets,
    bool has_attachments)
{
	snprintf(marks_r->text, sizeof(marks_r->text),
	    STORE_MARK_ANY " " STORE_MARK_ACCOUNT "%lld " STORE_MARK_SIZE
			   "%u%s",
	    (long long)account, store_marks_class(octets),
	    has_attachments ? " " STORE_MARK_ATTACHMENT : "");
}
