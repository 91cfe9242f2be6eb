#include <string.h>
#include <time.h>

#include "daemon/control/when.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/print.h"
#include "lib/base/unit.h"

/* How often to ask how far it is. */
static const struct timespec look_interval = { 0, 200000000 };

/* A backup that failed for what people can mend is not the program's fault. */
static enum ctl_exit
backup_exit(const json_t *backup)
{
	if (ctl_is(backup, "status", "full"))
		return CTL_TEMPORARY;
	if (ctl_is(backup, "status", "read-only"))
		return CTL_NO_PERMISSION;
	if (ctl_is(backup, "status", "damaged"))
		return CTL_DATA;
	return ctl_is(backup, "status", "io") ? CTL_IO : CTL_TEMPORARY;
}

static enum ctl_exit
backup_conclude(const struct ctl *ctl, const json_t *backup)
{
	const char *text = ctl_text(backup, "text");
	struct phrase phrase;

	if (!ctl_is(backup, "status", "ok") ||
	    ctl_text(backup, "finished") == NULL) {
		ctl_warn(ctl, "no backup: %s",
		    text != NULL ? text : "the daemon ended meanwhile");
		if (ctl_is(backup, "status", "read-only"))
			ctl_hint(ctl,
			    "the daemon writes the file, as its own user; a "
			    "name without a folder is beside the store");
		return backup_exit(backup);
	}
	if (ctl->json)
		return ctl_print_json(ctl, backup);
	phrase_begin(&phrase);
	print_form(ctl, "{bytes:size}", backup, &phrase);
	fprintf(ctl->out, "backed up to %s (%s)\n", ctl_text(backup, "file"),
	    phrase.text);
	return CTL_OK;
}

static enum ctl_exit
backup_follow(const struct ctl *ctl, const char *file)
{
	struct client_error error;
	struct target target;
	enum ctl_exit code;
	json_t *backup;

	target_begin(&target, "/v1/store/backup", NULL);
	for (;;) {
		if (!client_ask(ctl, "GET", &target, &backup, &error)) {
			progress_clear(ctl);
			return client_report(ctl, &error);
		}
		if (!json_is_true(json_object_get(backup, "running")))
			break;
		progress_show(ctl, "backing up",
		    ctl_count(backup, "bytes_done") >> 20,
		    ctl_count(backup, "bytes") >> 20, "MiB");
		json_decref(backup);
		nanosleep(&look_interval, NULL);
	}
	progress_clear(ctl);
	/* The daemon was started anew, or another backup came. */
	if (ctl_text(backup, "file") != NULL &&
	    strstr(ctl_text(backup, "file"), file) == NULL) {
		ctl_warn(ctl, "another backup was begun meanwhile");
		code = CTL_TEMPORARY;
	} else {
		code = backup_conclude(ctl, backup);
	}
	json_decref(backup);
	return code;
}

enum ctl_exit
backup_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *file = invocation->arguments[0];
	struct client_error error;
	struct target target;
	json_t *backup;

	target_begin(&target, "/v1/store/backup", NULL);
	target_parameter(&target, "file", file);
	if (!client_ask(ctl, "POST", &target, &backup, &error))
		return client_report(ctl, &error);
	json_decref(backup);
	return backup_follow(ctl, file);
}
