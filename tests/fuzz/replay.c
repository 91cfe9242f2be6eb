/*
 * Runs a fuzz target once over every file of the folders given, where there is
 * no libFuzzer: each name is printed before its run, so that the last one
 * printed is the one that failed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"

/* Larger than any input that is worth keeping. */
#define INPUT_MAX ((size_t)1024 * 1024)

static bool
fail(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	return false;
}

/* In a block of exactly its size, so that a sanitizer sees reads behind it. */
static bool
run_bytes(const unsigned char *bytes, size_t length)
{
	uint8_t *exact = calloc(1, length > 0 ? length : 1);

	if (exact == NULL)
		return false;
	memcpy(exact, bytes, length);
	(void)LLVMFuzzerTestOneInput(exact, length);
	free(exact);
	return true;
}

static bool
run_file(const char *path, unsigned char *bytes)
{
	FILE *file = fopen(path, "rb");
	size_t length;
	bool done;

	if (file == NULL)
		return fail(path, strerror(errno));
	puts(path);
	fflush(stdout);
	length = fread(bytes, 1, INPUT_MAX, file);
	done = ferror(file) == 0 && run_bytes(bytes, length);
	(void)fclose(file);
	return done || fail(path, "cannot be run");
}

static bool
run_folder(const char *folder, unsigned char *bytes, size_t *count)
{
	struct dirent **entries;
	char path[4096];
	bool done = true;
	int i, found = scandir(folder, &entries, NULL, alphasort);

	if (found < 0)
		return fail(folder, strerror(errno));
	for (i = 0; i < found; i++) {
		if (entries[i]->d_name[0] != '.' && done) {
			(void)snprintf(path, sizeof(path), "%s/%s", folder,
			    entries[i]->d_name);
			done = run_file(path, bytes);
			(*count)++;
		}
		free(entries[i]);
	}
	free(entries);
	return done;
}

int
main(int argc, char **argv)
{
	unsigned char *bytes = malloc(INPUT_MAX);
	size_t count = 0;
	bool done = bytes != NULL && run_bytes((const unsigned char *)"", 0);
	int i;

	for (i = 1; i < argc && done; i++)
		done = run_folder(argv[i], bytes, &count);
	free(bytes);
	printf("%zu inputs\n", count);
	return done && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
