#include "lib/core/reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum evpop_response_code code;
} codes[] = {
	{ "LOGIN-DELAY", EVPOP_CODE_LOGIN_DELAY },
	{ "IN-USE", EVPOP_CODE_IN_USE },
	{ "SYS/TEMP", EVPOP_CODE_SYS_TEMP },
	{ "SYS/PERM", EVPOP_CODE_SYS_PERM },
	{ "AUTH", EVPOP_CODE_AUTH },
	{ "UTF8", EVPOP_CODE_UTF8 },
};

static bool
reply_is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void
evpop_trim(const unsigned char **text, size_t *length)
{
	while (*length > 0 && reply_is_space((*text)[*length - 1]))
		(*length)--;
	while (*length > 0 && reply_is_space(**text)) {
		(*text)++;
		(*length)--;
	}
}

/*
 * A code may have more levels than are known here: [SYS/TEMP/X] is still
 * SYS/TEMP (RFC 2449 section 8).
 */
static enum evpop_response_code
reply_code(const unsigned char *text, size_t length)
{
	const unsigned char *end;
	size_t i, name, code;

	if (length == 0 || text[0] != '[')
		return EVPOP_CODE_NONE;
	end = memchr(text, ']', length);
	if (end == NULL)
		return EVPOP_CODE_NONE;
	code = (size_t)(end - text) - 1;
	for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		name = strlen(codes[i].name);
		if (code >= name &&
		    strncasecmp((const char *)text + 1, codes[i].name, name) ==
			0 &&
		    (code == name || text[1 + name] == '/'))
			return codes[i].code;
	}
	return EVPOP_CODE_OTHER;
}

static bool
reply_begins(const unsigned char *line, size_t length, const char *word)
{
	size_t n = strlen(word);

	return length >= n && strncasecmp((const char *)line, word, n) == 0 &&
	       (length == n || reply_is_space(line[n]));
}

bool
evpop_status_line_parse(
    const unsigned char *line, size_t length, struct evpop_status_line *status)
{
	size_t indicator;

	if (reply_begins(line, length, "+OK")) {
		status->ok = true;
		indicator = 3;
	} else if (reply_begins(line, length, "-ERR")) {
		status->ok = false;
		indicator = 4;
	} else
		return false;
	status->text = line + indicator;
	status->length = length - indicator;
	evpop_trim(&status->text, &status->length);
	status->code = reply_code(status->text, status->length);
	return true;
}

/* Whether there is no more to the text than a response code, or nothing. */
static bool
reply_says_nothing(const struct evpop_status_line *status)
{
	const unsigned char *end;

	if (status->length == 0 || status->text[0] != '[')
		return status->length == 0;
	end = memchr(status->text, ']', status->length);
	return end == status->text + status->length - 1;
}

void
evpop_status_line_result(const struct evpop_status_line *status,
    enum evpop_phase phase, struct evpop_result *result)
{
	size_t length;

	*result = (struct evpop_result){
		.error = status->ok ? EVPOP_ERROR_NONE : EVPOP_ERROR_REFUSED,
		.code = status->code,
		.phase = phase,
	};
	length = evpop_printable(
	    result->text, sizeof result->text, status->text, status->length);
	if (!status->ok && reply_says_nothing(status))
		snprintf(result->text + length, sizeof result->text - length,
		    "%sthe server gave no reason", length > 0 ? " " : "");
}

void
evpop_refusal_judge(struct evpop_result *result, bool login)
{
	switch (result->code) {
	case EVPOP_CODE_LOGIN_DELAY:
	case EVPOP_CODE_IN_USE:
	case EVPOP_CODE_SYS_TEMP:
		result->scope = EVPOP_SCOPE_SESSION;
		result->retry = true;
		break;
	case EVPOP_CODE_SYS_PERM:
		result->scope = EVPOP_SCOPE_ACCOUNT;
		break;
	default:
		/* After the log-in [AUTH] does not answer one (RFC 3206). */
		if (login)
			result->error = EVPOP_ERROR_AUTH;
		result->scope =
		    login ? EVPOP_SCOPE_ACCOUNT : EVPOP_SCOPE_MESSAGE;
		break;
	}
}

bool
evpop_challenge_parse(const unsigned char *line, size_t length,
    bool ok_is_challenge, const unsigned char **text_r, size_t *text_length_r)
{
	struct evpop_status_line status;

	if (length == 0 || line[0] != '+')
		return false;
	if (length == 1 || line[1] == ' ' || line[1] == '\t') {
		*text_r = line + 1;
		*text_length_r = length - 1;
	} else if (ok_is_challenge &&
		   evpop_status_line_parse(line, length, &status)) {
		*text_r = status.text;
		*text_length_r = status.length;
	} else
		return false;
	evpop_trim(text_r, text_length_r);
	return true;
}

bool
evpop_number_take(
    const unsigned char **text, size_t *length, uint64_t *number_r)
{
	const unsigned char *s = *text;
	size_t left = *length;
	uint64_t number = 0;
	unsigned digit;

	while (left > 0 && reply_is_space(*s)) {
		s++;
		left--;
	}
	if (left == 0 || *s < '0' || *s > '9')
		return false;
	for (; left > 0 && *s >= '0' && *s <= '9'; s++, left--) {
		digit = (unsigned)(*s - '0');
		if (number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (left > 0 && !reply_is_space(*s))
		return false;
	*text = s;
	*length = left;
	*number_r = number;
	return true;
}

bool
evpop_message_number_take(
    const unsigned char **text, size_t *length, uint32_t *number_r)
{
	const unsigned char *s = *text;
	size_t left = *length;
	uint64_t number;

	if (!evpop_number_take(&s, &left, &number) || number == 0 ||
	    number > UINT32_MAX)
		return false;
	*text = s;
	*length = left;
	*number_r = (uint32_t)number;
	return true;
}
