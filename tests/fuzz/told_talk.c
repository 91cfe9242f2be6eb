#include "tests/fuzz/told_talk.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

struct talk {
	const struct talk_handler *handler;
	void *arg;
	struct parcel *parcel; /* being sent */
	void (*sent)(bool is_whole, void *arg);
	uint64_t literal;
	bool is_open, is_tls, is_securing, is_over;
};

/* The one there is. */
static struct talk *talk;

/* ---- what a carrier does ---- */

struct talk *
talk_new(const struct carrier_setup *setup, const struct talk_handler *handler,
    void *arg)
{
	assert(setup != NULL && talk == NULL);
	talk = calloc(1, sizeof *talk);
	assert(talk != NULL);
	talk->handler = handler;
	talk->arg = arg;
	return talk;
}

void
talk_connect(struct talk *one)
{
	assert(one == talk && !one->is_open);
}

static void
talk_close(struct talk **talk_p, const char *goodbye)
{
	if (*talk_p == NULL)
		return;
	assert(*talk_p == talk);
	told_ends(goodbye);
	free(talk);
	talk = *talk_p = NULL;
}

void
talk_free(struct talk **talk_p)
{
	talk_close(talk_p, NULL);
}

void
talk_end(struct talk **talk_p, const char *goodbye)
{
	talk_close(talk_p, goodbye);
}

enum carried
talk_outcome(const struct evpop_result *result)
{
	(void)result;
	return CARRIED_DOWN;
}

void
talk_start_tls(struct talk *one)
{
	assert(one == talk && one->is_open && !one->is_tls);
	one->is_securing = true;
}

bool
talk_is_tls(const struct talk *one)
{
	return one->is_tls;
}

static void
check_write(const struct talk *one)
{
	assert(one == talk && one->is_open && !one->is_securing);
	assert(one->parcel == NULL && !one->is_over);
}

void
talk_write(struct talk *one, const void *octets, size_t length)
{
	char *text = fuzz_string(octets, length);

	check_write(one);
	told_wrote(text);
	free(text);
}

void
talk_write_secret(struct talk *one, const void *octets, size_t length)
{
	talk_write(one, octets, length);
}

void
talk_print(struct talk *one, const char *format, ...)
{
	char text[2048];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	assert(length >= 0 && (size_t)length < sizeof text);
	check_write(one);
	told_wrote(text);
}

void
talk_literal(struct talk *one, uint64_t octets)
{
	assert(one == talk && one->literal == 0 && octets > 0);
	one->literal = octets;
}

void
talk_send(struct talk *one, struct parcel *parcel, enum talk_form form,
    void (*sent)(bool is_whole, void *arg))
{
	check_write(one);
	told_sends(parcel, form);
	one->parcel = parcel;
	one->sent = sent;
}

void
talk_await(struct talk *one, enum evpop_phase phase, const char *what)
{
	assert(one == talk && (what == NULL) == (phase == EVPOP_PHASE_NONE));
}

void
talk_bind(struct talk *one, struct evpop_channel *channel)
{
	*channel = (struct evpop_channel){ .tls = one->is_tls };
}

enum evpop_privacy
talk_privacy(const struct talk *one)
{
	return one->is_tls ? EVPOP_PRIVACY_TLS : EVPOP_PRIVACY_LOCAL;
}

const char *
talk_privacy_name(const struct talk *one)
{
	return one->is_tls ? "TLS" : "no TLS";
}

const char *
talk_peer(const struct talk *one)
{
	(void)one;
	return "peer";
}

bool
talk_shows_certificate(const struct talk *one)
{
	(void)one;
	return false;
}

/* ---- what the target does ---- */

bool
told_exists(void)
{
	return talk != NULL;
}

bool
told_is_open(void)
{
	return talk != NULL && talk->is_open && !talk->is_securing;
}

const struct parcel *
told_parcel(void)
{
	return talk == NULL ? NULL : talk->parcel;
}

size_t
told_awaits(void)
{
	return talk == NULL ? 0 : (size_t)talk->literal;
}

void
told_turn(struct event_base *base)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	if (talk == NULL || told_is_open())
		return;
	talk->is_tls = talk->is_securing;
	talk->is_open = true;
	talk->is_securing = false;
	talk->handler->opened(talk->arg);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

void
told_sent(bool is_whole)
{
	assert(talk != NULL && talk->parcel != NULL);
	talk->parcel = NULL;
	talk->sent(is_whole, talk->arg);
}

void
told_break(void)
{
	struct evpop_result result;

	evpop_result_set(
	    &result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE, "it is broken");
	talk->is_over = true;
	talk->handler->failed(&result, talk->arg);
}

void
told_line(const char *line, size_t length)
{
	assert(told_is_open() && talk->literal == 0);
	talk->handler->line(line, length, talk->arg);
}

void
told_literal(const struct fuzz_input *octets)
{
	assert(told_is_open() && octets->left <= talk->literal);
	talk->literal -= octets->left;
	talk->handler->literal(
	    octets->at, octets->left, talk->literal, talk->arg);
}
