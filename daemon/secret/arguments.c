#include "daemon/secret/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/words.h"

#define PREFIX "EVPOP_"

/* A shell sets the limit, and becomes the command. */
#define LIMITS_WORDS "ulimit -v \"$1\" && shift && exec \"$@\""
#define LIMITS_SHELL "ulimit -v \"$1\" && eval \"$2\""

/* Texts, a NUL behind each. */
struct arguments_list {
	FILE *out;
	char *bytes;
	size_t size, count;
};

static void
arguments_add(struct arguments_list *list, const char *text)
{
	(void)fwrite(text, 1, strlen(text) + 1, list->out);
	list->count++;
}

/* Whether "EVPOP_NAME=" is what "{name}" stands for. */
static const char *
variable_match(const char *variable, const char *name, size_t length)
{
	const size_t prefix = strlen(PREFIX);

	if (strncmp(variable, PREFIX, prefix) != 0)
		return NULL;
	variable += prefix;
	for (size_t i = 0; i < length; i++)
		if ((!islower((unsigned char)name[i]) && name[i] != '_') ||
		    variable[i] != (char)toupper((unsigned char)name[i]))
			return NULL;
	return length > 0 && variable[length] == '=' ? variable + length + 1
						     : NULL;
}

static const char *
variable_find(const char *const *variables, const char *name, size_t length)
{
	const char *value = NULL;

	for (; variables != NULL && *variables != NULL && value == NULL;
	     variables++)
		value = variable_match(*variables, name, length);
	return value;
}

static void
arguments_add_word(
    struct arguments_list *list, const char *word, const char *const *variables)
{
	const char *begin = word, *value;

	while (*word != '\0') {
		size_t length = *word == '{' ? strcspn(word, "}") : 0;

		value = length > 1 && word[length] == '}'
			    ? variable_find(variables, word + 1, length - 1)
			    : NULL;
		if (value == NULL) {
			(void)fputc(*word++, list->out);
			continue;
		}
		if (word != begin || *value != '-')
			(void)fputs(value, list->out);
		word += length + 1;
	}
	(void)fputc('\0', list->out);
	list->count++;
}

/* False without memory, or with EINVAL. */
static bool
arguments_add_words(struct arguments_list *list, const char *command,
    const char *const *variables)
{
	size_t count;
	char **words = evpop_words_split(command, &count);

	for (size_t i = 0; words != NULL && i < count; i++)
		arguments_add_word(list, words[i], variables);
	errno = words == NULL ? ENOMEM : EINVAL;
	free(words);
	return words != NULL && count > 0;
}

static bool
arguments_add_all(struct arguments_list *list,
    const struct arguments_command *command, const char *const *variables)
{
	char kib[24];

	(void)snprintf(kib, sizeof(kib), "%" PRIu64, command->memory / 1024);
	if (command->is_words && command->memory == 0)
		return arguments_add_words(list, command->text, variables);
	arguments_add(list, "/bin/sh");
	arguments_add(list, "-c");
	if (command->memory == 0) {
		arguments_add(list, "--");
		arguments_add(list, command->text);
		return true;
	}
	arguments_add(list, command->is_words ? LIMITS_WORDS : LIMITS_SHELL);
	arguments_add(list, "sh");
	arguments_add(list, kib);
	if (command->is_words)
		return arguments_add_words(list, command->text, variables);
	arguments_add(list, command->text);
	return true;
}

/* One piece of memory with the list and its texts. */
static char **
arguments_pack(const struct arguments_list *list)
{
	const size_t size = (list->count + 1) * sizeof(char *);
	char **packed = malloc(size + list->size), *at;

	if (packed == NULL)
		return NULL;
	at = memcpy((char *)packed + size, list->bytes, list->size);
	for (size_t i = 0; i < list->count; i++) {
		packed[i] = at;
		at += strlen(at) + 1;
	}
	packed[list->count] = NULL;
	return packed;
}

char **
arguments_make(
    const struct arguments_command *command, const char *const *variables)
{
	struct arguments_list list = { 0 };
	char **packed = NULL;
	bool is_good;
	int error;

	list.out = open_memstream(&list.bytes, &list.size);
	if (list.out == NULL)
		return NULL;
	is_good = arguments_add_all(&list, command, variables);
	error = errno;
	if (fclose(list.out) != 0) {
		is_good = false;
		error = ENOMEM;
	}
	if (is_good) {
		packed = arguments_pack(&list);
		error = ENOMEM;
	}
	free(list.bytes);
	if (packed == NULL)
		errno = error;
	return packed;
}
