#include "daemon/ctl/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/control/when.h"
#include "daemon/ctl/ahead.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/export_digest.h"
#include "daemon/ctl/export_options.h"
#include "daemon/ctl/local.h"
#include "daemon/ctl/pace.h"
#include "daemon/ctl/source.h"
#include "lib/base/array.h"
#include "lib/base/glob.h"

/* Cursors are ids. */
struct cursor {
	char text[24]; /* "": the first page */
};

/* Messages that are said to be impossible to open; the others are counted. */
#define FAILED_SAID 10

struct export_run {
	const struct ctl *ctl;
	struct export_target *target;
	struct ahead *ahead; /* or NULL */
	struct export_error error;
	const char *pattern; /* of accounts; NULL: the daemon chooses */
	int64_t after_id;    /* only those behind it */
	bool is_broken;      /* the target failed, as the error says */
	bool keeps_sealed;   /* sealed mail is exported as it is */

	/* The pages, newest first, that have something to be exported. */
	struct cursor *cursors;
	size_t count, room;

	struct pace pace;
	uint64_t exported, present, gone, bytes;
	uint64_t failed; /* sealed, and cannot be opened */
	enum ctl_exit failed_exit;
	enum ctl_exit code;
};

/* ---- what is asked for ---- */

static void
export_target_list(const struct invocation *invocation, bool has_pattern,
    const char *limit, struct target *list_r)
{
	target_begin(list_r, "/v1/messages", NULL);
	if (!has_pattern)
		target_parameter(
		    list_r, "account", command_value(invocation, "account"));
	target_parameter(list_r, "from", command_value(invocation, "from"));
	target_query(list_r, "q", command_value(invocation, "query"));
	target_time(list_r, "since", command_value(invocation, "since"));
	target_time(list_r, "before", command_value(invocation, "before"));
	target_parameter(list_r, "limit", limit);
}

static bool
export_is_wanted(const struct export_run *run, const json_t *row)
{
	const char *account = ctl_text(row, "account");

	return json_integer_value(json_object_get(row, "id")) > run->after_id &&
	       (run->pattern == NULL ||
		   (account != NULL &&
		       evpop_glob_matches(run->pattern, account)));
}

/* ---- pages ---- */

static bool
export_ask(struct export_run *run, const struct target *list,
    const struct cursor *cursor, json_t **page_r)
{
	struct target target = *list;
	struct client_error error;

	target_parameter(
	    &target, "cursor", *cursor->text != '\0' ? cursor->text : NULL);
	if (client_ask(run->ctl, "GET", &target, page_r, &error))
		return true;
	pace_clear(&run->pace);
	run->code = client_report(run->ctl, &error);
	return false;
}

static bool
export_note_page(struct export_run *run, const struct cursor *cursor)
{
	struct cursor *grown = evpop_array_grow(
	    run->cursors, run->count, &run->room, sizeof(*grown));

	if (grown == NULL) {
		run->code = ctl_no_memory(run->ctl);
		return false;
	}
	run->cursors = grown;
	run->cursors[run->count++] = *cursor;
	return true;
}

/* Add a page's part to what there is to do; false where it is the last one. */
static bool
export_count_page(struct export_run *run, const json_t *page,
    const struct cursor *cursor, struct cursor *next_r)
{
	const json_t *rows = json_object_get(page, "messages"), *row;
	const char *next = ctl_text(page, "next_cursor");
	bool is_behind = false;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (json_integer_value(json_object_get(row, "id")) <=
		    run->after_id)
			is_behind = true;
		else if (export_is_wanted(run, row))
			pace_expect(&run->pace, 1, ctl_count(row, "bytes"));
	}
	if (i > 0 && !export_note_page(run, cursor))
		return false;
	if (next == NULL || is_behind || i == 0)
		return false;
	snprintf(next_r->text, sizeof(next_r->text), "%s", next);
	return true;
}

/*
 * Lists come newest first, and files are to grow at their end: look at all
 * pages, and remember only where each begins.
 */
static bool
export_find_pages(struct export_run *run, const struct target *list)
{
	struct cursor cursor = { "" }, next;
	bool has_more = true;
	json_t *page;

	while (has_more) {
		if (!export_ask(run, list, &cursor, &page))
			return false;
		has_more = export_count_page(run, page, &cursor, &next);
		json_decref(page);
		cursor = next;
		pace_show(&run->pace, "listing");
	}
	return run->code == CTL_OK;
}

/* ---- messages ---- */

static bool
export_take(const char *bytes, size_t length, void *arg)
{
	struct export_run *run = arg;

	run->bytes += length;
	run->is_broken = !export_write(run->target, bytes, length, &run->error);
	return !run->is_broken;
}

static bool
export_read_time(const json_t *row, const char *name, int64_t *time_ms_r)
{
	const char *text = ctl_text(row, name);

	*time_ms_r = 0;
	return text != NULL && when_parse(text, 0, time_ms_r);
}

/* Others may open, of those that are sealed. */
static bool
export_may_go_on(struct export_run *run, const struct client_error *error)
{
	if (error->exit != CTL_DATA && error->exit != CTL_NO_PERMISSION)
		return false;
	if (run->failed++ < FAILED_SAID)
		(void)client_report(run->ctl, error);
	ctl_keep_first(&run->failed_exit, error->exit);
	return true;
}

/* As client_download(). */
static bool
export_get(struct export_run *run, int64_t number, client_sink sink, void *arg,
    struct client_error *error_r)
{
	struct target target;
	const char *bytes;
	size_t length;
	char id[24];

	if (ahead_take(run->ahead, number, &bytes, &length)) {
		if (sink(bytes, length, arg))
			return true;
		client_fail(error_r, CTL_OK, NULL, "stopped");
		return false;
	}
	snprintf(id, sizeof(id), "%" PRId64, number);
	target_begin(&target, "/v1/messages/*/raw", id);
	return client_download(run->ctl, &target, sink, arg, error_r);
}

/* It did not come; false where nothing more can be done. */
static bool
export_go_without(struct export_run *run, const struct export_message *message,
    const struct client_error *error)
{
	/* It was deleted since it was listed. */
	if (strcmp(error->code, "no_such_message") == 0) {
		run->gone++;
		return true;
	}
	pace_clear(&run->pace);
	if (message->is_sealed && export_may_go_on(run, error))
		return true;
	run->code = client_report(run->ctl, error);
	return false;
}

/*
 * Which message is there is told by its bytes.  Where they do not come it stays
 * in doubt, and is passed over.
 */
static bool
export_decide(struct export_run *run, const struct export_message *message,
    enum export_presence *presence)
{
	struct export_message plain = *message;
	struct export_digest digest;
	struct client_error error;
	bool came;

	export_digest_begin(&digest);
	came =
	    export_get(run, message->id, export_digest_take, &digest, &error);
	plain.digest = export_digest_end(&digest);
	if (plain.digest == NULL) {
		run->code = ctl_no_memory(run->ctl);
		return false;
	}
	if (!came)
		return export_go_without(run, message, &error);
	run->is_broken =
	    !export_has(run->target, &plain, presence, &run->error);
	if (*presence == EXPORT_IN_DOUBT)
		*presence = EXPORT_MISSING;
	return !run->is_broken;
}

/* Whole, or not at all; false where nothing more can be done. */
static bool
export_fetch(struct export_run *run, const struct export_message *message)
{
	struct client_error error;

	run->is_broken = !export_begin(run->target, message, &run->error);
	if (!run->is_broken &&
	    export_get(run, message->id, export_take, run, &error)) {
		run->is_broken = !export_end(run->target, &run->error);
		run->exported += !run->is_broken;
		if (!run->is_broken)
			return true;
	}
	export_abandon(run->target);
	return !run->is_broken && export_go_without(run, message, &error);
}

static bool
export_refuse_sealed(struct export_run *run, int64_t id)
{
	pace_clear(&run->pace);
	ctl_warn(run->ctl, "message %" PRId64 " is sealed", id);
	ctl_hint(run->ctl,
	    "give its secret key, as in \"evpopctl --key FILE export\", or "
	    "export it as it is with --sealed DIR");
	run->code = CTL_CONFIG;
	return false;
}

static struct export_message
export_read_row(const json_t *row)
{
	return (struct export_message){
		.id = json_integer_value(json_object_get(row, "id")),
		.account = ctl_text(row, "account"),
		.digest = ctl_text(row, "digest"),
		.sender = ctl_text(row, "sender"),
		.is_sealed = json_is_true(json_object_get(row, "sealed")),
	};
}

static bool
export_row(struct export_run *run, const json_t *row)
{
	struct export_message message = export_read_row(row);
	enum export_presence presence;

	if (!export_is_wanted(run, row))
		return true;
	/* Said already, and how to exit with it. */
	if (ctl_text(row, SOURCE_UNOPENED) != NULL) {
		run->failed++;
		return true;
	}
	if (message.is_sealed && !run->keeps_sealed &&
	    !client_has_opener(run->ctl->client))
		return export_refuse_sealed(run, message.id);
	if (message.account == NULL || message.digest == NULL ||
	    !export_read_time(row, "stored_at", &message.stored_ms)) {
		ctl_warn(run->ctl, "the daemon's answer makes no sense");
		run->code = CTL_SOFTWARE;
		return false;
	}
	message.has_date = export_read_time(row, "date", &message.date_ms);
	run->is_broken =
	    !export_has(run->target, &message, &presence, &run->error);
	if (run->is_broken || (presence == EXPORT_IN_DOUBT &&
				  !export_decide(run, &message, &presence)))
		return false;
	if (presence == EXPORT_THERE)
		run->present++;
	else if (presence == EXPORT_MISSING && !export_fetch(run, &message))
		return false;
	/* A page that is longer since some are deleted repeats others. */
	run->after_id = message.id;
	pace_advance(&run->pace, 1, ctl_count(row, "bytes"));
	pace_show(&run->pace, "exporting");
	return true;
}

/* The same question as export_row() will ask; its errors are for that. */
static bool
export_will_fetch(struct export_run *run, const json_t *row)
{
	const struct export_message message = export_read_row(row);
	struct export_error error;
	enum export_presence presence;

	return export_is_wanted(run, row) && message.account != NULL &&
	       message.digest != NULL &&
	       (!message.is_sealed || run->keeps_sealed) &&
	       export_has(run->target, &message, &presence, &error) &&
	       presence != EXPORT_THERE;
}

/* Those before `*left`, of which the last ones come first. */
static void
export_look_ahead(struct export_run *run, const json_t *rows, size_t *left)
{
	while (*left > 0 && ahead_has_room(run->ahead)) {
		const json_t *row = json_array_get(rows, --*left);

		if (export_will_fetch(run, row))
			ahead_ask(run->ahead,
			    json_integer_value(json_object_get(row, "id")),
			    ctl_count(row, "bytes"));
	}
}

/* The oldest first. */
static bool
export_page(struct export_run *run, const json_t *page)
{
	const json_t *rows = json_object_get(page, "messages");

	size_t left = json_array_size(rows);

	for (size_t i = left; i-- > 0;) {
		export_look_ahead(run, rows, &left);
		if (!export_row(run, json_array_get(rows, i)))
			return false;
	}
	return true;
}

static bool
export_pages(struct export_run *run, const struct target *list)
{
	bool goes_on = true;
	json_t *page;

	while (goes_on && run->count > 0) {
		if (!export_ask(run, list, &run->cursors[--run->count], &page))
			return false;
		goes_on = export_page(run, page);
		json_decref(page);
	}
	return goes_on;
}

/* ---- the command ---- */

static enum ctl_exit
export_report_target(
    const struct ctl *ctl, const struct export_error *error, bool is_begun)
{
	ctl_warn(ctl, "%s", error->text);
	if (error->number == ENOSPC || error->number == EDQUOT)
		ctl_hint(ctl,
		    "free space there, then type the same again: it goes on "
		    "where it ended");
	else if (is_begun)
		ctl_hint(ctl, "once that is mended, type the same again: it "
			      "goes on where it ended");
	switch (error->number) {
	case ENOMEM:
		return CTL_TEMPORARY;
	case EACCES:
	case EPERM:
	case EROFS:
		return CTL_NO_PERMISSION;
	default:
		return CTL_IO;
	}
}

static enum ctl_exit
export_say_result(const struct export_run *run)
{
	char size[EVPOP_UNIT_SIZE];
	char count[PACE_COUNT_SIZE];
	enum ctl_exit code;
	json_t *json;

	if (run->ctl->json) {
		json = json_pack("{s:I, s:I, s:I, s:I, s:I}", "exported",
		    (json_int_t)run->exported, "present",
		    (json_int_t)run->present, "gone", (json_int_t)run->gone,
		    "failed", (json_int_t)run->failed, "bytes",
		    (json_int_t)run->bytes);
		code = ctl_print_json(run->ctl, json);
		json_decref(json);
		ctl_keep_first(&code, run->failed_exit);
		return code;
	}
	fprintf(run->ctl->out, "exported %s message%s (%s)",
	    pace_count(run->exported, count), run->exported == 1 ? "" : "s",
	    evpop_unit_size(run->bytes, size));
	if (run->present > 0)
		fprintf(run->ctl->out, ", %s there already",
		    pace_count(run->present, count));
	if (run->gone > 0)
		fprintf(run->ctl->out, ", %s deleted meanwhile",
		    pace_count(run->gone, count));
	if (run->failed > 0)
		fprintf(run->ctl->out, ", %s cannot be opened",
		    pace_count(run->failed, count));
	fprintf(run->ctl->out, "\n");
	return run->failed_exit;
}

/* What was fetched is made durable whatever has happened. */
static enum ctl_exit
export_run_all(struct export_run *run, const struct invocation *invocation)
{
	struct target list;
	struct export_error failed;

	export_target_list(invocation, run->pattern != NULL, "1000", &list);
	if (export_last_id(run->target) > run->after_id)
		run->after_id = export_last_id(run->target);
	pace_begin(&run->pace, run->ctl);
	if (export_find_pages(run, &list)) {
		/* What is opened here comes by ways of its own. */
		if (!client_has_opener(run->ctl->client))
			run->ahead = ahead_new(run->ctl);
		(void)export_pages(run, &list);
		ahead_free(&run->ahead);
	}
	pace_clear(&run->pace);
	if (!export_flush(run->target, &failed) && !run->is_broken) {
		run->is_broken = true;
		run->error = failed;
	}
	if (run->is_broken)
		return export_report_target(run->ctl, &run->error, true);
	if (run->code == CTL_TEMPORARY || run->code == CTL_UNAVAILABLE)
		ctl_hint(run->ctl, "type the same again: it goes on where it "
				   "ended");
	return run->code != CTL_OK ? run->code : export_say_result(run);
}

/* A name without a pattern is the daemon's to refuse. */
static bool
export_read_pattern(
    const struct ctl *ctl, const char *account, struct export_run *run)
{
	struct client_error error;
	struct target target;
	json_t *page;
	bool is_known;

	if (account == NULL || !evpop_glob_is_pattern(account))
		return true;
	run->pattern = account;
	target_begin(&target, "/v1/accounts", NULL);
	target_parameter(&target, "name", account);
	if (!client_ask(ctl, "GET", &target, &page, &error)) {
		run->code = client_report(ctl, &error);
		return false;
	}
	is_known = json_array_size(json_object_get(page, "accounts")) > 0;
	json_decref(page);
	if (is_known)
		return true;
	ctl_warn(ctl, "no account matches \"%s\"", account);
	ctl_hint(ctl, "\"evpopctl accounts\" lists them");
	run->code = CTL_NOT_FOUND;
	return false;
}

static enum ctl_exit
export_open_and_run(const struct ctl *ctl, const struct invocation *invocation,
    const struct export_options *options, struct export_run *run)
{
	struct client_error error;
	struct target list;
	enum ctl_exit code;
	json_t *page;

	/* Before anything is made: a wrong name or time is refused. */
	export_target_list(invocation, run->pattern != NULL, "1", &list);
	if (!client_ask(ctl, "GET", &list, &page, &error))
		return client_report(ctl, &error);
	json_decref(page);
	run->target = export_open(options, &run->error);
	if (run->target == NULL)
		return export_report_target(ctl, &run->error, false);
	code = export_run_all(run, invocation);
	export_close(run->target);
	free(run->cursors);
	return code;
}

enum ctl_exit
export_command(const struct ctl *ctl, const struct invocation *invocation)
{
	struct export_run run = { .ctl = ctl };
	struct export_options options = {
		.keeps_crlf = command_given(invocation, "crlf"),
		.is_seen = command_given(invocation, "seen"),
	};
	enum ctl_exit code;
	char *choice;

	if (!export_options_form(invocation, &options)) {
		ctl_warn(ctl,
		    "export: give one of --maildir, --mbox, --eml, --sealed");
		return command_usage(ctl, invocation->command);
	}
	run.keeps_sealed = options.form == EXPORT_SEALED;
	if (run.keeps_sealed && client_has_opener(ctl->client)) {
		ctl_warn(ctl, "export: either --sealed or --key");
		return CTL_USAGE;
	}
	if (!export_options_folders(ctl, invocation, &options) ||
	    !export_options_after(ctl, invocation, &run.after_id))
		return CTL_USAGE;
	if (!export_read_pattern(
		ctl, command_value(invocation, "account"), &run))
		return run.code;
	choice = export_options_choice(invocation);
	if (choice == NULL)
		return ctl_no_memory(ctl);
	options.choice = choice;
	code = export_open_and_run(ctl, invocation, &options, &run);
	free(choice);
	return code;
}
