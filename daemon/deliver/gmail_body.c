#include "daemon/deliver/gmail_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>
#include <jansson.h>

#include "lib/base/hex.h"

#define BOUNDARY_OCTETS 16

/* By random: no message can have it in it. */
static void
body_boundary(char boundary_r[2 * BOUNDARY_OCTETS + 1])
{
	unsigned char octets[BOUNDARY_OCTETS];

	evutil_secure_rng_get_bytes(octets, sizeof(octets));
	evpop_hex_encode(octets, sizeof(octets), boundary_r);
}

static char *
body_labels(const char *label, bool archived)
{
	json_t *ids = json_pack("[s]", "UNREAD"), *json;
	char *text;

	if (!archived)
		(void)json_array_append_new(ids, json_string("INBOX"));
	if (label != NULL)
		(void)json_array_append_new(ids, json_string(label));
	json = json_pack("{s:o}", "labelIds", ids);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

bool
gmail_body_make(
    struct gmail_body *body, const char *label, bool archived, const char *line)
{
	char boundary[2 * BOUNDARY_OCTETS + 1];
	char *labels = body_labels(label, archived);

	if (labels == NULL)
		return false;
	body_boundary(boundary);
	snprintf(body->type, sizeof(body->type),
	    "multipart/related; boundary=%s", boundary);
	snprintf(body->front, sizeof(body->front),
	    "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
	    "%.1024s\r\n--%s\r\nContent-Type: message/rfc822\r\n\r\n%.256s",
	    boundary, labels, boundary, line);
	snprintf(body->back, sizeof(body->back), "\r\n--%s--\r\n", boundary);
	free(labels);
	return true;
}
