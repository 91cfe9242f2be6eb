#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <event2/event.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/deliver_parcels.h"

/* ---- a parcel ---- */

void
parcel_next(struct parcel *parcel, parcel_cb callback, void *arg)
{
	struct sent *sent = (struct sent *)parcel;
	size_t length = sent->length - sent->at;
	const char *piece = sent->text + sent->at;

	if (length > sent->piece)
		length = sent->piece;
	if (sent->at > 0 && sent->fails_to_read) {
		callback(PARCEL_FAILED, NULL, 0, arg);
		return;
	}
	sent->at += length;
	callback(length == 0 ? PARCEL_END : PARCEL_PIECE,
	    (const unsigned char *)piece, length, arg);
}

void
parcel_rewind(struct parcel *parcel)
{
	((struct sent *)parcel)->at = 0;
}

void
parcel_stop(struct parcel *parcel)
{
	assert_non_null(parcel);
}

void
parcel_note(
    struct parcel *parcel, const char *text, parcel_noted_cb done, void *arg)
{
	struct sent *sent = (struct sent *)parcel;

	snprintf(sent->note, sizeof(sent->note), "%s", text);
	done(!sent->fails_to_note, arg);
}

/* ---- the carrier ---- */

static void
post_carried(
    struct parcel *parcel, const struct carried_result *result, void *arg)
{
	struct post *post = arg;
	struct sent *sent =
	    parcel != NULL ? (struct sent *)parcel : &post->probe;

	sent->answers++;
	sent->outcome = result->outcome;
	sent->may_be_there = result->may_be_there;
	sent->retry_after_ms = result->retry_after_ms;
	snprintf(sent->answer, sizeof(sent->answer), "%s",
	    result->answer != NULL ? result->answer : "");
	snprintf(sent->place, sizeof(sent->place), "%s",
	    result->place != NULL ? result->place : "");
	if (post->ends_at_answer) {
		post->type->end(post->carrier);
		post->carrier = NULL;
	}
	event_base_loopbreak(post->base);
}

static void
post_closed(void *arg)
{
	struct post *post = arg;

	post->closed++;
	event_base_loopbreak(post->base);
}

struct post *
post_new(const struct carrier_type *type)
{
	struct post *post = calloc(1, sizeof(*post));

	assert_non_null(post);
	strcpy(post->folder, "/tmp/evpop-deliver.XXXXXX");
	assert_non_null(mkdtemp(post->folder));
	post->base = event_base_new();
	assert_non_null(post->base);
	post->type = type;
	post->target.name = (char *)(uintptr_t) "home";
	post->target.mode = 0600;
	post->target.timeout_ms = 60000;
	return post;
}

void
post_begin(struct post *post)
{
	if (post->carrier != NULL)
		post->type->end(post->carrier);
	post->setup = (struct carrier_setup){ .target = &post->target,
		.base = post->base,
		.folder = post->folder,
		.carried = post_carried,
		.closed = post_closed,
		.arg = post };
	post->carrier = post->type->begin(&post->setup);
	assert_non_null(post->carrier);
}

static int
post_remove(
    const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

void
post_free(struct post *post)
{
	if (post->carrier != NULL)
		post->type->end(post->carrier);
	event_base_free(post->base);
	/* A thread that was left alone may be about to make a file. */
	for (int tries = 0;
	     nftw(post->folder, post_remove, 16, FTW_DEPTH | FTW_PHYS) != 0;
	     tries++) {
		assert_true(tries < 1000);
		usleep(10000);
	}
	free(post);
}

struct sent *
post_message(struct post *post, const char *text)
{
	struct sent *sent = &post->sent[post->count++];

	assert_true(post->count <= PARCELS_MAX);
	memset(sent, 0, sizeof(*sent));
	sent->text = text;
	sent->length = strlen(text);
	sent->piece = 4096;
	sent->parcel = (struct parcel){ .id = (int64_t)post->count,
		.message_id = (int64_t)post->count,
		.octets = sent->length,
		.account = "a",
		.recipient = "",
		.folder = "",
		.path = post->target.path,
		.sender = "ann@example.org",
		.received_ms = INT64_C(1000000000000),
		.stored_ms = INT64_C(1732000000000),
		.note = "" };
	snprintf(sent->parcel.key, sizeof(sent->parcel.key), "%032x.%zu",
	    0xfeed, post->count);
	return sent;
}

void
post_carry(struct post *post, struct sent *sent)
{
	sent->at = 0;
	sent->answers = 0;
	post->type->carry(post->carrier, &sent->parcel);
	/* Never from inside the call. */
	assert_int_equal(sent->answers, 0);
}

static bool
post_is_answered(const struct post *post)
{
	for (size_t i = 0; i < post->count; i++)
		if (post->sent[i].answers == 0)
			return false;
	return true;
}

void
post_wait(struct post *post)
{
	while (!post_is_answered(post))
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	for (size_t i = 0; i < post->count; i++)
		assert_int_equal(post->sent[i].answers, 1);
}

enum carried
post_deliver(struct post *post, struct sent *sent)
{
	post_carry(post, sent);
	while (sent->answers == 0)
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	return sent->outcome;
}

enum carried
post_probe(struct post *post)
{
	post->probe.answers = 0;
	post->type->probe(post->carrier);
	assert_int_equal(post->probe.answers, 0);
	while (post->probe.answers == 0)
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	return post->probe.outcome;
}

/* ---- files ---- */

const char *
post_path(const struct post *post, const char *format, ...)
{
	static char all[8][512];
	static unsigned next;
	char *path = all[next++ % 8];
	int length = snprintf(path, sizeof(all[0]), "%s/", post->folder);
	va_list args;

	va_start(args, format);
	vsnprintf(path + length, sizeof(all[0]) - (size_t)length, format, args);
	va_end(args);
	return path;
}

char *
post_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text;
	size_t length;

	if (file == NULL)
		return NULL;
	text = malloc(1 << 21);
	assert_non_null(text);
	length = fread(text, 1, (1 << 21) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

void
post_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

static int
post_walk(const char *path, char *name_r, size_t size)
{
	DIR *folder = opendir(path);
	struct dirent *one;
	int count = 0;

	if (folder == NULL)
		return -1;
	while ((one = readdir(folder)) != NULL)
		if (one->d_name[0] != '.') {
			count++;
			if (name_r != NULL)
				snprintf(name_r, size, "%s", one->d_name);
		}
	closedir(folder);
	return count;
}

int
post_files(const char *path)
{
	return post_walk(path, NULL, 0);
}

char *
post_only(const char *path)
{
	char name[256], *made;

	assert_int_equal(post_walk(path, name, sizeof(name)), 1);
	assert_int_not_equal(asprintf(&made, "%s/%s", path, name), -1);
	return made;
}
