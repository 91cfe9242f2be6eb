#include "daemon/http/web_loop.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/base/clock.h"
#include "lib/base/wiping.h"

/* Connections that are kept for the next transfer. */
#define WEB_LOOP_IDLE 1L

struct web_loop {
	CURLM *multi;
	struct event_base *base;
	struct event timer;
	web_loop_cb done;
	void *arg;
};

/* A descriptor that libcurl watches. */
struct web_socket {
	struct web_loop *loop;
	struct event event;
};

static void
web_loop_turn(struct web_loop *loop, curl_socket_t fd, int ready)
{
	CURLMsg *message;
	int running, left;

	(void)curl_multi_socket_action(loop->multi, fd, ready, &running);
	message = curl_multi_info_read(loop->multi, &left);
	if (message != NULL && message->msg == CURLMSG_DONE) {
		CURLcode code = message->data.result;

		(void)curl_multi_remove_handle(
		    loop->multi, message->easy_handle);
		loop->done(code, loop->arg);
	}
}

static void
web_socket_ready(evutil_socket_t fd, short events, void *arg)
{
	struct web_socket *socket = arg;
	int ready = 0;

	if ((events & EV_READ) != 0)
		ready |= CURL_CSELECT_IN;
	if ((events & EV_WRITE) != 0)
		ready |= CURL_CSELECT_OUT;
	web_loop_turn(socket->loop, fd, ready);
}

static void
web_loop_expired(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	web_loop_turn(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- what libcurl asks for ---- */

static int
web_loop_watch(
    CURL *easy, curl_socket_t fd, int wanted, void *arg, void *socket_arg)
{
	struct web_loop *loop = arg;
	struct web_socket *socket = socket_arg;
	short events = EV_PERSIST;

	(void)easy;
	if (wanted == CURL_POLL_REMOVE) {
		if (socket != NULL)
			(void)event_del(&socket->event);
		free(socket);
		(void)curl_multi_assign(loop->multi, fd, NULL);
		return 0;
	}
	if (socket != NULL)
		(void)event_del(&socket->event);
	else if ((socket = malloc(sizeof(*socket))) == NULL)
		return -1;
	socket->loop = loop;
	if ((wanted & CURL_POLL_IN) != 0)
		events |= EV_READ;
	if ((wanted & CURL_POLL_OUT) != 0)
		events |= EV_WRITE;
	(void)event_assign(
	    &socket->event, loop->base, fd, events, web_socket_ready, socket);
	(void)curl_multi_assign(loop->multi, fd, socket);
	return event_add(&socket->event, NULL);
}

static int
web_loop_set_timer(CURLM *multi, long wait_ms, void *arg)
{
	struct web_loop *loop = arg;
	const struct timeval wait = evpop_clock_wait(wait_ms);

	(void)multi;
	if (wait_ms < 0)
		return event_del(&loop->timer);
	return event_add(&loop->timer, &wait);
}

/* ---- its life ---- */

struct web_loop *
web_loop_new(struct event_base *base, web_loop_cb done, void *arg)
{
	struct web_loop *loop = calloc(1, sizeof(*loop));

	/* Tokens pass through its buffers. */
	if (loop == NULL ||
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, evpop_wiping_free,
		evpop_wiping_realloc, strdup, calloc) != 0) {
		free(loop);
		return NULL;
	}
	loop->base = base;
	loop->done = done;
	loop->arg = arg;
	(void)evtimer_assign(&loop->timer, base, web_loop_expired, loop);
	loop->multi = curl_multi_init();
	if (loop->multi == NULL) {
		curl_global_cleanup();
		free(loop);
		return NULL;
	}
	(void)curl_multi_setopt(
	    loop->multi, CURLMOPT_SOCKETFUNCTION, web_loop_watch);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	(void)curl_multi_setopt(
	    loop->multi, CURLMOPT_TIMERFUNCTION, web_loop_set_timer);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	(void)curl_multi_setopt(
	    loop->multi, CURLMOPT_MAXCONNECTS, WEB_LOOP_IDLE);
	return loop;
}

bool
web_loop_add(struct web_loop *loop, CURL *easy)
{
	return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

void
web_loop_remove(struct web_loop *loop, CURL *easy)
{
	(void)curl_multi_remove_handle(loop->multi, easy);
}

void
web_loop_free(struct web_loop **loop_r)
{
	struct web_loop *loop = *loop_r;

	if (loop == NULL)
		return;
	*loop_r = NULL;
	(void)curl_multi_cleanup(loop->multi);
	(void)event_del(&loop->timer);
	curl_global_cleanup();
	free(loop);
}
