/* SCRAM against the server's side of GSASL, and against servers that cheat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/auth/base64.h"
#include "tests/unit/test_auth_player.h"

#define S1       EVPOP_MECHANISM_SCRAM_SHA_1
#define S256     EVPOP_MECHANISM_SCRAM_SHA_256
#define S1PLUS   EVPOP_MECHANISM_SCRAM_SHA_1_PLUS
#define S256PLUS EVPOP_MECHANISM_SCRAM_SHA_256_PLUS

struct meeting {
	const char *name;
	enum evpop_mechanism mechanism;
	struct evpop_credentials credentials;
	const char *exporter, *unique; /* the client's end of the channel */
	struct scram_server server;
	const char *flags; /* one of them begins client-first-message */
	enum evpop_error verified;
	bool accepted;
};

#define JOE     .user = "joe", .password = "pencil"
#define ONLY(m) .mechanisms = EVPOP_MECHANISM_BIT(m)
#define UNBOUND                        \
	.mechanisms =                  \
	    EVPOP_MECHANISMS_DEFAULT & \
	    ~(EVPOP_MECHANISM_BIT(S1PLUS) | EVPOP_MECHANISM_BIT(S256PLUS))
#define REFUSED     .verified = EVPOP_ERROR_AUTH
#define SERVER(...) .server = { .password = "pencil", __VA_ARGS__ }

static const struct meeting meetings[] = {
	{ "plain", S1, { JOE }, SERVER(.unique = NULL), .flags = "n",
	    .accepted = true },
	{ "plain", S256, { JOE }, SERVER(.unique = NULL), .flags = "n",
	    .accepted = true },
	{ "a name to escape", S256, { .user = "a,b=c", .password = "pencil" },
	    SERVER(.unique = NULL), .flags = "n", .accepted = true },
	{ "as another", S256, { JOE, .authorization = "o,t=her" },
	    SERVER(.unique = NULL), .flags = "n", .accepted = true },
	{ "wrong password", S1, { .user = "joe", .password = "pen" },
	    SERVER(.unique = NULL), .flags = "n", REFUSED },
	{ "wrong password", S256, { .user = "joe", .password = "Pencil" },
	    SERVER(.unique = NULL), .flags = "n", REFUSED },
	{ "mute", S256, { JOE }, SERVER(.mute = true), .flags = "n", REFUSED,
	    .accepted = true },
	{ "wrong signature", S256, { JOE },
	    SERVER(.signature =
		       "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
	    .flags = "n", REFUSED, .accepted = true },
	{ "wrong signature", S1, { JOE },
	    SERVER(.signature = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), .flags = "n",
	    REFUSED, .accepted = true },
	{ "short signature", S1, { JOE }, SERVER(.signature = "v="),
	    .flags = "n", REFUSED, .accepted = true },
	{ "words for a signature", S1, { JOE },
	    SERVER(.signature = "Logged in."), .flags = "n", REFUSED,
	    .accepted = true },
	{ "refused by e=", S1, { JOE }, SERVER(.signature = "e=invalid-proof"),
	    .flags = "n", REFUSED, .accepted = true },

	{ "tls-exporter", S256PLUS, { JOE }, .exporter = "same",
	    SERVER(.exporter = "same"), .flags = "p=tls-exporter,",
	    .accepted = true },
	{ "tls-exporter", S1PLUS, { JOE }, .exporter = "same",
	    SERVER(.exporter = "same"), .flags = "p=tls-exporter,",
	    .accepted = true },
	{ "tls-unique", S256PLUS, { JOE }, .unique = "same",
	    SERVER(.unique = "same"), .flags = "p=tls-unique,",
	    .accepted = true },
	{ "tls-unique", S1PLUS, { JOE }, .unique = "same",
	    SERVER(.unique = "same"), .flags = "p=tls-unique,",
	    .accepted = true },
	{ "both bindings", S256PLUS, { JOE }, .exporter = "e", .unique = "u",
	    SERVER(.exporter = "e", .unique = "u"), .flags = "p=tls-exporter,",
	    .accepted = true },
	{ "another exporter", S256PLUS, { JOE }, .exporter = "same",
	    SERVER(.exporter = "Same"), .flags = "p=tls-exporter,", REFUSED },
	{ "another exporter", S1PLUS, { JOE }, .exporter = "same",
	    SERVER(.exporter = "samE"), .flags = "p=tls-exporter,", REFUSED },
	{ "a shorter exporter", S256PLUS, { JOE }, .exporter = "same",
	    SERVER(.exporter = "sam"), .flags = "p=tls-exporter,", REFUSED },
	{ "another unique", S256PLUS, { JOE }, .unique = "same",
	    SERVER(.unique = "other"), .flags = "p=tls-unique,", REFUSED },
	{ "another unique", S1PLUS, { JOE }, .unique = "same",
	    SERVER(.unique = "other"), .flags = "p=tls-unique,", REFUSED },
	{ "bound, wrong password", S256PLUS, { .user = "u", .password = "x" },
	    .exporter = "same", SERVER(.exporter = "same"),
	    .flags = "p=tls-exporter,", REFUSED },

	{ "not offered", S256, { JOE }, .exporter = "e", SERVER(.unique = NULL),
	    .flags = "y", .accepted = true },
	{ "not offered", S1, { JOE }, .unique = "u", SERVER(.unique = NULL),
	    .flags = "y", .accepted = true },
	{ "offered, not allowed", S256, { JOE, ONLY(S256) }, .exporter = "e",
	    SERVER(.exporter = "e"), .flags = "n", .accepted = true },
	{ "offered, not allowed", S1, { JOE, ONLY(S1) }, .unique = "u",
	    SERVER(.unique = "u"), .flags = "n", .accepted = true },

	/* Where -PLUS was refused, "y" would be taken for an attack. */
	{ "bound in another way", S256, { JOE, UNBOUND }, .exporter = "e",
	    SERVER(.exporter = "e", .unique = "u"), .flags = "n",
	    .accepted = true },
	{ "bound in another way", S1, { JOE, UNBOUND }, .exporter = "e",
	    .unique = "u", SERVER(.unique = "other"), .flags = "n",
	    .accepted = true },

	/* RFC 4013 section 3 */
	{ "soft hyphen", S256, { .user = "joe", .password = "I\xc2\xadX" },
	    .server = { .password = "IX" }, .flags = "n", .accepted = true },
	{ "Roman nine", S1, { .user = "joe", .password = "\xe2\x85\xa8" },
	    .server = { .password = "IX" }, .flags = "n", .accepted = true },
	{ "case is kept", S1, { .user = "joe", .password = "USER" },
	    .server = { .password = "user" }, .flags = "n", REFUSED },
	{ "umlauts", S256,
	    { .user = "j\xc3\xb6", .password = "g\xc3\xbc u\xcc\x88" },
	    .server = { .password = "g\xc3\xbc \xc3\xbc" }, .flags = "n",
	    .accepted = true },
};

static const char *
server_mechanism(const struct meeting *meeting)
{
	return evpop_mechanism_name(meeting->mechanism);
}

static struct evpop_exchange *
new_exchange(const struct meeting *meeting)
{
	struct evpop_exchange_target target = { .host = "h" };
	struct evpop_exchange *exchange;
	struct evpop_result result = { .error = EVPOP_ERROR_NONE };

	if (meeting->exporter != NULL) {
		target.channel.tls = true;
		target.channel.exporter = (const void *)meeting->exporter;
		target.channel.exporter_length = strlen(meeting->exporter);
	}
	if (meeting->unique != NULL) {
		target.channel.tls = true;
		target.channel.unique = (const void *)meeting->unique;
		target.channel.unique_length = strlen(meeting->unique);
	}
	exchange = evpop_exchange_new(
	    meeting->mechanism, &meeting->credentials, &target, &result);
	if (exchange == NULL)
		fail_msg("%s: %s", meeting->name, result.text);
	return exchange;
}

/* The header is the text itself, or begins with one of its letters. */
static bool
has_flag(const struct meeting *meeting, const char *first)
{
	if (meeting->flags[0] == 'p')
		return strncmp(first, meeting->flags, strlen(meeting->flags)) ==
		       0;
	return strchr(meeting->flags, first[0]) != NULL && first[1] == ',';
}

static void
client_and_server_meet(void **state)
{
	struct evpop_exchange *exchange;
	struct scram_server server;
	struct evpop_result result;
	const struct meeting *meeting;
	const char *response;
	bool verified;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof meetings / sizeof meetings[0]; i++) {
		meeting = &meetings[i];
		exchange = new_exchange(meeting);
		server = meeting->server;
		server.mechanism = server_mechanism(meeting);
		response = play_scram(exchange, &server);
		if (server.accepted != meeting->accepted)
			fail_msg("%s (%s): accepted: %d", meeting->name,
			    server.mechanism, (int)server.accepted);
		memset(&result, 0, sizeof result);
		verified = evpop_exchange_verified(exchange, &result);
		if (result.error != meeting->verified ||
		    verified != (meeting->verified == EVPOP_ERROR_NONE))
			fail_msg("%s (%s): %s: %s", meeting->name,
			    server.mechanism, evpop_error_name(result.error),
			    result.text);
		if (!verified) {
			assert_int_equal(result.scope, EVPOP_SCOPE_ACCOUNT);
			assert_false(result.retry);
		}
		if (!has_flag(meeting, server.first))
			fail_msg("%s: %s", meeting->name, server.first);
		if (server.signature != NULL)
			assert_string_equal(response, "*");
		if (meeting->credentials.authorization != NULL)
			assert_string_equal(
			    server.authzid, meeting->credentials.authorization);
		evpop_exchange_free(exchange);
	}
}

static void
a_refusal_says_why(void **state)
{
	const struct meeting *meeting = &meetings[0];
	struct evpop_exchange *exchange = new_exchange(meeting);
	struct scram_server server = { .mechanism = "SCRAM-SHA-1",
		.password = "pencil",
		.signature = "e=unknown\x1b-user" };

	(void)state;
	assert_string_equal(play_scram(exchange, &server), "*");
	assert_string_equal(evpop_exchange_refusal(exchange),
	    "SCRAM-SHA-1: the server says: unknown?-user");
	evpop_exchange_free(exchange);
}

/* server-first-messages; %s stands for the client's nonce. */
static const struct {
	const char *text;
	enum evpop_error error; /* EVPOP_ERROR_NONE: it is answered */
} firsts[] = {
	{ "r=%sx,s=QUFB,i=1", EVPOP_ERROR_NONE },
	{ "r=%sx,s=QUFB,i=4096", EVPOP_ERROR_NONE },
	{ "r=%sx,s=QUFB,i=0004096", EVPOP_ERROR_NONE },
	{ "r=%sx,s=QUFB,i=4096,x=extension", EVPOP_ERROR_NONE },
	{ "r=%sx,s=QUFB,i=600001", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=4294967297", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=18446744073709551617", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=99999999999999999999999999999999",
	    EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=0", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=-1", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=+1", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i= 1", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=1x", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=QUFB,i=0x10", EVPOP_ERROR_LIMIT },
	{ "r=%sx,s=,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=%sx,s=QUF,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=%sx,s=!,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=%sx,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=%sx,s=QUFB", EVPOP_ERROR_PROTOCOL },
	{ "r=%sx", EVPOP_ERROR_PROTOCOL },
	{ "m=must,r=%sx,s=QUFB,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "s=QUFB,r=%sx,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=x%s,s=QUFB,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=%s,s=QUFB,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=abc,s=QUFB,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r=,s=QUFB,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "r%sx,s=QUFB,i=4096", EVPOP_ERROR_PROTOCOL },
	{ "R=%sx,S=QUFB,I=4096", EVPOP_ERROR_PROTOCOL },
	{ "r", EVPOP_ERROR_PROTOCOL },
	{ "r=", EVPOP_ERROR_PROTOCOL },
	{ ",,,", EVPOP_ERROR_PROTOCOL },
	{ "", EVPOP_ERROR_PROTOCOL },
	{ "Please log in", EVPOP_ERROR_PROTOCOL },
	{ "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", EVPOP_ERROR_PROTOCOL },
	{ "e=other-error", EVPOP_ERROR_PROTOCOL },
};

/* Put the client's nonce in the place of %s. */
static void
fill_in(const char *text, const char *nonce, char *filled, size_t size)
{
	const char *mark = strstr(text, "%s");

	if (mark == NULL)
		snprintf(filled, size, "%s", text);
	else
		snprintf(filled, size, "%.*s%s%s", (int)(mark - text), text,
		    nonce, mark + 2);
}

/* Answer the first message with this one; true where that is answered. */
static bool
takes_first(const struct meeting *meeting, const char *text,
    struct evpop_result *result)
{
	struct evpop_exchange *exchange = new_exchange(meeting);
	char filled[256], *message;
	bool final, taken;

	message = decoded(evpop_exchange_initial(exchange, &final));
	fill_in(text, strstr(message, "r=") + 2, filled, sizeof filled);
	free(message);
	taken = strcmp(step_plain(exchange, filled, &final), "*") != 0;
	assert_int_equal(final, !taken);
	assert_false(evpop_exchange_verified(exchange, result));
	evpop_exchange_free(exchange);
	return taken;
}

static void
a_first_message_is_checked(void **state)
{
	struct evpop_result result;
	bool taken;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof firsts / sizeof firsts[0]; i++)
		for (j = 0; j < 2; j++) {
			taken =
			    takes_first(&meetings[j], firsts[i].text, &result);
			if (taken != (firsts[i].error == EVPOP_ERROR_NONE) ||
			    (!taken && result.error != firsts[i].error))
				fail_msg(
				    "'%s': %s", firsts[i].text, result.text);
		}
}

/* Once only: under a sanitizer it takes seconds. */
static void
the_largest_count_is_taken(void **state)
{
	struct evpop_result result;

	(void)state;
	assert_true(
	    takes_first(&meetings[0], "r=%sx,s=QUFB,i=600000", &result));
	assert_false(
	    takes_first(&meetings[0], "r=%sx,s=QUFB,i=600001", &result));
	assert_int_equal(result.error, EVPOP_ERROR_LIMIT);
	assert_string_equal(result.text,
	    "SCRAM-SHA-1: the server asks for 600001 iterations; more than "
	    "600000 are refused, since they would be an attack on this "
	    "machine");
}

/* The nonce is right, and so is all that stands before the NUL. */
static void
a_nul_in_a_message_is_given_up(void **state)
{
	struct evpop_exchange *exchange = new_exchange(&meetings[0]);
	struct evpop_secret plain = { .bytes = NULL }, code = { .bytes = NULL };
	struct evpop_result result;
	char *message;
	bool final;

	(void)state;
	message = decoded(evpop_exchange_initial(exchange, &final));
	evpop_secret_add_text(&plain, strstr(message, "r="));
	evpop_secret_add_text(&plain, "x,s=QUFB,i=1,x=");
	evpop_secret_add(&plain, "\0y", 2);
	evpop_base64_encode(plain.bytes, plain.length, &code);
	assert_string_equal(
	    evpop_exchange_step(exchange, (const unsigned char *)code.bytes,
		code.length, &final),
	    "*");
	assert_false(evpop_exchange_verified(exchange, &result));
	assert_non_null(strstr(result.text, "not SCRAM"));
	evpop_secret_clear(&plain);
	evpop_secret_clear(&code);
	free(message);
	evpop_exchange_free(exchange);
}

static void
early_ok_proves_nothing(void **state)
{
	struct evpop_exchange *exchange = new_exchange(&meetings[0]);
	struct evpop_result result;
	bool final;

	(void)state;
	assert_non_null(evpop_exchange_initial(exchange, &final));
	assert_false(evpop_exchange_verified(exchange, &result));
	assert_int_equal(result.error, EVPOP_ERROR_AUTH);
	/* Words of a +OK, given to it in case they are the signature. */
	assert_string_equal(
	    evpop_exchange_step(
		exchange, (const unsigned char *)"Logged in.", 10, &final),
	    "*");
	assert_false(evpop_exchange_verified(exchange, &result));
	evpop_exchange_skip_initial(exchange);
	assert_false(evpop_exchange_verified(exchange, &result));
	evpop_exchange_free(exchange);
}

static void
nothing_follows_the_signature(void **state)
{
	struct evpop_exchange *exchange = new_exchange(&meetings[1]);
	struct scram_server server = { .mechanism = "SCRAM-SHA-256",
		.password = "pencil" };
	struct evpop_result result;
	bool final;

	(void)state;
	assert_string_equal(play_scram(exchange, &server), "");
	assert_true(evpop_exchange_verified(exchange, &result));
	assert_string_equal(
	    evpop_exchange_step(exchange, (const unsigned char *)"", 0, &final),
	    "*");
	assert_false(evpop_exchange_verified(exchange, &result));
	assert_int_equal(result.error, EVPOP_ERROR_PROTOCOL);
	evpop_exchange_free(exchange);
}

static void
the_first_message_may_wait(void **state)
{
	struct evpop_exchange *exchange = new_exchange(&meetings[0]);
	struct evpop_result result;
	char *initial;
	bool final;

	(void)state;
	initial = strdup(evpop_exchange_initial(exchange, &final));
	assert_non_null(initial);
	evpop_exchange_skip_initial(exchange);
	assert_false(evpop_exchange_verified(exchange, &result));
	assert_int_equal(result.error, EVPOP_ERROR_PROTOCOL);
	assert_string_equal(
	    evpop_exchange_step(exchange, (const unsigned char *)"", 0, &final),
	    initial);
	assert_false(final);
	free(initial);
	evpop_exchange_free(exchange);
}

static void
what_is_no_utf8_is_refused_in_words(void **state)
{
	static const struct {
		struct evpop_credentials credentials;
		const char *words;
	} cases[] = {
		{ { .user = "u", .password = "caf\xe9" }, "password" },
		{ { .user = "u", .password = "\xc3" }, "password" },
		{ { .user = "u", .password = "\xed\xa0\x80" }, "password" },
		{ { .user = "u", .password = "bell\x07" }, "password" },
		{ { .user = "u", .password = "a\xe2\x80\xae" }, "password" },
		{ { .user = "u", .password = "\xc2\xad" }, "password" },
		{ { .user = "caf\xe9", .password = "p" }, "user name" },
		{ { .user = "u\xc2\x80", .password = "p" }, "user name" },
	};
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&result, 0, sizeof result);
		assert_null(evpop_exchange_new(
		    S256, &cases[i].credentials, &target, &result));
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_int_equal(result.scope, EVPOP_SCOPE_ACCOUNT);
		if (strstr(result.text, cases[i].words) == NULL ||
		    strstr(result.text, "SASLprep") == NULL)
			fail_msg("case %zu: %s", i, result.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_and_server_meet),
		cmocka_unit_test(a_refusal_says_why),
		cmocka_unit_test(a_first_message_is_checked),
		cmocka_unit_test(the_largest_count_is_taken),
		cmocka_unit_test(a_nul_in_a_message_is_given_up),
		cmocka_unit_test(early_ok_proves_nothing),
		cmocka_unit_test(nothing_follows_the_signature),
		cmocka_unit_test(the_first_message_may_wait),
		cmocka_unit_test(what_is_no_utf8_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
