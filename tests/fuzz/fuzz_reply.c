/*
 * Status lines, and the numbers in replies and listings.  An input is a line.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/core/reply.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

static bool
is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* [text, text + length) lies in the line and has no white space at its ends. */
static void
check_part(const unsigned char *line, size_t line_length,
    const unsigned char *text, size_t length)
{
	assert(text >= line && text <= line + line_length);
	assert(length <= (size_t)(line + line_length - text));
	if (length > 0)
		assert(!is_space(text[0]) && !is_space(text[length - 1]));
}

static void
check_code(const struct evpop_status_line *status)
{
	const unsigned char *end;

	assert(status->code < EVPOP_CODE_COUNT);
	assert(evpop_response_code_name(status->code) != NULL);
	end = status->length == 0 ? NULL
				  : memchr(status->text, ']', status->length);
	if (status->length > 0 && status->text[0] == '[' && end != NULL)
		assert(status->code != EVPOP_CODE_NONE);
	else
		assert(status->code == EVPOP_CODE_NONE);
}

static void
check_status(const unsigned char *line, size_t length)
{
	struct evpop_status_line status;
	const char *indicator = "+OK";
	size_t behind;

	if (!evpop_status_line_parse(line, length, &status))
		return;
	if (!status.ok)
		indicator = "-ERR";
	behind = strlen(indicator);
	assert(length >= behind);
	assert(strncasecmp((const char *)line, indicator, behind) == 0);
	assert(length == behind || is_space(line[behind]));
	check_part(line, length, status.text, status.length);
	check_code(&status);
}

/* A number that was taken is the one whose digits stand before the text. */
static void
check_digits(
    const unsigned char *begin, const unsigned char *end, uint64_t number)
{
	char digits[24];
	int length;

	while (begin < end && (is_space(*begin) || *begin == '0'))
		begin++;
	length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	if (number == 0)
		length = 0;
	assert(length == (int)(end - begin));
	assert(memcmp(begin, digits, (size_t)length) == 0);
}

static void
check_numbers(const unsigned char *line, size_t length)
{
	const unsigned char *text = line, *before = line, *again;
	size_t left = length, again_left;
	uint64_t number;
	uint32_t message;

	for (;;) {
		again = text;
		again_left = left;
		if (!evpop_number_take(&text, &left, &number))
			break;
		assert(text > before && text + left == line + length);
		assert(left == 0 || is_space(*text));
		check_digits(before, text, number);
		if (evpop_message_number_take(&again, &again_left, &message)) {
			assert(message == number && message > 0);
			assert(again == text && again_left == left);
		} else {
			assert(number == 0 || number > UINT32_MAX);
			assert(again == before);
		}
		before = text;
	}
	assert(text == before && text + left == line + length);
	assert(!evpop_message_number_take(&again, &again_left, &message));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *trimmed = data;
	size_t length = size;

	evpop_trim(&trimmed, &length);
	check_part(data, size, trimmed, length);
	check_status(data, size);
	check_numbers(data, size);
	return 0;
}
