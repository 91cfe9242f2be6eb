#include "daemon/deliver/gmail_label.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/deliver/gmail_answer.h"
#include "daemon/deliver/gmail_path.h"
#include "lib/base/array.h"

/* As many accounts may have one of their own; then they are looked up anew. */
#define LABELS_MOST 1000

/* They have some twenty characters; the request has room for so many. */
#define LABELS_ID_MOST 128

struct gmail_label {
	char *name, *id;
};

struct gmail_labels {
	struct gmail_label *known;
	size_t count, capacity;
	const char *wanted;
	bool is_making, was_made;
};

struct gmail_labels *
gmail_labels_new(void)
{
	return calloc(1, sizeof(struct gmail_labels));
}

void
gmail_labels_forget(struct gmail_labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		free(labels->known[i].name);
		free(labels->known[i].id);
	}
	labels->count = 0;
}

void
gmail_labels_free(struct gmail_labels **labels_p)
{
	struct gmail_labels *labels = *labels_p;

	*labels_p = NULL;
	if (labels == NULL)
		return;
	gmail_labels_forget(labels);
	free(labels->known);
	free(labels);
}

const char *
gmail_labels_find(const struct gmail_labels *labels, const char *name)
{
	for (size_t i = 0; i < labels->count; i++)
		if (strcmp(labels->known[i].name, name) == 0)
			return labels->known[i].id;
	return NULL;
}

/* False without memory. */
static bool
labels_keep(struct gmail_labels *labels, const char *id)
{
	struct gmail_label *known;
	struct gmail_label label;

	if (labels->count >= LABELS_MOST)
		gmail_labels_forget(labels);
	known = evpop_array_grow(
	    labels->known, labels->count, &labels->capacity, sizeof(*known));
	if (known == NULL)
		return false;
	labels->known = known;
	label = (struct gmail_label){ strdup(labels->wanted), strdup(id) };
	if (label.name == NULL || label.id == NULL) {
		free(label.name);
		free(label.id);
		return false;
	}
	known[labels->count++] = label;
	return true;
}

/* "" where there is none that can be used. */
static const char *
labels_id(const json_t *json)
{
	const char *id = gmail_answer_text(json, "id");

	return strlen(id) <= LABELS_ID_MOST ? id : "";
}

/* Gmail has none twice that differ in case alone. */
static const char *
labels_search(const struct gmail_labels *labels, const json_t *json)
{
	const json_t *list = json_object_get(json, "labels");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *label = json_array_get(list, i);

		if (strcasecmp(
			gmail_answer_text(label, "name"), labels->wanted) == 0)
			return labels_id(label);
	}
	return "";
}

static void
labels_list(struct gmail_labels *labels, struct gmail_link *link,
    const struct config_target *target)
{
	char path[GMAIL_PATH];

	labels->is_making = false;
	gmail_path_labels(target, path);
	gmail_link_get(link, path);
}

static void
labels_make(struct gmail_labels *labels, struct gmail_link *link,
    const struct config_target *target)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "name", labels->wanted,
	    "labelListVisibility", "labelShow", "messageListVisibility",
	    "show");
	char path[GMAIL_PATH];

	labels->is_making = labels->was_made = true;
	gmail_path_new_label(target, path);
	gmail_link_post_json(link, path, json);
	json_decref(json);
}

void
gmail_labels_ask(struct gmail_labels *labels, struct gmail_link *link,
    const struct config_target *target, const char *name)
{
	labels->wanted = name;
	labels->was_made = false;
	labels_list(labels, link, target);
}

enum gmail_labelled
gmail_labels_reply(struct gmail_labels *labels, struct gmail_link *link,
    const struct config_target *target, const struct gmail_reply *reply)
{
	const char *id;

	/* Another connection has made it meanwhile. */
	if (labels->is_making && reply->status == 409) {
		labels_list(labels, link, target);
		return GMAIL_LABEL_GOES_ON;
	}
	if (reply->outcome != CARRIED_DELIVERED)
		return GMAIL_LABEL_FAILED;
	id = labels->is_making ? labels_id(reply->json)
			       : labels_search(labels, reply->json);
	if (id[0] != '\0' && labels_keep(labels, id))
		return GMAIL_LABEL_KNOWN;
	if (labels->was_made)
		return GMAIL_LABEL_FAILED;
	labels_make(labels, link, target);
	return GMAIL_LABEL_GOES_ON;
}
