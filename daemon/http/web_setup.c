#include "daemon/http/web_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/web.h"

/* A proxy's URL, with a user and a password of 255 octets, quoted. */
#define WEB_PROXY 2048

void
web_setup_forget(struct curl_slist **lines)
{
	struct curl_slist *line;

	for (line = *lines; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(*lines);
	*lines = NULL;
}

struct curl_slist *
web_setup_headers(const char *const *headers)
{
	/* No 100-continue: it is a round trip more. */
	struct curl_slist *lines = curl_slist_append(NULL, "Expect:");

	for (; lines != NULL && *headers != NULL; headers++) {
		struct curl_slist *longer = curl_slist_append(lines, *headers);

		if (longer == NULL)
			web_setup_forget(&lines);
		lines = longer;
	}
	return lines;
}

void
web_setup_tls(CURL *easy, const struct web_options *options)
{
	const char *trusted = options->tls_ca;

	/* As OpenSSL has it for all other connections. */
	if (trusted == NULL)
		trusted = getenv("SSL_CERT_FILE");
	(void)curl_easy_setopt(
	    easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (trusted != NULL) {
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, trusted);
		(void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if (options->tls_cert == NULL)
		return;
	(void)curl_easy_setopt(easy, CURLOPT_SSLCERT, options->tls_cert);
	(void)curl_easy_setopt(easy, CURLOPT_SSLKEY,
	    options->tls_key != NULL ? options->tls_key : options->tls_cert);
}

void
web_setup_way(CURL *easy, const struct web_options *options)
{
	const char *proxy = options->proxy;
	const char *from = options->source_address;
	char text[WEB_PROXY];

	/* "": not even what the environment says. */
	snprintf(text, sizeof(text), "%s", proxy != NULL ? proxy : "");
	/* libcurl's word for one that resolves names itself. */
	if (strncmp(text, "socks5://", 9) == 0)
		snprintf(text, sizeof(text), "socks5h://%s", proxy + 9);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, text);
	explicit_bzero(text, sizeof(text)); /* of its password */
	if (from == NULL)
		return;
	/* Whatever it is called: an address, and no interface's name. */
	snprintf(text, sizeof(text), "host!%s", from);
	(void)curl_easy_setopt(easy, CURLOPT_INTERFACE, text);
}
