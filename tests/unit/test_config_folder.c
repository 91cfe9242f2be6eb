#include "tests/unit/test_config_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder_looks_for_files;

int
folder_set_up(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	char sub[96];

	assert_non_null(folder);
	strcpy(folder->path, "/tmp/evpop-config-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	(void)snprintf(
	    folder->main, sizeof(folder->main), "%s/main.conf", folder->path);
	(void)snprintf(sub, sizeof(sub), "%s/d", folder->path);
	assert_int_equal(mkdir(sub, 0700), 0);
	folder_looks_for_files = false;
	*state = folder;
	return 0;
}

static int
remove_one(
    const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

int
folder_tear_down(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(
	    nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(folder);
	return 0;
}

void
folder_write(const struct folder *folder, const char *name, const void *bytes,
    size_t length, mode_t mode)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	/* One that is there may be read-only. */
	(void)unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

void
folder_write_text(
    const struct folder *folder, const char *name, const char *text)
{
	folder_write(folder, name, text, strlen(text), 0600);
}

struct config *
folder_read(const struct folder *folder)
{
	struct config_messages messages;
	struct config *config = config_read(folder->main, &messages);

	for (size_t i = 0; i < messages.count; i++)
		print_message("%s\n", messages.lines[i]);
	assert_non_null(config);
	assert_int_equal(messages.errors, 0);
	config_messages_free(&messages);
	return config;
}

/* Appends a line with the paths made short. */
static void
append_short(
    char *to, size_t size, const struct folder *folder, const char *line)
{
	size_t used = strlen(to);

	for (; *line != '\0' && used + 2 < size; used++) {
		if (strncmp(line, folder->main, strlen(folder->main)) == 0) {
			to[used] = 'F';
			line += strlen(folder->main);
		} else if (strncmp(line, folder->path, strlen(folder->path)) ==
			   0) {
			to[used] = 'D';
			line += strlen(folder->path);
		} else {
			to[used] = *line++;
		}
	}
	to[used++] = '\n';
	to[used] = '\0';
}

void
folder_expect(const struct folder *folder, const char *expected)
{
	struct config_messages messages;
	struct config *config = folder_looks_for_files
				    ? config_check(folder->main, &messages)
				    : config_read(folder->main, &messages);
	char *all = calloc(1, 65536);
	size_t warnings = 0;

	assert_non_null(all);
	for (size_t i = 0; i < messages.count; i++) {
		append_short(all, 65536, folder, messages.lines[i]);
		warnings += strstr(messages.lines[i], ": warning: ") != NULL;
	}
	assert_string_equal(all, expected);
	assert_int_equal(messages.errors, messages.count - warnings);
	assert_int_equal(config == NULL, messages.errors > 0);
	free(all);
	config_messages_free(&messages);
	config_free(&config);
}

void
folder_expect_rows(
    const struct folder *folder, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		folder_write_text(folder, "main.conf", rows[i].text);
		folder_expect(folder, rows[i].expected);
	}
}
