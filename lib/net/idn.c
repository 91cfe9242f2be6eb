#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "lib/net/idn.h"

static bool
idn_is_ascii(const char *host)
{
	for (; *host != '\0'; host++) {
		if (!isascii((unsigned char)*host))
			return false;
	}
	return true;
}

/*
 * The mapping makes a slash of a full-width one, and libidn2 lets labels that
 * were ASCII, or empty, pass as they are.
 */
static bool
idn_is_name(const char *host)
{
	const char *at;

	if (*host == '.' || strstr(host, "..") != NULL)
		return false;
	for (at = host; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr("-._", *at) == NULL)
			return false;
	}
	return true;
}

static bool
idn_fail(const char *host, const char *reason, struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_RESOLVE,
	    "%.100s is no host name: %s", host, reason);
	return false;
}

static bool
idn_copy(const char *host, char **ascii_r, struct evpop_result *result)
{
	*ascii_r = strdup(host);
	if (*ascii_r != NULL)
		return true;
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_RESOLVE,
	    "no memory for a host name");
	return false;
}

bool
evpop_idn_to_ascii(
    const char *host, char **ascii_r, struct evpop_result *result)
{
	char *ascii = NULL;
	bool good;
	int rc;

	*ascii_r = NULL;
	if (idn_is_ascii(host))
		return idn_copy(host, ascii_r, result);
	rc = idn2_to_ascii_8z(
	    host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return idn_fail(host, idn2_strerror(rc), result);
	good = idn_is_name(ascii)
		   ? idn_copy(ascii, ascii_r, result)
		   : idn_fail(host,
			 "a part of it is empty or holds what no name "
			 "may hold",
			 result);
	idn2_free(ascii);
	return good;
}
