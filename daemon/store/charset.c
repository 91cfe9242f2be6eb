#include "daemon/store/charset.h"

#include <assert.h>
#include <gmime/gmime.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/*
 * Names come from strangers: so many are kept, of that length, whether they
 * are charsets or not.  Real mail has some twenty.
 */
#define KEPT_MAX  64
#define NAME_SIZE 32

static struct {
	pthread_mutex_t mutex;
	size_t count;
	char names[KEPT_MAX][NAME_SIZE];
	iconv_t conversions[KEPT_MAX];
} kept = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool
is_kept(const char *name)
{
	for (size_t i = 0; i < kept.count; i++)
		if (strcasecmp(kept.names[i], name) == 0)
			return true;
	return false;
}

void
store_charset_keep(const char *name)
{
	int failed;

	/* What needs no conversion needs no file either. */
	if (name == NULL || name[0] == '\0' || strcasecmp(name, "utf-8") == 0 ||
	    strlen(name) >= NAME_SIZE)
		return;
	failed = pthread_mutex_lock(&kept.mutex);
	assert(failed == 0);
	if (kept.count < KEPT_MAX && !is_kept(name)) {
		strcpy(kept.names[kept.count], name);
		kept.conversions[kept.count++] =
		    g_mime_iconv_open("utf-8", name);
	}
	pthread_mutex_unlock(&kept.mutex);
}

void
store_charset_keep_words(const char *value)
{
	char name[NAME_SIZE];

	while ((value = strstr(value, "=?")) != NULL) {
		size_t length = strcspn(value += 2, "?*");

		if (length >= sizeof(name) || value[length] == '\0')
			continue;
		memcpy(name, value, length);
		name[length] = '\0';
		store_charset_keep(name);
	}
}
