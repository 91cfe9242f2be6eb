/*
 * What Gmail's API answers: errors, a list of labels, one that was made, what a
 * search has found, and the header of that.
 *
 *     "l" or "k", then a line for each answer: "STATUS BODY"
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "daemon/config/target.h"
#include "daemon/deliver/gmail_answer.h"
#include "daemon/deliver/gmail_body.h"
#include "daemon/deliver/gmail_label.h"
#include "daemon/deliver/gmail_link.h"
#include "daemon/deliver/gmail_look.h"
#include "daemon/deliver/gmail_path.h"
#include "daemon/deliver/parcel.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

#define KEY   "0123456789abcdef0123456789abcdef.1"
#define LABEL "Fetched/anna"
/* 2026-01-02T03:04:05Z */
#define NOW INT64_C(1767323045000)

static unsigned requests;

/* ---- requests, which nobody makes ---- */

static void
check_path(const char *path)
{
	size_t length = strlen(path);

	requests++;
	assert(length < GMAIL_PATH);
	assert(strncmp(path, "/gmail/v1/users/me/", 19) == 0);
	for (const char *at = path; *at != '\0'; at++)
		assert(
		    *at > ' ' && *at <= '~' && strchr("\"<>\\#", *at) == NULL);
}

void
gmail_link_get(struct gmail_link *link, const char *path)
{
	assert(link == NULL);
	check_path(path);
}

void
gmail_link_post_json(
    struct gmail_link *link, const char *path, const json_t *json)
{
	assert(link == NULL);
	assert(json_is_object(json));
	check_path(path);
}

/* ---- an answer ---- */

/* False where no other is left. */
static bool
take_reply(
    struct fuzz_input *input, json_t **json_r, struct gmail_reply *reply_r)
{
	static char text[GMAIL_ANSWER_TEXT];
	struct fuzz_input line = fuzz_up_to(input, '\n');
	struct web_answer answer = { .text = "200 OK" };
	unsigned char *body;

	*json_r = NULL;
	if (line.left == 0)
		return false;
	for (int digits = 0;
	     digits < 3 && line.left > 0 && *line.at >= '0' && *line.at <= '9';
	     digits++)
		answer.status = answer.status * 10 + fuzz_octet(&line) - '0';
	if (answer.status == 0)
		answer.end = (enum web_end)(WEB_FAILED + line.left % 4);
	(void)fuzz_octet(&line);
	body = fuzz_copy(line.at, line.left);
	if (answer.end == WEB_ANSWERED)
		*json_r = json_loadb((char *)body, line.left, 0, NULL);
	free(body);
	gmail_answer_judge(
	    &answer, *json_r, "gmail.googleapis.com", NOW, text, reply_r);
	assert(fuzz_is_showable(reply_r->text, strlen(reply_r->text)));
	assert(reply_r->retry_after_ms >= 0);
	if (reply_r->outcome == CARRIED_DELIVERED)
		assert(answer.status / 100 == 2 && json_is_object(*json_r));
	if (reply_r->outcome == CARRIED_REFUSED)
		assert(answer.status == 413 ||
		       json_is_object(json_object_get(*json_r, "error")));
	return true;
}

/* ---- a label ---- */

/* What is sent with a message is whole JSON. */
static void
check_label(const struct gmail_labels *labels)
{
	const char *id = gmail_labels_find(labels, LABEL), *begin, *end;
	struct gmail_body body;
	json_t *json, *ids;

	assert(id != NULL && id[0] != '\0');
	assert(gmail_body_make(&body, id, false, ""));
	begin = strstr(body.front, "\r\n\r\n");
	assert(begin != NULL);
	begin += 4;
	end = strstr(begin, "\r\n--");
	assert(end != NULL);
	json = json_loadb(begin, (size_t)(end - begin), 0, NULL);
	ids = json_object_get(json, "labelIds");
	assert(strcmp(json_string_value(json_array_get(ids, 2)), id) == 0);
	json_decref(json);
}

static void
try_label(struct fuzz_input *input, const struct config_target *target)
{
	struct gmail_labels *labels = gmail_labels_new();
	enum gmail_labelled end = GMAIL_LABEL_GOES_ON;
	struct gmail_reply reply;
	json_t *json;

	assert(labels != NULL);
	gmail_labels_ask(labels, NULL, target, LABEL);
	while (end == GMAIL_LABEL_GOES_ON && take_reply(input, &json, &reply)) {
		end = gmail_labels_reply(labels, NULL, target, &reply);
		json_decref(json);
		/* Listed, made, listed again. */
		assert(requests <= 3);
	}
	if (end == GMAIL_LABEL_KNOWN)
		check_label(labels);
	gmail_labels_free(&labels);
}

/* ---- a search ---- */

static void
check_found(const struct gmail_look *look, const json_t *json)
{
	char *text = json_dumps(json, JSON_ENCODE_ANY);
	char place[GMAIL_PLACE];

	assert(text != NULL && strstr(text, KEY) != NULL);
	free(text);
	assert(look->at < look->count && look->count <= GMAIL_LOOK_IDS);
	gmail_path_place(look->ids[look->at], place);
	assert(fuzz_is_showable(place, strlen(place)));
}

static void
try_look(struct fuzz_input *input, const struct config_target *target)
{
	struct fuzz_input header = fuzz_up_to(input, '\n');
	char *octets = (char *)fuzz_copy(header.at, header.left);
	struct parcel parcel = { .key = KEY, .stored_ms = NOW };
	enum gmail_looked end = GMAIL_LOOK_GOES_ON;
	struct gmail_look look;
	struct gmail_reply reply;
	json_t *json;

	gmail_look_begin(&look, NULL, target, &parcel, octets, header.left);
	free(octets);
	while (end == GMAIL_LOOK_GOES_ON && take_reply(input, &json, &reply)) {
		end = gmail_look_reply(&look, NULL, target, &parcel, &reply);
		if (end == GMAIL_LOOK_FOUND)
			check_found(&look, json);
		json_decref(json);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_target target = { .type = CONFIG_TARGET_GMAIL };
	struct fuzz_input input = { data, size };

	requests = 0;
	if (fuzz_octet(&input) == 'l')
		try_label(&input, &target);
	else
		try_look(&input, &target);
	return 0;
}
