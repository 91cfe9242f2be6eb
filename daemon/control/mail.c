#include "daemon/control/mail.h"

#include "daemon/control/field.h"

json_t *
hold_json(int64_t since_ms, const char *who, const char *reason)
{
	json_t *json = json_object();

	field_time(json, "since", since_ms);
	field_text(json, "by", who);
	field_text(json, "reason", reason);
	return json;
}

json_t *
message_json(const struct store_message_row *row)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_text(json, "account", row->account);
	field_unique_id(json, row->unique_id, row->unique_id_length);
	field_count(json, "bytes", row->octets);
	field_text(json, "digest", row->digest);
	field_time(json, "stored_at", row->stored_ms);
	field_date(json, row->has_date, row->date_ms);
	field_text(json, "sender", row->sender);
	field_text(json, "recipients", row->recipients);
	field_text(json, "cc", row->cc);
	field_text(json, "subject", row->subject);
	field_text(json, "message_id", row->message_header_id);
	/* How many a sealed message has only its reader knows. */
	if (row->is_sealed)
		field_value(json, "attachments", json_null());
	else
		field_count(json, "attachments", row->attachments);
	field_value(json, "cut", json_boolean(row->is_cut));
	field_value(json, "sealed", json_boolean(row->is_sealed));
	field_value(json, "hold",
	    row->held_since_ms != 0
		? hold_json(row->held_since_ms, row->held_by, row->held_reason)
		: json_null());
	return json;
}

json_t *
part_json(const struct store_part_row *part)
{
	static const char *const dispositions[] = {
		[STORE_DISPOSITION_NONE] = NULL,
		[STORE_DISPOSITION_INLINE] = "inline",
		[STORE_DISPOSITION_ATTACHMENT] = "attachment",
	};
	json_t *json = json_object();

	field_count(json, "number", part->number);
	field_value(json, "within",
	    part->within != 0 ? json_integer(part->within) : json_null());
	field_text(json, "type", part->type);
	field_text(json, "charset", part->charset);
	field_text(json, "name", part->name);
	field_text(json, "disposition", dispositions[part->disposition]);
	field_value(json, "attached", json_boolean(part->is_attached));
	field_count(json, "bytes", part->octets);
	field_text(json, "digest", part->digest);
	return json;
}

json_t *
header_json(const struct store_field_row *field)
{
	json_t *json = json_object();

	field_text(json, "name", field->name);
	field_text(json, "value", field->value);
	return json;
}

json_t *
snippet_json(const struct store_snippet *snippet)
{
	json_t *json = json_object(), *hits = json_array();

	for (size_t i = 0; i < snippet->hit_count; i++) {
		json_t *hit = json_object();

		field_count(hit, "start", snippet->hits[i].start);
		field_count(hit, "length", snippet->hits[i].length);
		(void)json_array_append_new(hits, hit);
	}
	field_text(json, "text", snippet->text);
	field_value(json, "hits", hits);
	return json;
}
