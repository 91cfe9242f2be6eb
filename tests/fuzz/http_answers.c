#include "tests/fuzz/http_answers.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/fuzz/showable.h"

struct answer {
	const char *head, *body;
	size_t head_length, body_length;
	int status;
};

/* The value of a header, and its length; NULL where there is none. */
static const char *
answer_header(const struct answer *answer, const char *name, size_t *length_r)
{
	const char *at = answer->head, *end = at + answer->head_length;
	size_t length = strlen(name);

	while ((at = strstr(at, "\r\n")) != NULL && at + 2 < end) {
		at += 2;
		if (strncasecmp(at, name, length) != 0 || at[length] != ':')
			continue;
		at += length + 1;
		at += strspn(at, " ");
		*length_r = strcspn(at, "\r");
		return at;
	}
	return NULL;
}

static bool
answer_has(const struct answer *answer, const char *name, const char *value)
{
	size_t length;
	const char *found = answer_header(answer, name, &length);

	return found != NULL && length == strlen(value) &&
	       strncasecmp(found, value, length) == 0;
}

/* Status line and headers; false where they are cut. */
static bool
answer_read_head(struct answer *answer, const char *at, size_t left)
{
	const char *end = strstr(at, "\r\n\r\n");

	if (end == NULL || end + 4 > at + left)
		return false;
	answer->head = at;
	answer->head_length = (size_t)(end - at) + 4;
	answer->body = at + answer->head_length;
	assert(strncmp(at, "HTTP/1.1 ", 9) == 0 ||
	       strncmp(at, "HTTP/1.0 ", 9) == 0);
	answer->status = atoi(at + 9);
	assert(answer->status >= 100 && answer->status < 600);
	/* Neither a name of the request nor a message's splits the head. */
	assert(memchr(at, '\0', answer->head_length) == NULL);
	return true;
}

/* Octets of a chunked body; 0 where it is cut. */
static size_t
answer_chunks(const struct answer *answer, size_t left)
{
	const char *at = answer->body, *end = at + left;
	unsigned long size;
	char *after;

	do {
		if (at >= end || strstr(at, "\r\n") == NULL)
			return 0;
		size = strtoul(at, &after, 16);
		assert(after > at && strncmp(after, "\r\n", 2) == 0);
		after += 2;
		if ((size_t)(end - after) < size + 2)
			return 0;
		assert(strncmp(after + size, "\r\n", 2) == 0);
		at = after + size + 2;
	} while (size > 0);
	return (size_t)(at - answer->body);
}

/* Octets of the body; false where it is cut. */
static bool
answer_read_body(struct answer *answer, size_t left)
{
	size_t length;
	const char *digits;

	answer->body_length = 0;
	if (answer->status < 200 || answer->status == 304)
		return true;
	if (answer_has(answer, "Transfer-Encoding", "chunked")) {
		answer->body_length = answer_chunks(answer, left);
		return answer->body_length > 0;
	}
	digits = answer_header(answer, "Content-Length", &length);
	if (digits == NULL) {
		/* The end of the connection is that of the body. */
		answer->body_length = left;
		return true;
	}
	/* HEAD: what follows is nothing, or the next answer. */
	if (left == 0 || strncmp(answer->body, "HTTP/1.", 7) == 0)
		return true;
	answer->body_length = strtoul(digits, NULL, 10);
	return answer->body_length <= left;
}

static void
answer_check_error(const json_t *json)
{
	const json_t *error = json_object_get(json, "error");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message =
	    json_string_value(json_object_get(error, "message"));

	assert(code != NULL && *code != '\0');
	assert(message != NULL && *message != '\0');
	assert(fuzz_is_utf8(message, strlen(message)));
}

static void
answer_check(const struct answer *answer)
{
	json_t *json;

	/* A page of evhttp's own never reaches anybody. */
	assert(!answer_has(answer, "Content-Type", "text/html"));
	if (answer->body_length == 0 ||
	    !answer_has(answer, "Content-Type", "application/json") ||
	    answer_has(answer, "Transfer-Encoding", "chunked"))
		return;
	json = json_loadb(answer->body, answer->body_length, 0, NULL);
	assert(json_is_object(json));
	/* /v1/health says what is wrong, and is no error. */
	if (answer->status >= 400 && json_object_get(json, "problems") == NULL)
		answer_check_error(json);
	json_decref(json);
}

size_t
http_answers_check(const char *bytes, size_t length, bool is_whole)
{
	struct answer answer;
	size_t count = 0;

	while (length > 0) {
		if (!answer_read_head(&answer, bytes, length) ||
		    !answer_read_body(&answer, length - answer.head_length)) {
			assert(!is_whole);
			break;
		}
		answer_check(&answer);
		bytes += answer.head_length + answer.body_length;
		length -= answer.head_length + answer.body_length;
		count += answer.status >= 200;
	}
	return count;
}
