#include "daemon/deliver/gmail_path.h"

#include <stdio.h>
#include <string.h>

#include "daemon/config/target.h"
#include "lib/base/url.h"

/* A text in a path or a query, three characters for each octet. */
#define PATH_QUOTED 2048

/* What does not fit is cut off. */
static const char *
path_quote(const char *text, char quoted[PATH_QUOTED])
{
	size_t at = 0;

	for (; *text != '\0' && at + 4 <= PATH_QUOTED; text++)
		at += evpop_url_quote(*text, quoted + at);
	quoted[at] = '\0';
	return quoted;
}

/* "me" is whose token it is. */
static const char *
path_user(const struct config_target *target, char quoted[PATH_QUOTED])
{
	return path_quote(target->user != NULL ? target->user : "me", quoted);
}

void
gmail_path_profile(const struct config_target *target, char path_r[GMAIL_PATH])
{
	char user[PATH_QUOTED];

	snprintf(path_r, GMAIL_PATH, "/gmail/v1/users/%.1500s/profile",
	    path_user(target, user));
}

void
gmail_path_labels(const struct config_target *target, char path_r[GMAIL_PATH])
{
	char user[PATH_QUOTED];

	snprintf(path_r, GMAIL_PATH,
	    "/gmail/v1/users/%.1500s/labels?fields=labels(id,name)",
	    path_user(target, user));
}

void
gmail_path_new_label(
    const struct config_target *target, char path_r[GMAIL_PATH])
{
	char user[PATH_QUOTED];

	snprintf(path_r, GMAIL_PATH, "/gmail/v1/users/%.1500s/labels?fields=id",
	    path_user(target, user));
}

void
gmail_path_import(const struct config_target *target, char path_r[GMAIL_PATH])
{
	char user[PATH_QUOTED];

	snprintf(path_r, GMAIL_PATH,
	    "/upload/gmail/v1/users/%.1500s/messages/import"
	    "?uploadType=multipart&internalDateSource=%s&neverMarkSpam=%s"
	    "&fields=id,labelIds",
	    path_user(target, user),
	    target->internal_date == CONFIG_INTERNAL_DATE_RECEIVED
		? "receivedTime"
		: "dateHeader",
	    target->never_mark_spam ? "true" : "false");
}

void
gmail_path_search(const struct config_target *target, const char *query,
    const char *page, char path_r[GMAIL_PATH])
{
	char user[PATH_QUOTED], q[PATH_QUOTED], token[PATH_QUOTED];

	snprintf(path_r, GMAIL_PATH,
	    "/gmail/v1/users/%.1000s/messages?includeSpamTrash=true"
	    "&maxResults=100&fields=messages(id),nextPageToken&q=%s%s%.500s",
	    path_user(target, user), path_quote(query, q),
	    page[0] != '\0' ? "&pageToken=" : "", path_quote(page, token));
}

void
gmail_path_message(const struct config_target *target, const char *id,
    const char *field, char path_r[GMAIL_PATH])
{
	char user[PATH_QUOTED], quoted[PATH_QUOTED];

	snprintf(path_r, GMAIL_PATH,
	    "/gmail/v1/users/%.1500s/messages/%.300s?format=metadata"
	    "&metadataHeaders=%s&fields=id,payload(headers)",
	    path_user(target, user), path_quote(id, quoted), field);
}

void
gmail_path_place(const char *id, char place_r[GMAIL_PLACE])
{
	char quoted[PATH_QUOTED];

	snprintf(place_r, GMAIL_PLACE,
	    "https://mail.google.com/mail/#all/%.64s", path_quote(id, quoted));
}
