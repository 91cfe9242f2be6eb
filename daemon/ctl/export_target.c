#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/export.h"

struct export_target {
	const struct export_kind *kind;
	void *place; /* the kind's */
	/*
	 * What could not be made durable may be lost, and the system tells it
	 * once.
	 */
	bool is_lost;
};

struct export_target *
export_open(const struct export_options *options, struct export_error *error_r)
{
	struct export_target *target = calloc(1, sizeof(*target));

	memset(error_r, 0, sizeof(*error_r));
	if (target == NULL) {
		export_fail(error_r, ENOMEM, options->path);
		return NULL;
	}
	target->kind =
	    options->form == EXPORT_MBOX ? &export_mbox : &export_files;
	target->place = target->kind->open(options, error_r);
	if (target->place != NULL)
		return target;
	free(target);
	return NULL;
}

int64_t
export_last_id(const struct export_target *target)
{
	return target->kind->last_id(target->place);
}

bool
export_has(struct export_target *target, const struct export_message *message,
    enum export_presence *presence_r, struct export_error *error_r)
{
	return target->kind->has(target->place, message, presence_r, error_r);
}

bool
export_begin(struct export_target *target, const struct export_message *message,
    struct export_error *error_r)
{
	return target->kind->begin(target->place, message, error_r);
}

bool
export_write(struct export_target *target, const char *bytes, size_t length,
    struct export_error *error_r)
{
	return target->kind->write(target->place, bytes, length, error_r);
}

bool
export_end(struct export_target *target, struct export_error *error_r)
{
	if (target->kind->end(target->place, error_r))
		return true;
	target->is_lost = true;
	return false;
}

void
export_abandon(struct export_target *target)
{
	target->kind->abandon(target->place);
}

bool
export_flush(struct export_target *target, struct export_error *error_r)
{
	if (!target->is_lost && target->kind->flush(target->place, error_r))
		return true;
	target->is_lost = true;
	return false;
}

void
export_close(struct export_target *target)
{
	if (target == NULL)
		return;
	target->kind->close(target->place);
	free(target);
}
