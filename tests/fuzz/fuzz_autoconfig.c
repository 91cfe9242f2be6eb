/*
 * What a domain publishes for mail programs, and the address that a browser
 * comes back to.
 *
 *     FILE, or "?" and the rest of an address
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/autoconfig.h"
#include "daemon/ctl/redirect.h"
#include "lib/base/text.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#define ADDRESS "anna@example.org"

/* It stands in a line of the configuration. */
static void
check_line(const char *text, size_t size)
{
	assert(memchr(text, '\0', size) != NULL);
	assert(text[0] != '\0');
	assert(evpop_text_is_utf8(text));
	for (; *text != '\0'; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void
check_file(const uint8_t *data, size_t size)
{
	char *xml = (char *)fuzz_copy(data, size);
	struct autoconfig found;
	struct evpop_result ignored;

	if (autoconfig_parse(xml, size, ADDRESS, &found) == AUTOCONFIG_FOUND) {
		check_line(found.host, sizeof(found.host));
		check_line(found.user, sizeof(found.user));
		assert(evpop_host_check(found.host, &ignored));
		assert(found.port != 0);
		assert(found.tls == EVPOP_TLS_IMPLICIT ||
		       found.tls == EVPOP_TLS_STLS);
	}
	free(xml);
}

static void
check_address(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "code", "state", "error" };
	char *address = fuzz_string(data, size);
	char value[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (redirect_parameter(address, names[i], value, sizeof(value)))
			assert(memchr(value, '\0', sizeof(value)) != NULL);
	free(address);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == '?')
		check_address(data, size);
	else
		check_file(data, size);
	return 0;
}
