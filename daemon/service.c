#include "daemon/service.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <evpop/client.h>

#include "daemon/control/control.h"
#include "daemon/descriptors.h"
#include "daemon/hook/hook.h"
#include "daemon/log/libevent.h"
#include "daemon/log/log.h"
#include "daemon/metrics/metrics.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/poller.h"
#include "daemon/store/keeping.h"
#include "daemon/store/store.h"
#include "daemon/summary.h"
#include "daemon/supervisor.h"
#include "lib/base/clock.h"

/* Below the 90 s that systemd gives a service to stop. */
#define GRACE_MS 30000
/* Then hooks have so long; with --once as long as they may run. */
#define HOOKS_MS      10000
#define HOOKS_ONCE_MS 60000

enum signal_index {
	ON_TERM = 0,
	ON_INT,
	ON_HUP,
	SIGNAL_COUNT
};

struct service {
	const struct service_options *options;
	struct config *config;
	struct event_base *base;
	struct evpop_names *names;
	struct store *store;
	struct poller *poller;
	struct control *control;
	struct event *signals[SIGNAL_COUNT];
	struct notify *notify;
	struct notify_subscription subscription;
	struct metrics *metrics;
	struct supervisor *supervisor;
	struct hook *hook;
	struct store_clock clock; /* as it was told last */
	bool stopping, interrupted;
	bool polls_ended;  /* and hooks come to their end */
	char limited[256]; /* why fewer sessions run than are configured */
};

/* The level says already that it is a warning. */
static void
service_log_message(enum log_level level, const char *line)
{
	const char *mark = strstr(line, ": warning: ");

	if (level == LOG_LEVEL_WARNING && mark != NULL)
		log_write(level, NULL, "%.*s%s", (int)(mark - line), line,
		    mark + strlen(": warning"));
	else
		log_write(level, NULL, "%s", line);
}

void
service_log_messages(const struct config_messages *messages)
{
	enum log_level level;
	size_t i;

	level = messages->errors > 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
	for (i = 0; i < messages->count; i++)
		service_log_message(level, messages->lines[i]);
}

static enum log_level
service_log_level(const struct config *config)
{
	static const enum log_level levels[] = {
		[CONFIG_LOG_ERROR] = LOG_LEVEL_ERROR,
		[CONFIG_LOG_WARNING] = LOG_LEVEL_WARNING,
		[CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	};

	return levels[config->log_level];
}

void
service_set_log_format(const struct config *config)
{
	static const enum log_format formats[] = {
		[CONFIG_LOG_AUTO] = LOG_FORMAT_AUTO,
		[CONFIG_LOG_JOURNAL] = LOG_FORMAT_JOURNAL,
		[CONFIG_LOG_PLAIN] = LOG_FORMAT_PLAIN,
		[CONFIG_LOG_JSON] = LOG_FORMAT_JSON,
	};

	log_set_format(formats[config->log_format]);
}

/* How many sessions there is room for, at most what is configured. */
static uint32_t
service_make_room(struct service *service, const struct config *config)
{
	return descriptors_make_room(
	    config->max_sessions, service->limited, sizeof service->limited);
}

static void
service_limit_sessions(struct service *service, struct config *config)
{
	config_limit_sessions(config, service_make_room(service, config));
	if (service->limited[0] != '\0')
		log_write(LOG_LEVEL_WARNING, NULL, "%s", service->limited);
}

/* ---- what is kept ---- */

/* Without memory all is kept as it was before. */
static void
service_configure_keeping(struct service *service, const struct config *config)
{
	const size_t count = config->account_count;
	struct store_retained *accounts = calloc(count + 1, sizeof(*accounts));
	bool is_done = accounts != NULL;

	for (size_t i = 0; is_done && i < count; i++)
		accounts[i] = (struct store_retained){
			.account = config->accounts[i]->name,
			.retain_ms = config_account_retain_ms(
			    config, config->accounts[i]),
		};
	is_done =
	    is_done && store_keeping_configure(service->store, accounts, count,
			   config->store_deletion == CONFIG_DELETION_LOCKED);
	free(accounts);
	if (!is_done)
		log_write(LOG_LEVEL_ERROR, NULL,
		    "out of memory: retain and deletion stay as they were");
}

/* ---- reload ---- */

static void
service_report_accounts(struct reload *report, enum reload_change change,
    const struct config_account *const *accounts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		reload_account(report, change, accounts[i]->name);
}

static void
service_report(struct service *service, struct reload *report,
    const struct config_diff *diff)
{
	char text[512];
	size_t i;

	for (i = 0; i < diff->restart_count; i++) {
		snprintf(text, sizeof text,
		    "%s has changed; it takes effect after a restart",
		    diff->restart[i]);
		log_write(LOG_LEVEL_WARNING, NULL, "%s", text);
		reload_warning(report, text);
	}
	service_report_accounts(
	    report, RELOAD_ADDED, diff->added, diff->added_count);
	service_report_accounts(
	    report, RELOAD_CHANGED, diff->changed, diff->changed_count);
	service_report_accounts(
	    report, RELOAD_REMOVED, diff->removed, diff->removed_count);
	reload_text(report, text, sizeof text);
	log_write(LOG_LEVEL_INFO, NULL, "reloaded: %s", text);
	notify_publish(service->notify,
	    &(struct notify_event){ .kind = NOTIFY_RELOADED,
		.reload = { diff->added_count, diff->changed_count,
		    diff->removed_count } });
}

/* All of the new configuration, or nothing of it. */
static bool
service_apply(
    struct service *service, struct config *config, struct reload *report)
{
	struct config_diff diff;

	service_limit_sessions(service, config);
	if (service->limited[0] != '\0')
		reload_warning(report, service->limited);
	if (!config_diff(&diff, service->config, config))
		return false;
	if (!poller_reload(service->poller, config, &diff)) {
		config_diff_free(&diff);
		return false;
	}
	service_configure_keeping(service, config);
	control_reload(service->control, config);
	hook_reload(service->hook, config);
	log_set_level(service_log_level(config));
	service_set_log_format(config);
	service_report(service, report, &diff);
	config_diff_free(&diff);
	config_free(&service->config);
	service->config = config;
	return true;
}

static bool
service_reload(struct reload *report, char *error, size_t error_size, void *arg)
{
	struct service *service = arg;
	struct config_messages messages;
	struct config *config;
	bool applied = false;

	error[0] = '\0';
	supervisor_reloading();
	config = config_read(service->options->config_path, &messages);
	service_log_messages(&messages);
	for (size_t i = 0; config != NULL && i < messages.count; i++)
		reload_warning(report, messages.lines[i]);
	if (config == NULL)
		snprintf(error, error_size, "%s%s",
		    messages.count > 0 ? messages.lines[0]
				       : "the configuration cannot be read",
		    messages.count > 1 ? " (and more: see the log, or "
					 "evpopd --check)"
				       : "");
	else if (service_apply(service, config, report))
		applied = true;
	else {
		config_free(&config);
		snprintf(error, error_size, "no memory for the change");
	}
	config_messages_free(&messages);
	if (!applied)
		notify_publish(service->notify,
		    &(struct notify_event){ .kind = NOTIFY_RELOAD_FAILED,
			.failure = { .text = error } });
	supervisor_ready();
	return applied;
}

/* ---- signals ---- */

static void
service_on_stop(evutil_socket_t signal, short what, void *arg)
{
	struct service *service = arg;

	(void)what;
	supervisor_stopping();
	service->interrupted = true;
	log_write(LOG_LEVEL_INFO, NULL, "SIG%s: %s", sigabbrev_np((int)signal),
	    service->stopping ? "closing open sessions at once"
			      : "finishing open sessions");
	/* Asked twice, it waits no longer. */
	if (service->stopping && service->polls_ended)
		event_base_loopexit(service->base, NULL);
	else
		poller_stop(service->poller, service->stopping ? 0 : GRACE_MS);
	service->stopping = true;
}

static void
service_on_reload(evutil_socket_t signal, short what, void *arg)
{
	struct service *service = arg;
	struct reload *report;
	char error[512];

	(void)signal;
	(void)what;
	if (service->options->once || service->stopping)
		return;
	report = reload_new();
	if (service_reload(report, error, sizeof error, service))
		store_deed_record(
		    service->store, &(struct store_deed){ .who = "SIGHUP",
					.action = "reload",
					.object = "configuration" });
	else
		log_write(LOG_LEVEL_ERROR, NULL,
		    "not reloaded; the configuration in use stays: %s", error);
	reload_free(&report);
}

/* ---- the clock ---- */

static void
service_look_at_clock(struct service *service)
{
	struct store_clock clock;
	char text[512];

	store_clock(service->store, &clock);
	if (clock.times_set != service->clock.times_set) {
		store_clock_set_text(&clock, text, sizeof text);
		log_write(LOG_LEVEL_WARNING, NULL, "%s", text);
	}
	if (clock.is_behind) {
		store_clock_behind_text(&clock, text, sizeof text);
		log_write(LOG_LEVEL_WARNING, NULL, "%s; %s", text,
		    store_clock_hint());
	} else if (service->clock.is_behind)
		log_write(LOG_LEVEL_INFO, NULL, "the clock is plausible again");
	service->clock = clock;
}

static void
service_hooks_ended(void *arg)
{
	struct service *service = arg;

	event_base_loopexit(service->base, NULL);
}

static void
service_on_event(const struct notify_event *event, void *arg)
{
	struct service *service = arg;

	if (event->kind == NOTIFY_CLOCK)
		service_look_at_clock(service);
	else if (!service->polls_ended) {
		service->polls_ended = true;
		hook_finish(service->hook,
		    service->stopping ? HOOKS_MS : HOOKS_ONCE_MS,
		    service_hooks_ended, service);
	}
}

/* ---- setting up ---- */

static bool
service_add_signal(struct service *service, enum signal_index index, int signal,
    event_callback_fn cb)
{
	struct event *event;

	event = evsignal_new(service->base, signal, cb, service);
	service->signals[index] = event;
	return event != NULL && evsignal_add(event, NULL) == 0;
}

static bool
service_set_up_loop(struct service *service)
{
	service->base = event_base_new();
	if (service->base == NULL)
		return false;
	service->names = evpop_names_new(service->base, NULL, NULL);
	service->notify = notify_new();
	service->metrics = metrics_new(service->notify);
	notify_subscribe(service->notify, &service->subscription,
	    NOTIFY_BIT(NOTIFY_CLOCK) | NOTIFY_BIT(NOTIFY_POLLS_ENDED),
	    service_on_event, service);
	return service->names != NULL && service->notify != NULL &&
	       service->metrics != NULL &&
	       service_add_signal(service, ON_TERM, SIGTERM, service_on_stop) &&
	       service_add_signal(service, ON_INT, SIGINT, service_on_stop) &&
	       service_add_signal(service, ON_HUP, SIGHUP, service_on_reload);
}

/*
 * 75 for what may pass by itself, and for the rest what kind of person has to
 * see to it.
 */
int
service_exit_of_store(enum store_status status)
{
	static const int codes[] = {
		[STORE_OK] = EX_OK,
		[STORE_FULL] = EX_TEMPFAIL,
		[STORE_IO] = EX_IOERR,
		[STORE_BUSY] = EX_TEMPFAIL,
		[STORE_READ_ONLY] = EX_NOPERM,
		[STORE_DAMAGED] = EX_DATAERR,
		[STORE_NEWER] = EX_CONFIG,
		[STORE_NOT_FOUND] = EX_SOFTWARE,
		[STORE_MEMORY] = EX_OSERR,
		[STORE_CLOSED] = EX_SOFTWARE,
		[STORE_REPLACED] = EX_TEMPFAIL,
		[STORE_SLOW] = EX_TEMPFAIL,
	};

	_Static_assert(sizeof(codes) / sizeof(codes[0]) == STORE_STATUS_COUNT,
	    "an exit code for each status");
	return codes[status];
}

static int
service_set_up_store(struct service *service)
{
	const struct store_config config = {
		.path = service->config->store_path,
		.pack_level =
		    service->config->store_compress == CONFIG_COMPRESS_ZSTD
			? STORE_PACK_LEVEL
			: 0,
		.queue_octets = (size_t)service->config->memory_limit,
		.notify = service->notify,
	};
	struct store_error error;

	if (store_open(&service->store, &config, service->base, &error) ==
	    STORE_OK) {
		service_configure_keeping(service, service->config);
		return EX_OK;
	}
	log_write(LOG_LEVEL_ERROR, NULL, "%s", error.text);
	supervisor_status(error.text);
	return service_exit_of_store(error.status);
}

static int
service_set_up_poller(struct service *service)
{
	const struct poller_options options = {
		.base = service->base,
		.names = service->names,
		.store = service->store,
		.notify = service->notify,
		.telemetry = metrics_telemetry(service->metrics),
		.once = service->options->once,
		.only = service->options->names,
		.only_count = service->options->name_count,
	};

	service->poller = poller_new(&options, service->config);
	if (service->poller == NULL)
		return EX_OSERR;
	service->supervisor = supervisor_new(
	    service->base, service->notify, service->store, service->poller);
	service->hook = hook_new(service->base, service->notify,
	    service->poller, service->config, &hook_pace);
	return service->supervisor == NULL || service->hook == NULL ? EX_OSERR
								    : EX_OK;
}

static int
service_set_up_control(struct service *service)
{
	const struct control_options options = {
		.listen_fd = supervisor_socket(),
		.store = service->store,
		.poller = service->poller,
		.metrics = service->metrics,
		.notify = service->notify,
		.hook = service->hook,
		.reload = service_reload,
		.max_readers =
		    descriptors_readers(service->config->max_sessions),
		.limited = service->limited,
		.arg = service,
	};
	char error[512];

	if (service->options->once)
		return EX_OK;
	service->control = control_new(
	    service->base, service->config, &options, error, sizeof error);
	if (service->control != NULL)
		return EX_OK;
	log_write(LOG_LEVEL_ERROR, NULL, "%s", error);
	return EX_CANTCREAT;
}

static void
service_tear_down(struct service *service)
{
	size_t i;

	control_free(&service->control);
	supervisor_free(&service->supervisor);
	hook_free(&service->hook);
	/* Its end runs callbacks of the poller's, who leaves after it. */
	poller_free(&service->poller);
	store_close(&service->store);
	for (i = 0; i < SIGNAL_COUNT; i++)
		if (service->signals[i] != NULL)
			event_free(service->signals[i]);
	metrics_free(&service->metrics);
	notify_leave(&service->subscription);
	notify_free(&service->notify);
	evpop_names_free(service->names);
	if (service->base != NULL)
		event_base_free(service->base);
	config_free(&service->config);
}

/* A store that failed tells more than the polls that failed for it. */
static int
service_end_of_once(const struct service *service)
{
	const struct store_error *health = store_health(service->store);
	struct poller_status status;

	poller_status(service->poller, &status);
	if (health->status != STORE_OK)
		return service_exit_of_store(health->status);
	return status.failures > 0 || service->interrupted ? EX_TEMPFAIL
							   : EX_OK;
}

static int
service_loop(struct service *service)
{
	int64_t started_ms = evpop_clock_monotonic_ms();
	int code;

	code = service_set_up_store(service);
	if (code == EX_OK)
		code = service_set_up_poller(service);
	if (code == EX_OK)
		code = service_set_up_control(service);
	if (code != EX_OK)
		return code;
	log_write(LOG_LEVEL_INFO, NULL,
	    "evpopd " EVPOP_VERSION ": %zu account%s, store %s",
	    service->config->account_count,
	    service->config->account_count == 1 ? "" : "s",
	    service->config->store_path);
	supervisor_ready();
	if (event_base_dispatch(service->base) < 0)
		return EX_OSERR;
	if (!service->options->once)
		return EX_OK;
	if (!service->options->quiet)
		summary_print(stderr, service->poller,
		    evpop_clock_monotonic_ms() - started_ms);
	return service_end_of_once(service);
}

int
service_run(const struct service_options *options, struct config *config)
{
	struct service service = { .options = options, .config = config };
	int code = EX_OSERR;

	log_set_level(
	    options->quiet ? LOG_LEVEL_WARNING : service_log_level(config));
	log_take_libevent();
	service_limit_sessions(&service, config);
	if (service_set_up_loop(&service))
		code = service_loop(&service);
	else
		log_write(LOG_LEVEL_ERROR, NULL, "the event loop cannot start");
	service_tear_down(&service);
	return code;
}
