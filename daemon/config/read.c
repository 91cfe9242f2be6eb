#include "daemon/config/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evpop/client.h>

#include "daemon/config/files.h"
#include "daemon/config/ini.h"
#include "daemon/config/suggest.h"
#include "daemon/config/target.h"
#include "daemon/config/value.h"
#include "daemon/secret/exposure.h"
#include "lib/base/array.h"

/* Enough for a million accounts; a larger file is not a configuration. */
#define FILE_SIZE_MAX ((off_t)256 * 1024 * 1024)
/* Deeper nesting is a mistake. */
#define INCLUDE_DEPTH_MAX 7

/* A file being read, on the stack of those that include it. */
struct source {
	struct config_reading *reading;
	const struct source *parent;
	unsigned depth;
	const char *path, *folder;
	struct stat status;
	bool is_exposed, is_exposure_reported;
	/* The section that the next key is in. */
	bool any_section, known_section, in_defaults;
	enum config_scope scope;
	void *target; /* that the section's keys go into */
	uint64_t *given;
	unsigned
	    lines[CONFIG_SECTION_OPTIONS_MAX]; /* in an account or a target */
	/* The keys of a section with a bad name are checked, too. */
	union {
		struct config_account account;
		struct config_target target;
	} nameless;
	uint64_t nameless_given;
};

static void source_open(struct config_reading *, const char *path,
    const struct source *parent, unsigned parent_line);

/* A misspelled key is not reported as missing as well. */
static void
source_mark_given(struct source *source, const char *key, unsigned line)
{
	const struct config_option *option = NULL;
	size_t i;

	if (source->known_section && key != NULL)
		option = config_option_find(source->scope, key);
	if (option == NULL)
		return;
	i = (size_t)(option - config_options);
	if (source->given == NULL) {
		if (source->reading->places[i].file == NULL)
			source->reading->places[i] =
			    (struct config_place){ source->path, line };
	} else if ((*source->given & config_option_bit(option)) == 0) {
		*source->given |= config_option_bit(option);
		source->lines[config_option_rank(option)] = line;
	}
}

static void
source_report(unsigned line, const char *key, const char *why, void *arg)
{
	struct source *source = arg;

	config_report_error(
	    &source->reading->report, source->path, line, "%s", why);
	source_mark_given(source, key, line);
}

static void
source_report_words(unsigned line, const char *text, void *arg)
{
	struct source *source = arg;
	const struct config_report_place place = { &source->reading->report,
		source->path, line };
	enum config_scope scope =
	    source->known_section ? source->scope : CONFIG_SCOPE_COUNT;

	source_mark_given(
	    source, config_suggest_words(&place, scope, text), line);
}

/* Keys go into a new account, or into the nameless one without memory. */
static void
source_begin_account(struct source *source, unsigned line, const char *name)
{
	struct config_draft *draft =
	    config_begin_account(source->reading, name, source->path, line);

	if (draft != NULL) {
		source->target = draft->account;
		source->given = &draft->given;
	}
}

static void
source_begin_target(struct source *source, unsigned line, const char *name)
{
	struct config_reading *reading = source->reading;
	struct config_target_draft *draft =
	    config_targets_begin(&reading->targets, reading->arena,
		&(struct config_report_place){
		    &reading->report, source->path, line },
		name);

	if (draft != NULL) {
		source->target = draft->target;
		source->given = &draft->given;
	}
}

/* [account NAME] or [target NAME]. */
static void
source_add_named(struct source *source, unsigned line, enum config_scope scope,
    const char *name)
{
	const char *kind = config_scope_name(scope);

	name += strspn(name, " \t");
	source->known_section = true;
	source->scope = scope;
	source->target = &source->nameless;
	source->nameless_given = 0;
	source->given = &source->nameless_given;
	if (*name == '\0')
		config_report_error(&source->reading->report, source->path,
		    line, "[%s]: expected [%s NAME]", kind, kind);
	else if (!config_target_is_name(name))
		config_report_error(&source->reading->report, source->path,
		    line,
		    "[%s %.128s]: expected a name of at most 128 letters, "
		    "digits and . _ - @ +",
		    kind, name);
	else if (scope == CONFIG_SCOPE_ACCOUNT)
		source_begin_account(source, line, name);
	else
		source_begin_target(source, line, name);
}

static void
source_add_section(unsigned line, const char *name, void *arg)
{
	struct source *source = arg;
	enum config_scope scope;
	const char *rest;

	source->any_section = true;
	source->known_section = false;
	source->in_defaults = false;
	source->target = source->reading->config;
	source->given = NULL;
	if (name == NULL)
		return;
	scope = config_scope_find(name, &rest);
	if (scope < CONFIG_SCOPE_COUNT && config_scope_is_named(scope)) {
		source_add_named(source, line, scope, rest);
		return;
	}
	if (scope < CONFIG_SCOPE_COUNT) {
		source->scope = scope;
		source->known_section = true;
		return;
	}
	if (strcmp(name, "defaults") == 0) {
		source->scope = CONFIG_SCOPE_ACCOUNT;
		source->target = &source->reading->defaults;
		source->in_defaults = true;
		source->known_section = true;
		return;
	}
	config_suggest_section(
	    &(struct config_report_place){
		&source->reading->report, source->path, line },
	    name);
}

/* Notes that a key is given here; false if it was given before. */
static bool
source_note_given(
    struct source *source, const struct config_option *option, unsigned line)
{
	struct config_reading *reading = source->reading;
	struct config_place *place = &reading->places[option - config_options];

	if (source->given != NULL) {
		unsigned *first = &source->lines[config_option_rank(option)];

		if ((*source->given & config_option_bit(option)) != 0) {
			config_report_error(&reading->report, source->path,
			    line,
			    "%s: given twice in this section; first at line "
			    "%u",
			    option->key, *first);
			return false;
		}
		*source->given |= config_option_bit(option);
		*first = line;
		return true;
	}
	if (place->file != NULL && option->type != CONFIG_TYPE_INCLUDE) {
		config_report_error(&reading->report, source->path, line,
		    "%s: given twice; first at %s:%u", option->key, place->file,
		    place->line);
		return false;
	}
	*place = (struct config_place){ source->path, line };
	return true;
}

/* A file that its group or everybody can read is exposed. */
static void
source_check_exposure(struct source *source, unsigned line, const char *key)
{
	if (source->is_exposure_reported || !source->is_exposed)
		return;
	source->is_exposure_reported = true;
	config_report_error(&source->reading->report, source->path, line,
	    "%s: the file is open to other users; run: chmod 600 %s", key,
	    source->path);
}

/* The path stays: it is in the arena. */
static void
reading_note(struct config_reading *reading, struct config_noted *noted,
    const char *path)
{
	char **items = evpop_array_grow(
	    noted->items, noted->count, &noted->capacity, sizeof(*items));

	if (items == NULL || path == NULL) {
		config_report_no_memory(&reading->report);
		return;
	}
	noted->items = items;
	items[noted->count++] = (char *)(uintptr_t)path;
}

static void
source_include(struct source *source, unsigned line, const char *pattern)
{
	struct config_reading *reading = source->reading;
	struct config_include found;

	if (*pattern == '\0') {
		config_report_error(&reading->report, source->path, line,
		    "include: expected a value");
		return;
	}
	if (config_path_needs_shell(pattern)) {
		config_report_error(&reading->report, source->path, line,
		    "include: expected a whole path, not \"%s\": neither ~ nor "
		    "variables are expanded here",
		    pattern);
		return;
	}
	if (source->depth >= INCLUDE_DEPTH_MAX) {
		config_report_error(&reading->report, source->path, line,
		    "include: files include files more than %d deep",
		    INCLUDE_DEPTH_MAX);
		return;
	}
	switch (config_include_find(&found, source->folder, pattern)) {
	case CONFIG_INCLUDE_FOUND:
		for (size_t i = 0; i < found.count; i++)
			source_open(reading, found.paths[i], source, line);
		break;
	case CONFIG_INCLUDE_NOTHING:
		config_report_warning(&reading->report, source->path, line,
		    "include: no file matches %s", pattern);
		break;
	case CONFIG_INCLUDE_UNREADABLE:
		config_report_error(&reading->report, source->path, line,
		    "include: cannot read the folder of %s: %s", pattern,
		    strerror(found.error));
		break;
	case CONFIG_INCLUDE_MEMORY:
		config_report_no_memory(&reading->report);
		break;
	}
	if (found.pattern != NULL)
		reading_note(reading, &reading->includes,
		    evpop_arena_share(reading->arena, found.pattern));
	config_include_free(&found);
}

/* Reports a key that the section does not have, and returns NULL. */
static const struct config_option *
source_find_option(
    struct source *source, unsigned line, const char *key, const char *value)
{
	struct config_report *report = &source->reading->report;
	const struct config_report_place place = { report, source->path, line };
	const struct config_option *option;

	if (!source->any_section) {
		config_report_error(report, source->path, line,
		    "%s: precedes all sections; expected [daemon], [store], "
		    "[control], [hook], [target NAME], [defaults] or [account "
		    "NAME] first",
		    key);
		return NULL;
	}
	if (!source->known_section)
		return NULL;
	option = config_option_find(source->scope, key);
	if (option == NULL) {
		source_mark_given(source,
		    config_suggest_key(
			&place, &(struct config_suggest_key){ source->scope,
				    source->in_defaults, key, value }),
		    line);
		return NULL;
	}
	if (source->in_defaults && strcmp(key, "id") == 0) {
		config_report_error(report, source->path, line,
		    "id: belongs in [account NAME]; ids must differ");
		return NULL;
	}
	return source_note_given(source, option, line) ? option : NULL;
}

static void
source_set(struct source *source, unsigned line,
    const struct config_option *option, const char *value, bool quoted)
{
	struct config_reading *reading = source->reading;
	char why[512];

	switch (config_value_set(option, value, source->folder, reading->arena,
	    source->target, why, sizeof(why))) {
	case CONFIG_VALUE_OK:
		if (reading->targets.looks_for_files)
			config_path_check(&reading->report, source->path, line,
			    option, source->target);
		break;
	case CONFIG_VALUE_BAD:
		config_report_error(&reading->report, source->path, line,
		    "%s: %s%s", option->key, why,
		    config_suggest_hint(value, quoted));
		break;
	case CONFIG_VALUE_MEMORY:
		config_report_no_memory(&reading->report);
		break;
	}
}

static void
source_add_key(
    unsigned line, const char *key, const char *value, bool quoted, void *arg)
{
	struct source *source = arg;
	const struct config_report_place place = { &source->reading->report,
		source->path, line };
	const struct config_option *option =
	    source_find_option(source, line, key, value);

	if (option == NULL)
		return;
	if (option->type == CONFIG_TYPE_SECRET ||
	    (option->type == CONFIG_TYPE_PROXY &&
		evpop_proxy_has_password(value)))
		source_check_exposure(source, line, key);
	if (!config_suggest_value(&place, option, value, quoted))
		return;
	if (option->type == CONFIG_TYPE_INCLUDE)
		source_include(source, line, value);
	else
		source_set(source, line, option, value, quoted);
}

static bool
source_read_on(void *arg, char *bytes, size_t size, size_t *length_r)
{
	const int *fd = arg;

	return config_file_read(*fd, bytes, size, length_r);
}

static void
source_parse(struct source *source, int fd)
{
	static const struct config_ini_events events = { source_add_section,
		source_add_key, source_report_words, source_report };
	const struct config_ini_source file = { source_read_on, &fd };

	if (!config_ini_parse(&file, &events, source))
		config_report_error(&source->reading->report, source->path, 0,
		    "cannot read: %s", strerror(errno));
}

/* Whether to read the file: it is never read twice. */
static bool
source_check(struct source *source, unsigned parent_line)
{
	struct config_reading *reading = source->reading;
	struct config_report *report = &reading->report;
	const struct source *parent = source->parent;

	if (!S_ISREG(source->status.st_mode)) {
		config_report_error(
		    report, source->path, 0, "expected a regular file");
		return false;
	}
	if (source->status.st_size > FILE_SIZE_MAX) {
		config_report_error(report, source->path, 0,
		    "the file is larger than 256M; split it with include");
		return false;
	}
	if ((source->status.st_mode & S_IWOTH) != 0)
		config_report_error(report, source->path, 0,
		    "the file can be written by others; run: chmod o-w %s",
		    source->path);
	for (; parent != NULL; parent = parent->parent) {
		if (parent->status.st_dev != source->status.st_dev ||
		    parent->status.st_ino != source->status.st_ino)
			continue;
		config_report_error(report, source->parent->path, parent_line,
		    "include: %s includes itself", source->path);
		return false;
	}
	switch (config_file_set_add(
	    &reading->read, source->status.st_dev, source->status.st_ino)) {
	case 0:
		config_report_warning(report, source->parent->path, parent_line,
		    "include: %s was read before", source->path);
		return false;
	case 1:
		return true;
	default:
		config_report_no_memory(report);
		return false;
	}
}

static void
source_read(struct source *source, int fd, unsigned parent_line)
{
	struct config_reading *reading = source->reading;

	if (fstat(fd, &source->status) != 0) {
		config_report_error(&reading->report, source->path, 0,
		    "cannot read: %s", strerror(errno));
		return;
	}
	if (!source_check(source, parent_line))
		return;
	source->is_exposed =
	    secret_is_exposed(fd, &source->status, S_IRWXG | S_IRWXO);
	reading_note(reading, &reading->files, source->path);
	source_parse(source, fd);
}

static void
source_open(struct config_reading *reading, const char *path,
    const struct source *parent, unsigned parent_line)
{
	struct source *source = calloc(1, sizeof(*source));
	int fd;

	if (source == NULL ||
	    (source->path = evpop_arena_share(reading->arena, path)) == NULL ||
	    (source->folder = config_path_folder(reading->arena, path)) ==
		NULL) {
		config_report_no_memory(&reading->report);
		free(source);
		return;
	}
	source->reading = reading;
	source->parent = parent;
	source->depth = parent == NULL ? 0 : parent->depth + 1;
	/* O_NONBLOCK: a FIFO may have no writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && parent != NULL && errno == ENOENT) {
		config_report_error(&reading->report, parent->path, parent_line,
		    "include: cannot read %s: %s", path, strerror(errno));
	} else if (fd < 0) {
		config_report_error(&reading->report, path, 0,
		    "cannot read: %s", strerror(errno));
	} else {
		source_read(source, fd, parent_line);
		(void)close(fd);
	}
	free(source);
}

static void
reading_add_noted(struct config_reading *reading,
    const struct config_noted *noted, struct config_strings *strings_r)
{
	strings_r->items = evpop_arena_take(
	    reading->arena, (noted->count + 1) * sizeof(*strings_r->items));
	if (strings_r->items == NULL) {
		config_report_no_memory(&reading->report);
		return;
	}
	if (noted->count > 0)
		memcpy(strings_r->items, noted->items,
		    noted->count * sizeof(*strings_r->items));
	strings_r->count = noted->count;
}

/* max_sessions_per_host raises a max_sessions that is not given. */
static void
reading_complete_sessions(struct config_reading *reading)
{
	const struct config_option *option =
	    config_option_find(CONFIG_SCOPE_DAEMON, "max_sessions");
	struct config *config = reading->config;

	if (reading->places[option - config_options].file == NULL &&
	    config->max_sessions < config->max_sessions_per_host)
		config->max_sessions = config->max_sessions_per_host;
}

static void
reading_run(struct config_reading *reading, const char *path)
{
	size_t errors;

	if (!config_value_set_defaults(
		reading->config, &reading->defaults, reading->arena))
		config_report_no_memory(&reading->report);
	source_open(reading, path, NULL, 0);
	reading_complete_sessions(reading);
	errors = config_report_errors(&reading->report);
	config_targets_finish_sections(
	    &reading->targets, reading->arena, &reading->report);
	config_finish_accounts(reading);
	reading->config->accounts = config_list_accounts(reading);
	reading->config->account_count = reading->draft_count;
	reading->config->targets = config_targets_list(&reading->targets,
	    reading->arena, &reading->report, &reading->config->target_count);
	reading_add_noted(reading, &reading->files, &reading->config->files);
	reading_add_noted(
	    reading, &reading->includes, &reading->config->includes);
	if (reading->draft_count == 0 && errors == 0)
		config_report_warning(&reading->report, path, 0,
		    "no accounts; expected at least one [account NAME]");
}

static struct config *
reading_make(
    const char *path, bool looks_for_files, struct config_messages *messages_r)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_reading *reading = calloc(1, sizeof(*reading));

	if (reading == NULL || config == NULL) {
		*messages_r = (struct config_messages){ .errors = 1 };
		free(reading);
		free(config);
		return NULL;
	}
	reading->config = config;
	reading->arena = &config->arena;
	reading->targets.looks_for_files = looks_for_files;
	reading_run(reading, path);
	evpop_arena_seal(reading->arena);
	*messages_r = config_report_finish(&reading->report, path);
	free(reading->drafts);
	config_targets_free(&reading->targets);
	free(reading->files.items);
	free(reading->includes.items);
	config_file_set_free(&reading->read);
	free(reading);
	if (messages_r->errors > 0)
		config_free(&config);
	return config;
}

struct config *
config_read(const char *path, struct config_messages *messages_r)
{
	return reading_make(path, false, messages_r);
}

struct config *
config_check(const char *path, struct config_messages *messages_r)
{
	return reading_make(path, true, messages_r);
}
