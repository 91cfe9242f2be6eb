#include "daemon/store/attachment.h"

#include <string.h>
#include <strings.h>

#include "daemon/store/header.h"

void
store_attachments_init(struct store_attachments *state)
{
	state->in_header = true;
	state->keeping = false;
	state->count = 0;
	state->depth = 0;
	state->line_length = 0;
	state->fields_length = 0;
}

static bool
has_file_name(const struct store_header_field *field, const char *parameter)
{
	char name[2];

	return store_header_parameter(field, parameter, name, sizeof(name)) &&
	       name[0] != '\0';
}

static void
enter_multipart(
    struct store_attachments *state, const struct store_header_field *field)
{
	char *boundary;

	if (state->depth == STORE_BOUNDARY_DEPTH)
		return;
	boundary = state->boundaries[state->depth];
	if (store_header_parameter(
		field, "boundary", boundary, STORE_BOUNDARY_SIZE) &&
	    boundary[0] != '\0')
		state->depth++;
}

static void
end_header(struct store_attachments *state)
{
	struct store_header_field field;
	size_t position = 0;
	bool attached = false, multipart = false;

	while (store_header_next(
	    state->fields, state->fields_length, &position, &field)) {
		if (store_header_is(&field, "Content-Disposition"))
			attached = attached ||
				   store_header_starts(&field, "attachment") ||
				   has_file_name(&field, "filename");
		if (!store_header_is(&field, "Content-Type"))
			continue;
		attached = attached || has_file_name(&field, "name");
		if (store_header_starts(&field, "multipart/") && !multipart) {
			multipart = true;
			enter_multipart(state, &field);
		}
	}
	if (attached && !multipart)
		state->count++;
	state->in_header = false;
	state->fields_length = 0;
}

static void
header_line(struct store_attachments *state, const char *line, size_t length)
{
	static const char prefix[] = "Content-";

	if (length == 0) {
		end_header(state);
		return;
	}
	if (line[0] != ' ' && line[0] != '\t')
		state->keeping =
		    length >= sizeof(prefix) &&
		    strncasecmp(line, prefix, sizeof(prefix) - 1) == 0;
	if (!state->keeping ||
	    sizeof(state->fields) - state->fields_length <= length)
		return;
	memcpy(state->fields + state->fields_length, line, length);
	state->fields_length += length;
	state->fields[state->fields_length++] = '\n';
}

/* Whether the line is a boundary; an outer one ends the inner ones. */
static bool
boundary_line(struct store_attachments *state, const char *line, size_t length)
{
	if (length < 3 || line[0] != '-' || line[1] != '-')
		return false;
	while (line[length - 1] == ' ' || line[length - 1] == '\t')
		length--;
	for (size_t i = state->depth; i-- > 0;) {
		size_t size = strlen(state->boundaries[i]);
		bool closes = length == size + 4 && line[length - 1] == '-' &&
			      line[length - 2] == '-';

		if ((length != size + 2 && !closes) ||
		    memcmp(line + 2, state->boundaries[i], size) != 0)
			continue;
		state->depth = closes ? i : i + 1;
		state->in_header = !closes;
		state->keeping = false;
		state->fields_length = 0;
		return true;
	}
	return false;
}

static void
whole_line(struct store_attachments *state, const char *line, size_t length)
{
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (boundary_line(state, line, length))
		return;
	if (state->in_header)
		header_line(state, line, length);
}

static void
keep_line(struct store_attachments *state, const char *bytes, size_t length)
{
	size_t room = sizeof(state->line) - state->line_length;

	if (length > room)
		length = room;
	memcpy(state->line + state->line_length, bytes, length);
	state->line_length += length;
}

void
store_attachments_feed(
    struct store_attachments *state, const char *bytes, size_t length)
{
	/* Outside of all parts, nothing can begin one any more. */
	while (length > 0 && (state->in_header || state->depth > 0)) {
		const char *end = memchr(bytes, '\n', length);
		size_t line = end == NULL ? length : (size_t)(end - bytes);

		if (end == NULL) {
			keep_line(state, bytes, length);
			return;
		}
		if (state->line_length > 0) {
			keep_line(state, bytes, line);
			line = state->line_length;
			state->line_length = 0;
			whole_line(state, state->line, line);
		} else
			whole_line(state, bytes, line);
		length -= (size_t)(end - bytes) + 1;
		bytes = end + 1;
	}
}
