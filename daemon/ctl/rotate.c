#include "daemon/ctl/rotate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/pace.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/sealed.h"
#include "daemon/secret/key.h"
#include "daemon/secret/sealing.h"
#include "lib/base/hex.h"

/* As many as the daemon takes in one request. */
#define BATCH "100"

/* Of an old key, what tells it apart. */
#define TAG_AT   (2 * SEALING_PUBLIC_SIZE)
#define TAG_SIZE 32

/* Those that cannot be opened are said up to this number. */
#define FAILED_SAID 10

#define RECIPIENT_HEX (2 * SEALING_RECIPIENT_SIZE + 1)

struct rotate {
	const struct ctl *ctl;
	const struct sealing_opener *opener; /* of the old key */
	struct sealing *to;                  /* the new one */
	char from_hex[RECIPIENT_HEX], to_hex[RECIPIENT_HEX];
	const char *of; /* "messages", "quarantine" */
	uint64_t resealed, changed, failed;
	enum ctl_exit code;
};

/* ---- a key ---- */

static void
rotate_say_failed(struct rotate *rotate, uint64_t id, const char *words)
{
	ctl_keep_first(&rotate->code, CTL_DATA);
	if (rotate->failed++ >= FAILED_SAID)
		return;
	progress_clear(rotate->ctl);
	ctl_warn(rotate->ctl, "%s %" PRIu64 ": %s",
	    strcmp(rotate->of, "messages") == 0 ? "message"
						: "quarantined message",
	    id, words);
}

/* What the daemon gets for it; NULL where it cannot be opened. */
static json_t *
rotate_one(struct rotate *rotate, const json_t *row)
{
	const char *kept = ctl_text(row, "key");
	uint64_t id = ctl_count(row, "id");
	unsigned char key[SEALING_KEY_SIZE], anew[SEALING_KEY_SIZE];
	char hex[2 * SEALING_KEY_SIZE + 1], tag[TAG_SIZE + 1];
	enum sealing_error error = SEALING_KEY_CHANGED;

	if (kept != NULL && evpop_hex_decode(kept, key, sizeof(key)))
		error = sealing_again(rotate->opener, key, rotate->to, anew);
	if (error != SEALING_OK) {
		rotate_say_failed(rotate, id, sealing_error_text(error));
		return NULL;
	}
	evpop_hex_encode(anew, sizeof(anew), hex);
	snprintf(tag, sizeof(tag), "%.*s", TAG_SIZE, kept + TAG_AT);
	return json_pack(
	    "{s:I, s:s, s:s}", "id", (json_int_t)id, "old", tag, "key", hex);
}

/* ---- a batch ---- */

static bool
rotate_send(struct rotate *rotate, json_t *keys)
{
	struct client_error error;
	struct target target;
	json_t *answer, *body = json_pack("{s:O}", "keys", keys);
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	bool done;

	json_decref(body);
	if (text == NULL) {
		rotate->code = ctl_no_memory(rotate->ctl);
		return false;
	}
	target_begin(&target, "/v1/store/keys", NULL);
	target_parameter(&target, "of", rotate->of);
	target_parameter(&target, "recipient", rotate->to_hex);
	done = client_send(rotate->ctl, &target, "application/json", text,
	    strlen(text), &answer, &error);
	free(text);
	if (!done) {
		progress_clear(rotate->ctl);
		rotate->code = client_report(rotate->ctl, &error);
		return false;
	}
	rotate->resealed += ctl_count(answer, "resealed");
	rotate->changed += ctl_count(answer, "changed");
	json_decref(answer);
	progress_show(
	    rotate->ctl, "sealing anew", rotate->resealed, 0, "messages");
	return true;
}

static bool
rotate_page(struct rotate *rotate, const json_t *page)
{
	const json_t *rows = json_object_get(page, "keys");
	json_t *keys = json_array();
	bool done = true;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *key = rotate_one(rotate, json_array_get(rows, i));

		if (key != NULL)
			(void)json_array_append_new(keys, key);
	}
	if (json_array_size(keys) > 0)
		done = rotate_send(rotate, keys);
	json_decref(keys);
	return done;
}

/*
 * Those that are done are no longer listed: a run that was cut goes on where it
 * ended.
 */
static bool
rotate_all_of(struct rotate *rotate, const char *of)
{
	struct client_error error;
	char cursor[24] = "";
	const char *next;
	json_t *page;
	bool goes_on = true;

	rotate->of = of;
	while (goes_on) {
		struct target target;

		target_begin(&target, "/v1/store/keys", NULL);
		target_parameter(&target, "of", of);
		target_parameter(&target, "recipient", rotate->from_hex);
		target_parameter(&target, "limit", BATCH);
		target_parameter(
		    &target, "cursor", *cursor != '\0' ? cursor : NULL);
		if (!client_ask(rotate->ctl, "GET", &target, &page, &error)) {
			progress_clear(rotate->ctl);
			rotate->code = client_report(rotate->ctl, &error);
			return false;
		}
		next = ctl_text(page, "next_cursor");
		snprintf(
		    cursor, sizeof(cursor), "%s", next != NULL ? next : "");
		goes_on = rotate_page(rotate, page);
		json_decref(page);
		if (!goes_on)
			return false;
		goes_on = *cursor != '\0';
	}
	return true;
}

/* ---- the command ---- */

static enum ctl_exit
rotate_say_result(const struct rotate *rotate)
{
	const struct ctl *ctl = rotate->ctl;
	char count[PACE_COUNT_SIZE];
	enum ctl_exit code = rotate->code;
	json_t *json;

	progress_clear(ctl);
	if (ctl->json) {
		json = json_pack("{s:I, s:I, s:I}", "resealed",
		    (json_int_t)rotate->resealed, "changed",
		    (json_int_t)rotate->changed, "failed",
		    (json_int_t)rotate->failed);
		(void)ctl_print_json(ctl, json);
		json_decref(json);
		return code;
	}
	fprintf(ctl->out, "sealed %s message%s anew",
	    pace_count(rotate->resealed, count),
	    rotate->resealed == 1 ? "" : "s");
	if (rotate->changed > 0)
		fprintf(ctl->out, ", %s deleted or sealed anew meanwhile",
		    pace_count(rotate->changed, count));
	if (rotate->failed > 0)
		fprintf(ctl->out, ", %s cannot be opened",
		    pace_count(rotate->failed, count));
	fprintf(ctl->out, "\n");
	return code;
}

static enum ctl_exit
rotate_with(struct rotate *rotate, const struct sealed_keys *keys)
{
	const struct ctl *ctl = rotate->ctl;
	const struct sealing_opener *opener;

	evpop_hex_encode(sealing_recipient(rotate->to), SEALING_RECIPIENT_SIZE,
	    rotate->to_hex);
	for (size_t i = 0; (opener = sealed_keys_opener(keys, i)) != NULL;
	     i++) {
		rotate->opener = opener;
		evpop_hex_encode(sealing_opener_recipient(opener),
		    SEALING_RECIPIENT_SIZE, rotate->from_hex);
		if (strcmp(rotate->from_hex, rotate->to_hex) == 0) {
			ctl_warn(ctl, "key rotate: --to is the public half of "
				      "--key");
			return CTL_USAGE;
		}
		if (!rotate_all_of(rotate, "messages") ||
		    !rotate_all_of(rotate, "quarantine")) {
			if (rotate->resealed > 0)
				ctl_hint(ctl, "type the same again: it goes "
					      "on where it ended");
			return rotate->code;
		}
	}
	return rotate_say_result(rotate);
}

static enum ctl_exit
rotate_read_keys(const struct ctl *ctl, const struct invocation *invocation,
    struct sealed_keys *keys)
{
	const char *path;
	enum ctl_exit code = CTL_OK;

	for (size_t i = 0;
	     code == CTL_OK &&
	     (path = command_value_at(invocation, "key", i)) != NULL;
	     i++)
		code = sealed_keys_add(keys, ctl, path);
	return code;
}

enum ctl_exit
rotate_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *to = command_value(invocation, "to");
	unsigned char public[SECRET_KEY_SIZE];
	struct rotate rotate = { .ctl = ctl };
	struct sealed_keys *keys;
	enum ctl_exit code;

	if (to == NULL || !command_given(invocation, "key")) {
		ctl_warn(ctl, "key rotate: it needs --key OLD and --to PUBLIC");
		return command_usage(ctl, invocation->command);
	}
	if (!secret_public_parse(to, public)) {
		ctl_warn(ctl, "\"%s\" is no public key", to);
		ctl_hint(ctl, "\"evpopctl key public FILE\" prints that of a "
			      "key");
		return CTL_USAGE;
	}
	keys = sealed_keys_new();
	rotate.to = sealing_new(public);
	code = keys != NULL && rotate.to != NULL
		   ? rotate_read_keys(ctl, invocation, keys)
		   : ctl_no_memory(ctl);
	if (code == CTL_OK)
		code = rotate_with(&rotate, keys);
	sealing_free(&rotate.to);
	sealed_keys_free(&keys);
	return code;
}
