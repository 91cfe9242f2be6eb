/*
 * What a server of IMAP says: an input is its lines and literals, each ended by
 * LF.  What is found lies in the response, and what is kept is bounded.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/imap_data.h"
#include "daemon/deliver/imap_name.h"
#include "daemon/deliver/imap_reply.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

static void
check_within(const char *octets, size_t length, struct imap_span span)
{
	if (span.length == 0)
		return;
	assert(span.at >= octets && span.at <= octets + length);
	assert(span.length <= (size_t)(octets + length - span.at));
}

static void
check_naming(const struct imap_naming *naming)
{
	char sent[IMAP_FOLDER];
	size_t i;

	assert(memchr(naming->prefix, '\0', IMAP_PREFIX) != NULL);
	for (i = 0; i < IMAP_FOREIGN; i++)
		assert(memchr(naming->foreign[i], '\0', IMAP_PREFIX) != NULL);
	assert(imap_folder_write(sent, "a/b", naming));
	assert(strpbrk(sent, "\r\n") == NULL);
}

static void
check_capabilities(struct imap_span text)
{
	struct imap_capabilities can;

	imap_capabilities_read(text, &can);
	assert(memchr(can.mechanisms, '\0', sizeof(can.mechanisms)) != NULL);
	assert(
	    strspn(can.mechanisms, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ ") ==
	    strlen(can.mechanisms));
}

static void
check_uids(struct imap_span text)
{
	uint32_t validity, uids[5] = { 0 };
	size_t count = imap_appenduid_read(text, &validity, uids, 4), i;

	assert(uids[4] == 0);
	for (i = 0; i < count && i < 4; i++)
		assert(uids[i] > 0 && validity > 0);
}

/* Each reader with each text, whatever the server calls it. */
static void
check_data(const char *octets, size_t length, const struct imap_reply *reply)
{
	struct imap_naming naming;
	struct imap_state state;
	struct imap_span value = { NULL, 0 };
	uint32_t uid;

	check_capabilities(reply->text);
	check_capabilities(reply->code_data);
	check_uids(reply->code_data);
	check_uids(reply->text);
	if (imap_naming_read_namespace(reply->text, &naming))
		check_naming(&naming);
	if (imap_naming_read_list(reply->text, &naming))
		check_naming(&naming);
	(void)imap_state_read(reply->text, &state);
	if (imap_fetched_read(reply->text, "X-Evpop-Id", &uid, &value))
		check_within(octets, length, value);
}

static void
check_reply(const char *octets, size_t length)
{
	struct imap_reply reply;

	if (!imap_reply_parse(octets, length, &reply))
		return;
	check_within(octets, length, reply.code_data);
	check_within(octets, length, reply.word);
	check_within(octets, length, reply.text);
	assert(reply.code < IMAP_CODE_COUNT);
	if (reply.kind == IMAP_TAGGED)
		assert(
		    reply.condition >= IMAP_OK && reply.condition <= IMAP_BAD);
	if (reply.condition == IMAP_DATA && reply.kind == IMAP_UNTAGGED)
		assert(reply.word.length > 0);
	check_data(octets, length, &reply);
}

/* The input as the name of a folder. */
static void
check_folder(const uint8_t *data, size_t size)
{
	static const struct imap_naming naming = { .prefix = "INBOX.",
		.delimiter = '.' };
	char *name = malloc(size + 1), sent[IMAP_FOLDER];
	size_t i;

	assert(name != NULL);
	if (size > 0)
		memcpy(name, data, size);
	name[size] = '\0';
	if (imap_folder_write(sent, name, &naming))
		for (i = 0; sent[i] != '\0'; i++)
			assert(sent[i] >= ' ' && sent[i] <= '~');
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size }, line;
	struct imap_gather gather = { 0 };
	enum imap_gathered gathered;
	unsigned char *copy;
	uint64_t literal;
	size_t taken;

	check_folder(data, size);
	while (input.left > 0) {
		line = fuzz_up_to(&input, '\n');
		copy = fuzz_copy(line.at, line.left);
		gathered = imap_gather_line(
		    &gather, (const char *)copy, line.left, &literal);
		free(copy);
		assert(gather.length <= IMAP_REPLY_MOST);
		if (gathered == IMAP_GATHERED_MORE) {
			taken =
			    literal < input.left ? (size_t)literal : input.left;
			assert(imap_gather_literal(&gather, input.at, taken));
			input.at += taken;
			input.left -= taken;
		} else if (gathered == IMAP_GATHERED_WHOLE) {
			copy = fuzz_copy(
			    (unsigned char *)gather.octets, gather.length);
			check_reply((const char *)copy, gather.length);
			free(copy);
			imap_gather_reset(&gather);
		} else
			break;
	}
	imap_gather_free(&gather);
	return 0;
}
