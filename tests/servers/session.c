#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* About what stands before a body; even without a body this can be cut. */
#define STATUS_LINE_OCTETS 12

/* The longest base64 text of AUTH PLAIN that is looked at. */
#define CREDENTIALS_SIZE 4096

/* Only with a challenge is more than a command line expected. */
enum session_state {
	STATE_AUTHORIZATION,
	STATE_AUTH_PLAIN, /* the next line is the client's response */
	STATE_TRANSACTION,
	STATE_ENDED
};

enum production {
	PRODUCING_NOTHING,
	PRODUCING_SIZES,
	PRODUCING_UNIQUE_IDS,
	PRODUCING_BODY
};

struct session {
	struct session_settings *settings;
	struct maildrop *maildrop;
	struct body_transfer transfer;
	char *user;
	uint64_t number;
	size_t next_listed;
	enum session_state state;
	enum production production;
	uint64_t break_after; /* octets of the answer */
	bool breaks_off;
	bool tls_active;
	bool wants_tls;
};

typedef void command_function(
    struct session *session, char *argument, struct evbuffer *out);

struct session *
session_new(struct session_settings *settings, uint64_t number, bool tls_active)
{
	struct session *session = calloc(1, sizeof *session);

	if (session == NULL)
		return NULL;
	session->settings = settings;
	session->number = number;
	session->tls_active = tls_active;
	return session;
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	if (session->production == PRODUCING_BODY)
		body_close(&session->transfer.body);
	maildrop_close(session->maildrop);
	free(session->user);
	free(session);
}

void
session_greet(struct session *session, struct evbuffer *out)
{
	(void)session;
	evbuffer_add_printf(out, "+OK maildropd ready\r\n");
}

static void
refuse(struct evbuffer *out, const char *text)
{
	evbuffer_add_printf(out, "-ERR %s\r\n", text);
}

/* Totals of what is not marked as deleted. */
static void
sum_up(const struct maildrop *maildrop, size_t *count_r, uint64_t *octets_r)
{
	*count_r = 0;
	*octets_r = 0;
	for (size_t i = 0; i < maildrop->message_count; i++) {
		if (maildrop->messages[i].deleted)
			continue;
		(*count_r)++;
		*octets_r += maildrop->messages[i].size;
	}
}

static void
log_in(struct session *session, const char *user, const char *password,
    struct evbuffer *out)
{
	enum maildrop_outcome outcome = maildrop_open(
	    session->settings->maildrops, user, password, &session->maildrop);
	size_t count;
	uint64_t octets;

	if (outcome != MAILDROP_OPENED)
		session->settings->counters.refused_logins++;
	switch (outcome) {
	case MAILDROP_OPENED:
		session->settings->counters.logins++;
		session->state = STATE_TRANSACTION;
		sum_up(session->maildrop, &count, &octets);
		evbuffer_add_printf(out,
		    "+OK maildrop has %zu messages (%" PRIu64 " octets)\r\n",
		    count, octets);
		break;
	case MAILDROP_REFUSED:
		refuse(out, "[AUTH] wrong user or password");
		break;
	case MAILDROP_IN_USE:
		refuse(out, "[IN-USE] the maildrop is locked by a session");
		break;
	case MAILDROP_BROKEN:
		refuse(out, "[SYS/TEMP] the maildrop cannot be read");
		break;
	}
}

static void
command_user(struct session *session, char *argument, struct evbuffer *out)
{
	free(session->user);
	session->user = NULL;
	if (*argument == '\0') {
		refuse(out, "USER wants a name");
		return;
	}
	session->user = strdup(argument);
	if (session->user == NULL)
		refuse(out, "[SYS/TEMP] out of memory");
	else
		evbuffer_add_printf(out, "+OK send PASS\r\n");
}

static void
command_pass(struct session *session, char *argument, struct evbuffer *out)
{
	if (session->user == NULL) {
		refuse(out, "USER comes first");
		return;
	}
	log_in(session, session->user, argument, out);
	free(session->user);
	session->user = NULL;
}

/* Takes base64 of [authzid] NUL authcid NUL password (RFC 4616). */
static void
take_plain(struct session *session, const char *base64, struct evbuffer *out)
{
	unsigned char decoded[CREDENTIALS_SIZE + 1] = { 0 };
	size_t size = strlen(base64);
	const char *user, *password, *end;
	int decoded_size = -1;

	if (size > 0 && size <= CREDENTIALS_SIZE && size % 4 == 0)
		decoded_size = EVP_DecodeBlock(
		    decoded, (const unsigned char *)base64, (int)size);
	if (decoded_size < 0) {
		refuse(out, "that is no base64");
		return;
	}
	/* What padding stands for decodes as NULs, which end the password. */
	end = (const char *)decoded + decoded_size;
	user = memchr(decoded, '\0', (size_t)decoded_size);
	password = user == NULL
		       ? NULL
		       : memchr(user + 1, '\0', (size_t)(end - user - 1));
	if (password == NULL)
		refuse(out, "[AUTH] malformed credentials");
	else
		log_in(session, user + 1, password + 1, out);
	OPENSSL_cleanse(decoded, sizeof decoded);
}

static void
command_auth(struct session *session, char *argument, struct evbuffer *out)
{
	char *response = strchr(argument, ' ');

	if (response != NULL)
		*response++ = '\0';
	if (strcasecmp(argument, "PLAIN") != 0)
		refuse(out, "only PLAIN is known");
	else if (response == NULL) {
		session->state = STATE_AUTH_PLAIN;
		evbuffer_add_printf(out, "+ \r\n");
	} else
		take_plain(session, response, out);
}

static void
answer_challenge(struct session *session, char *line, struct evbuffer *out)
{
	session->state = STATE_AUTHORIZATION;
	if (strcmp(line, "*") == 0)
		refuse(out, "cancelled");
	else
		take_plain(session, line, out);
}

static void
command_stls(struct session *session, char *argument, struct evbuffer *out)
{
	if (*argument != '\0')
		refuse(out, "STLS wants no argument");
	else if (!session->settings->offer_stls || session->tls_active)
		refuse(out, "STLS is not available");
	else {
		session->wants_tls = true;
		evbuffer_add_printf(out, "+OK begin TLS\r\n");
	}
}

static void
command_capa(struct session *session, char *argument, struct evbuffer *out)
{
	(void)argument;
	evbuffer_add_printf(out, "+OK capabilities follow\r\n"
				 "RESP-CODES\r\nAUTH-RESP-CODE\r\n"
				 "USER\r\nSASL PLAIN\r\n");
	if (session->settings->offer_top)
		evbuffer_add_printf(out, "TOP\r\n");
	if (session->settings->offer_uidl)
		evbuffer_add_printf(out, "UIDL\r\n");
	if (session->settings->offer_pipelining)
		evbuffer_add_printf(out, "PIPELINING\r\n");
	if (session->settings->offer_stls && !session->tls_active &&
	    session->state == STATE_AUTHORIZATION)
		evbuffer_add_printf(out, "STLS\r\n");
	evbuffer_add_printf(out, "IMPLEMENTATION maildropd\r\n.\r\n");
}

static void
command_quit(struct session *session, char *argument, struct evbuffer *out)
{
	size_t removed = 0, failed = 0;

	(void)argument;
	if (session->state == STATE_TRANSACTION)
		failed = maildrop_update(session->maildrop, &removed);
	session->settings->counters.messages_removed += removed;
	/* The lock is gone before the client hears so. */
	maildrop_close(session->maildrop);
	session->maildrop = NULL;
	if (session->state == STATE_TRANSACTION &&
	    faults_drop_quit(&session->settings->faults))
		session->settings->counters.quits_dropped++;
	else if (failed > 0)
		refuse(out, "[SYS/TEMP] some deleted messages not removed");
	else
		evbuffer_add_printf(out, "+OK bye\r\n");
	session->state = STATE_ENDED;
}

static void
command_stat(struct session *session, char *argument, struct evbuffer *out)
{
	size_t count;
	uint64_t octets;

	(void)argument;
	sum_up(session->maildrop, &count, &octets);
	evbuffer_add_printf(out, "+OK %zu %" PRIu64 "\r\n", count, octets);
}

/*
 * Reads a number at *at_r, which moves behind it and a space.  Returns false
 * when there is none.
 */
static bool
take_number(char **at_r, uint64_t *number_r)
{
	char *at = *at_r;

	if (*at < '0' || *at > '9' || strspn(at, "0123456789") > 18)
		return false;
	*number_r = strtoull(at, &at, 10);
	if (*at == ' ')
		at++;
	else if (*at != '\0')
		return false;
	*at_r = at;
	return true;
}

/* Finds the message that a number names, or answers and returns NULL. */
static struct maildrop_message *
take_message(struct session *session, char **at_r, struct evbuffer *out)
{
	struct maildrop_message *message;
	uint64_t number;

	if (!take_number(at_r, &number)) {
		refuse(out, "give a message number");
		return NULL;
	}
	if (number == 0 || number > session->maildrop->message_count) {
		refuse(out, "no such message");
		return NULL;
	}
	message = &session->maildrop->messages[number - 1];
	if (message->deleted) {
		refuse(out, "the message is deleted");
		return NULL;
	}
	return message;
}

static void
add_listed(struct session *session, enum production what,
    const struct maildrop_message *message, struct evbuffer *out)
{
	size_t number = (size_t)(message - session->maildrop->messages) + 1;
	char unique_id[MAILDROP_UNIQUE_ID_SIZE];

	if (what == PRODUCING_SIZES) {
		evbuffer_add_printf(
		    out, "%zu %" PRIu64 "\r\n", number, message->size);
		return;
	}
	maildrop_unique_id(session->maildrop, message, unique_id);
	evbuffer_add_printf(out, "%zu %s\r\n", number, unique_id);
}

static void
list(struct session *session, enum production what, char *argument,
    struct evbuffer *out)
{
	struct maildrop_message *message;

	if (*argument == '\0') {
		evbuffer_add_printf(out, "+OK listing follows\r\n");
		session->production = what;
		session->next_listed = 0;
		return;
	}
	message = take_message(session, &argument, out);
	if (message != NULL) {
		evbuffer_add_printf(out, "+OK ");
		add_listed(session, what, message, out);
	}
}

static void
command_list(struct session *session, char *argument, struct evbuffer *out)
{
	list(session, PRODUCING_SIZES, argument, out);
}

static void
command_uidl(struct session *session, char *argument, struct evbuffer *out)
{
	list(session, PRODUCING_UNIQUE_IDS, argument, out);
}

static void
send_message(struct session *session, const struct maildrop_message *message,
    uint64_t lines, struct evbuffer *out)
{
	if (maildrop_open_body(
		session->maildrop, message, &session->transfer.body) == -1) {
		refuse(out, "[SYS/TEMP] the message cannot be read");
		return;
	}
	session->settings->counters.messages_sent++;
	evbuffer_add_printf(out, "+OK %" PRIu64 " octets\r\n", message->size);
	body_transfer_begin(&session->transfer, lines, session->settings->crlf);
	session->production = PRODUCING_BODY;
}

static void
command_retr(struct session *session, char *argument, struct evbuffer *out)
{
	struct maildrop_message *message =
	    take_message(session, &argument, out);

	if (message == NULL ||
	    faults_empty_body(&session->settings->faults, out))
		return;
	session->breaks_off = faults_cut_body(&session->settings->faults,
	    message->size + STATUS_LINE_OCTETS, &session->break_after);
	if (session->breaks_off)
		session->settings->counters.bodies_cut++;
	send_message(session, message, BODY_ALL_LINES, out);
}

static void
command_top(struct session *session, char *argument, struct evbuffer *out)
{
	struct maildrop_message *message =
	    take_message(session, &argument, out);
	uint64_t lines;

	if (message == NULL)
		return;
	if (!take_number(&argument, &lines) || *argument != '\0')
		refuse(out, "TOP wants a message and a number of lines");
	else
		send_message(session, message, lines, out);
}

static void
command_dele(struct session *session, char *argument, struct evbuffer *out)
{
	struct maildrop_message *message =
	    take_message(session, &argument, out);

	if (message == NULL)
		return;
	message->deleted = true;
	evbuffer_add_printf(out, "+OK marked as deleted\r\n");
}

static void
command_noop(struct session *session, char *argument, struct evbuffer *out)
{
	(void)session;
	(void)argument;
	evbuffer_add_printf(out, "+OK\r\n");
}

static void
command_rset(struct session *session, char *argument, struct evbuffer *out)
{
	(void)argument;
	for (size_t i = 0; i < session->maildrop->message_count; i++)
		session->maildrop->messages[i].deleted = false;
	evbuffer_add_printf(out, "+OK nothing is marked as deleted\r\n");
}

/* Every command, and the states that it is known in. */
static const struct {
	const char *name;
	command_function *function;
	bool in_authorization;
	bool in_transaction;
	bool secret; /* its arguments stay out of the log */
} commands[] = {
	{ "AUTH", command_auth, true, false, true },
	{ "CAPA", command_capa, true, true, false },
	{ "DELE", command_dele, false, true, false },
	{ "LIST", command_list, false, true, false },
	{ "NOOP", command_noop, false, true, false },
	{ "PASS", command_pass, true, false, true },
	{ "QUIT", command_quit, true, true, false },
	{ "RETR", command_retr, false, true, false },
	{ "RSET", command_rset, false, true, false },
	{ "STAT", command_stat, false, true, false },
	{ "STLS", command_stls, true, false, false },
	{ "TOP", command_top, false, true, false },
	{ "UIDL", command_uidl, false, true, false },
	{ "USER", command_user, true, false, false },
};

/* Two commands are optional (RFC 1939 section 7), and may be left out. */
static bool
is_offered(const struct session *session, command_function *function)
{
	if (function == command_uidl)
		return session->settings->offer_uidl;
	return function != command_top || session->settings->offer_top;
}

/* One line: seconds, session, tls or plain, command. */
static void
log_command(const struct session *session, const char *name,
    const char *argument, bool secret)
{
	struct timespec now;

	if (session->settings->log == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(session->settings->log, "%" PRId64 ".%06ld %" PRIu64 " %s %s",
	    (int64_t)now.tv_sec, now.tv_nsec / 1000, session->number,
	    session->tls_active ? "tls" : "plain", name);
	if (*argument != '\0')
		fprintf(
		    session->settings->log, " %s", secret ? "..." : argument);
	fputc('\n', session->settings->log);
}

void
session_command(
    struct session *session, char *line, size_t size, struct evbuffer *out)
{
	char *argument = strchr(line, ' ');
	bool known = false, known_here = false;

	session->settings->counters.commands++;
	if (strlen(line) != size) {
		refuse(out, "NUL in a command");
		return;
	}
	if (session->state == STATE_AUTH_PLAIN) {
		log_command(session, "(response)", "...", true);
		answer_challenge(session, line, out);
		return;
	}
	if (argument == NULL)
		argument = line + size;
	else
		*argument++ = '\0';
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcasecmp(line, commands[i].name) != 0)
			continue;
		known = true;
		log_command(
		    session, commands[i].name, argument, commands[i].secret);
		known_here = session->state == STATE_TRANSACTION
				 ? commands[i].in_transaction
				 : commands[i].in_authorization;
		known_here &= is_offered(session, commands[i].function);
		if (known_here)
			commands[i].function(session, argument, out);
		break;
	}
	if (!known)
		log_command(session, "(unknown)", "", true);
	if (!known_here)
		refuse(out, "unknown command, or not in this state");
}

bool
session_produces(const struct session *session)
{
	return session->production != PRODUCING_NOTHING;
}

void
session_produce(struct session *session, struct evbuffer *out, size_t limit)
{
	const struct maildrop *maildrop = session->maildrop;

	if (session->production == PRODUCING_BODY) {
		if (body_transfer_pump(&session->transfer, out, limit))
			session->production = PRODUCING_NOTHING;
		return;
	}
	while (session->next_listed < maildrop->message_count) {
		const struct maildrop_message *message =
		    &maildrop->messages[session->next_listed];

		if (evbuffer_get_length(out) >= limit)
			return;
		if (!message->deleted)
			add_listed(session, session->production, message, out);
		session->next_listed++;
	}
	evbuffer_add(out, ".\r\n", 3);
	session->production = PRODUCING_NOTHING;
}

bool
session_wants_tls(const struct session *session)
{
	return session->wants_tls;
}

void
session_tls_started(struct session *session)
{
	session->wants_tls = false;
	session->tls_active = true;
	free(session->user);
	session->user = NULL;
}

bool
session_ended(const struct session *session)
{
	return session->state == STATE_ENDED;
}

bool
session_breaks_off(const struct session *session, uint64_t *after_r)
{
	*after_r = session->break_after;
	return session->breaks_off;
}
