#include "daemon/ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ctl/print.h"

/* A page of a thousand messages has about one megabyte. */
#define JSON_SIZE_MAX ((size_t)64 << 20)

/*
 * The daemon answers at once or when its store does.  A search of a large store
 * takes time; longer silence is an error.
 */
#define SILENCE_SECONDS 120L

/*
 * If many clients connect at once, each waits for its turn in the socket's
 * queue: this long, and this often, because libcurl may find the queue full
 * again.
 */
#define CONNECT_SECONDS 10
#define CONNECT_TURNS   1000

/* A socket whose name is not that of a file begins with it, as in systemd. */
#define CLIENT_ABSTRACT '@'

struct client {
	CURL *curl;
	const struct client_opener *opener; /* or NULL */
	char curl_words[CURL_ERROR_SIZE];
};

struct transfer {
	CURL *curl;
	client_sink sink; /* NULL: all goes to the buffer */
	void *arg;
	char range[32]; /* of what is wanted; "": all */
	char *buffer;
	size_t length;
	bool too_long, stopped;
	/* What is sent; NULL: nothing. */
	const void *body;
	size_t body_length;
	struct curl_slist *headers;
};

/* ---- requests ---- */

struct client *
client_new(void)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(client);
		return NULL;
	}
	client->curl = curl_easy_init();
	if (client->curl == NULL) {
		curl_global_cleanup();
		free(client);
		return NULL;
	}
	return client;
}

void
client_free(struct client **client_ref)
{
	struct client *client = *client_ref;

	*client_ref = NULL;
	if (client == NULL)
		return;
	curl_easy_cleanup(client->curl);
	curl_global_cleanup();
	free(client);
}

void
client_fail(struct client_error *error_r, enum ctl_exit exit, const char *hint,
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
transfer_keep(struct transfer *transfer, const char *bytes, size_t length)
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
transfer_take(char *bytes, size_t one, size_t length, void *arg)
{
	struct transfer *transfer = arg;
	long status = 0;

	(void)one;
	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->sink == NULL || (status != 200 && status != 206))
		return transfer_keep(transfer, bytes, length) ? length : 0;
	if (transfer->sink(bytes, length, transfer->arg))
		return length;
	transfer->stopped = true;
	return 0;
}

/* The path is short enough. */
static socklen_t
client_address(const char *path, struct sockaddr_un *address_r)
{
	memset(address_r, 0, sizeof(*address_r));
	address_r->sun_family = AF_UNIX;
	memcpy(address_r->sun_path, path, strlen(path));
	if (*path != CLIENT_ABSTRACT)
		return sizeof(*address_r);
	address_r->sun_path[0] = '\0';
	return (
	    socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
}

/*
 * libcurl has an option for abstract sockets, but with it never uses a
 * connection twice.  So it connects to a path, which becomes the name here.
 */
static curl_socket_t
client_open_abstract(
    void *path, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct sockaddr_un name;

	(void)purpose;
	address->addrlen = client_address(path, &name);
	memcpy(&address->addr, &name, address->addrlen);
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

/*
 * Wait for a turn in the socket's queue, which libcurl does not do.  Returns 0
 * or the system's error, which says more than libcurl's.
 */
static int
client_wait_for_turn(const char *path)
{
	const struct timeval patience = { CONNECT_SECONDS, 0 };
	struct sockaddr_un address;
	socklen_t length = client_address(path, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), failure = 0;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		sizeof(patience)) != 0 ||
	    connect(fd, (struct sockaddr *)&address, length) != 0)
		failure = errno;
	if (fd != -1)
		close(fd);
	return failure;
}

/* Why no connection came to be. */
static void
client_explain_connect(
    const char *path, int failure, struct client_error *error_r)
{
	if (*path == CLIENT_ABSTRACT)
		client_fail(error_r, CTL_TEMPORARY, "try again",
		    "the evpopd that reads the store has ended");
	else if (failure == EACCES || failure == EPERM)
		client_fail(error_r, CTL_NO_PERMISSION,
		    "try sudo, or become a member of the socket's group",
		    "%s: you may not talk to the daemon (%s)", path,
		    strerror(failure));
	else if (failure == 0 || failure == EAGAIN)
		client_fail(error_r, CTL_TEMPORARY, "try again",
		    "%s: the daemon is too busy to answer", path);
	else
		client_fail(error_r, CTL_UNAVAILABLE,
		    "is evpopd running? try: systemctl status evpopd",
		    "%s: cannot reach the daemon (%s)", path,
		    strerror(failure));
}

static enum ctl_exit
client_exit_of_status(long status, const char *code)
{
	switch (status) {
	case 400:
	case 414:
		return CTL_USAGE;
	case 403:
		return CTL_NO_PERMISSION;
	case 404:
		/* The daemon does not know the address: the versions differ. */
		return strcmp(code, "no_such_path") == 0 ? CTL_SOFTWARE
							 : CTL_NOT_FOUND;
	case 409:
		return strcmp(code, "no_daemon") == 0 ? CTL_UNAVAILABLE
						      : CTL_CONFIG;
	case 503:
		return CTL_TEMPORARY;
	default:
		return CTL_SOFTWARE;
	}
}

/* What the daemon says is wrong: {"error": {"code", "message", "hint"}}. */
static void
client_take_error(
    const struct transfer *transfer, long status, struct client_error *error_r)
{
	json_t *json =
	    json_loadb(transfer->buffer != NULL ? transfer->buffer : "",
		transfer->length, 0, NULL);
	const json_t *error = json_object_get(json, "error");
	const char *code = ctl_text(error, "code");
	const char *message = ctl_text(error, "message");

	if (code != NULL && message != NULL) {
		client_fail(error_r, client_exit_of_status(status, code),
		    ctl_text(error, "hint"), "%s", message);
		snprintf(error_r->code, sizeof(error_r->code), "%s", code);
	} else {
		client_fail(error_r,
		    status == 503 ? CTL_TEMPORARY : CTL_SOFTWARE,
		    "is this the socket of evpopd, and of the same version?",
		    "the daemon answered with status %ld and no reason",
		    status);
	}
	json_decref(json);
}

static void
client_explain_curl(const struct ctl *ctl, CURLcode result, int connect_errno,
    const struct transfer *transfer, struct client_error *error_r)
{
	const char *words = ctl->client->curl_words;

	switch (result) {
	case CURLE_COULDNT_CONNECT:
		client_explain_connect(ctl->socket, connect_errno, error_r);
		break;
	case CURLE_OUT_OF_MEMORY:
		client_fail(error_r, CTL_TEMPORARY, NULL, "out of memory");
		break;
	case CURLE_WRITE_ERROR:
		if (transfer->stopped)
			client_fail(error_r, CTL_OK, NULL, "stopped");
		else if (transfer->too_long)
			client_fail(error_r, CTL_SOFTWARE, NULL,
			    "the daemon's answer is longer than %zu MiB",
			    JSON_SIZE_MAX >> 20);
		else
			client_fail(
			    error_r, CTL_TEMPORARY, NULL, "out of memory");
		break;
	case CURLE_OPERATION_TIMEDOUT:
		client_fail(error_r, CTL_TEMPORARY, NULL,
		    "the daemon was silent for %ld seconds", SILENCE_SECONDS);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		client_fail(error_r, CTL_TEMPORARY,
		    "it stopped, or its store failed: see its log",
		    "the daemon closed the connection too early");
		break;
	default:
		client_fail(error_r, CTL_SOFTWARE,
		    "is this the socket of evpopd, and of the same version?",
		    "the daemon's answer makes no sense (%s)",
		    words[0] != '\0' ? words : curl_easy_strerror(result));
	}
}

static bool
transfer_set_options(const struct ctl *ctl, const char *method, const char *url,
    struct transfer *transfer)
{
	CURL *curl = ctl->client->curl;

#define SET(option, value) (curl_easy_setopt(curl, option, value) == CURLE_OK)
	curl_easy_reset(curl);
	ctl->client->curl_words[0] = '\0';
	/* A sink may wait for a person who pages through the output. */
	if (transfer->sink == NULL &&
	    (!SET(CURLOPT_LOW_SPEED_LIMIT, 1L) ||
		!SET(CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS)))
		return false;
	if (transfer->body != NULL &&
	    (!SET(CURLOPT_POSTFIELDS, transfer->body) ||
		!SET(CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)transfer->body_length) ||
		!SET(CURLOPT_HTTPHEADER, transfer->headers)))
		return false;
	if (transfer->range[0] != '\0' && !SET(CURLOPT_RANGE, transfer->range))
		return false;
	if (*ctl->socket == CLIENT_ABSTRACT &&
	    (!SET(CURLOPT_OPENSOCKETFUNCTION, client_open_abstract) ||
		!SET(CURLOPT_OPENSOCKETDATA, ctl->socket)))
		return false;
	/* No proxy or .netrc applies to a local socket. */
	return SET(CURLOPT_UNIX_SOCKET_PATH, ctl->socket) &&
	       SET(CURLOPT_URL, url) && SET(CURLOPT_PROXY, "") &&
	       SET(CURLOPT_PROTOCOLS_STR, "http") &&
	       /* An account may be called "..". */
	       SET(CURLOPT_PATH_AS_IS, 1L) &&
	       SET(CURLOPT_CUSTOMREQUEST, method) &&
	       SET(CURLOPT_NOSIGNAL, 1L) &&
	       SET(CURLOPT_ERRORBUFFER, ctl->client->curl_words) &&
	       SET(CURLOPT_WRITEFUNCTION, transfer_take) &&
	       SET(CURLOPT_WRITEDATA, transfer);
#undef SET
}

/* The daemon has closed the connection for another one, or has ended. */
static bool
client_got_nothing(const struct ctl *ctl, CURLcode result)
{
	long size = 0;

	if (result != CURLE_GOT_NOTHING && result != CURLE_RECV_ERROR &&
	    result != CURLE_SEND_ERROR)
		return false;
	curl_easy_getinfo(ctl->client->curl, CURLINFO_HEADER_SIZE, &size);
	return size == 0;
}

/*
 * A question is asked again, for it changes nothing.  On CURLE_COULDNT_CONNECT,
 * *errno_r is the reason.
 */
static CURLcode
client_connect_and_ask(const struct ctl *ctl, bool is_question, int *errno_r)
{
	CURLcode result = CURLE_COULDNT_CONNECT;

	*errno_r = 0;
	for (int turns = 0; turns < CONNECT_TURNS && *errno_r == 0; turns++) {
		result = curl_easy_perform(ctl->client->curl);
		if (result == CURLE_COULDNT_CONNECT)
			*errno_r = client_wait_for_turn(ctl->socket);
		else if (!is_question || !client_got_nothing(ctl, result))
			return result;
	}
	return result;
}

/* One request; false with the error unless the daemon says 2xx. */
static bool
client_perform(const struct ctl *ctl, const char *method,
    const struct target *target, struct transfer *transfer,
    struct client_error *error_r)
{
	static const char host[] = "http://localhost";
	const size_t longest = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	char url[sizeof(host) + TARGET_SIZE];
	CURLcode result = CURLE_OUT_OF_MEMORY;
	long status = 0;
	int failure = 0;

	if (target->flaw != TARGET_SOUND) {
		client_fail(error_r, CTL_USAGE, NULL, "%s",
		    target->flaw == TARGET_CUT ? "the arguments are too long"
					       : "a name or an id is empty");
		return false;
	}
	if (strlen(ctl->socket) > longest) {
		client_fail(error_r, CTL_USAGE, NULL,
		    "%s: the path of a socket has at most %zu bytes",
		    ctl->socket, longest);
		return false;
	}
	snprintf(url, sizeof(url), "%s%s", host, target->text);
	transfer->curl = ctl->client->curl;
	if (transfer_set_options(ctl, method, url, transfer))
		result = client_connect_and_ask(
		    ctl, strcmp(method, "GET") == 0, &failure);
	if (result != CURLE_OK) {
		client_explain_curl(ctl, result, failure, transfer, error_r);
		return false;
	}
	curl_easy_getinfo(ctl->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299) {
		client_take_error(transfer, status, error_r);
		return false;
	}
	return true;
}

/* Ends the transfer. */
static bool
client_take_json(const struct ctl *ctl, const char *method,
    const struct target *target, struct transfer *transfer, json_t **json_r,
    struct client_error *error_r)
{
	bool answered = client_perform(ctl, method, target, transfer, error_r);

	*json_r = NULL;
	if (answered) {
		*json_r =
		    json_loadb(transfer->buffer != NULL ? transfer->buffer : "",
			transfer->length, 0, NULL);
		if (!json_is_object(*json_r)) {
			json_decref(*json_r);
			*json_r = NULL;
			client_fail(error_r, CTL_SOFTWARE,
			    "is this the socket of evpopd, and of the same "
			    "version?",
			    "the daemon's answer is no JSON object");
		}
	}
	free(transfer->buffer);
	return *json_r != NULL;
}

void
client_set_opener(struct client *client, const struct client_opener *opener)
{
	client->opener = opener;
}

static const struct client_opener *
client_opener_of(
    const struct ctl *ctl, const char *method, const struct target *target)
{
	const struct client_opener *opener = ctl->client->opener;

	return opener != NULL && opener->takes(opener->arg, method, target)
		   ? opener
		   : NULL;
}

bool
client_ask_daemon(const struct ctl *ctl, const struct target *target,
    json_t **json_r, struct client_error *error_r)
{
	struct transfer transfer = { 0 };

	return client_take_json(ctl, "GET", target, &transfer, json_r, error_r);
}

bool
client_ask(const struct ctl *ctl, const char *method,
    const struct target *target, json_t **json_r, struct client_error *error_r)
{
	const struct client_opener *opener =
	    client_opener_of(ctl, method, target);
	struct transfer transfer = { 0 };

	if (opener != NULL)
		return opener->ask(opener->arg, ctl, target, json_r, error_r);
	return client_take_json(
	    ctl, method, target, &transfer, json_r, error_r);
}

bool
client_send(const struct ctl *ctl, const struct target *target,
    const char *type, const void *bytes, size_t length, json_t **json_r,
    struct client_error *error_r)
{
	struct transfer transfer = { .body = bytes, .body_length = length };
	char header[128];
	bool done;

	snprintf(header, sizeof(header), "Content-Type: %s", type);
	transfer.headers = curl_slist_append(NULL, header);
	done =
	    client_take_json(ctl, "POST", target, &transfer, json_r, error_r);
	curl_slist_free_all(transfer.headers);
	return done;
}

bool
client_download(const struct ctl *ctl, const struct target *target,
    client_sink sink, void *arg, struct client_error *error_r)
{
	const struct client_opener *opener =
	    client_opener_of(ctl, "GET", target);

	return opener != NULL
		   ? opener->ask_bytes(
			 opener->arg, ctl, target, sink, arg, error_r)
		   : client_download_daemon(ctl, target, 0, sink, arg, error_r);
}

bool
client_has_opener(const struct client *client)
{
	return client->opener != NULL;
}

bool
client_download_daemon(const struct ctl *ctl, const struct target *target,
    size_t most, client_sink sink, void *arg, struct client_error *error_r)
{
	struct transfer transfer = { .sink = sink, .arg = arg };
	bool answered;

	if (most > 0)
		snprintf(
		    transfer.range, sizeof(transfer.range), "0-%zu", most - 1);
	answered = client_perform(ctl, "GET", target, &transfer, error_r);
	free(transfer.buffer);
	return answered;
}

enum ctl_exit
client_report(const struct ctl *ctl, const struct client_error *error)
{
	ctl_warn(ctl, "%s", error->message);
	ctl_hint(ctl, error->hint);
	return error->exit;
}

enum ctl_exit
client_print(const struct ctl *ctl, const char *method,
    const struct target *target,
    void (*print)(const struct ctl *, const json_t *))
{
	struct client_error error;
	enum ctl_exit code = CTL_OK;
	json_t *json;

	if (!client_ask(ctl, method, target, &json, &error))
		return client_report(ctl, &error);
	if (ctl->json)
		code = ctl_print_json(ctl, json);
	else
		print(ctl, json);
	json_decref(json);
	return code;
}

enum ctl_exit
client_act(const struct ctl *ctl, const char *pattern, const char *name,
    const char *done)
{
	enum ctl_exit code = CTL_OK;
	struct client_error error;
	struct target target;
	json_t *answer;

	target_begin(&target, pattern, name);
	if (!client_ask(ctl, "POST", &target, &answer, &error)) {
		if (strcmp(error.code, "already") != 0)
			return client_report(ctl, &error);
		ctl_warn(ctl, "%s", error.message);
		return CTL_OK;
	}
	if (ctl->json)
		code = ctl_print_json(ctl, answer);
	else
		print_detail(ctl, done, name);
	json_decref(answer);
	return code;
}
