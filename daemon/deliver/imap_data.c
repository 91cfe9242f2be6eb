#include "daemon/deliver/imap_data.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Lists in lists in lists: more is nothing that we ask for. */
#define NESTED_MOST 8

/* ---- tokens ---- */

static void
data_skip(struct imap_span *data, size_t length)
{
	data->at += length;
	data->length -= length;
}

static bool
data_take(struct imap_span *data, char c)
{
	if (data->length == 0 || data->at[0] != c)
		return false;
	data_skip(data, 1);
	return true;
}

static void
data_skip_blanks(struct imap_span *data)
{
	while (data_take(data, ' '))
		;
}

/* Behind its first quote; what is escaped stays so. */
static bool
data_take_quoted(struct imap_span *data, struct imap_span *value_r)
{
	size_t i;

	for (i = 0; i < data->length; i++) {
		if (data->at[i] == '\\')
			i++;
		else if (data->at[i] == '"') {
			*value_r = (struct imap_span){ data->at, i };
			data_skip(data, i + 1);
			return true;
		}
	}
	return false;
}

/* Behind its brace: "17}", CR LF, and so many octets. */
static bool
data_take_literal(struct imap_span *data, struct imap_span *value_r)
{
	uint32_t length;

	if (!imap_span_number(data, &length) || !data_take(data, '}') ||
	    !data_take(data, '\r') || !data_take(data, '\n') ||
	    data->length < length)
		return false;
	*value_r = (struct imap_span){ data->at, length };
	data_skip(data, length);
	return true;
}

/* A word; brackets may hold blanks: "BODY[HEADER.FIELDS (A)]". */
static bool
data_take_atom(struct imap_span *data, struct imap_span *value_r)
{
	bool in_brackets = false;
	size_t i;

	for (i = 0; i < data->length; i++) {
		if (data->at[i] == '[')
			in_brackets = true;
		else if (data->at[i] == ']')
			in_brackets = false;
		else if (!in_brackets && strchr(" ()\"{", data->at[i]) != NULL)
			break;
	}
	*value_r = (struct imap_span){ data->at, i };
	data_skip(data, i);
	return i > 0;
}

/* A word, a quoted text, or a literal. */
static bool
data_take_string(struct imap_span *data, struct imap_span *value_r)
{
	data_skip_blanks(data);
	if (data_take(data, '"'))
		return data_take_quoted(data, value_r);
	if (data_take(data, '{'))
		return data_take_literal(data, value_r);
	return data_take_atom(data, value_r);
}

/* One value of any kind, lists too. */
static bool
data_skip_value(struct imap_span *data)
{
	struct imap_span value;
	unsigned depth = 0;

	do {
		data_skip_blanks(data);
		if (data_take(data, '(')) {
			if (++depth > NESTED_MOST)
				return false;
		} else if (data_take(data, ')')) {
			if (depth-- == 0)
				return false;
		} else if (!data_take_string(data, &value))
			return false;
	} while (depth > 0);
	return true;
}

/* ---- capabilities ---- */

static void
capabilities_add_mechanism(
    struct imap_capabilities *capabilities, struct imap_span name)
{
	size_t length = strlen(capabilities->mechanisms), i;
	char *end = capabilities->mechanisms + length;

	if (name.length == 0 ||
	    name.length + 2 > sizeof(capabilities->mechanisms) - length)
		return;
	for (i = 0; i < name.length; i++)
		if (!isalnum((unsigned char)name.at[i]) &&
		    strchr("-_", name.at[i]) == NULL)
			return;
	if (length > 0)
		*end++ = ' ';
	for (i = 0; i < name.length; i++)
		*end++ = (char)toupper((unsigned char)name.at[i]);
	*end = '\0';
}

static void
capabilities_add(struct imap_capabilities *capabilities, struct imap_span word)
{
	static const char auth[] = "AUTH=", limit[] = "APPENDLIMIT=";
	uint32_t number;

	if (word.length > strlen(auth) &&
	    strncasecmp(word.at, auth, strlen(auth)) == 0) {
		data_skip(&word, strlen(auth));
		capabilities_add_mechanism(capabilities, word);
	} else if (word.length > strlen(limit) &&
		   strncasecmp(word.at, limit, strlen(limit)) == 0) {
		data_skip(&word, strlen(limit));
		if (imap_span_number(&word, &number))
			capabilities->append_limit = number;
	} else if (imap_span_is(word, "LITERAL+"))
		capabilities->literal_plus = true;
	else if (imap_span_is(word, "LITERAL-"))
		capabilities->literal_minus = true;
	else if (imap_span_is(word, "MULTIAPPEND"))
		capabilities->multiappend = true;
	else if (imap_span_is(word, "SASL-IR"))
		capabilities->sasl_ir = true;
	else if (imap_span_is(word, "STARTTLS"))
		capabilities->starttls = true;
	else if (imap_span_is(word, "LOGINDISABLED"))
		capabilities->login_disabled = true;
	else if (imap_span_is(word, "NAMESPACE"))
		capabilities->has_namespace = true;
	else if (imap_span_is(word, "ID"))
		capabilities->has_id = true;
}

void
imap_capabilities_read(
    struct imap_span data, struct imap_capabilities *capabilities)
{
	struct imap_span word;

	memset(capabilities, 0, sizeof(*capabilities));
	capabilities->is_known = true;
	while (data.length > 0) {
		data_skip_blanks(&data);
		word = (struct imap_span){ data.at, 0 };
		while (word.length < data.length && word.at[word.length] != ' ')
			word.length++;
		data_skip(&data, word.length);
		capabilities_add(capabilities, word);
	}
}

/* ---- names ---- */

/* Only what we can send back as it is. */
static bool
prefix_copy(char dst[IMAP_PREFIX], struct imap_span text)
{
	size_t i;

	if (text.length >= IMAP_PREFIX)
		return false;
	for (i = 0; i < text.length; i++)
		if (text.at[i] < ' ' || text.at[i] > '~' ||
		    strchr("\\\"*%", text.at[i]) != NULL)
			return false;
	if (text.length > 0)
		memcpy(dst, text.at, text.length);
	dst[text.length] = '\0';
	return true;
}

/* A quoted character, or NIL. */
static bool
delimiter_take(struct imap_span *data, char *delimiter_r)
{
	struct imap_span text;
	bool is_quoted;

	data_skip_blanks(data);
	is_quoted = data->length > 0 && data->at[0] == '"';
	if (!data_take_string(data, &text))
		return false;
	if (text.length == 2 && text.at[0] == '\\')
		data_skip(&text, 1);
	*delimiter_r = '\0';
	if (is_quoted && text.length == 1 && text.at[0] > ' ' &&
	    text.at[0] <= '~')
		*delimiter_r = text.at[0];
	return true;
}

/* The namespaces of a kind: (("INBOX." ".") ("#mh/" "/")), or NIL. */
static bool
namespaces_take(struct imap_span *data, bool is_own, struct imap_naming *naming)
{
	struct imap_span prefix, ignored;
	size_t foreign = 0;
	bool is_first = true;
	char delimiter;

	data_skip_blanks(data);
	if (!data_take(data, '('))
		return data_take_atom(data, &ignored) &&
		       imap_span_is(ignored, "NIL");
	while (foreign < IMAP_FOREIGN && naming->foreign[foreign][0] != '\0')
		foreign++;
	for (;;) {
		data_skip_blanks(data);
		if (data_take(data, ')'))
			return true;
		if (!data_take(data, '(') || !data_take_string(data, &prefix) ||
		    !delimiter_take(data, &delimiter))
			return false;
		if (is_own && is_first) {
			if (!prefix_copy(naming->prefix, prefix))
				return false;
			naming->delimiter = delimiter;
		} else if (foreign < IMAP_FOREIGN && prefix.length > 0 &&
			   prefix_copy(naming->foreign[foreign], prefix))
			foreign++;
		is_first = false;
		for (;;) {
			data_skip_blanks(data);
			if (data_take(data, ')'))
				break;
			if (!data_skip_value(data))
				return false;
		}
	}
}

bool
imap_naming_read_namespace(struct imap_span data, struct imap_naming *naming)
{
	memset(naming, 0, sizeof(*naming));
	return namespaces_take(&data, true, naming) &&
	       namespaces_take(&data, false, naming) &&
	       namespaces_take(&data, false, naming);
}

bool
imap_naming_read_list(struct imap_span data, struct imap_naming *naming)
{
	memset(naming, 0, sizeof(*naming));
	return data_skip_value(&data) &&
	       delimiter_take(&data, &naming->delimiter);
}

/* ---- where messages are ---- */

bool
imap_state_read(struct imap_span data, struct imap_state *state)
{
	struct imap_span name;
	uint32_t number;

	memset(state, 0, sizeof(*state));
	if (!data_take_string(&data, &name))
		return false;
	data_skip_blanks(&data);
	if (!data_take(&data, '('))
		return false;
	for (;;) {
		data_skip_blanks(&data);
		if (data_take(&data, ')'))
			return true;
		if (!data_take_atom(&data, &name))
			return false;
		data_skip_blanks(&data);
		if (!imap_span_number(&data, &number)) {
			if (!data_skip_value(&data))
				return false;
		} else if (imap_span_is(name, "UIDVALIDITY"))
			state->validity = number;
		else if (imap_span_is(name, "UIDNEXT"))
			state->next = number;
	}
}

/* "7" or "7:9", either end first. */
static bool
range_take(struct imap_span *data, uint32_t *first_r, uint32_t *last_r)
{
	uint32_t other;

	if (!imap_span_number(data, first_r) || *first_r == 0)
		return false;
	*last_r = *first_r;
	if (!data_take(data, ':'))
		return true;
	if (!imap_span_number(data, &other) || other == 0)
		return false;
	if (other < *first_r)
		*first_r = other;
	else
		*last_r = other;
	return true;
}

size_t
imap_appenduid_read(
    struct imap_span data, uint32_t *validity_r, uint32_t *uids_r, size_t most)
{
	uint32_t first, last;
	size_t count = 0, i;

	if (!imap_span_number(&data, validity_r) || *validity_r == 0)
		return 0;
	data_skip_blanks(&data);
	do {
		if (!range_take(&data, &first, &last))
			return 0;
		for (i = 0; count + i < most && i <= last - first; i++)
			uids_r[count + i] = first + (uint32_t)i;
		count += (size_t)(last - first) + 1;
	} while (data_take(&data, ','));
	return data.length == 0 ? count : 0;
}

/* The value of the first field of that name, in unfolded header lines. */
static bool
field_find(struct imap_span header, const char *name, struct imap_span *value_r)
{
	size_t length = strlen(name), line;
	const char *end;

	for (; header.length > 0; data_skip(&header, line)) {
		end = memchr(header.at, '\n', header.length);
		line =
		    end == NULL ? header.length : (size_t)(end - header.at) + 1;
		if (line <= length || header.at[length] != ':' ||
		    strncasecmp(header.at, name, length) != 0)
			continue;
		value_r->at = header.at + length + 1;
		value_r->length = line - length - 1;
		while (value_r->length > 0 &&
		       isspace((unsigned char)value_r->at[0]))
			data_skip(value_r, 1);
		while (value_r->length > 0 &&
		       isspace((unsigned char)value_r->at[value_r->length - 1]))
			value_r->length--;
		return true;
	}
	return false;
}

bool
imap_fetched_read(struct imap_span data, const char *name, uint32_t *uid_r,
    struct imap_span *value_r)
{
	static const char section[] = "BODY[";
	struct imap_span item, header;
	bool has_uid = false, has_value = false;

	if (!data_take(&data, '('))
		return false;
	for (;;) {
		data_skip_blanks(&data);
		if (data_take(&data, ')'))
			return has_uid && has_value;
		if (!data_take_atom(&data, &item))
			return false;
		data_skip_blanks(&data);
		if (imap_span_is(item, "UID")) {
			if (!imap_span_number(&data, uid_r))
				return false;
			has_uid = true;
		} else if (item.length >= strlen(section) &&
			   strncasecmp(item.at, section, strlen(section)) ==
			       0) {
			if (!data_take_string(&data, &header))
				return false;
			has_value = field_find(header, name, value_r);
		} else if (!data_skip_value(&data))
			return false;
	}
}
