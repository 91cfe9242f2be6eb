#include "daemon/deliver/gmail_look.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/config/target.h"
#include "daemon/deliver/gmail_answer.h"
#include "daemon/deliver/gmail_path.h"
#include "daemon/deliver/parcel.h"
#include "daemon/store/mail/date.h"
#include "daemon/store/mail/header.h"

#define LOOK_FIELD "X-Evpop-Id"
/* Of a search by date: a day may have as many. */
#define LOOK_PAGES_MOST 50
/* Message-IDs that are longer are not looked for. */
#define LOOK_ID_MOST 300
/* Seconds by which dates are compared loosely. */
#define LOOK_SLACK_S 2
/* A message without a date has that of its import, or of its fetching. */
#define LOOK_UNDATED_S (INT64_C(24) * 3600)

/* ---- what is looked for ---- */

/* What is between the brackets; false where Gmail could not find it. */
static bool
look_read_id(const char *value, size_t length, const char **id_r, int *size_r)
{
	const char *open = memchr(value, '<', length), *close, *at;

	if (open == NULL)
		return false;
	open++;
	close = memchr(open, '>', length - (size_t)(open - value));
	if (close == NULL || close == open || close - open > LOOK_ID_MOST)
		return false;
	for (at = open; at < close; at++)
		if (*at <= ' ' || *at > '~' || strchr("\"(){}<\\", *at) != NULL)
			return false;
	*id_r = open;
	*size_r = (int)(close - open);
	return true;
}

void
gmail_look_line(const struct parcel *parcel, const char *header, size_t length,
    char line_r[GMAIL_LOOK_LINE])
{
	struct mail_header_field field;

	line_r[0] = '\0';
	if (!mail_header_first(header, length, "Message-ID", &field))
		snprintf(line_r, GMAIL_LOOK_LINE,
		    "Message-ID: <%s@evpop.invalid>\r\n", parcel->key);
}

static void
look_ask_by_date(struct gmail_look *look, const struct config_target *target,
    const struct parcel *parcel, const char *header, size_t length)
{
	struct mail_header_field field;
	int64_t date_ms, date_s;

	if (target->internal_date == CONFIG_INTERNAL_DATE_HEADER &&
	    mail_header_first(header, length, "Date", &field) &&
	    mail_date_read(field.value, field.value_length, &date_ms)) {
		date_s = date_ms / 1000;
		snprintf(look->query, sizeof(look->query),
		    "after:%" PRId64 " before:%" PRId64, date_s - LOOK_SLACK_S,
		    date_s + LOOK_SLACK_S);
	} else
		snprintf(look->query, sizeof(look->query), "after:%" PRId64,
		    parcel->stored_ms / 1000 - LOOK_UNDATED_S);
}

static void
look_list(struct gmail_look *look, struct gmail_link *link,
    const struct config_target *target)
{
	char path[GMAIL_PATH];

	look->is_listing = true;
	look->count = look->at = 0;
	look->pages++;
	gmail_path_search(target, look->query, look->page, path);
	gmail_link_get(link, path);
}

void
gmail_look_begin(struct gmail_look *look, struct gmail_link *link,
    const struct config_target *target, const struct parcel *parcel,
    const char *header, size_t length)
{
	struct mail_header_field field;
	const char *id;
	int size;

	*look = (struct gmail_look){ .is_listing = true };
	if (!mail_header_first(header, length, "Message-ID", &field))
		snprintf(look->query, sizeof(look->query),
		    "rfc822msgid:%s@evpop.invalid", parcel->key);
	else if (look_read_id(field.value, field.value_length, &id, &size))
		snprintf(look->query, sizeof(look->query), "rfc822msgid:%.*s",
		    size, id);
	else
		look_ask_by_date(look, target, parcel, header, length);
	look_list(look, link, target);
}

/* ---- what is found ---- */

static void
look_take_list(struct gmail_look *look, const json_t *json)
{
	const json_t *list = json_object_get(json, "messages");
	const char *id;
	size_t i;

	look->is_listing = false;
	for (i = 0; i < json_array_size(list) && look->count < GMAIL_LOOK_IDS;
	     i++) {
		id = gmail_answer_text(json_array_get(list, i), "id");
		if (id[0] != '\0' && strlen(id) < GMAIL_LOOK_ID)
			snprintf(
			    look->ids[look->count++], GMAIL_LOOK_ID, "%s", id);
	}
	snprintf(look->page, sizeof(look->page), "%s",
	    gmail_answer_text(json, "nextPageToken"));
}

static bool
look_is_it(const json_t *json, const struct parcel *parcel)
{
	const json_t *headers =
	    json_object_get(json_object_get(json, "payload"), "headers");
	size_t i;

	for (i = 0; i < json_array_size(headers); i++) {
		const json_t *header = json_array_get(headers, i);
		const char *value = gmail_answer_text(header, "value");

		value += strspn(value, " \t");
		if (strcasecmp(gmail_answer_text(header, "name"), LOOK_FIELD) ==
			0 &&
		    strncmp(value, parcel->key, strlen(parcel->key)) == 0 &&
		    value[strlen(parcel->key) +
			  strspn(value + strlen(parcel->key), " \t\r\n")] ==
			'\0')
			return true;
	}
	return false;
}

/* The next candidate, or the next page of them. */
static enum gmail_looked
look_go_on(struct gmail_look *look, struct gmail_link *link,
    const struct config_target *target)
{
	char path[GMAIL_PATH];

	if (look->at < look->count) {
		gmail_path_message(
		    target, look->ids[look->at], LOOK_FIELD, path);
		gmail_link_get(link, path);
		return GMAIL_LOOK_GOES_ON;
	}
	if (look->page[0] == '\0' || look->pages >= LOOK_PAGES_MOST)
		return GMAIL_LOOK_MISSED;
	look_list(look, link, target);
	return GMAIL_LOOK_GOES_ON;
}

enum gmail_looked
gmail_look_reply(struct gmail_look *look, struct gmail_link *link,
    const struct config_target *target, const struct parcel *parcel,
    const struct gmail_reply *reply)
{
	/* One of them may be gone by now. */
	bool is_gone = !look->is_listing && reply->status == 404;

	if (reply->outcome != CARRIED_DELIVERED && !is_gone)
		return GMAIL_LOOK_FAILED;
	if (look->is_listing)
		look_take_list(look, reply->json);
	else if (!is_gone && look_is_it(reply->json, parcel))
		return GMAIL_LOOK_FOUND;
	else
		look->at++;
	return look_go_on(look, link, target);
}
