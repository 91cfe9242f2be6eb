#include "daemon/ctl/attachment.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/raw.h"
#include "daemon/ctl/text.h"
#include "lib/base/unit.h"

#define PATH_SIZE 4096
/* File systems allow 255 octets; some are left to tell two from each other. */
#define NAME_LENGTH ((size_t)200)

bool
attachment_is_one(const json_t *part)
{
	const char *type = ctl_text(part, "type");

	if (json_is_true(ctl_member(part, "attached")) ||
	    ctl_text(part, "name") != NULL)
		return true;
	return strncmp(type, "text/", 5) != 0 &&
	       strncmp(type, "message/", 8) != 0;
}

enum ctl_exit
attachment_find(const struct ctl *ctl, const json_t *message,
    const char *number, const json_t **part_r)
{
	const json_t *parts = ctl_member(message, "parts");
	char *end;
	unsigned long long wanted = strtoull(number, &end, 10);

	for (size_t i = 0; i < json_array_size(parts); i++) {
		*part_r = json_array_get(parts, i);
		if (*number != '\0' && *end == '\0' &&
		    ctl_count(*part_r, "number") == wanted)
			return CTL_OK;
	}
	ctl_warn(ctl, "message %llu has no part \"%s\"",
	    (unsigned long long)ctl_count(message, "id"), number);
	if (json_is_null(parts))
		ctl_hint(ctl, "its bytes are damaged");
	else if (json_array_size(parts) == 1)
		ctl_hint(ctl, "it has one, which is 1");
	else
		ctl_hint(ctl, "\"evpopctl show --details ID\" lists them");
	return CTL_NOT_FOUND;
}

/* ---- names ---- */

/* What no name may begin with: hidden files, options. */
static bool
attachment_is_bad_first(char c)
{
	return c != '\0' && strchr(".-~ /\\", c) != NULL;
}

/* Windows takes these for devices, whatever follows a point. */
static bool
attachment_is_device(const char *name)
{
	static const char *const devices[] = { "con", "prn", "aux", "nul",
		"com", "lpt" };
	size_t length = strcspn(name, ".");
	bool is_numbered;

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		is_numbered = devices[i][0] == 'l' || devices[i][2] == 'm';
		if (length == (is_numbered ? 4 : 3) &&
		    strncasecmp(name, devices[i], 3) == 0 &&
		    (!is_numbered || (name[3] >= '0' && name[3] <= '9')))
			return true;
	}
	return false;
}

void
attachment_name(const char *name, char name_r[ATTACHMENT_NAME_SIZE])
{
	size_t length = 0;
	const char *last = name;
	char *clean;

	name_r[0] = '\0';
	for (const char *at = name; *at != '\0'; at++)
		if ((*at == '/' || *at == '\\') && at[1] != '\0')
			last = at + 1;
	while (attachment_is_bad_first(*last))
		last++;
	clean = text_clean(last, TEXT_ONE_LINE);
	if (clean == NULL)
		return;
	for (const char *at = clean; *at != '\0' && length < NAME_LENGTH; at++)
		name_r[length++] =
		    strchr("/\\?*:|\"<>", *at) != NULL ? '_' : *at;
	/* Not in the middle of a character. */
	while (length == NAME_LENGTH &&
	       ((unsigned char)name_r[length - 1] & 0x80) != 0)
		length--;
	while (length > 0 &&
	       (name_r[length - 1] == ' ' || name_r[length - 1] == '.'))
		length--;
	name_r[length] = '\0';
	if (attachment_is_device(name_r)) {
		memmove(name_r + 1, name_r, length + 1);
		name_r[0] = '_';
	}
	free(clean);
}

static const char *
attachment_ending(const char *type)
{
	static const struct {
		const char *type, *ending;
	} endings[] = { { "text/plain", ".txt" }, { "text/html", ".html" },
		{ "text/calendar", ".ics" }, { "message/", ".eml" },
		{ "application/pdf", ".pdf" }, { "image/jpeg", ".jpg" },
		{ "image/png", ".png" }, { "image/gif", ".gif" },
		{ "application/pgp-signature", ".asc" },
		{ "application/pkcs7-signature", ".p7s" } };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strncmp(type, endings[i].type, strlen(endings[i].type)) ==
		    0)
			return endings[i].ending;
	return ".bin";
}

/* Its own name, or one from its number; never that of another one. */
static void
attachment_choose(const json_t *message, const json_t *part,
    char name_r[ATTACHMENT_NAME_SIZE])
{
	const char *name = ctl_text(part, "name"), *point;
	const json_t *parts = ctl_member(message, "parts");
	uint64_t number = ctl_count(part, "number");
	char other[ATTACHMENT_NAME_SIZE], ending[ATTACHMENT_NAME_SIZE];

	name_r[0] = '\0';
	if (name != NULL)
		attachment_name(name, name_r);
	if (name_r[0] == '\0') {
		snprintf(name_r, ATTACHMENT_NAME_SIZE, "part-%llu%s",
		    (unsigned long long)number,
		    attachment_ending(ctl_text(part, "type")));
		return;
	}
	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *before = json_array_get(parts, i);

		if (ctl_count(before, "number") >= number)
			return;
		if (ctl_text(before, "name") == NULL)
			continue;
		attachment_name(ctl_text(before, "name"), other);
		if (strcmp(other, name_r) != 0)
			continue;
		point = strrchr(name_r, '.');
		if (point == NULL || point == name_r)
			point = name_r + strlen(name_r);
		snprintf(ending, sizeof(ending), "%s", point);
		snprintf(name_r + (point - name_r),
		    ATTACHMENT_NAME_SIZE - (size_t)(point - name_r), "-%llu%s",
		    (unsigned long long)number, ending);
		return;
	}
}

/* ---- saving ---- */

static bool
attachment_is_folder(const char *path)
{
	struct stat status;

	return path[strlen(path) - 1] == '/' ||
	       (stat(path, &status) == 0 && S_ISDIR(status.st_mode));
}

static enum ctl_exit
attachment_save_one(const struct ctl *ctl, const struct invocation *invocation,
    const json_t *message, const json_t *part)
{
	const char *output = command_value(invocation, "output");
	char name[ATTACHMENT_NAME_SIZE], path[PATH_SIZE], number[24];
	char size[EVPOP_UNIT_SIZE];
	struct target target;
	enum ctl_exit code;

	attachment_choose(message, part, name);
	if (output == NULL || *output == '\0')
		snprintf(path, sizeof(path), "%s", name);
	else if (attachment_is_folder(output))
		snprintf(path, sizeof(path), "%s%s%s", output,
		    output[strlen(output) - 1] == '/' ? "" : "/", name);
	else
		snprintf(path, sizeof(path), "%s", output);
	snprintf(number, sizeof(number), "%llu",
	    (unsigned long long)ctl_count(part, "number"));
	target_begin(&target, "/v1/messages/*/parts", invocation->arguments[0]);
	target_segment(&target, number);
	code = raw_save(ctl, &target, path, command_given(invocation, "force"));
	if (code == CTL_OK)
		fprintf(ctl->out, "%s (%s)\n", path,
		    evpop_unit_size(ctl_count(part, "bytes"), size));
	return code;
}

static enum ctl_exit
attachment_save_all(const struct ctl *ctl, const struct invocation *invocation,
    const json_t *message)
{
	const json_t *parts = ctl_member(message, "parts");
	const char *output = command_value(invocation, "output");
	enum ctl_exit code = CTL_OK;
	size_t saved = 0;

	if (output != NULL && *output != '\0' &&
	    !attachment_is_folder(output)) {
		ctl_warn(ctl, "%s: not a folder, which --attachment all needs",
		    output);
		return CTL_USAGE;
	}
	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);

		if (!attachment_is_one(part))
			continue;
		saved++;
		ctl_keep_first(
		    &code, attachment_save_one(ctl, invocation, message, part));
	}
	if (saved > 0)
		return code;
	ctl_warn(ctl, "message %llu has no attachment",
	    (unsigned long long)ctl_count(message, "id"));
	return CTL_NOT_FOUND;
}

enum ctl_exit
attachment_save(const struct ctl *ctl, const struct invocation *invocation,
    const json_t *message)
{
	const char *number = command_value(invocation, "attachment");
	const json_t *part;
	enum ctl_exit code;

	if (strcmp(number, "all") == 0)
		return attachment_save_all(ctl, invocation, message);
	code = attachment_find(ctl, message, number, &part);
	return code != CTL_OK
		   ? code
		   : attachment_save_one(ctl, invocation, message, part);
}
