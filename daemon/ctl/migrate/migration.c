#include "daemon/ctl/migrate/migration.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/array.h"
#include "lib/base/text.h"

/* A million unique-ids are no more. */
#define FILE_MOST ((size_t)256 << 20)

/* A note names no more of the accounts that it is about. */
#define NAMES_MOST 8

/* What a section's name may be, with a number behind it. */
#define NAME_MOST 64

void
migration_begin(
    struct migration *migration, const char *program, const char *home)
{
	memset(migration, 0, sizeof(*migration));
	STAILQ_INIT(&migration->accounts);
	STAILQ_INIT(&migration->targets);
	STAILQ_INIT(&migration->notes);
	migration->program = program;
	migration->home = home;
}

void
migration_end(struct migration *migration)
{
	struct migration_section *account;

	STAILQ_FOREACH(account, &migration->accounts, next)
		free(account->ids);
	evpop_arena_free(&migration->arena);
}

/* ---- texts ---- */

void *
migration_take(struct migration *migration, size_t size)
{
	void *taken = evpop_arena_take(&migration->arena, size);

	migration->has_no_memory |= taken == NULL;
	return taken;
}

/* What readers shorten in place is no constant. */
static char *
migration_nothing(struct migration *migration)
{
	migration->has_no_memory = true;
	migration->empty[0] = '\0';
	return migration->empty;
}

char *
migration_copy(struct migration *migration, const char *bytes, size_t length)
{
	char *copy = evpop_arena_copy(&migration->arena, bytes, length);

	return copy != NULL ? copy : migration_nothing(migration);
}

static char *migration_format(struct migration *migration, const char *format,
    va_list arguments) __attribute__((format(printf, 2, 0)));
static char *
migration_format(
    struct migration *migration, const char *format, va_list arguments)
{
	char *copy, *text;
	int length = vasprintf(&text, format, arguments);

	if (length < 0)
		return migration_nothing(migration);
	copy = migration_copy(migration, text, (size_t)length);
	explicit_bzero(text, (size_t)length);
	free(text);
	return copy;
}

char *
migration_text(struct migration *migration, const char *format, ...)
{
	char *text;
	va_list arguments;

	va_start(arguments, format);
	text = migration_format(migration, format, arguments);
	va_end(arguments);
	return text;
}

const char *
migration_path(struct migration *migration, const char *path)
{
	char folder[PATH_MAX];

	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
		return migration_text(
		    migration, "%s%s", migration->home, path + 1);
	if (strncmp(path, "$HOME/", 6) == 0)
		return migration_text(
		    migration, "%s%s", migration->home, path + 5);
	if (path[0] == '/' || getcwd(folder, sizeof(folder)) == NULL)
		return migration_copy(migration, path, strlen(path));
	return migration_text(migration, "%s/%s", folder, path);
}

/* ---- sections ---- */

static struct migration_section *
migration_find(const struct migration_sections *sections, const char *name)
{
	struct migration_section *section;

	STAILQ_FOREACH(section, sections, next)
		if (strcmp(section->name, name) == 0)
			return section;
	return NULL;
}

static struct migration_section *
migration_new_section(struct migration *migration, const char *name)
{
	struct migration_section *section =
	    migration_take(migration, sizeof(*section));

	if (section == NULL)
		return NULL;
	STAILQ_INIT(&section->pairs);
	section->name = name;
	return section;
}

/* Give it a name that is free, and a place behind the others. */
static void
migration_add_section(struct migration *migration,
    struct migration_sections *sections, struct migration_section *section)
{
	const char *name = section->name;
	enum migration_taken taken = MIGRATION_FREE;

	for (unsigned i = 2;; i++) {
		if (migration->taken != NULL)
			taken = migration->taken(migration->taken_arg, section,
			    sections == &migration->targets);
		if (taken == MIGRATION_SAME ||
		    (taken == MIGRATION_FREE &&
			migration_find(sections, section->name) == NULL))
			break;
		section->name = migration_text(migration, "%s-%u", name, i);
	}
	section->is_known = taken == MIGRATION_SAME;
	STAILQ_INSERT_TAIL(sections, section, next);
}

/* Nothing that means more than itself in a section's line, or to a shell. */
static const char *
migration_name(struct migration *migration, const char *text)
{
	static const char others[] = "[]\"'*?{},;#:/\\";
	char name[NAME_MOST + 1];
	size_t length = 0;

	for (; *text != '\0' && length < NAME_MOST; text++)
		name[length++] = (unsigned char)*text <= ' ' || *text == 0x7f ||
					 strchr(others, *text) != NULL
				     ? '-'
				     : *text;
	return length > 0 ? migration_copy(migration, name, length)
			  : migration->program;
}

/* ---- keys ---- */

static struct migration_pair *
migration_find_pair(const struct migration_section *section, const char *key)
{
	struct migration_pair *pair;

	STAILQ_FOREACH(pair, &section->pairs, next)
		if (strcmp(pair->key, key) == 0)
			return pair;
	return NULL;
}

const char *
migration_get(const struct migration_section *section, const char *key)
{
	const struct migration_pair *pair = migration_find_pair(section, key);

	return pair != NULL ? pair->value : NULL;
}

void
migration_set(struct migration *migration, struct migration_section *section,
    const char *key, const char *value)
{
	struct migration_pair *pair = migration_find_pair(section, key);

	if (value == NULL)
		return;
	/* It would be another line, which may say anything. */
	if (value[strcspn(value, "\r\n")] != '\0') {
		migration_note(migration, section,
		    "%s: no value can have the end of a line in it", key);
		return;
	}
	if (pair == NULL) {
		pair = migration_take(migration, sizeof(*pair));
		if (pair == NULL)
			return;
		pair->key = key;
		STAILQ_INSERT_TAIL(&section->pairs, pair, next);
	}
	pair->value = migration_copy(migration, value, strlen(value));
}

/* ---- accounts ---- */

static const struct migration_section *
migration_find_twin(const struct migration *migration, const char *host,
    const char *port, const char *user)
{
	const struct migration_section *account;

	STAILQ_FOREACH(account, &migration->accounts, next)
		if (strcasecmp(migration_get(account, "host"), host) == 0 &&
		    evpop_text_equal(migration_get(account, "port"), port) &&
		    strcmp(migration_get(account, "user"), user) == 0)
			return account;
	return NULL;
}

struct migration_section *
migration_account(struct migration *migration, const char *name,
    const char *host, const char *port, const char *user)
{
	const struct migration_section *twin =
	    migration_find_twin(migration, host, port, user);
	struct migration_section *account;

	name = migration_name(migration, name);
	if (migration->only != NULL && strcmp(migration->only, name) != 0)
		return NULL;
	if (twin != NULL) {
		migration_note(migration, NULL,
		    "%s: it is the same maildrop as %s", name, twin->name);
		return NULL;
	}
	account = migration_new_section(migration, name);
	if (account == NULL)
		return NULL;
	migration_set(migration, account, "host", host);
	migration_set(migration, account, "port", port);
	migration_set(migration, account, "user", user);
	migration_add_section(migration, &migration->accounts, account);
	migration->account_count++;
	return account;
}

/* ---- targets ---- */

static bool
migration_has(
    const struct migration_section *section, const char *key, const char *value)
{
	const char *has = migration_get(section, key);

	return has != NULL && strcmp(has, value) == 0;
}

static bool
migration_has_keys(const struct migration_section *target, const char *type,
    const char *const *keys)
{
	if (!migration_has(target, "type", type))
		return false;
	for (; *keys != NULL; keys += 2)
		if (!migration_has(target, keys[0], keys[1]))
			return false;
	return true;
}

static const struct migration_section *
migration_target(
    struct migration *migration, const char *type, const char *const *keys)
{
	struct migration_section *target;

	STAILQ_FOREACH(target, &migration->targets, next)
		if (migration_has_keys(target, type, keys))
			return target;
	target = migration_new_section(migration,
	    migration_text(migration, "%s-%s", migration->program, type));
	if (target == NULL)
		return NULL;
	migration_set(migration, target, "type", type);
	for (; *keys != NULL; keys += 2)
		migration_set(migration, target, keys[0], keys[1]);
	migration_add_section(migration, &migration->targets, target);
	return target;
}

/* Whether a list has the name of this target already. */
static bool
migration_delivers(const char *list, const char *name)
{
	size_t length;

	for (; list != NULL; list = *list == ',' ? list + 2 : NULL) {
		length = strcspn(list, ",");
		if (strlen(name) == length && strncmp(list, name, length) == 0)
			return true;
		list += length;
	}
	return false;
}

void
migration_deliver(struct migration *migration,
    struct migration_section *account, const char *type,
    const char *const *keys)
{
	const struct migration_section *target =
	    migration_target(migration, type, keys);
	const char *before = migration_get(account, "deliver");

	if (target == NULL || migration_delivers(before, target->name))
		return;
	migration_set(migration, account, "deliver",
	    before == NULL
		? target->name
		: migration_text(migration, "%s, %s", before, target->name));
}

const char *
migration_secret_file(struct migration *migration,
    const struct migration_section *account, const char *kind)
{
	return migration_text(
	    migration, "/etc/evpopd/%s.%s", account->name, kind);
}

/* ---- unique-ids ---- */

void
migration_add_id(struct migration *migration, struct migration_section *account,
    const char *bytes, size_t length)
{
	struct migration_id *ids = evpop_array_grow(
	    account->ids, account->id_count, &account->id_room, sizeof(*ids));

	if (ids == NULL) {
		migration->has_no_memory = true;
		return;
	}
	account->ids = ids;
	ids[account->id_count++] =
	    (struct migration_id){ migration_copy(migration, bytes, length),
		    length };
}

void
migration_add_other_id(struct migration *migration,
    struct migration_section *account, const char *id)
{
	migration_add_id(migration, account, id, strlen(id));
	account->other_count++;
}

/* ---- notes ---- */

void
migration_note(struct migration *migration,
    const struct migration_section *account, const char *format, ...)
{
	struct migration_note *note = migration_take(migration, sizeof(*note));
	char *text;
	va_list arguments;

	if (note == NULL)
		return;
	va_start(arguments, format);
	text = migration_format(migration, format, arguments);
	va_end(arguments);
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	note->text = text;
	note->account = account;
	STAILQ_INSERT_TAIL(&migration->notes, note, next);
}

/* Whether it stands before this one already, of another account. */
static bool
migration_is_noted(
    const struct migration *migration, const struct migration_note *note)
{
	const struct migration_note *before;

	STAILQ_FOREACH(before, &migration->notes, next) {
		if (before == note)
			return false;
		if (note->account != NULL && before->account != NULL &&
		    strcmp(before->text, note->text) == 0)
			return true;
	}
	return false;
}

static void
migration_write_note(const struct migration_note *note, FILE *out)
{
	const struct migration_note *other = note;
	unsigned count = 0;

	for (; note->account != NULL && other != NULL;
	     other = STAILQ_NEXT(other, next))
		if (other->account != NULL &&
		    strcmp(other->text, note->text) == 0 &&
		    count++ < NAMES_MOST)
			fprintf(out, "%s%s", count > 1 ? ", " : "",
			    other->account->name);
	if (count > NAMES_MOST)
		fprintf(out, " and %u others", count - NAMES_MOST);
	fprintf(out, "%s%s\n", note->account != NULL ? ": " : "", note->text);
}

void
migration_write_notes(
    const struct migration *migration, const char *indent, FILE *out)
{
	const struct migration_note *note;

	STAILQ_FOREACH(note, &migration->notes, next)
		if (!migration_is_noted(migration, note)) {
			fputs(indent, out);
			migration_write_note(note, out);
		}
}

/* ---- the file that is written ---- */

/* Blanks at an end, and a quote at the beginning, need quotes. */
static void
migration_write_value(const char *value, FILE *out)
{
	size_t length = strlen(value);

	if (length > 0 && value[0] != '"' && strchr(" \t", value[0]) == NULL &&
	    strchr(" \t", value[length - 1]) == NULL) {
		fputs(value, out);
		return;
	}
	fputc('"', out);
	for (; *value != '\0'; value++) {
		if (*value == '"')
			fputc('"', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

void
migration_write_section(
    const struct migration_section *section, const char *kind, FILE *out)
{
	const struct migration_pair *pair;

	fprintf(out, "\n[%s %s]\n", kind, section->name);
	STAILQ_FOREACH(pair, &section->pairs, next) {
		fprintf(out, "%s = ", pair->key);
		migration_write_value(pair->value, out);
		fputc('\n', out);
	}
}

static void
migration_write_sections(
    const struct migration_sections *sections, const char *kind, FILE *out)
{
	const struct migration_section *section;

	STAILQ_FOREACH(section, sections, next)
		if (!section->is_known)
			migration_write_section(section, kind, out);
}

void
migration_write(const struct migration *migration, const char *from, FILE *out)
{
	fprintf(out, "# Imported from %s: %s\n", migration->program, from);
	if (!STAILQ_EMPTY(&migration->notes))
		fprintf(out, "#\n# Please check:\n");
	migration_write_notes(migration, "#   ", out);
	migration_write_sections(&migration->targets, "target", out);
	migration_write_sections(&migration->accounts, "account", out);
}

/* ---- files ---- */

char *
migration_read(struct migration *migration, const char *path, size_t *length_r)
{
	struct stat status;
	size_t got = 0, part;
	int failure;
	char *bytes = NULL;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return NULL;
	if (fstat(fileno(file), &status) != 0)
		status.st_size = 0;
	if (S_ISDIR(status.st_mode))
		errno = EISDIR;
	else if ((size_t)status.st_size > FILE_MOST)
		errno = EFBIG;
	else
		bytes = evpop_arena_take(
		    &migration->arena, (size_t)status.st_size + 1);
	while (bytes != NULL && got < (size_t)status.st_size &&
	       (part = fread(
		    bytes + got, 1, (size_t)status.st_size - got, file)) > 0)
		got += part;
	if (ferror(file))
		bytes = NULL;
	failure = errno;
	fclose(file);
	errno = failure;
	*length_r = got;
	return bytes;
}

char *
migration_read_ids(struct migration *migration,
    struct migration_section *account, const char *path, size_t *length_r)
{
	char *text = migration_read(migration, path, length_r);

	if (text == NULL)
		migration_note(migration, account,
		    "%s: %s; all that is on the server will be fetched", path,
		    strerror(errno));
	else
		account->ids_file = path;
	return text;
}

/* ---- ~/.netrc ---- */

/* "machine HOST login USER password SECRET", as words on any lines. */
const char *
migration_netrc(struct migration *migration, const char *host, const char *user)
{
	bool is_machine = false, is_login = false;
	char *save = NULL, *word, *text;
	size_t length;

	text = migration_read(
	    migration, migration_path(migration, "~/.netrc"), &length);
	for (word = text != NULL ? strtok_r(text, " \t\r\n", &save) : NULL;
	     word != NULL; word = strtok_r(NULL, " \t\r\n", &save)) {
		char *value;

		if (strcmp(word, "default") == 0) {
			is_machine = false;
			continue;
		}
		value = strtok_r(NULL, " \t\r\n", &save);
		if (value == NULL)
			break;
		if (strcmp(word, "machine") == 0) {
			is_machine = strcasecmp(value, host) == 0;
			is_login = false;
		} else if (strcmp(word, "login") == 0)
			is_login = strcmp(value, user) == 0;
		else if (strcmp(word, "password") == 0 && is_machine &&
			 is_login)
			return value;
	}
	return NULL;
}
