/*
 * How a message came, by the outermost lines of its header; and what rspamd
 * answers, which becomes lines of one.
 *
 *     HEADER, or "{" and what follows it of an answer
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/received.h"
#include "daemon/deliver/trace.h"
#include "daemon/deliver/verdict_read.h"
#include "daemon/http/network.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

/* What stands in a command or a header: it begins nothing else there. */
static void
check_plain(const char *text, size_t size)
{
	const char *at;

	assert(memchr(text, '\0', size) != NULL);
	for (at = text; *at != '\0'; at++)
		assert(*at >= ' ' && *at <= '~');
}

static void
check_host(const char *host)
{
	check_plain(host, TRACE_HOST);
	assert(strpbrk(host, " <>()\"\\,;") == NULL);
}

/* Between angle brackets it is one address. */
static void
check_address(const char *address)
{
	char again[TRACE_ADDRESS], bracketed[TRACE_ADDRESS + 2];
	size_t length = strlen(address);

	check_plain(address, TRACE_ADDRESS);
	bracketed[0] = '<';
	memcpy(bracketed + 1, address, length);
	bracketed[length + 1] = '>';
	assert(address[0] == '@' ||
	       (received_address_read(bracketed, length + 2, again) &&
		   strcmp(again, address) == 0));
	if (strchr(address, '"') == NULL)
		assert(strpbrk(address, " <>") == NULL);
}

static void
check_trace(const unsigned char *header, size_t length)
{
	struct network_address client;
	struct trace trace;

	trace_read(header, length, &trace);
	check_host(trace.helo);
	check_host(trace.name);
	check_address(trace.recipient);
	check_address(trace.sender);
	assert(trace.has_sender || trace.sender[0] == '\0');
	assert(trace.has_date || trace.date_ms == 0);
	if (trace.address[0] != '\0') {
		assert(network_address_read(trace.address, &client));
		assert(network_is_public(&client));
	} else
		assert(trace.helo[0] == '\0' && trace.name[0] == '\0');
}

/* Whole lines of a header, of which each is a field or goes on with one. */
static void
check_lines(const char *lines)
{
	size_t length = strlen(lines);

	assert(length > 2 && length < VERDICT_LINES);
	assert(strncmp(lines, "X-Spam-", 7) == 0);
	while (*lines != '\0') {
		const char *end = strstr(lines, "\r\n"), *at;

		assert(end != NULL && end > lines);
		for (at = lines; at < end; at++)
			assert(*at == '\t' || (*at >= ' ' && *at <= '~'));
		assert(lines[0] == '\t' || strncmp(lines, "X-Spam-", 7) == 0);
		lines = end + 2;
	}
}

static void
check_verdict(const char *answer)
{
	struct verdict_read read;

	if (!verdict_read(answer, &read))
		verdict_read_none(answer, &read);
	check_lines(read.lines);
	assert(fuzz_is_showable(read.text, strlen(read.text)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly so long, for the sanitizer. */
	unsigned char *copy = fuzz_copy(data, size);
	char *text;

	check_trace(copy, size);
	free(copy);
	if (size == 0 || data[0] != '{')
		return 0;
	text = malloc(size + 1);
	assert(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	check_verdict(text);
	free(text);
	return 0;
}
