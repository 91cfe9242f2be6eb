#include "daemon/store/header.h"

#include <string.h>
#include <strings.h>

/* The length of the line at `at`, with its LF if there is one. */
static size_t
line_length(const char *at, size_t left)
{
	const char *end = memchr(at, '\n', left);

	return end == NULL ? left : (size_t)(end - at) + 1;
}

static bool
is_empty_line(const char *line, size_t length)
{
	return (length == 1 && line[0] == '\n') ||
	       (length == 2 && line[0] == '\r' && line[1] == '\n');
}

size_t
store_header_end(const char *bytes, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t line = line_length(bytes + at, length - at);

		at += line;
		if (is_empty_line(bytes + at - line, line))
			return at;
	}
	return 0;
}

static size_t
field_length(const char *at, size_t left)
{
	size_t length = line_length(at, left);

	while (length < left && (at[length] == ' ' || at[length] == '\t'))
		length += line_length(at + length, left - length);
	return length;
}

static bool
split(const char *at, size_t length, struct store_header_field *field_r)
{
	const char *colon = memchr(at, ':', length);
	size_t name;

	if (colon == NULL || colon == at)
		return false;
	name = (size_t)(colon - at);
	while (name > 0 && (at[name - 1] == ' ' || at[name - 1] == '\t'))
		name--;
	if (name == 0 || memchr(at, '\n', name) != NULL)
		return false;
	field_r->name = at;
	field_r->name_length = name;
	field_r->value = colon + 1;
	field_r->value_length = length - (size_t)(colon + 1 - at);
	while (field_r->value_length > 0) {
		char last = field_r->value[field_r->value_length - 1];

		if (last != '\n' && last != '\r')
			break;
		field_r->value_length--;
	}
	return true;
}

bool
store_header_next(const char *bytes, size_t length, size_t *position,
    struct store_header_field *field_r)
{
	while (*position < length) {
		const char *at = bytes + *position;
		size_t left = length - *position;
		size_t field;

		if (is_empty_line(at, line_length(at, left)))
			return false;
		field = field_length(at, left);
		*position += field;
		if (split(at, field, field_r))
			return true;
	}
	return false;
}

bool
store_header_is(const struct store_header_field *field, const char *name)
{
	return strlen(name) == field->name_length &&
	       strncasecmp(field->name, name, field->name_length) == 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The end of a parameter that starts at `at`: a semicolon outside quotes. */
static size_t
parameter_end(const char *value, size_t length, size_t at)
{
	bool quoted = false;

	for (; at < length; at++) {
		if (value[at] == '\\' && quoted)
			at++;
		else if (value[at] == '"')
			quoted = !quoted;
		else if (value[at] == ';' && !quoted)
			return at;
	}
	return length;
}

static size_t
unquote(const char *from, size_t length, char *to_r, size_t size)
{
	bool quoted = length > 0 && from[0] == '"';
	size_t filled = 0;

	for (size_t i = quoted; i < length && filled + 1 < size; i++) {
		if (quoted && from[i] == '"')
			break;
		if (quoted && from[i] == '\\' && i + 1 < length)
			i++;
		to_r[filled++] = from[i];
	}
	while (!quoted && filled > 0 && is_space(to_r[filled - 1]))
		filled--;
	to_r[filled] = '\0';
	return filled;
}

bool
store_header_parameter(const struct store_header_field *field, const char *name,
    char *value_r, size_t size)
{
	const char *value = field->value;
	size_t length = field->value_length, wanted = strlen(name);
	size_t at = parameter_end(value, length, 0);

	while (at < length) {
		size_t end = parameter_end(value, length, at + 1);
		const char *equals;

		for (at++; at < end && is_space(value[at]); at++)
			;
		equals = memchr(value + at, '=', end - at);
		if (equals != NULL && end - at > wanted &&
		    strncasecmp(value + at, name, wanted) == 0 &&
		    (is_space(value[at + wanted]) ||
			strchr("=*", value[at + wanted]) != NULL)) {
			size_t begin = (size_t)(equals + 1 - value);

			while (begin < end && is_space(value[begin]))
				begin++;
			unquote(value + begin, end - begin, value_r, size);
			return true;
		}
		at = end;
	}
	return false;
}

bool
store_header_starts(const struct store_header_field *field, const char *word)
{
	size_t at = 0, length = strlen(word);

	while (at < field->value_length && is_space(field->value[at]))
		at++;
	return field->value_length - at >= length &&
	       strncasecmp(field->value + at, word, length) == 0;
}
