/* The capability set, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/listing.h"

static const struct {
	const char *name;
	const char *lines[4];
	struct evpop_capabilities expected;
} cases[] = {
	{ "nothing", { "" }, { .known = false } },
	{ "blank", { "  \t" }, { .known = false } },
	{ "TOP", { "TOP" }, { .top = true } },
	{ "lower case", { "top" }, { .top = true } },
	{ "USER", { "USER" }, { .user = true } },
	{ "UIDL", { "UIDL" }, { .uidl = true } },
	{ "PIPELINING", { "PIPELINING" }, { .pipelining = true } },
	{ "RESP-CODES", { "RESP-CODES" }, { .resp_codes = true } },
	{ "STLS", { "STLS" }, { .stls = true } },
	{ "UTF8", { "UTF8 USER" }, { .utf8 = true } },
	{ "LANG", { "LANG" }, { .lang = true } },
	{ "trailing CR", { "UIDL\r" }, { .uidl = true } },
	{ "blanks around", { " \tUIDL  " }, { .uidl = true } },
	{ "longer word", { "TOPS", "UIDLX", "XTOP" }, { .known = false } },
	{ "word of an argument", { "X-THING UIDL" }, { .known = false } },
	{ "several", { "TOP", "UIDL", "PIPELINING" },
	    { .top = true, .uidl = true, .pipelining = true } },
	{ "SASL", { "SASL PLAIN LOGIN" }, { .sasl = "PLAIN LOGIN" } },
	{ "SASL in lower case", { "sasl plain scram-sha-256" },
	    { .sasl = "PLAIN SCRAM-SHA-256" } },
	{ "SASL without mechanisms", { "SASL" }, { .sasl = "" } },
	{ "SASL twice", { "SASL PLAIN", "SASL LOGIN" },
	    { .sasl = "PLAIN LOGIN" } },
	{ "SASL, blanks", { "SASL   PLAIN\t\tLOGIN\r" },
	    { .sasl = "PLAIN LOGIN" } },
	{ "SASL, no mechanism names",
	    { "SASL PL=AIN \x1b[0m LOGIN ABCDEFGHIJKLMNOPQRSTU" },
	    { .sasl = "LOGIN" } },
	{ "SASL, longest mechanism name", { "SASL ABCDEFGHIJKLMNOPQRST" },
	    { .sasl = "ABCDEFGHIJKLMNOPQRST" } },
	{ "EXPIRE in days", { "EXPIRE 30" },
	    { .expire = true, .expire_days = 30 } },
	{ "EXPIRE 0", { "EXPIRE 0" }, { .expire = true } },
	{ "EXPIRE NEVER", { "EXPIRE never" },
	    { .expire = true, .expire_never = true } },
	{ "EXPIRE by user", { "EXPIRE 7 USER" },
	    { .expire = true, .expire_days = 7 } },
	{ "EXPIRE too large", { "EXPIRE 99999999999" },
	    { .expire = true, .expire_days = UINT32_MAX } },
	{ "EXPIRE without sense", { "EXPIRE soon", "EXPIRE", "EXPIRE -1" },
	    { .expire = false } },
	{ "EXPIRE twice", { "EXPIRE NEVER", "EXPIRE 5" },
	    { .expire = true, .expire_days = 5 } },
	{ "EXPIRE twice, the other way", { "EXPIRE 5", "EXPIRE NEVER" },
	    { .expire = true, .expire_never = true } },
	{ "EXPIRE, then one without sense", { "EXPIRE 5", "EXPIRE ever" },
	    { .expire = true, .expire_days = 5 } },
	{ "LOGIN-DELAY", { "LOGIN-DELAY 300" },
	    { .login_delay = true, .login_delay_s = 300 } },
	{ "LOGIN-DELAY by user", { "LOGIN-DELAY 900 USER" },
	    { .login_delay = true, .login_delay_s = 900 } },
	{ "LOGIN-DELAY without sense", { "LOGIN-DELAY", "LOGIN-DELAY x" },
	    { .login_delay = false } },
	{ "LOGIN-DELAY too large", { "LOGIN-DELAY 4294967296" },
	    { .login_delay = true, .login_delay_s = UINT32_MAX } },
	{ "IMPLEMENTATION", { "IMPLEMENTATION Shlemazle-Plotz-v302 " },
	    { .implementation = "Shlemazle-Plotz-v302" } },
	{ "IMPLEMENTATION made printable", { "IMPLEMENTATION a\x1b[31mb\x07" },
	    { .implementation = "a?[31mb?" } },
};

static bool
same(const struct evpop_capabilities *a, const struct evpop_capabilities *b)
{
	return a->known == b->known && a->top == b->top && a->user == b->user &&
	       a->uidl == b->uidl && a->pipelining == b->pipelining &&
	       a->resp_codes == b->resp_codes && a->stls == b->stls &&
	       a->utf8 == b->utf8 && a->lang == b->lang &&
	       a->expire == b->expire && a->expire_never == b->expire_never &&
	       a->expire_days == b->expire_days &&
	       a->login_delay == b->login_delay &&
	       a->login_delay_s == b->login_delay_s &&
	       strcmp(a->sasl, b->sasl) == 0 &&
	       strcmp(a->implementation, b->implementation) == 0;
}

static void
note_line(struct evpop_capabilities *capabilities, const char *line)
{
	size_t length = strlen(line);
	unsigned char *copy = malloc(length + (length == 0));

	assert_non_null(copy);
	memcpy(copy, line, length);
	evpop_capability_line(capabilities, copy, length);
	free(copy);
}

static void
lines_are_noted(void **state)
{
	struct evpop_capabilities capabilities;
	size_t i, line;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&capabilities, 0, sizeof capabilities);
		for (line = 0; line < 4 && cases[i].lines[line] != NULL; line++)
			note_line(&capabilities, cases[i].lines[line]);
		if (!same(&capabilities, &cases[i].expected))
			fail_msg("%s: sasl \"%s\", implementation \"%s\"",
			    cases[i].name, capabilities.sasl,
			    capabilities.implementation);
	}
}

static void
endless_mechanisms_are_bounded(void **state)
{
	struct evpop_capabilities capabilities;
	char line[4096] = "SASL";
	size_t i;

	(void)state;
	for (i = 0; i < 300; i++)
		strcat(line, " MECH-0123");
	memset(&capabilities, 0, sizeof capabilities);
	note_line(&capabilities, line);
	note_line(&capabilities, line);
	assert_int_equal(strlen(capabilities.sasl) % 10, 9);
	assert_true(strlen(capabilities.sasl) < sizeof capabilities.sasl);
	assert_true(strlen(capabilities.sasl) > 200);
	assert_true(evpop_capabilities_sasl(&capabilities, "MECH-0123"));
}

/* To the last octet, and no further. */
static void
mechanisms_fill_the_list_exactly(void **state)
{
	struct evpop_capabilities capabilities;
	size_t i;

	(void)state;
	memset(&capabilities, 0, sizeof capabilities);
	for (i = 0; i < 25; i++)
		note_line(&capabilities, "SASL MECH-0123");
	assert_int_equal(strlen(capabilities.sasl), 249);
	note_line(&capabilities, "SASL SIX-66");
	assert_int_equal(strlen(capabilities.sasl), 249);
	note_line(&capabilities, "SASL FIVE5");
	assert_int_equal(strlen(capabilities.sasl), 255);
	assert_true(evpop_capabilities_sasl(&capabilities, "FIVE5"));
	note_line(&capabilities, "SASL X");
	assert_int_equal(strlen(capabilities.sasl), 255);
}

static void
a_long_implementation_is_cut(void **state)
{
	struct evpop_capabilities capabilities;
	char line[600] = "IMPLEMENTATION ";

	(void)state;
	memset(line + 15, 'x', 500);
	memset(&capabilities, 0, sizeof capabilities);
	note_line(&capabilities, line);
	assert_int_equal(strlen(capabilities.implementation),
	    sizeof capabilities.implementation - 1);
}

static void
mechanisms_are_found_as_whole_words(void **state)
{
	static const struct {
		const char *list, *mechanism;
		bool found;
	} asked[] = {
		{ "PLAIN LOGIN", "PLAIN", true },
		{ "PLAIN LOGIN", "LOGIN", true },
		{ "X-PLAIN-SUBMIT", "PLAIN", false },
		{ "X-PLAIN PLAIN", "PLAIN", true },
		{ "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", false },
		{ "SCRAM-SHA-256-PLUS SCRAM-SHA-256", "SCRAM-SHA-256", true },
		{ "PLAIN", "PLAI", false },
		{ "PLAIN", "LAIN", false },
		{ "PLAIN", "", false },
		{ "", "PLAIN", false },
	};
	struct evpop_capabilities capabilities = { .known = true };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		strcpy(capabilities.sasl, asked[i].list);
		if (evpop_capabilities_sasl(
			&capabilities, asked[i].mechanism) != asked[i].found)
			fail_msg("%s in %s", asked[i].mechanism, asked[i].list);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_noted),
		cmocka_unit_test(endless_mechanisms_are_bounded),
		cmocka_unit_test(mechanisms_fill_the_list_exactly),
		cmocka_unit_test(a_long_implementation_is_cut),
		cmocka_unit_test(mechanisms_are_found_as_whole_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
