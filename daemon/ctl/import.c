#include "daemon/ctl/import.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/migrate/program.h"
#include "daemon/ctl/pace.h"

struct import_run {
	const struct ctl *ctl;
	struct import_sender *sender;
	const char *path; /* of the file under way */
	struct pace pace;
	uint64_t imported, known, failed;
	enum ctl_exit code; /* of what keeps all others from being imported */
	bool is_over;
	FILE *file; /* where it is read */
	off_t at;   /* as far as it is done */
};

/* ---- results ---- */

/* Whether the next message can go better. */
static bool
import_concerns_one(const struct client_error *error)
{
	return error->exit == CTL_USAGE ||
	       (error->exit == CTL_SOFTWARE && error->code[0] != '\0') ||
	       strcmp(error->code, "wrong_offset") == 0;
}

static void
import_count_failure(struct import_run *run, const char *words)
{
	pace_clear(&run->pace);
	run->failed++;
	ctl_warn(run->ctl, "%s: %s", run->path, words);
}

/* Of the file, since the message before. */
static uint64_t
import_bytes_done(struct import_run *run)
{
	off_t before = run->at;

	run->at = ftello(run->file);
	return run->at > before ? (uint64_t)(run->at - before) : 0;
}

/* The message that was begun is at its end; false where no other can come. */
static bool
import_message_ended(struct import_run *run, unsigned long line)
{
	struct client_error error;

	switch (import_end(run->sender, &error)) {
	case IMPORT_NEW:
		run->imported++;
		break;
	case IMPORT_KNOWN:
		run->known++;
		break;
	case IMPORT_FAILED:
		pace_clear(&run->pace);
		if (!import_concerns_one(&error)) {
			run->code = client_report(run->ctl, &error);
			run->is_over = true;
			return false;
		}
		run->failed++;
		if (line > 0)
			ctl_warn(run->ctl, "%s:%lu: %s", run->path, line,
			    error.message);
		else
			ctl_warn(run->ctl, "%s: %s", run->path, error.message);
		break;
	}
	pace_advance(&run->pace, 1, import_bytes_done(run));
	pace_show(&run->pace, "importing");
	return true;
}

static bool
import_mbox_ended(void *arg, unsigned long line)
{
	return import_message_ended(arg, line);
}

/* ---- files ---- */

/* The file is one message. */
static void
import_one(struct import_run *run, FILE *file)
{
	char bytes[16384];
	size_t length;

	import_begin(run->sender);
	while ((length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		import_bytes(run->sender, bytes, length);
	if (ferror(file))
		import_count_failure(run, strerror(errno));
	else
		import_message_ended(run, 0);
}

enum import_form {
	IMPORT_NOTHING = 0, /* an empty file */
	IMPORT_MESSAGE,
	IMPORT_MBOX,
	IMPORT_OTHER
};

static bool
import_has_ending(const char *name, const char *ending)
{
	size_t length = strlen(name), tail = strlen(ending);

	return length >= tail && strcmp(name + length - tail, ending) == 0;
}

/* A header begins with a field's name and a colon, RFC 5322 section 2.2. */
static enum import_form
import_recognise(FILE *file)
{
	char begin[1024];
	size_t length = fread(begin, 1, sizeof(begin), file), name = 0;

	rewind(file);
	if (length == 0)
		return IMPORT_NOTHING;
	if (length >= 5 && memcmp(begin, "From ", 5) == 0)
		return IMPORT_MBOX;
	while (name < length && begin[name] > ' ' && begin[name] < 0x7f &&
	       begin[name] != ':')
		name++;
	return name > 0 && name < length && begin[name] == ':' ? IMPORT_MESSAGE
							       : IMPORT_OTHER;
}

static void
import_file(struct import_run *run, const char *path, bool is_maildir)
{
	FILE *file = fopen(path, "re");
	enum import_form form;

	run->path = path;
	if (file == NULL) {
		import_count_failure(run, strerror(errno));
		return;
	}
	run->file = file;
	run->at = 0;
	form = import_recognise(file);
	/* A Maildir says itself what its files are, and so does a name. */
	if (form != IMPORT_NOTHING &&
	    (is_maildir ||
		(form != IMPORT_MBOX && import_has_ending(path, ".eml"))))
		form = IMPORT_MESSAGE;
	errno = 0;
	if (ferror(file))
		import_count_failure(run, strerror(errno));
	else if (form == IMPORT_MESSAGE)
		import_one(run, file);
	else if (form == IMPORT_MBOX) {
		if (!import_mbox(file, run->sender, import_mbox_ended, run))
			import_count_failure(run, strerror(errno));
	} else if (form == IMPORT_OTHER || is_maildir)
		import_count_failure(run, form == IMPORT_OTHER
					      ? "neither a message nor an mbox"
					      : "it is empty");
	fclose(file);
}

/* ---- folders ---- */

static bool
import_is_folder(const char *path, const char *name)
{
	struct stat status;
	char *inner;
	bool is_folder;

	if (asprintf(&inner, "%s/%s", path, name) == -1)
		return false;
	is_folder = stat(inner, &status) == 0 && S_ISDIR(status.st_mode);
	free(inner);
	return is_folder;
}

static bool
import_is_maildir(const char *path)
{
	return import_is_folder(path, "cur") && import_is_folder(path, "new");
}

/*
 * What a folder of messages has besides: an export's state, and the files of
 * programs that read a Maildir.
 */
static bool
import_is_wanted(const char *name, bool is_maildir)
{
	return name[0] != '.' &&
	       (is_maildir || !import_has_ending(name, ".export"));
}

static void import_path(struct import_run *, const char *path);

/* Files in the order of their names, then folders. */
static void
import_folder(struct import_run *run, const char *path, bool is_maildir)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, alphasort);
	char *inner;

	run->path = path;
	if (count == -1) {
		import_count_failure(run, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		if (!run->is_over &&
		    import_is_wanted(names[i]->d_name, is_maildir) &&
		    asprintf(&inner, "%s/%s", path, names[i]->d_name) != -1) {
			if (import_is_folder(path, names[i]->d_name))
				import_path(run, inner);
			else
				import_file(run, inner, is_maildir);
			free(inner);
		}
		free(names[i]);
	}
	free(names);
}

/* A Maildir's folders: in its own, ".A" or "A" beside them. */
static void
import_maildir(struct import_run *run, const char *path)
{
	static const char *const parts[] = { "cur", "new" };
	struct dirent **names;
	char *inner;
	int count;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (run->is_over ||
		    asprintf(&inner, "%s/%s", path, parts[i]) == -1)
			return;
		import_folder(run, inner, true);
		free(inner);
	}
	count = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;

		if (!run->is_over && strcmp(name, ".") != 0 &&
		    strcmp(name, "..") != 0 && strcmp(name, "cur") != 0 &&
		    strcmp(name, "new") != 0 && strcmp(name, "tmp") != 0 &&
		    asprintf(&inner, "%s/%s", path, name) != -1) {
			if (import_is_maildir(inner))
				import_maildir(run, inner);
			free(inner);
		}
		free(names[i]);
	}
	if (count != -1)
		free(names);
}

static void
import_path(struct import_run *run, const char *path)
{
	struct stat status;

	run->path = path;
	if (stat(path, &status) != 0)
		import_count_failure(run, strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		import_file(run, path, false);
	else if (import_is_maildir(path))
		import_maildir(run, path);
	else
		import_folder(run, path, false);
}

/* ---- how much there is ---- */

/* What cannot be looked at is reported where it is read. */
static void
import_expect(struct import_run *run, const struct invocation *invocation)
{
	char *paths[] = { NULL, NULL };
	FTSENT *found;
	FTS *tree;

	for (size_t i = 0; i < invocation->count; i++) {
		paths[0] = (char *)(uintptr_t)invocation->arguments[i];
		tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
		while (tree != NULL && (found = fts_read(tree)) != NULL)
			if (found->fts_info == FTS_F)
				pace_expect(&run->pace, 0,
				    (uint64_t)found->fts_statp->st_size);
		if (tree != NULL)
			fts_close(tree);
	}
}

/* ---- the command ---- */

static enum ctl_exit
import_say_result(const struct import_run *run)
{
	char counts[3][PACE_COUNT_SIZE];
	enum ctl_exit code = CTL_OK;
	json_t *json;

	/* Where no message came so far, there is nothing to sum up. */
	if (run->code != CTL_OK &&
	    run->imported + run->known + run->failed == 0)
		return run->code;
	if (run->ctl->json) {
		json = json_pack("{s:I, s:I, s:I}", "imported",
		    (json_int_t)run->imported, "known", (json_int_t)run->known,
		    "failed", (json_int_t)run->failed);
		code = ctl_print_json(run->ctl, json);
		json_decref(json);
	} else
		fprintf(run->ctl->out, "imported %s, known %s, failed %s\n",
		    pace_count(run->imported, counts[0]),
		    pace_count(run->known, counts[1]),
		    pace_count(run->failed, counts[2]));
	if (run->code != CTL_OK) {
		ctl_hint(run->ctl, "once that is mended, type the same again: "
				   "what is stored is known then");
		return run->code;
	}
	return run->failed > 0 ? CTL_DATA : code;
}

enum ctl_exit
import_command(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *account = command_value(invocation, "account");
	struct import_run run = { .ctl = ctl };
	enum ctl_exit code;

	if (migrate_find(invocation->arguments[0]) != NULL)
		return migrate_command(ctl, invocation);
	if (account == NULL) {
		ctl_warn(ctl, "import: say into which account: --account NAME");
		return command_usage(ctl, invocation->command);
	}
	run.sender = import_sender_new(ctl, account);
	if (run.sender == NULL)
		return ctl_no_memory(ctl);
	pace_begin(&run.pace, ctl);
	if (ctl->is_terminal && !ctl->json)
		import_expect(&run, invocation);
	for (size_t i = 0; i < invocation->count && !run.is_over; i++)
		import_path(&run, invocation->arguments[i]);
	pace_clear(&run.pace);
	code = import_say_result(&run);
	import_sender_free(run.sender);
	return code;
}
