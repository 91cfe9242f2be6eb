#include "daemon/ctl/autoconfig.h"

#include <curl/curl.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

/* Real ones have 2 to 10 KiB. */
#define FILE_MAX      ((size_t)256 * 1024)
#define PATIENCE_MS   15000L
#define CONNECT_MS    5000L
#define REDIRECTS_MAX 3L
#define URL_SIZE      1024
#define DEPTH_MAX     32

#define LIST_URL "https://autoconfig.thunderbird.net/v1.1/"

/* ---- the file ---- */

/* The members of a server that are read; MEMBER_NONE is any other element. */
enum member {
	MEMBER_NONE = 0,
	MEMBER_HOST,
	MEMBER_PORT,
	MEMBER_SOCKET,
	MEMBER_USER
};

static const char *const member_names[] = { [MEMBER_NONE] = "",
	[MEMBER_HOST] = "hostname",
	[MEMBER_PORT] = "port",
	[MEMBER_SOCKET] = "socketType",
	[MEMBER_USER] = "username" };
#define MEMBER_COUNT (sizeof(member_names) / sizeof(member_names[0]))

struct parsing {
	XML_Parser parser;
	const char *address;
	struct autoconfig *best;
	enum autoconfig_answer answer;
	int depth, server_depth; /* 0: in no server of POP3 */
	enum member member;
	char values[MEMBER_COUNT][AUTOCONFIG_TEXT];
	size_t lengths[MEMBER_COUNT];
	bool is_cut; /* a value was too long */
};

static const char *
parsing_attribute(const char **attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	return "";
}

static void
parsing_start(void *arg, const char *name, const char **attributes)
{
	struct parsing *parsing = arg;

	if (++parsing->depth > DEPTH_MAX) {
		(void)XML_StopParser(parsing->parser, XML_FALSE);
		return;
	}
	parsing->member = MEMBER_NONE;
	if (parsing->server_depth == 0) {
		if (strcmp(name, "incomingServer") != 0 ||
		    strcmp(parsing_attribute(attributes, "type"), "pop3") != 0)
			return;
		parsing->server_depth = parsing->depth;
		memset(parsing->values, 0, sizeof(parsing->values));
		memset(parsing->lengths, 0, sizeof(parsing->lengths));
		parsing->is_cut = false;
		return;
	}
	if (parsing->depth != parsing->server_depth + 1)
		return;
	for (size_t i = 1; i < MEMBER_COUNT; i++)
		/* Of several the first counts. */
		if (strcmp(name, member_names[i]) == 0 &&
		    parsing->lengths[i] == 0)
			parsing->member = (enum member)i;
}

static void
parsing_text(void *arg, const char *text, int length)
{
	struct parsing *parsing = arg;
	size_t *taken = &parsing->lengths[parsing->member];
	char *value = parsing->values[parsing->member];

	if (parsing->member == MEMBER_NONE)
		return;
	for (int i = 0; i < length; i++) {
		if (*taken == 0 && strchr(" \t\r\n", text[i]) != NULL)
			continue;
		if (*taken + 1 == AUTOCONFIG_TEXT) {
			parsing->is_cut = true;
			return;
		}
		value[(*taken)++] = text[i];
	}
}

/* "%EMAILADDRESS%" and its kin stand for parts of the address. */
static bool
parsing_fill(
    const char *form, const char *address, char filled_r[AUTOCONFIG_TEXT])
{
	const char *at = strrchr(address, '@');
	const struct {
		const char *word, *text;
		size_t length;
	} words[] = {
		{ "%EMAILADDRESS%", address, strlen(address) },
		{ "%EMAILLOCALPART%", address, (size_t)(at - address) },
		{ "%EMAILDOMAIN%", at + 1, strlen(at + 1) },
	};
	size_t length = 0;

	while (*form != '\0') {
		const char *text = form;
		size_t taken = 1, step = 1;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strncmp(form, words[i].word,
				strlen(words[i].word)) == 0) {
				text = words[i].text;
				taken = words[i].length;
				step = strlen(words[i].word);
			}
		if (length + taken >= AUTOCONFIG_TEXT)
			return false;
		memcpy(filled_r + length, text, taken);
		length += taken;
		form += step;
	}
	filled_r[length] = '\0';
	return true;
}

static bool
parsing_read_port(const char *text, uint16_t *port_r)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	*port_r = (uint16_t)port;
	return *text >= '0' && *text <= '9' && *end == '\0' && port >= 1 &&
	       port <= 65535;
}

/* A log-in name as people have it, which is a line of a configuration, too. */
static bool
parsing_is_user(const char *text)
{
	uint32_t code_point;
	size_t step;

	for (const char *at = text; *at != '\0'; at += step) {
		step = evpop_text_decode(at, strlen(at), &code_point);
		if (step == 0 ||
		    evpop_text_kind(code_point) >= EVPOP_TEXT_CONTROL)
			return false;
	}
	return *text != '\0';
}

/* False: it is not for us; plain connections are never taken. */
static bool
parsing_read_server(const struct parsing *parsing, struct autoconfig *server_r)
{
	const char *socket = parsing->values[MEMBER_SOCKET];
	struct evpop_result ignored;

	if (parsing->is_cut)
		return false;
	if (strcmp(socket, "SSL") == 0)
		server_r->tls = EVPOP_TLS_IMPLICIT;
	else if (strcmp(socket, "STARTTLS") == 0)
		server_r->tls = EVPOP_TLS_STLS;
	else
		return false;
	return parsing_read_port(
		   parsing->values[MEMBER_PORT], &server_r->port) &&
	       parsing_fill(parsing->values[MEMBER_HOST], parsing->address,
		   server_r->host) &&
	       evpop_host_check(server_r->host, &ignored) &&
	       parsing_fill(parsing->lengths[MEMBER_USER] > 0
				? parsing->values[MEMBER_USER]
				: "%EMAILADDRESS%",
		   parsing->address, server_r->user) &&
	       parsing_is_user(server_r->user);
}

static void
parsing_end(void *arg, const char *name)
{
	struct parsing *parsing = arg;
	struct autoconfig server;
	char *value = parsing->values[parsing->member];
	size_t *length = &parsing->lengths[parsing->member];

	(void)name;
	while (*length > 0 && strchr(" \t\r\n", value[*length - 1]) != NULL)
		value[--*length] = '\0';
	parsing->member = MEMBER_NONE;
	if (parsing->depth-- != parsing->server_depth ||
	    parsing->server_depth == 0)
		return;
	parsing->server_depth = 0;
	/* TLS from the beginning is better (RFC 8314); else the first one. */
	if (!parsing_read_server(parsing, &server) ||
	    (parsing->answer == AUTOCONFIG_FOUND &&
		(parsing->best->tls == EVPOP_TLS_IMPLICIT ||
		    server.tls != EVPOP_TLS_IMPLICIT)))
		return;
	*parsing->best = server;
	parsing->answer = AUTOCONFIG_FOUND;
}

/* Such a file has no document type, and so no entities of its own. */
static void
parsing_doctype(void *arg, const char *name, const char *system,
    const char *public, int has_subset)
{
	struct parsing *parsing = arg;

	(void)name;
	(void)system;
	(void)public;
	(void)has_subset;
	(void)XML_StopParser(parsing->parser, XML_FALSE);
}

enum autoconfig_answer
autoconfig_parse(const char *xml, size_t length, const char *address,
    struct autoconfig *found_r)
{
	struct parsing parsing = { .parser = XML_ParserCreate(NULL),
		.address = address,
		.best = found_r,
		.answer = AUTOCONFIG_USELESS };
	bool is_whole;

	if (parsing.parser == NULL)
		return AUTOCONFIG_NOTHING;
	XML_SetUserData(parsing.parser, &parsing);
	XML_SetElementHandler(parsing.parser, parsing_start, parsing_end);
	XML_SetCharacterDataHandler(parsing.parser, parsing_text);
	XML_SetStartDoctypeDeclHandler(parsing.parser, parsing_doctype);
	is_whole = length <= FILE_MAX &&
		   XML_Parse(parsing.parser, xml, (int)length, XML_TRUE) ==
		       XML_STATUS_OK;
	XML_ParserFree(parsing.parser);
	return is_whole ? parsing.answer : AUTOCONFIG_USELESS;
}

/* ---- fetching it ---- */

struct fetched {
	char bytes[FILE_MAX];
	size_t length;
};

static size_t
fetched_take(char *bytes, size_t one, size_t count, void *arg)
{
	struct fetched *fetched = arg;

	(void)one; /* it is 1 */
	if (count > FILE_MAX - fetched->length)
		return 0;
	memcpy(fetched->bytes + fetched->length, bytes, count);
	fetched->length += count;
	return count;
}

static bool
fetched_perform(CURL *curl, const char *url, struct fetched *fetched)
{
	/* As OpenSSL does for the mail servers. */
	const char *authorities = getenv("SSL_CERT_FILE");
	long status = 0;

	fetched->length = 0;
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PATIENCE_MS);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "evpopctl");
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetched_take);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetched);
	if (authorities != NULL)
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
	return curl_easy_perform(curl) == CURLE_OK &&
	       curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) ==
		   CURLE_OK &&
	       status == 200;
}

static enum autoconfig_answer
autoconfig_fetch(
    const char *url, const char *address, struct autoconfig *found_r)
{
	struct fetched *fetched = malloc(sizeof(*fetched));
	CURL *curl = curl_easy_init();
	enum autoconfig_answer answer = AUTOCONFIG_NOTHING;

	if (fetched != NULL && curl != NULL &&
	    fetched_perform(curl, url, fetched))
		answer = autoconfig_parse(
		    fetched->bytes, fetched->length, address, found_r);
	curl_easy_cleanup(curl);
	free(fetched);
	return answer;
}

enum autoconfig_answer
autoconfig_of_domain(const char *address, struct autoconfig *found_r)
{
	const char *domain = strrchr(address, '@') + 1;
	char *escaped = curl_easy_escape(NULL, address, 0);
	enum autoconfig_answer answer = AUTOCONFIG_NOTHING;
	char url[URL_SIZE];

	if (escaped != NULL &&
	    (size_t)snprintf(url, sizeof(url),
		"https://autoconfig.%s/mail/config-v1.1.xml?emailaddress=%s",
		domain, escaped) < sizeof(url))
		answer = autoconfig_fetch(url, address, found_r);
	curl_free(escaped);
	if (answer == AUTOCONFIG_FOUND ||
	    (size_t)snprintf(url, sizeof(url),
		"https://%s/.well-known/autoconfig/mail/config-v1.1.xml",
		domain) >= sizeof(url))
		return answer;
	return autoconfig_fetch(url, address, found_r);
}

enum autoconfig_answer
autoconfig_of_list(const char *address, struct autoconfig *found_r)
{
	char url[URL_SIZE];

	if ((size_t)snprintf(url, sizeof(url), LIST_URL "%s",
		strrchr(address, '@') + 1) >= sizeof(url))
		return AUTOCONFIG_NOTHING;
	return autoconfig_fetch(url, address, found_r);
}
