#include <string.h>

#include "lib/session/easy.h"

/* ---- the session ---- */

enum evpop_error
evpop_easy_connect(struct evpop_easy *easy)
{
	enum evpop_error error;

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(GREETING), &error))
		return error;
	if (easy->unusable.error != EVPOP_ERROR_NONE)
		easy->result = easy->unusable;
	else
		evpop_easy_wait(easy, evpop_client_connect(easy->client,
					  evpop_easy_replied, easy));
	return evpop_easy_leave(easy);
}

static void
log_in(struct evpop_easy *easy, const struct evpop_credentials *credentials)
{
	enum evpop_error error = evpop_client_login(
	    easy->client, credentials, evpop_easy_replied, easy);

	if (error != EVPOP_ERROR_USAGE)
		evpop_easy_wait(easy, error);
	else
		evpop_easy_misused(easy,
		    "the user or the password is missing, or holds a line end");
}

enum evpop_error
evpop_easy_login(
    struct evpop_easy *easy, const struct evpop_credentials *credentials)
{
	enum evpop_error error;

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(AUTHORIZATION), &error))
		return error;
	log_in(easy, credentials);
	return evpop_easy_leave(easy);
}

/* Refused or not possible, rather than a maildrop that is busy. */
static bool
may_fall_back(const struct evpop_easy *easy)
{
	return !easy->abandoned && !easy->over &&
	       easy->result.error == EVPOP_ERROR_AUTH &&
	       evpop_client_state(easy->client) == EVPOP_STATE_AUTHORIZATION;
}

enum evpop_error
evpop_easy_login_apop_or_user(
    struct evpop_easy *easy, const char *user, const char *password)
{
	struct evpop_credentials credentials = {
		.user = user,
		.password = password,
		.mechanisms = EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_APOP),
	};
	enum evpop_error error;

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(AUTHORIZATION), &error))
		return error;
	log_in(easy, &credentials);
	if (may_fall_back(easy)) {
		credentials.mechanisms =
		    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER);
		log_in(easy, &credentials);
	}
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_open(struct evpop_easy *easy, const char *user, const char *password)
{
	const struct evpop_credentials credentials = {
		.user = user,
		.password = password,
	};
	enum evpop_error error = evpop_easy_connect(easy);

	return error != EVPOP_ERROR_NONE ? error
					 : evpop_easy_login(easy, &credentials);
}

enum evpop_error
evpop_easy_quit(struct evpop_easy *easy, enum evpop_quit *quit_r)
{
	enum evpop_error error;

	if (quit_r != NULL)
		*quit_r = EVPOP_QUIT_NONE;
	if (!evpop_easy_enter(easy,
		EVPOP_EASY_IN(AUTHORIZATION) | EVPOP_EASY_IN(TRANSACTION),
		&error))
		return error;
	evpop_easy_wait(
	    easy, evpop_client_quit(easy->client, evpop_easy_replied, easy));
	if (quit_r != NULL)
		*quit_r = easy->reply.quit;
	return evpop_easy_leave(easy);
}

/* ---- commands of TRANSACTION ---- */

/* Whether the reply has the octets that the caller wants to know. */
static void
want_octets(struct evpop_easy *easy, uint64_t *octets_r)
{
	if (octets_r == NULL)
		return;
	*octets_r = easy->reply.octets;
	if (easy->reply.has_octets)
		return;
	evpop_result_set(&easy->result, EVPOP_ERROR_PROTOCOL,
	    EVPOP_PHASE_COMMAND, "the server did not tell the size");
	easy->result.scope = EVPOP_SCOPE_MESSAGE;
}

enum evpop_error
evpop_easy_stat(
    struct evpop_easy *easy, uint32_t *messages_r, uint64_t *octets_r)
{
	enum evpop_error error;

	if (messages_r != NULL)
		*messages_r = 0;
	if (octets_r != NULL)
		*octets_r = 0;
	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION), &error))
		return error;
	evpop_easy_wait(
	    easy, evpop_client_stat(easy->client, evpop_easy_replied, easy));
	if (evpop_easy_went_well(easy)) {
		if (messages_r != NULL)
			*messages_r = easy->reply.number;
		want_octets(easy, octets_r);
	}
	return evpop_easy_leave(easy);
}

/* Number 0 would be a listing of all, which has a call of its own. */
static enum evpop_error
one(uint32_t number,
    enum evpop_error (*ask)(struct evpop_client *, uint32_t, evpop_listed_cb,
	evpop_reply_cb, void *),
    evpop_reply_cb reply, struct evpop_easy *easy)
{
	if (number == 0)
		return EVPOP_ERROR_USAGE;
	return ask(easy->client, number, NULL, reply, easy);
}

enum evpop_error
evpop_easy_list(struct evpop_easy *easy, uint32_t number, uint64_t *octets_r)
{
	enum evpop_error error;

	if (octets_r != NULL)
		*octets_r = 0;
	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION), &error))
		return error;
	evpop_easy_wait(
	    easy, one(number, evpop_client_list, evpop_easy_replied, easy));
	if (evpop_easy_went_well(easy))
		want_octets(easy, octets_r);
	return evpop_easy_leave(easy);
}

/* The unique-id is borrowed: it is copied while it is there. */
static void
identified(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_easy *easy = arg;

	evpop_easy_replied(client, reply, easy);
	if (reply->result.error != EVPOP_ERROR_NONE ||
	    reply->unique_id_length == 0)
		return;
	if (reply->unique_id_length > easy->id_size) {
		evpop_result_set(&easy->result, EVPOP_ERROR_LIMIT,
		    EVPOP_PHASE_COMMAND, "the unique-id has %zu octets",
		    reply->unique_id_length);
		easy->result.scope = EVPOP_SCOPE_MESSAGE;
		return;
	}
	memcpy(easy->id, reply->unique_id, reply->unique_id_length);
}

enum evpop_error
evpop_easy_uidl(struct evpop_easy *easy, uint32_t number, void *id, size_t size,
    size_t *length_r)
{
	enum evpop_error error;

	if (length_r != NULL)
		*length_r = 0;
	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION), &error))
		return error;
	easy->id = id;
	easy->id_size = size;
	evpop_easy_wait(easy, one(number, evpop_client_uidl, identified, easy));
	if (length_r != NULL)
		*length_r = easy->reply.unique_id_length;
	return evpop_easy_leave(easy);
}

static void
listed(struct evpop_client *client, const struct evpop_listed *entry, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->listed(entry, easy->listed_arg);
}

static enum evpop_error
all(struct evpop_easy *easy,
    enum evpop_error (*ask)(struct evpop_client *, uint32_t, evpop_listed_cb,
	evpop_reply_cb, void *),
    evpop_easy_listed_cb callback, void *arg)
{
	enum evpop_error error;

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION), &error))
		return error;
	easy->listed = callback;
	easy->listed_arg = arg;
	evpop_easy_wait(easy, callback == NULL ? EVPOP_ERROR_USAGE
					       : ask(easy->client, 0, listed,
						     evpop_easy_replied, easy));
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_list_all(
    struct evpop_easy *easy, evpop_easy_listed_cb callback, void *arg)
{
	return all(easy, evpop_client_list, callback, arg);
}

enum evpop_error
evpop_easy_uidl_all(
    struct evpop_easy *easy, evpop_easy_listed_cb callback, void *arg)
{
	return all(easy, evpop_client_uidl, callback, arg);
}

enum evpop_error
evpop_easy_dele(struct evpop_easy *easy, uint32_t number)
{
	enum evpop_error error;

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION), &error))
		return error;
	evpop_easy_wait(easy,
	    evpop_client_dele(easy->client, number, evpop_easy_replied, easy));
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_rset(struct evpop_easy *easy)
{
	enum evpop_error error;

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION), &error))
		return error;
	evpop_easy_wait(
	    easy, evpop_client_rset(easy->client, evpop_easy_replied, easy));
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_noop(struct evpop_easy *easy)
{
	enum evpop_error error;

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION), &error))
		return error;
	evpop_easy_wait(
	    easy, evpop_client_noop(easy->client, evpop_easy_replied, easy));
	return evpop_easy_leave(easy);
}
