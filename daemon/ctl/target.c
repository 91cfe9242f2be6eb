#include "daemon/ctl/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
append(struct target *target, const char *text, size_t length)
{
	char *longer;

	if (target->text == NULL)
		return;
	longer = realloc(target->text, target->length + length + 1);
	if (longer == NULL) {
		free(target->text);
		target->text = NULL;
		return;
	}
	memcpy(longer + target->length, text, length);
	target->length += length;
	longer[target->length] = '\0';
	target->text = longer;
}

/* RFC 3986 section 2.3: what may stand for itself. */
static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~", c) != NULL);
}

static void
append_encoded(struct target *target, const char *text)
{
	char encoded[4];

	for (; *text != '\0'; text++) {
		if (is_unreserved(*text)) {
			append(target, text, 1);
			continue;
		}
		snprintf(
		    encoded, sizeof(encoded), "%%%02X", (unsigned char)*text);
		append(target, encoded, 3);
	}
}

void
target_begin(struct target *target_r, const char *path)
{
	memset(target_r, 0, sizeof(*target_r));
	target_r->text = strdup(path);
	target_r->length = strlen(path);
}

void
target_segment(struct target *target, const char *name)
{
	append_encoded(target, name);
}

void
target_path(struct target *target, const char *path)
{
	append(target, path, strlen(path));
}

void
target_parameter(struct target *target, const char *name, const char *value)
{
	if (value == NULL)
		return;
	append(target, target->has_query ? "&" : "?", 1);
	target->has_query = true;
	append(target, name, strlen(name));
	append(target, "=", 1);
	append_encoded(target, value);
}

void
target_free(struct target *target)
{
	free(target->text);
	memset(target, 0, sizeof(*target));
}
