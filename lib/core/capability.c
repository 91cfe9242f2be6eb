#include "lib/core/listing.h"

#include <string.h>
#include <strings.h>

#include "lib/core/reply.h"

/* Take the next word off the front; false at the end. */
static bool
capability_take_word(const unsigned char **text, size_t *length,
    const unsigned char **word_r, size_t *word_length_r)
{
	evpop_trim(text, length);
	if (*length == 0)
		return false;
	*word_r = *text;
	while (*length > 0 && **text != ' ' && **text != '\t') {
		(*text)++;
		(*length)--;
	}
	*word_length_r = (size_t)(*text - *word_r);
	return true;
}

static bool
capability_is_word(const unsigned char *word, size_t length, const char *name)
{
	return length == strlen(name) &&
	       strncasecmp((const char *)word, name, length) == 0;
}

static uint32_t
capability_clamp(uint64_t number)
{
	return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* A mechanism's name is of RFC 4422 section 3.1; others are passed over. */
static bool
capability_is_mechanism(const unsigned char *word, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!(word[i] >= 'A' && word[i] <= 'Z') &&
		    !(word[i] >= 'a' && word[i] <= 'z') &&
		    !(word[i] >= '0' && word[i] <= '9') && word[i] != '-' &&
		    word[i] != '_')
			return false;
	return length > 0 && length <= 20;
}

static void
capability_sasl(struct evpop_capabilities *capabilities,
    const unsigned char *text, size_t length)
{
	const unsigned char *word;
	size_t word_length, used, i;
	char *list = capabilities->sasl;

	while (capability_take_word(&text, &length, &word, &word_length)) {
		used = strlen(list);
		if (!capability_is_mechanism(word, word_length) ||
		    used + 1 + word_length >= sizeof capabilities->sasl)
			continue;
		if (used > 0)
			list[used++] = ' ';
		for (i = 0; i < word_length; i++)
			list[used + i] = (char)(word[i] >= 'a' && word[i] <= 'z'
						    ? word[i] - 'a' + 'A'
						    : word[i]);
		list[used + word_length] = '\0';
	}
}

/* USER behind some arguments says that they may differ after the log-in. */
static bool
capability_names_user(const unsigned char *text, size_t length)
{
	const unsigned char *word;
	size_t word_length;

	return capability_take_word(&text, &length, &word, &word_length) &&
	       capability_is_word(word, word_length, "USER");
}

static void
capability_expire(struct evpop_capabilities *capabilities,
    const unsigned char *text, size_t length)
{
	const unsigned char *word;
	size_t word_length;
	uint64_t days;

	if (evpop_number_take(&text, &length, &days)) {
		capabilities->expire = true;
		capabilities->expire_never = false;
		capabilities->expire_days = capability_clamp(days);
	} else if (capability_take_word(&text, &length, &word, &word_length) &&
		   capability_is_word(word, word_length, "NEVER")) {
		capabilities->expire = true;
		capabilities->expire_never = true;
		capabilities->expire_days = 0;
	} else
		return;
	capabilities->expire_user = capability_names_user(text, length);
}

static void
capability_login_delay(struct evpop_capabilities *capabilities,
    const unsigned char *text, size_t length)
{
	uint64_t seconds;

	if (!evpop_number_take(&text, &length, &seconds))
		return;
	capabilities->login_delay = true;
	capabilities->login_delay_s = capability_clamp(seconds);
	capabilities->login_delay_user = capability_names_user(text, length);
}

void
evpop_capability_line(struct evpop_capabilities *capabilities,
    const unsigned char *line, size_t length)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "TOP", &capabilities->top },
		{ "USER", &capabilities->user },
		{ "UIDL", &capabilities->uidl },
		{ "PIPELINING", &capabilities->pipelining },
		{ "RESP-CODES", &capabilities->resp_codes },
		{ "STLS", &capabilities->stls },
		{ "UTF8", &capabilities->utf8 },
		{ "LANG", &capabilities->lang },
		{ "AUTH-RESP-CODE", &capabilities->auth_resp_code },
	};
	const unsigned char *word;
	size_t word_length, i;

	if (!capability_take_word(&line, &length, &word, &word_length))
		return;
	for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (capability_is_word(word, word_length, flags[i].name))
			*flags[i].flag = true;
	if (capability_is_word(word, word_length, "SASL"))
		capability_sasl(capabilities, line, length);
	else if (capability_is_word(word, word_length, "EXPIRE"))
		capability_expire(capabilities, line, length);
	else if (capability_is_word(word, word_length, "LOGIN-DELAY"))
		capability_login_delay(capabilities, line, length);
	else if (capability_is_word(word, word_length, "UTF8"))
		capabilities->utf8_user = capability_names_user(line, length);
	else if (capability_is_word(word, word_length, "IMPLEMENTATION")) {
		evpop_trim(&line, &length);
		evpop_printable(capabilities->implementation,
		    sizeof capabilities->implementation, line, length);
	}
}

bool
evpop_capabilities_sasl(
    const struct evpop_capabilities *capabilities, const char *mechanism)
{
	size_t length = strlen(mechanism);
	const char *at = capabilities->sasl;

	while (length > 0 && (at = strstr(at, mechanism)) != NULL) {
		if ((at == capabilities->sasl || at[-1] == ' ') &&
		    (at[length] == ' ' || at[length] == '\0'))
			return true;
		at += length;
	}
	return false;
}
