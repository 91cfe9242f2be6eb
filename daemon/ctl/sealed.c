#include "daemon/ctl/sealed.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/ctl/keyfile.h"
#include "daemon/secret/sealed_fields.h"
#include "daemon/secret/sealed_form.h"
#include "daemon/secret/starter.h"
#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/serve.h"
#include "lib/base/hex.h"

/* Most envelopes, and what stands before them, are no longer. */
#define HEAD_MOST ((size_t)4096)

/* One who changes keys now and then has a few. */
#define KEYS_MAX 16

struct sealed_keys {
	struct sealing_opener *openers[KEYS_MAX];
	size_t count;
};

/* ---- keys ---- */

struct sealed_keys *
sealed_keys_new(void)
{
	return calloc(1, sizeof(struct sealed_keys));
}

void
sealed_keys_free(struct sealed_keys **keys_ref)
{
	struct sealed_keys *keys = *keys_ref;

	*keys_ref = NULL;
	if (keys == NULL)
		return;
	for (size_t i = 0; i < keys->count; i++)
		sealing_opener_free(&keys->openers[i]);
	free(keys);
	mail_apart_end();
	secret_starter_end();
}

/*
 * What is opened is read in a process apart, which is forked before there is a
 * key in the memory that it has a copy of.
 */
static void
keys_keep_from_mail(const struct sealed_keys *keys)
{
	if (keys->count == 0 && secret_starter_begin(NULL, NULL, mail_serve))
		mail_apart_use(secret_starter_start);
}

enum ctl_exit
sealed_keys_add(
    struct sealed_keys *keys, const struct ctl *ctl, const char *path)
{
	unsigned char seed[SECRET_KEY_SIZE];
	struct secret_key *key;
	enum ctl_exit code;

	if (keys->count == KEYS_MAX) {
		ctl_warn(ctl, "there are more than %d keys", KEYS_MAX);
		return CTL_USAGE;
	}
	keys_keep_from_mail(keys);
	key = keyfile_read(ctl, path, &code);
	if (key == NULL)
		return code;
	secret_key_derive(key, SECRET_KEY_MAIL, seed);
	secret_key_free(&key);
	keys->openers[keys->count] = sealing_opener_new(seed);
	explicit_bzero(seed, sizeof(seed));
	if (keys->openers[keys->count] == NULL)
		return ctl_no_memory(ctl);
	keys->count++;
	return CTL_OK;
}

const struct sealing_opener *
sealed_keys_opener(const struct sealed_keys *keys, size_t number)
{
	return number < keys->count ? keys->openers[number] : NULL;
}

/* The first one where none fits: it says what is wrong. */
static const struct sealing_opener *
keys_choose(const struct sealed_keys *keys, const unsigned char *recipient)
{
	for (size_t i = 0; i < keys->count; i++)
		if (memcmp(sealing_opener_recipient(keys->openers[i]),
			recipient, SEALING_RECIPIENT_SIZE) == 0)
			return keys->openers[i];
	return keys->openers[0];
}

/* ---- what an envelope says ---- */

static void
envelope_put_text(
    json_t *message, const char *name, const struct sealed_fields_reader *field)
{
	json_object_set_new(message, name,
	    json_any_text((const char *)field->bytes, field->length));
}

static void
envelope_put_digest(json_t *message, const struct sealed_fields_reader *field)
{
	char digest[2 * 64 + 1];

	if (field->length > 64)
		return;
	evpop_hex_encode(field->bytes, field->length, digest);
	field_text(message, "digest", digest);
}

static void
envelope_put(json_t *message, const struct sealed_fields_reader *field)
{
	switch (field->type) {
	case SEALED_DIGEST:
		envelope_put_digest(message, field);
		break;
	case SEALED_DATE:
		field_time(
		    message, "date", (int64_t)sealed_fields_number(field));
		break;
	case SEALED_FROM:
		envelope_put_text(message, "sender", field);
		break;
	case SEALED_TO:
		envelope_put_text(message, "recipients", field);
		break;
	case SEALED_CC:
		envelope_put_text(message, "cc", field);
		break;
	case SEALED_SUBJECT:
		envelope_put_text(message, "subject", field);
		break;
	case SEALED_HEADER_ID:
		envelope_put_text(message, "message_id", field);
		break;
	case SEALED_ATTACHMENTS:
		field_count(
		    message, "attachments", sealed_fields_number(field));
		break;
	case SEALED_TRANSCRIPT:
		envelope_put_text(message, "transcript", field);
		break;
	default:
		break;
	}
}

/* By what the message was known where it is from. */
static void
envelope_put_place(json_t *message, const struct sealed_fields_reader *field)
{
	switch (field->type) {
	case SEALED_ACCOUNT:
		envelope_put_text(message, "account", field);
		break;
	case SEALED_UNIQUE_ID:
		field_unique_id(message, field->bytes, field->length);
		break;
	case SEALED_OCTETS:
		field_count(message, "bytes", sealed_fields_number(field));
		break;
	default:
		break;
	}
}

/* ---- reading it ---- */

struct reading {
	const struct sealed_read *read;
	/* Whose key it needs is told by how it begins. */
	unsigned char begins[sizeof(SEALED_MAGIC) - 1 + SEALED_RECORD_HEAD +
			     SEALING_RECIPIENT_SIZE];
	size_t length;
	bool is_plain; /* it is not sealed */
	struct sealed_reader *reader;
	enum sealing_error error;
	/* What is wanted of it. */
	bool has_envelope, stops_there;
	client_sink sink; /* or NULL */
	void *sink_arg;
	bool has_stopped; /* the sink wants no more */
};

static bool
reading_envelope(void *arg, const unsigned char *bytes, size_t length)
{
	struct reading *reading = arg;
	const struct sealed_read *read = reading->read;
	struct sealed_fields_reader field = { .at = bytes, .left = length };

	reading->has_envelope = true;
	while (read->message != NULL && sealed_fields_next(&field)) {
		envelope_put(read->message, &field);
		if (read->puts_place)
			envelope_put_place(read->message, &field);
	}
	return true;
}

static bool
reading_bytes(void *arg, const unsigned char *bytes, size_t length)
{
	struct reading *reading = arg;

	if (reading->sink == NULL)
		return true;
	reading->has_stopped =
	    !reading->sink((const char *)bytes, length, reading->sink_arg);
	return !reading->has_stopped;
}

static bool
reading_feed(struct reading *reading, const char *bytes, size_t length)
{
	reading->error = sealed_reader_feed(reading->reader, bytes, length);
	return reading->error == SEALING_OK &&
	       !(reading->stops_there && reading->has_envelope);
}

/* Enough has come to tell what it is. */
static bool
reading_begin(struct reading *reading)
{
	static const struct sealed_sink sink = { reading_envelope,
		reading_bytes };

	reading->is_plain = !sealed_is_form(reading->begins, reading->length);
	if (reading->is_plain)
		return true;
	reading->reader =
	    sealed_reader_new(keys_choose(reading->read->keys,
				  reading->begins + sizeof(reading->begins) -
				      SEALING_RECIPIENT_SIZE),
		&sink, reading);
	if (reading->reader != NULL)
		return true;
	reading->error = SEALING_NO_MEMORY;
	return false;
}

static bool
reading_pass(struct reading *reading, const char *bytes, size_t length)
{
	if (!reading->is_plain)
		return reading_feed(reading, bytes, length);
	if (reading->stops_there)
		return false;
	return length == 0 ||
	       reading_bytes(reading, (const unsigned char *)bytes, length);
}

static bool
reading_has_begun(const struct reading *reading)
{
	return reading->is_plain || reading->reader != NULL;
}

static bool
reading_take(const char *bytes, size_t length, void *arg)
{
	struct reading *reading = arg;
	size_t taken = sizeof(reading->begins) - reading->length;

	if (reading_has_begun(reading))
		return reading_pass(reading, bytes, length);
	if (taken > length)
		taken = length;
	memcpy(reading->begins + reading->length, bytes, taken);
	reading->length += taken;
	if (reading->length < sizeof(reading->begins))
		return true;
	return reading_begin(reading) &&
	       reading_pass(
		   reading, (const char *)reading->begins, reading->length) &&
	       reading_pass(reading, bytes + taken, length - taken);
}

/* After the last byte. */
static bool
reading_finish(struct reading *reading)
{
	if (!reading_has_begun(reading)) {
		if (!reading_begin(reading) ||
		    !reading_pass(reading, (const char *)reading->begins,
			reading->length))
			return false;
	}
	if (!reading->is_plain)
		reading->error = sealed_reader_finish(reading->reader);
	return reading->error == SEALING_OK;
}

/* ---- what went wrong ---- */

static const char *
error_hint(enum sealing_error error)
{
	switch (error) {
	case SEALING_OTHER_KEY:
		return "where the key was changed, add the older one: --key "
		       "NEW "
		       "--key OLD";
	case SEALING_NO_MEMORY:
		return NULL;
	case SEALING_CUT:
		return "copy or export it again, whole";
	case SEALING_NOT_SEALED:
		return "sealed mail begins with a line \"evpop-sealed-1\"";
	default:
		return "somebody or a fault of the disk has changed it: take "
		       "it from a backup";
	}
}

static void
reading_fail(const struct reading *reading, struct client_error *error_r)
{
	enum ctl_exit code = CTL_DATA;

	if (reading->error == SEALING_NO_MEMORY)
		code = CTL_TEMPORARY;
	else if (reading->error == SEALING_OTHER_KEY)
		code = CTL_NO_PERMISSION;
	client_fail(error_r, code, error_hint(reading->error), "%s: %s",
	    reading->read->name, sealing_error_text(reading->error));
}

/* Whether all of it has come, from where it comes, and is right. */
static bool
reading_get(struct reading *reading, size_t most, struct client_error *error_r)
{
	const struct sealed_read *read = reading->read;
	bool has_all =
	    read->read(read->from, most, reading_take, reading, error_r);

	if (reading->stops_there &&
	    (reading->has_envelope || reading->is_plain))
		return true;
	if (reading->has_stopped) {
		client_fail(error_r, CTL_OK, NULL, "stopped");
		return false;
	}
	if (has_all && most == 0)
		has_all = reading_finish(reading);
	if (reading->error != SEALING_OK)
		reading_fail(reading, error_r);
	return has_all;
}

bool
sealed_read_bytes(const struct sealed_read *read, client_sink sink,
    void *sink_arg, struct client_error *error_r)
{
	struct reading reading = {
		.read = read, .sink = sink, .sink_arg = sink_arg
	};
	bool done = reading_get(&reading, 0, error_r);

	sealed_reader_free(&reading.reader);
	return done;
}

bool
sealed_read_envelope(
    const struct sealed_read *read, struct client_error *error_r)
{
	const struct reading fresh = { .read = read, .stops_there = true };
	struct reading reading = fresh;
	bool done = reading_get(&reading, HEAD_MOST, error_r);
	bool is_short = done && !reading.has_envelope && !reading.is_plain;

	sealed_reader_free(&reading.reader);
	if (!is_short)
		return done;
	reading = fresh;
	done = reading_get(&reading, 0, error_r);
	sealed_reader_free(&reading.reader);
	return done;
}
