/*
 * A proxy: its URL, by the library and by the daemon, and the dialog with one
 * whose every octet the input chooses.
 *
 *     CUTS URL "\n" HOST "\n" OCTETS
 *
 * The octet 0xfe ends a turn of the proxy's: what it is to be told next is
 * sent between turns.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <evpop/client.h>

#include "lib/net/destination.h"
#include "lib/net/proxy.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

#define TURN_END 0xfe
#define PORT     995

static void
check_reason(const struct evpop_result *result)
{
	assert(result->error > EVPOP_ERROR_NONE &&
	       result->error < EVPOP_ERROR_COUNT);
	assert(result->text[0] != '\0');
	assert(memchr(result->text, '\0', sizeof(result->text)) != NULL);
	assert(fuzz_is_showable(result->text, strlen(result->text)));
}

/*
 * The daemon takes nothing that the library would refuse in the middle of the
 * night, and knows where passwords stand.
 */
static bool
read_url(const char *url, struct evpop_proxy_config *config)
{
	struct evpop_result result;

	if (!evpop_proxy_parse(config, url, &result)) {
		check_reason(&result);
		assert(config->host == NULL && config->user == NULL &&
		       config->password == NULL);
		assert(!evpop_proxy_check(url, &result));
		return false;
	}
	assert(evpop_proxy_check(url, &result));
	assert(config->kind < EVPOP_PROXY_KINDS && config->port > 0);
	assert(config->host[0] != '\0' && strlen(config->host) <= 255);
	assert((config->user == NULL) == (config->password == NULL));
	if (config->user != NULL) {
		assert(config->user[0] != '\0' && strlen(config->user) <= 255);
		assert(strlen(config->password) <= 255);
		assert(strpbrk(config->user, "\r\n") == NULL);
		assert(strpbrk(config->password, "\r\n") == NULL);
		assert(config->password[0] == '\0' ||
		       evpop_proxy_has_password(url));
	}
	return true;
}

/* The name as the DNS has it, for free(); NULL where it is none. */
static char *
read_host(const char *host)
{
	struct evpop_result result;
	char *ascii, *again;
	size_t i;

	if (!evpop_idn_to_ascii(host, &ascii, &result)) {
		check_reason(&result);
		assert(ascii == NULL);
		return NULL;
	}
	for (i = 0; ascii[i] != '\0'; i++)
		assert((unsigned char)ascii[i] < 0x80);
	assert(evpop_idn_to_ascii(ascii, &again, &result));
	assert(strcmp(ascii, again) == 0);
	free(again);
	return ascii;
}

/* Nothing in host, user or password adds a line to the request. */
static void
check_http(const unsigned char *said, size_t length, bool login)
{
	size_t i, lines = 0;

	for (i = 0; i < length; i++) {
		assert(said[i] != '\0');
		if (said[i] == '\n')
			lines++;
	}
	assert(length > 4 && memcmp(said, "CONNECT ", 8) == 0);
	assert(memcmp(said + length - 4, "\r\n\r\n", 4) == 0);
	assert(lines == (login ? 4 : 3));
}

static void
send_all(struct evpop_proxy *proxy, const struct evpop_proxy_config *config,
    struct fuzz_record *record)
{
	const unsigned char *said;
	size_t length;

	said = evpop_proxy_output(proxy, &length);
	if (length == 0)
		return;
	if (config->kind == EVPOP_PROXY_HTTP)
		check_http(said, length, config->user != NULL);
	fuzz_record_text(record, "\nsent ");
	fuzz_record_bytes(record, said, length);
	evpop_proxy_sent(proxy, length);
	said = evpop_proxy_output(proxy, &length);
	assert(said == NULL && length == 0);
}

/* Returns whether the dialog goes on. */
static bool
hear(struct evpop_proxy *proxy, struct fuzz_input turn, struct fuzz_cuts *cuts,
    struct fuzz_record *record)
{
	enum evpop_proxy_status status = EVPOP_PROXY_MORE;
	struct evpop_result result;
	unsigned char *piece;
	size_t length, used, total = 0;

	while (turn.left > 0 && status == EVPOP_PROXY_MORE) {
		length = fuzz_piece(cuts, turn.left);
		piece = fuzz_copy(turn.at, length);
		status =
		    evpop_proxy_input(proxy, piece, length, &used, &result);
		free(piece);
		assert(used <= length);
		assert(status != EVPOP_PROXY_MORE || used == length);
		total += used;
		turn.at += length;
		turn.left -= length;
	}
	assert(evpop_proxy_standing(proxy)[0] != '\0');
	fuzz_record_text(record, "\nheard");
	fuzz_record_number(record, status);
	/* How much of a failure was read is no matter. */
	if (status == EVPOP_PROXY_FAILED) {
		check_reason(&result);
		fuzz_record_text(record, result.text);
	} else
		fuzz_record_number(record, total);
	return status == EVPOP_PROXY_MORE;
}

static void
run(const struct evpop_proxy_config *config, const char *host,
    struct fuzz_input input, struct fuzz_cuts cuts, struct fuzz_record *record)
{
	struct evpop_result result;
	struct evpop_proxy *proxy;
	bool more = true;

	proxy = evpop_proxy_new(config, host, PORT, &result);
	if (proxy == NULL) {
		check_reason(&result);
		fuzz_record_text(record, result.text);
		return;
	}
	while (more && input.left > 0) {
		more = hear(proxy, fuzz_up_to(&input, TURN_END), &cuts, record);
		if (more)
			send_all(proxy, config, record);
	}
	if (more) {
		evpop_proxy_eof(proxy, &result);
		check_reason(&result);
		fuzz_record_text(record, result.text);
	}
	evpop_proxy_free(&proxy);
	assert(proxy == NULL);
}

static void
run_both(const struct evpop_proxy_config *config, const char *host,
    struct fuzz_input input, struct fuzz_cuts cuts)
{
	struct fuzz_record whole = { NULL, 0, 0 }, cut = { NULL, 0, 0 };

	run(config, host, input, FUZZ_WHOLE, &whole);
	run(config, host, input, cuts, &cut);
	fuzz_record_same(&whole, &cut);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size }, line;
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);
	struct evpop_proxy_config config;
	char *url, *name, *host;

	line = fuzz_up_to(&input, '\n');
	url = fuzz_string(line.at, line.left);
	line = fuzz_up_to(&input, '\n');
	name = fuzz_string(line.at, line.left);
	host = read_host(name);
	(void)evpop_proxy_has_password(url);
	if (read_url(url, &config)) {
		if (host != NULL)
			run_both(&config, host, input, cuts);
		evpop_proxy_config_clear(&config);
		assert(config.host == NULL && config.password == NULL);
	}
	free(url);
	free(name);
	free(host);
	return 0;
}
