#include "daemon/ctl/target.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/url.h"

static void
target_append(struct target *target, const char *text, size_t length)
{
	if (length >= TARGET_SIZE - target->length) {
		target->flaw = TARGET_CUT;
		return;
	}
	memcpy(target->text + target->length, text, length);
	target->length += length;
	target->text[target->length] = '\0';
}

static void
target_encode(struct target *target, const char *text)
{
	char quoted[3];

	for (; *text != '\0'; text++)
		target_append(target, quoted, evpop_url_quote(*text, quoted));
}

/* One that does not fit has made the text too long, too. */
static void
target_keep(struct target *target, const char *name, const char *value)
{
	size_t size = strlen(value) + 1;

	if (target->count == TARGET_VALUES ||
	    size > TARGET_SIZE - target->given_length) {
		target->flaw = TARGET_CUT;
		return;
	}
	target->values[target->count].name = name;
	target->values[target->count++].at = target->given_length;
	memcpy(target->given + target->given_length, value, size);
	target->given_length += size;
}

void
target_begin(struct target *target_r, const char *pattern, const char *name)
{
	size_t before = strcspn(pattern, "*");

	target_r->length = target_r->given_length = target_r->count = 0;
	target_r->has_query = false;
	target_r->flaw = TARGET_SOUND;
	target_r->pattern = pattern;
	target_append(target_r, pattern, before);
	if (pattern[before] == '\0')
		return;
	if (*name == '\0')
		target_r->flaw = TARGET_UNNAMED;
	target_keep(target_r, "*", name);
	target_encode(target_r, name);
	pattern += before + 1;
	target_append(target_r, pattern, strlen(pattern));
}

void
target_segment(struct target *target, const char *segment)
{
	target_keep(target, "/", segment);
	target_append(target, "/", 1);
	target_encode(target, segment);
}

void
target_parameter(struct target *target, const char *name, const char *value)
{
	if (value == NULL)
		return;
	target_keep(target, name, value);
	target_append(target, target->has_query ? "&" : "?", 1);
	target->has_query = true;
	target_append(target, name, strlen(name));
	target_append(target, "=", 1);
	target_encode(target, value);
}

bool
target_is(const struct target *target, const char *pattern)
{
	return strcmp(target->pattern, pattern) == 0;
}

const char *
target_value(const struct target *target, const char *name)
{
	for (size_t i = target->count; i-- > 0;)
		if (strcmp(target->values[i].name, name) == 0)
			return target->given + target->values[i].at;
	return NULL;
}

const char *
target_name(const struct target *target)
{
	return target_value(target, "*");
}

const char *
target_last_segment(const struct target *target)
{
	return target_value(target, "/");
}
