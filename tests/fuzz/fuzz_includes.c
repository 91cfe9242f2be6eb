/*
 * A configuration as the daemon and --check read it: a file, and three that it
 * may include, with suggestions for what is misspelled.  The files are
 * separated by an octet 0x1e; they are in a folder of their own, and nothing
 * outside of it is included.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/config/files.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

#define SEPARATOR 0x1e
#define PATH_SIZE 128

static const char *const names[] = { "evpopd.conf", "a.conf", "d/b.conf",
	"d/c.conf" };

enum config_include_result __wrap_config_include_find(
    struct config_include *found_r, const char *folder, const char *pattern);
enum config_include_result __real_config_include_find(
    struct config_include *found_r, const char *folder, const char *pattern);

enum config_include_result
__wrap_config_include_find(
    struct config_include *found_r, const char *folder, const char *pattern)
{
	if (*pattern != '/' && strstr(pattern, "..") == NULL)
		return __real_config_include_find(found_r, folder, pattern);
	*found_r = (struct config_include){ 0 };
	return CONFIG_INCLUDE_NOTHING;
}

/* ---- the folder ---- */

static char folder[64];

static void
make_path(char path_r[PATH_SIZE], const char *name)
{
	int length = snprintf(path_r, PATH_SIZE, "%s/%s", folder, name);

	assert(length > 0 && length < PATH_SIZE);
}

static void
remove_folder(void)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make_path(path, names[i]);
		(void)unlink(path);
	}
	make_path(path, "d");
	(void)rmdir(path);
	(void)rmdir(folder);
}

static void
make_folder(void)
{
	const char *where = getenv("TMPDIR");
	char path[PATH_SIZE];

	if (folder[0] != '\0')
		return;
	if (where == NULL || strlen(where) > 32)
		where = "/tmp";
	snprintf(folder, sizeof(folder), "%s/evpop-includes-XXXXXX", where);
	assert(mkdtemp(folder) != NULL);
	make_path(path, "d");
	assert(mkdir(path, 0700) == 0);
	assert(atexit(remove_folder) == 0);
}

static void
write_files(struct fuzz_input input)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fuzz_input part = fuzz_up_to(&input, SEPARATOR);
		int fd;

		make_path(path, names[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert(fd != -1);
		assert(write(fd, part.at, part.left) == (ssize_t)part.left);
		(void)close(fd);
	}
}

/* ---- what must hold ---- */

/* A message is one line that shows what it is about, and where. */
static void
check_messages(const struct config_messages *messages)
{
	assert(messages->errors <= messages->count);
	for (size_t i = 0; i < messages->count; i++) {
		const char *line = messages->lines[i];

		assert(*line != '\0');
		assert(
		    strchr(line, '\n') == NULL && strchr(line, '\033') == NULL);
		assert(fuzz_is_utf8(line, strlen(line)));
	}
}

static void
check_accounts(const struct config *config)
{
	for (size_t i = 0; i < config->account_count; i++) {
		const struct config_account *account = config->accounts[i];
		char *place;

		assert(fuzz_is_showable(account->name, strlen(account->name)));
		assert(i == 0 || strcmp(config->accounts[i - 1]->name,
				     account->name) < 0);
		assert(config_find(config, account->name) == account);
		assert(account->host != NULL && account->user != NULL);
		assert(config_account_port(account) != 0);
		assert(config_account_retain_ms(config, account) >= 0);
		place = config_account_place(account);
		assert(place != NULL);
		free(place);
	}
}

/* The same file again is no change. */
static void
check_same(const struct config *config, const char *path)
{
	struct config_messages messages;
	struct config_diff diff;
	struct config *again = config_check(path, &messages);

	assert(again != NULL && messages.errors == 0);
	check_messages(&messages);
	config_messages_free(&messages);
	assert(again->account_count == config->account_count);
	assert(config_diff(&diff, config, again));
	assert(diff.added_count == 0 && diff.changed_count == 0 &&
	       diff.removed_count == 0 && diff.restart_count == 0);
	config_diff_free(&diff);
	config_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct config_messages messages;
	struct config *config;
	char path[PATH_SIZE];

	make_folder();
	write_files(input);
	make_path(path, names[0]);
	config = config_read(path, &messages);
	assert((config == NULL) == (messages.errors > 0));
	check_messages(&messages);
	config_messages_free(&messages);
	if (config != NULL) {
		check_accounts(config);
		check_same(config, path);
	}
	config_free(&config);
	return 0;
}
