#include "daemon/deliver/http_envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "daemon/config/target.h"
#include "daemon/control/field.h"
#include "daemon/deliver/parcel.h"
#include "daemon/store/mail/envelope.h"
#include "daemon/store/mail/header.h"

/* Where the rest is: paths of the control socket. */
static json_t *
http_links(int64_t message_id)
{
	static const char *const links[] = { "", "/raw", "/text", "/headers" };
	static const char *const names[] = { "message", "raw", "text",
		"headers" };
	json_t *json = json_object();
	char path[64];
	size_t i;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "/v1/messages/%" PRId64 "%s",
		    message_id, links[i]);
		field_text(json, names[i], path);
	}
	return json;
}

static void
http_text(json_t *json, const char *name, const char *text)
{
	field_text(json, name, text[0] != '\0' ? text : NULL);
}

/* rspamd's is the outermost line of that name. */
static void
http_spam(json_t *json, const struct config_target *target, const char *header,
    size_t length)
{
	struct mail_header_field field;
	json_t *status = json_null();

	if (target->rspamd != NULL &&
	    mail_header_first(header, length, "X-Spam-Status", &field))
		status = json_any_text(field.value + strspn(field.value, " "),
		    field.value_length - strspn(field.value, " "));
	field_value(json, "spam_status", status);
}

/* The names are those of a message in the API. */
static json_t *
http_data(const struct config_target *target, const struct parcel *parcel,
    const struct mail_envelope *envelope)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(parcel->message_id));
	field_text(json, "key", parcel->key);
	field_text(json, "target", target->name);
	field_text(json, "account", parcel->account);
	http_text(json, "deliver_to", parcel->recipient);
	http_text(json, "envelope_sender", parcel->sender);
	field_count(json, "bytes", parcel->octets - parcel->front_octets);
	field_time(json, "stored_at", parcel->stored_ms);
	field_time(json, "received_at", parcel->received_ms);
	field_date(json, envelope->has_date, envelope->date_ms);
	field_text(json, "sender", envelope->sender);
	field_text(json, "recipients", envelope->recipients);
	field_text(json, "cc", envelope->cc);
	field_text(json, "subject", envelope->subject);
	field_text(json, "message_id", envelope->header_id);
	field_value(json, "links", http_links(parcel->message_id));
	return json;
}

char *
http_envelope(const struct config_target *target, const struct parcel *parcel,
    const char *beginning, size_t length, int64_t sent_s)
{
	struct mail_envelope envelope;
	json_t *json, *data;
	char *text = NULL;
	size_t body, header = mail_header_split(beginning, length, &body);

	if (mail_envelope_read(beginning, header, NULL, &envelope)) {
		data = http_data(target, parcel, &envelope);
		http_spam(data, target, beginning, header);
		json = json_object();
		field_text(json, "type", "message.stored");
		field_time(json, "timestamp", sent_s * 1000);
		field_value(json, "data", data);
		text = json_dumps(json, JSON_COMPACT);
		json_decref(json);
	}
	mail_envelope_free(&envelope);
	return text;
}
