#include "tests/dialog/settings.h"

#include <stdlib.h>
#include <string.h>

#include "tests/dialog/octets.h"

#define TEXT(key, member)                                            \
	{                                                            \
		key, true, offsetof(struct dialog_settings, member), \
	}
#define NUMBER(key, member)                                           \
	{                                                             \
		key, false, offsetof(struct dialog_settings, member), \
	}

static const struct {
	const char *key;
	bool text;
	size_t offset;
} table[] = {
	TEXT("modes", modes),
	TEXT("levels", levels),
	NUMBER("uncut", uncut),
	TEXT("host", host),
	TEXT("cert", cert),
	TEXT("user", user),
	TEXT("password", password),
	TEXT("token", token),
	TEXT("authorization", authorization),
	TEXT("auth", auth),
	NUMBER("allow-cleartext", allow_cleartext),
	NUMBER("greeting-ms", greeting_ms),
	NUMBER("login-ms", login_ms),
	NUMBER("command-ms", command_ms),
	NUMBER("body-ms", body_ms),
	NUMBER("quit-ms", quit_ms),
	NUMBER("handshake-ms", handshake_ms),
	NUMBER("session-ms", session_ms),
	NUMBER("limit-line", limit_line),
	NUMBER("limit-listing-line", limit_listing_line),
	NUMBER("limit-listing-lines", limit_listing_lines),
	NUMBER("limit-capabilities", limit_capabilities),
	NUMBER("limit-body", limit_body),
	NUMBER("window", window),
	NUMBER("pause", pause),
	TEXT("keep", keep),
	TEXT("order", order),
	TEXT("store", store),
	NUMBER("max-octets", max_octets),
	NUMBER("max-messages", max_messages),
	NUMBER("expect-nothing", expect_nothing),
	NUMBER("max-session-deletes", max_session_deletes),
	NUMBER("max-deletes", max_deletes),
	NUMBER("delete-above", delete_above),
	NUMBER("baseline", baseline),
	NUMBER("dry-run", dry_run),
	NUMBER("fetch-unidentified", fetch_unidentified),
	NUMBER("fetch-after", fetch_after),
};

#define KEYS (sizeof table / sizeof table[0])

static const char *
take_text(char **member, const char *value, size_t length)
{
	struct octets octets = { NULL, 0, 0 };
	const char *wrong;

	if (*member != NULL)
		return "a key that is set twice";
	wrong = octets_unescape(&octets, value, length, 0);
	if (wrong == NULL) {
		*member = strdup(octets_text(&octets));
		if (*member == NULL)
			abort();
		if (strlen(*member) != octets.length)
			wrong = "a value cannot hold a NUL";
	}
	octets_clear(&octets);
	return wrong;
}

static const char *
take_number(unsigned long *member, const char *value, size_t length)
{
	size_t i;

	if (length == 0 || length > 9)
		return "a number of one to nine digits is expected";
	*member = 0;
	for (i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return "a number is expected";
		*member = *member * 10 + (unsigned long)(value[i] - '0');
	}
	return NULL;
}

const char *
settings_take(struct dialog_settings *settings, const char *word, size_t length)
{
	const char *value = memchr(word, '=', length);
	size_t i, key_length, value_length;
	void *member;

	if (value == NULL)
		return "KEY=VALUE is expected";
	key_length = (size_t)(value - word);
	value++;
	value_length = length - key_length - 1;
	for (i = 0; i < KEYS; i++) {
		if (strlen(table[i].key) != key_length ||
		    memcmp(table[i].key, word, key_length) != 0)
			continue;
		member = (char *)settings + table[i].offset;
		return table[i].text ? take_text(member, value, value_length)
				     : take_number(member, value, value_length);
	}
	return "an unknown key";
}

void
settings_clear(struct dialog_settings *settings)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (table[i].text)
			free(*(char **)(void *)((char *)settings +
						table[i].offset));
	memset(settings, 0, sizeof *settings);
}

bool
settings_have_deadline(const struct dialog_settings *settings)
{
	return (settings->greeting_ms | settings->login_ms |
		   settings->command_ms | settings->body_ms |
		   settings->quit_ms | settings->handshake_ms |
		   settings->session_ms) != 0;
}

void
settings_prolong(struct dialog_settings *settings, unsigned times)
{
	settings->greeting_ms *= times;
	settings->login_ms *= times;
	settings->command_ms *= times;
	settings->body_ms *= times;
	settings->quit_ms *= times;
	settings->handshake_ms *= times;
	settings->session_ms *= times;
}

bool
settings_list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (list != NULL && *list != '\0') {
		if (strncmp(list, word, length) == 0 &&
		    (list[length] == ',' || list[length] == '\0'))
			return true;
		list = strchr(list, ',');
		list = list == NULL ? NULL : list + 1;
	}
	return false;
}
