#include "daemon/control/framing.h"

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

/* RFC 9110 section 5.6.2, besides letters and digits */
#define TOKEN_MARKS "!#$%&'*+-.^_`|~"

static const char digits[] = "0123456789";
static const char letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool
framing_is_token(const char *name)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++)
		if (strchr(letters, *name) == NULL &&
		    strchr(digits, *name) == NULL &&
		    strchr(TOKEN_MARKS, *name) == NULL)
			return false;
	return true;
}

static bool
framing_is_length(const char *text)
{
	return *text != '\0' && text[strspn(text, digits)] == '\0';
}

static struct response
framing_doubt(const char *hint, const char *message)
{
	return response_error(400, "bad_request", hint, "%s", message);
}

/*
 * RFC 9110 section 6.2: an answer has a version that the server speaks; evhttp
 * gives it that of the request.  False where the request is of none.
 */
static bool
framing_settle_version(struct evhttp_request *request)
{
	bool is_known = request->major == 1;

	/* It is cut to a char, with a sign or not. */
	request->minor = is_known && request->minor != 0;
	request->major = 1;
	return is_known;
}

static bool
framing_is_encoding(const char *value, struct response *answer_r)
{
	if (strcasecmp(value, "chunked") == 0)
		return true;
	*answer_r = response_error(501, "unknown_encoding",
	    "send the body as it is, with a Content-Length",
	    "a Transfer-Encoding is \"chunked\" or none");
	return false;
}

static bool
framing_is_header(
    const struct evkeyval *header, unsigned *lengths, struct response *answer_r)
{
	if (!framing_is_token(header->key)) {
		*answer_r =
		    framing_doubt("a header is like \"Accept: text/plain\"",
			"the name of a header is empty, or has a blank or "
			"another sign that no name has");
		return false;
	}
	if (strcasecmp(header->key, "Transfer-Encoding") == 0) {
		++*lengths;
		return framing_is_encoding(header->value, answer_r);
	}
	if (strcasecmp(header->key, "Content-Length") != 0)
		return true;
	++*lengths;
	if (framing_is_length(header->value))
		return true;
	*answer_r =
	    framing_doubt("expected digits", "Content-Length is no number");
	return false;
}

bool
framing_is_clear(struct evhttp_request *request, struct response *answer_r)
{
	const struct evkeyvalq *headers =
	    evhttp_request_get_input_headers(request);
	const struct evkeyval *header;
	unsigned lengths = 0;

	if (!framing_settle_version(request)) {
		*answer_r = framing_doubt(
		    "a request begins like \"GET /v1/status HTTP/1.1\"",
		    "the request is of another version than HTTP/1");
		return false;
	}
	TAILQ_FOREACH(header, headers, next)
		if (!framing_is_header(header, &lengths, answer_r))
			return false;
	if (lengths <= 1)
		return true;
	*answer_r =
	    framing_doubt("give one Content-Length, or one Transfer-Encoding",
		"the length of the request's body is given more than once");
	return false;
}
