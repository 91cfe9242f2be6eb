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
#include "daemon/config/value.h"
#include "daemon/secret/exposure.h"
#include "lib/base/array.h"

/* Enough for a million accounts; a larger file is not a configuration. */
#define FILE_SIZE_MAX ((off_t)256 * 1024 * 1024)
/* Deeper nesting is a mistake. */
#define INCLUDE_DEPTH_MAX 7
#define NAME_LENGTH_MAX   128

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
	unsigned lines[CONFIG_ACCOUNT_OPTIONS_MAX]; /* in an account */
	/* The keys of an account with a bad name are checked, too. */
	struct config_account nameless;
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
	} else if ((*source->given & UINT64_C(1) << i) == 0) {
		*source->given |= UINT64_C(1) << i;
		source->lines[i] = line;
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

static bool
source_is_account_name(const char *name)
{
	return *name != '\0' && strlen(name) <= NAME_LENGTH_MAX &&
	       strspn(name,
		   "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+") == strlen(name);
}

/* Keys go into a new account, or into the nameless one without memory. */
static void
source_begin_account(struct source *source, unsigned line, const char *name)
{
	struct config_draft *draft =
	    config_begin_account(source->reading, name, source->path, line);

	if (draft == NULL)
		return;
	source->target = draft->account;
	source->given = &draft->given;
}

static void
source_add_account(struct source *source, unsigned line, const char *name)
{
	name += strspn(name, " \t");
	source->known_section = true;
	source->scope = CONFIG_SCOPE_ACCOUNT;
	source->target = &source->nameless;
	source->nameless_given = 0;
	source->given = &source->nameless_given;
	if (*name == '\0')
		config_report_error(&source->reading->report, source->path,
		    line, "[account]: expected [account NAME]");
	else if (!source_is_account_name(name))
		config_report_error(&source->reading->report, source->path,
		    line,
		    "[account %.*s]: expected a name of at most %d letters, "
		    "digits and . _ - @ +",
		    NAME_LENGTH_MAX, name, NAME_LENGTH_MAX);
	else
		source_begin_account(source, line, name);
}

static void
source_add_section(unsigned line, const char *name, void *arg)
{
	struct source *source = arg;

	source->any_section = true;
	source->known_section = false;
	source->in_defaults = false;
	source->target = source->reading->config;
	source->given = NULL;
	if (name == NULL)
		return;
	for (int i = 0; i < CONFIG_SCOPE_ACCOUNT; i++) {
		if (strcmp(name, config_scope_name((enum config_scope)i)) != 0)
			continue;
		source->scope = (enum config_scope)i;
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
	if (strncmp(name, "account", 7) == 0 &&
	    (name[7] == '\0' || name[7] == ' ' || name[7] == '\t')) {
		source_add_account(source, line, name + 7);
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
	size_t i = (size_t)(option - config_options);
	struct config_place *place = &reading->places[i];

	if (source->given != NULL) {
		if ((*source->given & UINT64_C(1) << i) != 0) {
			config_report_error(&reading->report, source->path,
			    line,
			    "%s: given twice in this section; first at line "
			    "%u",
			    option->key, source->lines[i]);
			return false;
		}
		*source->given |= UINT64_C(1) << i;
		source->lines[i] = line;
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
		    "[control], [defaults] or [account NAME] first",
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
	const char *path;
	char why[512];

	switch (config_value_set(option, value, source->folder, reading->arena,
	    source->target, why, sizeof(why))) {
	case CONFIG_VALUE_OK:
		if ((option->type != CONFIG_TYPE_PATH &&
			option->type != CONFIG_TYPE_COMMAND) ||
		    !reading->looks_for_files)
			break;
		memcpy(&path, (const char *)source->target + option->offset,
		    sizeof(path));
		if (path != NULL)
			config_path_check(
			    &reading->report, source->path, line, option, path);
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

static void
source_parse(struct source *source, int fd)
{
	static const struct config_ini_events events = { source_add_section,
		source_add_key, source_report_words, source_report };
	struct config_reading *reading = source->reading;
	size_t size = (size_t)source->status.st_size, length;
	char *bytes = malloc(size + 1);

	if (bytes == NULL) {
		config_report_no_memory(&reading->report);
		return;
	}
	if (config_file_read(fd, bytes, size, &length)) {
		bytes[length] = '\0';
		config_ini_parse(bytes, length, &events, source);
	} else {
		config_report_error(&reading->report, source->path, 0,
		    "cannot read: %s", strerror(errno));
	}
	explicit_bzero(bytes, size);
	free(bytes);
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
source_note_file(struct source *source)
{
	struct config_reading *reading = source->reading;
	char **files = evpop_array_grow(reading->files, reading->file_count,
	    &reading->file_capacity, sizeof(*files));

	if (files == NULL) {
		config_report_no_memory(&reading->report);
		return;
	}
	reading->files = files;
	files[reading->file_count++] = (char *)(uintptr_t)source->path;
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
	source_note_file(source);
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
reading_add_accounts(struct config_reading *reading)
{
	const struct config_account **accounts = evpop_arena_take(
	    reading->arena, (reading->draft_count + 1) * sizeof(*accounts));

	if (accounts == NULL) {
		config_report_no_memory(&reading->report);
		return;
	}
	for (size_t i = 0; i < reading->draft_count; i++)
		accounts[i] = reading->drafts[i].account;
	reading->config->accounts = accounts;
	reading->config->account_count = reading->draft_count;
}

static void
reading_add_files(struct config_reading *reading)
{
	struct config_strings *files = &reading->config->files;

	files->items = evpop_arena_take(
	    reading->arena, (reading->file_count + 1) * sizeof(*files->items));
	if (files->items == NULL) {
		config_report_no_memory(&reading->report);
		return;
	}
	for (size_t i = 0; i < reading->file_count; i++)
		files->items[i] = reading->files[i];
	files->count = reading->file_count;
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
	config_finish_accounts(reading);
	reading_add_accounts(reading);
	reading_add_files(reading);
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
	reading->looks_for_files = looks_for_files;
	reading_run(reading, path);
	evpop_arena_seal(reading->arena);
	*messages_r = config_report_finish(&reading->report, path);
	free(reading->drafts);
	free(reading->files);
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
