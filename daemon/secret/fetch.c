#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/secret/child.h"
#include "daemon/secret/file.h"
#include "daemon/secret/line.h"
#include "daemon/secret/secret.h"

struct secret_request {
	enum secret_kind kind;
	char *value;            /* a copy, unless it is the secret itself */
	struct secret *literal; /* then it is here, also one that was sealed */
	int64_t timeout_ms;
	struct event *ready; /* tells from the loop what is known already */
	struct secret_child *child;
	secret_cb cb;
	void *arg;
	bool telling; /* in the callback: a cancel has nothing left to do */
	char error[SECRET_ERROR_SIZE];
};

static void
request_free(struct secret_request *request)
{
	secret_child_kill(&request->child);
	if (request->ready != NULL)
		event_free(request->ready);
	secret_free(&request->literal);
	free(request->value);
	free(request);
}

/* The secret, or NULL and the request's error. */
static void
tell(struct secret_request *request, struct secret *secret)
{
	request->telling = true;
	request->cb(
	    secret, secret == NULL ? request->error : NULL, request->arg);
	request_free(request);
}

/* What the secret is called. */
static const char *
request_noun(const struct secret_request *request)
{
	return request->kind == SECRET_TOKEN_COMMAND ? "token" : "password";
}

static void
describe_status(
    struct secret_request *request, const struct secret_child_result *result)
{
	const char *noun = request_noun(request);
	char errors[512], *text = request->error;
	size_t size = sizeof(request->error), used;

	if (WIFEXITED(result->status))
		(void)snprintf(text, size, "%s_command failed (exit status %d)",
		    noun, WEXITSTATUS(result->status));
	else
		(void)snprintf(text, size, "%s_command failed (signal %d, %s)",
		    noun, WTERMSIG(result->status),
		    strsignal(WTERMSIG(result->status)));
	secret_printable(
	    result->errors, result->errors_length, errors, sizeof(errors));
	used = strlen(text);
	if (*errors != '\0')
		(void)snprintf(text + used, size - used, ": %s", errors);
}

static struct secret *
secret_of_command(
    struct secret_request *request, const struct secret_child_result *result)
{
	const char *noun = request_noun(request);
	char source[32], *error = request->error;
	size_t size = sizeof(request->error);

	(void)snprintf(source, sizeof(source), "%s_command", noun);
	switch (result->end) {
	case SECRET_CHILD_EXITED:
		if (result->status == 0)
			return secret_of_first_line(source, noun,
			    result->output, result->output_length, error, size);
		describe_status(request, result);
		break;
	case SECRET_CHILD_TIMEOUT:
		(void)snprintf(error, size, "%s did not finish within %lld ms",
		    source, (long long)request->timeout_ms);
		break;
	case SECRET_CHILD_TOO_MUCH:
		(void)snprintf(error, size, "%s printed more than %zu bytes",
		    source, SECRET_INPUT_MAX);
		break;
	case SECRET_CHILD_FAILED:
		(void)snprintf(error, size,
		    "%s: its exit status was lost: another part of the "
		    "process waits for children",
		    source);
		break;
	}
	return NULL;
}

static void
on_child_end(const struct secret_child_result *result, void *arg)
{
	struct secret_request *request = arg;
	struct secret *secret = secret_of_command(request, result);

	/* It frees itself when this returns. */
	request->child = NULL;
	tell(request, secret);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct secret_request *request = arg;
	struct secret *secret = NULL;
	char *error = request->error;
	size_t size = sizeof(request->error);

	(void)fd;
	(void)what;
	switch (request->kind) {
	case SECRET_LITERAL:
		secret = request->literal;
		request->literal = NULL;
		if (secret_length(secret) == 0) {
			secret_free(&secret);
			(void)snprintf(error, size, "the password is empty");
		}
		break;
	case SECRET_SEALED:
		/* Else the error says why it did not open. */
		secret = request->literal;
		request->literal = NULL;
		break;
	case SECRET_FILE:
		secret = secret_read_file(request->value, error, size);
		break;
	case SECRET_CREDENTIAL:
		secret = secret_read_credential(request->value, error, size);
		break;
	case SECRET_COMMAND:
	case SECRET_TOKEN_COMMAND:
		/* It could not be started, and the error says why. */
		break;
	}
	tell(request, secret);
}

static bool
start(struct secret_request *request, struct event_base *base)
{
	const struct timeval now = { 0, 0 };

	if (request->kind == SECRET_COMMAND ||
	    request->kind == SECRET_TOKEN_COMMAND) {
		request->child = secret_child_start(base,
		    &(struct secret_child_options){ .command = request->value,
			.input = -1,
			.timeout_ms = request->timeout_ms },
		    on_child_end, request);
		if (request->child != NULL)
			return true;
		(void)snprintf(request->error, sizeof(request->error),
		    "%s command: cannot start: %s", request_noun(request),
		    strerror(errno));
	}
	request->ready = evtimer_new(base, on_ready, request);
	return request->ready != NULL && event_add(request->ready, &now) == 0;
}

struct secret_request *
secret_fetch(struct event_base *base, const struct secret_source *source,
    int64_t timeout_ms, secret_cb cb, void *arg)
{
	struct secret_request *request = calloc(1, sizeof(*request));

	assert(source->value != NULL);
	if (request == NULL)
		return NULL;
	request->kind = source->kind;
	request->timeout_ms = timeout_ms;
	request->cb = cb;
	request->arg = arg;
	if (source->kind == SECRET_LITERAL)
		request->literal =
		    secret_new(source->value, strlen(source->value));
	else
		request->value = strdup(source->value);
	/* At once: the key may be another one in the next turn. */
	if (source->kind == SECRET_SEALED)
		request->literal = secret_unseal(source->key, source->value,
		    &source->bearer, request->error, sizeof(request->error));
	if ((request->literal == NULL && request->value == NULL) ||
	    !start(request, base)) {
		request_free(request);
		return NULL;
	}
	return request;
}

void
secret_cancel(struct secret_request **request_p)
{
	struct secret_request *request = *request_p;

	*request_p = NULL;
	if (request != NULL && !request->telling)
		request_free(request);
}
