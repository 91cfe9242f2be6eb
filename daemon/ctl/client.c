#include "daemon/ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ctl/target.h"

/* A page of a thousand messages has about one megabyte. */
#define JSON_SIZE_MAX ((size_t)64 << 20)

/*
 * The daemon answers at once or when its store does; a search of a large one
 * may take its time, silence for longer is a fault.
 */
#define SILENCE_SECONDS 120L

/*
 * Where many connect at once, each waits for its turn in the socket's queue: so
 * long for one, and so often, since libcurl may find the queue full again.
 */
#define CONNECT_SECONDS 10
#define CONNECT_TURNS   1000

struct http {
	CURL *curl;
	char curl_words[CURL_ERROR_SIZE];
};

struct transfer {
	CURL *curl;
	http_sink sink; /* NULL: all goes to the buffer */
	void *arg;
	char *buffer;
	size_t length;
	bool too_long, stopped;
};

struct http *
http_new(void)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(http);
		return NULL;
	}
	http->curl = curl_easy_init();
	if (http->curl == NULL) {
		curl_global_cleanup();
		free(http);
		return NULL;
	}
	return http;
}

void
http_free(struct http **http_ref)
{
	struct http *http = *http_ref;

	*http_ref = NULL;
	if (http == NULL)
		return;
	curl_easy_cleanup(http->curl);
	curl_global_cleanup();
	free(http);
}

static void set_error(struct http_error *error_r, enum ctl_exit exit,
    const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
set_error(struct http_error *error_r, enum ctl_exit exit, const char *hint,
    const char *format, ...)
{
	va_list arguments;

	memset(error_r, 0, sizeof(*error_r));
	error_r->exit = exit;
	va_start(arguments, format);
	vsnprintf(
	    error_r->message, sizeof(error_r->message), format, arguments);
	va_end(arguments);
	snprintf(error_r->hint, sizeof(error_r->hint), "%s",
	    hint != NULL ? hint : "");
}

static bool
keep(struct transfer *transfer, const char *bytes, size_t length)
{
	char *longer;

	if (length > JSON_SIZE_MAX - transfer->length) {
		transfer->too_long = true;
		return false;
	}
	longer = realloc(transfer->buffer, transfer->length + length + 1);
	if (longer == NULL)
		return false;
	memcpy(longer + transfer->length, bytes, length);
	transfer->buffer = longer;
	transfer->length += length;
	return true;
}

static size_t
take_body(char *bytes, size_t one, size_t length, void *arg)
{
	struct transfer *transfer = arg;
	long status = 0;

	(void)one;
	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->sink == NULL || status != 200)
		return keep(transfer, bytes, length) ? length : 0;
	if (transfer->sink(bytes, length, transfer->arg))
		return length;
	transfer->stopped = true;
	return 0;
}

/*
 * Wait for a turn in the socket's queue, which libcurl does not do; the
 * system's own answer, which tells more than libcurl, or 0.
 */
static int
wait_for_turn(const char *path)
{
	const struct timeval patience = { CONNECT_SECONDS, 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), failure = 0;

	memcpy(address.sun_path, path, strlen(path));
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		sizeof(patience)) != 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		failure = errno;
	if (fd != -1)
		close(fd);
	return failure;
}

/* Why no connection came to be. */
static void
explain_connect(const char *path, int failure, struct http_error *error_r)
{
	if (failure == EACCES || failure == EPERM)
		set_error(error_r, CTL_NO_PERMISSION,
		    "try sudo, or become a member of the socket's group",
		    "%s: you may not talk to the daemon (%s)", path,
		    strerror(failure));
	else if (failure == 0 || failure == EAGAIN)
		set_error(error_r, CTL_TEMPORARY, "try again",
		    "%s: the daemon is too busy to answer", path);
	else
		set_error(error_r, CTL_UNAVAILABLE,
		    "is evpopd running? try: systemctl status evpopd",
		    "%s: cannot reach the daemon (%s)", path,
		    strerror(failure));
}

static enum ctl_exit
exit_of_status(long status, const char *code)
{
	switch (status) {
	case 400:
	case 414:
		return CTL_USAGE;
	case 403:
		return CTL_NO_PERMISSION;
	case 404:
		/* An address that it does not know: versions differ. */
		return strcmp(code, "no_such_path") == 0 ? CTL_SOFTWARE
							 : CTL_NOT_FOUND;
	case 409:
		return CTL_CONFIG;
	case 503:
		return CTL_TEMPORARY;
	default:
		return CTL_SOFTWARE;
	}
}

/* What the daemon says is wrong: {"error": {"code", "message", "hint"}}. */
static void
take_error(
    const struct transfer *transfer, long status, struct http_error *error_r)
{
	json_t *json =
	    json_loadb(transfer->buffer != NULL ? transfer->buffer : "",
		transfer->length, 0, NULL);
	const json_t *error = json_object_get(json, "error");
	const char *code = ctl_text(error, "code");
	const char *message = ctl_text(error, "message");

	if (code != NULL && message != NULL) {
		set_error(error_r, exit_of_status(status, code),
		    ctl_text(error, "hint"), "%s", message);
		snprintf(error_r->code, sizeof(error_r->code), "%s", code);
	} else {
		set_error(error_r, status == 503 ? CTL_TEMPORARY : CTL_SOFTWARE,
		    "is it evpopd's socket, and of the same version?",
		    "the daemon answered with status %ld and no reason",
		    status);
	}
	json_decref(json);
}

static void
explain_curl(struct ctl *ctl, CURLcode result, int connect_errno,
    const struct transfer *transfer, struct http_error *error_r)
{
	const char *words = ctl->http->curl_words;

	switch (result) {
	case CURLE_COULDNT_CONNECT:
		explain_connect(ctl->socket, connect_errno, error_r);
		break;
	case CURLE_OUT_OF_MEMORY:
		set_error(error_r, CTL_TEMPORARY, NULL, "out of memory");
		break;
	case CURLE_WRITE_ERROR:
		if (transfer->stopped)
			set_error(error_r, CTL_OK, NULL, "stopped");
		else if (transfer->too_long)
			set_error(error_r, CTL_SOFTWARE, NULL,
			    "the daemon's answer is longer than %zu MiB",
			    JSON_SIZE_MAX >> 20);
		else
			set_error(
			    error_r, CTL_TEMPORARY, NULL, "out of memory");
		break;
	case CURLE_OPERATION_TIMEDOUT:
		set_error(error_r, CTL_TEMPORARY, NULL,
		    "the daemon was silent for %ld seconds", SILENCE_SECONDS);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		set_error(error_r, CTL_TEMPORARY,
		    "it stopped, or its store failed: see its log",
		    "the daemon closed the connection too early");
		break;
	default:
		set_error(error_r, CTL_SOFTWARE,
		    "is it evpopd's socket, and of the same version?",
		    "the daemon's answer makes no sense (%s)",
		    words[0] != '\0' ? words : curl_easy_strerror(result));
	}
}

static bool
set_options(struct ctl *ctl, const char *method, const char *url,
    struct transfer *transfer)
{
	CURL *curl = ctl->http->curl;

	curl_easy_reset(curl);
	/* A sink may wait for a person who pages through what it prints. */
	if (transfer->sink == NULL &&
	    (curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) != CURLE_OK ||
		curl_easy_setopt(
		    curl, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS) != CURLE_OK))
		return false;
	ctl->http->curl_words[0] = '\0';
	/* A proxy or a .netrc has no say in a socket of this machine's. */
	return curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ctl->socket) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_ERRORBUFFER,
		   ctl->http->curl_words) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

/* Also why there is no connection, where that is so. */
static CURLcode
connect_and_ask(struct ctl *ctl, int *errno_r)
{
	CURLcode result;

	*errno_r = 0;
	for (int turns = 0; turns < CONNECT_TURNS && *errno_r == 0; turns++) {
		result = curl_easy_perform(ctl->http->curl);
		if (result != CURLE_COULDNT_CONNECT)
			return result;
		*errno_r = wait_for_turn(ctl->socket);
	}
	return CURLE_COULDNT_CONNECT;
}

/* One request; false with the error unless the daemon says 2xx. */
static bool
perform(struct ctl *ctl, const char *method, struct target *target,
    struct transfer *transfer, struct http_error *error_r)
{
	char *url = NULL;
	CURLcode result;
	long status = 0;
	int failure = 0;
	bool ready;

	if (strlen(ctl->socket) >=
	    sizeof(((struct sockaddr_un *)0)->sun_path)) {
		target_free(target);
		set_error(error_r, CTL_USAGE, NULL,
		    "%s: the path of a socket has at most %zu octets",
		    ctl->socket,
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		return false;
	}
	if (target->text == NULL ||
	    asprintf(&url, "http://localhost%s", target->text) == -1)
		url = NULL;
	target_free(target);
	transfer->curl = ctl->http->curl;
	ready = url != NULL && set_options(ctl, method, url, transfer);
	result = ready ? connect_and_ask(ctl, &failure) : CURLE_OUT_OF_MEMORY;
	free(url);
	if (result != CURLE_OK) {
		explain_curl(ctl, result, failure, transfer, error_r);
		return false;
	}
	curl_easy_getinfo(ctl->http->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299) {
		take_error(transfer, status, error_r);
		return false;
	}
	return true;
}

bool
http_ask(struct ctl *ctl, const char *method, struct target *target,
    json_t **json_r, struct http_error *error_r)
{
	struct transfer transfer = { 0 };
	bool answered = perform(ctl, method, target, &transfer, error_r);

	*json_r = NULL;
	if (answered) {
		*json_r =
		    json_loadb(transfer.buffer != NULL ? transfer.buffer : "",
			transfer.length, 0, NULL);
		if (!json_is_object(*json_r)) {
			json_decref(*json_r);
			*json_r = NULL;
			set_error(error_r, CTL_SOFTWARE,
			    "is it evpopd's socket, and of the same version?",
			    "the daemon's answer is no JSON object");
		}
	}
	free(transfer.buffer);
	return *json_r != NULL;
}

bool
http_download(struct ctl *ctl, struct target *target, http_sink sink, void *arg,
    struct http_error *error_r)
{
	struct transfer transfer = { .sink = sink, .arg = arg };
	bool answered = perform(ctl, "GET", target, &transfer, error_r);

	free(transfer.buffer);
	return answered;
}

enum ctl_exit
http_report(const struct ctl *ctl, const struct http_error *error)
{
	ctl_warn(ctl, "%s", error->message);
	ctl_hint(ctl, error->hint);
	return error->exit;
}
