#include "daemon/serving.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/confinement.h"
#include "daemon/control/control.h"
#include "daemon/log/libevent.h"
#include "daemon/log/log.h"
#include "daemon/service.h"
#include "daemon/store/store.h"
#include "daemon/storing.h"

struct serving {
	struct event_base *base;
	struct event *term;
	struct store *store;
	struct control *control;
};

static void
serving_on_stop(evutil_socket_t signal, short what, void *arg)
{
	struct serving *serving = arg;

	(void)signal;
	(void)what;
	event_base_loopexit(serving->base, NULL);
}

/* Tell who started us, who reads one line and no more. */
static int
serving_fail(int code, const char *why)
{
	printf("%s\n", why);
	fflush(stdout);
	return code;
}

static int
serving_open_store(struct serving *serving, const char *path, bool fills)
{
	const struct store_config config = { .path = path,
		.reads_only = !fills };
	struct store_error error;

	if (store_open(&serving->store, &config, serving->base, &error) ==
	    STORE_OK)
		return EX_OK;
	return serving_fail(access(path, F_OK) != 0 && errno == ENOENT
				? EX_NOINPUT
				: storing_exit(error.status),
	    error.text);
}

static int
serving_listen(struct serving *serving)
{
	static const struct config config;
	const struct control_options options = {
		/* Not 0: what is closed at the end stays the system's. */
		.listen_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3),
		.store = serving->store,
	};
	char error[512];

	serving->control =
	    control_new(serving->base, &config, &options, error, sizeof(error));
	return serving->control != NULL ? EX_OK
					: serving_fail(EX_CANTCREAT, error);
}

static int
serving_loop(struct serving *serving, const char *path, bool fills)
{
	int code;

	serving->base = event_base_new();
	if (serving->base != NULL)
		serving->term = evsignal_new(
		    serving->base, SIGTERM, serving_on_stop, serving);
	if (serving->term == NULL || evsignal_add(serving->term, NULL) != 0)
		return serving_fail(EX_OSERR, "the event loop cannot start");
	code = serving_open_store(serving, path, fills);
	if (code == EX_OK)
		code = serving_listen(serving);
	if (code != EX_OK)
		return code;
	puts("ready");
	fflush(stdout);
	return event_base_dispatch(serving->base) < 0 ? EX_OSERR : EX_OK;
}

int
serving_run(const char *store_path, bool fills)
{
	struct serving serving = { .base = NULL };
	int code;

	log_set_level(LOG_LEVEL_WARNING);
	log_take_libevent();
	confinement_enter_with_store(store_path);
	code = serving_loop(&serving, store_path, fills);
	control_free(&serving.control);
	store_close(&serving.store);
	confinement_end();
	if (serving.term != NULL)
		event_free(serving.term);
	if (serving.base != NULL)
		event_base_free(serving.base);
	return code;
}
