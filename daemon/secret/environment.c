#include "daemon/secret/environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* Whether a variable of ours is given anew. */
static bool
environment_is_given(const char *const *given, const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (; *given != NULL; given++)
		if (strncmp(*given, variable, length) == 0 &&
		    (*given)[length] == '=')
			return true;
	return false;
}

char **
environment_make(const char *const *given)
{
	size_t count = 0, used = 0;
	char **all;

	while (environ[count] != NULL)
		count++;
	for (size_t i = 0; given[i] != NULL; i++)
		count++;
	all = calloc(count + 1, sizeof(*all));
	if (all == NULL)
		return NULL;
	for (size_t i = 0; environ[i] != NULL; i++)
		if (!environment_is_given(given, environ[i]))
			all[used++] = environ[i];
	for (size_t i = 0; given[i] != NULL; i++)
		all[used++] = (char *)(uintptr_t)given[i];
	return all;
}
