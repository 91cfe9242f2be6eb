#include "daemon/service.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <evpop/client.h>

#include "daemon/confine/confine.h"
#include "daemon/confinement.h"
#include "daemon/control/control.h"
#include "daemon/deliver/deliver.h"
#include "daemon/descriptors.h"
#include "daemon/hook/hook.h"
#include "daemon/keys.h"
#include "daemon/log/libevent.h"
#include "daemon/log/log.h"
#include "daemon/logging.h"
#include "daemon/metrics/metrics.h"
#include "daemon/notify/notify.h"
#include "daemon/oauth/oauth.h"
#include "daemon/poll/poller.h"
#include "daemon/reporting.h"
#include "daemon/store/keeping.h"
#include "daemon/store/store.h"
#include "daemon/storing.h"
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
	struct keys keys;
	struct event_base *base;
	struct evpop_names *names;
	struct store *store;
	struct oauth *oauth;
	struct deliver *deliver;
	struct poller *poller;
	struct control *control;
	struct event *signals[SIGNAL_COUNT];
	struct notify *notify;
	struct notify_subscription subscription;
	struct metrics *metrics;
	struct supervisor *supervisor;
	struct hook *hook;
	struct confine *confine;
	int socket;               /* systemd's; -1: there is none */
	struct store_clock clock; /* as it was told last */
	bool stopping, interrupted;
	bool polls_ended;
	bool deliveries_over;  /* before the polls */
	bool deliveries_ended; /* as well, and hooks come to their end */
	bool unlocked_said;
	char limited[256]; /* why fewer sessions run than are configured */
};

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

/* ---- reload ---- */

static void
service_first_message(
    const struct config_messages *messages, char *text, size_t size)
{
	snprintf(text, size, "%s%s",
	    messages->count > 0 ? messages->lines[0]
				: "the configuration cannot be read",
	    messages->count > 1 ? " (and more: see the log, or evpopd --check)"
				: "");
}

/* The key of the new configuration, which opens all that is sealed in it. */
static bool
service_read_keys(const struct service *service, const struct config *config,
    struct keys *keys, char *error, size_t error_size)
{
	struct config_messages messages;
	bool opens;

	if (!keys_read(keys, config, error, error_size))
		return false;
	keys_check(keys, config, service->options->config_path, &messages);
	logging_messages(&messages);
	opens = messages.errors == 0;
	if (!opens)
		service_first_message(&messages, error, error_size);
	if (opens && store_is_keyed(service->store) &&
	    strcmp(keys->public, service->keys.public) != 0) {
		snprintf(error, error_size,
		    "the daemon's key cannot be another one: the store "
		    "recognises mail by it");
		opens = false;
	}
	config_messages_free(&messages);
	if (!opens)
		keys_free(keys);
	return opens;
}

/* All of the new configuration, or nothing of it.  Takes the keys. */
static bool
service_apply(struct service *service, struct config *config, struct keys *keys,
    struct reload *report)
{
	struct config_diff diff;

	service_limit_sessions(service, config);
	if (service->limited[0] != '\0')
		reload_warning(report, service->limited);
	if (!config_diff(&diff, service->config, config))
		return false;
	/* What is polled at once may need its command. */
	confinement_know_commands(service->confine, config);
	if (!poller_reload(service->poller, config, &diff)) {
		config_diff_free(&diff);
		return false;
	}
	poller_set_key(service->poller, keys->key);
	if (!oauth_reload(service->oauth, config, keys->key))
		log_write(LOG_LEVEL_ERROR, NULL,
		    "out of memory: accounts log in by OAuth 2 as before");
	if (!deliver_reload(service->deliver, config, keys->key))
		log_write(LOG_LEVEL_ERROR, NULL,
		    "out of memory: mail is delivered as it was before");
	keys_free(&service->keys);
	service->keys = *keys;
	storing_configure_keeping(service->store, config);
	control_reload(service->control, config);
	hook_reload(service->hook, config);
	log_set_level(logging_level(config));
	logging_set_format(config);
	confinement_warn(service->confine, config, &diff, report);
	reload_targets(report, service->config, config);
	reporting_reload(service->notify, report, &diff);
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
	struct keys keys = { 0 };
	bool applied = false;

	error[0] = '\0';
	supervisor_reloading();
	config = config_read(service->options->config_path, &messages);
	logging_messages(&messages);
	for (size_t i = 0; config != NULL && i < messages.count; i++)
		reload_warning(report, messages.lines[i]);
	if (config == NULL)
		service_first_message(&messages, error, error_size);
	else if (service_read_keys(service, config, &keys, error, error_size)) {
		applied = service_apply(service, config, &keys, report);
		if (!applied)
			snprintf(error, error_size, "no memory for the change");
	}
	if (!applied) {
		confinement_explain(service->confine, error, error_size);
		config_free(&config);
		keys_free(&keys);
	}
	config_messages_free(&messages);
	if (!applied)
		notify_publish(service->notify,
		    &(struct notify_event){ .kind = NOTIFY_RELOAD_FAILED,
			.failure = { .text = error } });
	supervisor_ready();
	return applied;
}

/* ---- the end ---- */

static void
service_hooks_ended(void *arg)
{
	struct service *service = arg;

	event_base_loopexit(service->base, NULL);
}

/* Hooks tell also of what was last. */
static void
service_deliveries_ended(void *arg)
{
	struct service *service = arg;

	if (!service->polls_ended) {
		/* Its polls may still store what goes after the next start. */
		service->deliveries_over = true;
		return;
	}
	if (service->deliveries_ended)
		return;
	service->deliveries_ended = true;
	hook_finish(service->hook, service->stopping ? HOOKS_MS : HOOKS_ONCE_MS,
	    service_hooks_ended, service);
}

static void
service_polls_ended(struct service *service)
{
	if (service->polls_ended)
		return;
	service->polls_ended = true;
	if (!service->stopping)
		deliver_finish(
		    service->deliver, service_deliveries_ended, service);
	else if (service->deliveries_over)
		service_deliveries_ended(service);
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
	if (service->stopping && service->deliveries_ended)
		event_base_loopexit(service->base, NULL);
	else {
		poller_stop(service->poller, service->stopping ? 0 : GRACE_MS);
		deliver_stop(service->deliver, service->stopping ? 0 : GRACE_MS,
		    service_deliveries_ended, service);
	}
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

/* ---- news ---- */

static void
service_on_event(const struct notify_event *event, void *arg)
{
	struct service *service = arg;

	logging_unlocked(&service->unlocked_said);
	if (event->kind == NOTIFY_CLOCK)
		service->clock =
		    storing_look_at_clock(service->store, &service->clock);
	else if (event->kind == NOTIFY_POLLS_ENDED)
		service_polls_ended(service);
}

/* ---- setting up ---- */

static bool
service_add_signal(struct service *service, enum signal_index index, int signal,
    event_callback_fn cb)
{
	struct event *event = evsignal_new(service->base, signal, cb, service);

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
	    NOTIFY_BIT(NOTIFY_CLOCK) | NOTIFY_BIT(NOTIFY_POLL_OVER) |
		NOTIFY_BIT(NOTIFY_POLLS_ENDED),
	    service_on_event, service);
	return service->names != NULL && service->notify != NULL &&
	       service->metrics != NULL &&
	       service_add_signal(service, ON_TERM, SIGTERM, service_on_stop) &&
	       service_add_signal(service, ON_INT, SIGINT, service_on_stop) &&
	       service_add_signal(service, ON_HUP, SIGHUP, service_on_reload);
}

/*
 * A password that does not open fails its account alone, which says so; at a
 * reload there is a configuration that works, and it stays.
 */
static int
service_set_up_keys(struct service *service)
{
	struct config_messages messages;
	char error[SECRET_KEY_ERROR];

	if (!keys_read(&service->keys, service->config, error, sizeof error)) {
		log_write(LOG_LEVEL_ERROR, NULL, "the daemon's key: %s", error);
		supervisor_status(error);
		return EX_CONFIG;
	}
	keys_check(&service->keys, service->config,
	    service->options->config_path, &messages);
	logging_messages(&messages);
	config_messages_free(&messages);
	return EX_OK;
}

static int
service_set_up_store(struct service *service)
{
	int code = storing_open(&service->store, service->base, service->notify,
	    service->config, &service->keys);

	if (code == EX_OK)
		storing_configure_keeping(service->store, service->config);
	return code;
}

/* Whoever waited for the consent of its user goes on at once. */
static void
service_authorized(const char *owner, bool is_well, void *arg)
{
	const struct service *service = arg;
	struct poller_account_status status;

	if (is_well && strncmp(owner, "target:", strlen("target:")) == 0)
		deliver_kick(service->deliver, owner + strlen("target:"));
	else if (is_well &&
		 poller_account_status(service->poller, owner, &status) &&
		 !status.is_paused)
		(void)poller_poll_now(service->poller, owner, POLLER_WISH_POLL);
}

static int
service_set_up_oauth(struct service *service)
{
	const struct oauth_options options = {
		.base = service->base,
		.names = service->names,
		.store = service->store,
		.key = service->keys.key,
		.authorized = service_authorized,
		.arg = service,
	};

	service->oauth = oauth_new(&options, service->config);
	return service->oauth != NULL ? EX_OK : EX_OSERR;
}

static bool
service_is_full(const char *account, char text[POLLER_FULL_TEXT], void *arg)
{
	const struct service *service = arg;

	return deliver_is_full(service->deliver, account, text);
}

static int
service_set_up_deliver(struct service *service)
{
	const struct deliver_options options = {
		.base = service->base,
		.names = service->names,
		.store = service->store,
		.notify = service->notify,
		.key = service->keys.key,
		.oauth = service->oauth,
	};

	service->deliver = deliver_new(&options, service->config);
	return service->deliver != NULL ? EX_OK : EX_OSERR;
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
		.key = service->keys.key,
		.oauth = service->oauth,
		.is_full = service_is_full,
		.full_arg = service,
		.once = service->options->once,
		.only = service->options->names,
		.only_count = service->options->name_count,
	};

	service->poller = poller_new(&options, service->config);
	if (service->poller == NULL)
		return EX_OSERR;
	service->supervisor = supervisor_new(service->base, service->notify,
	    service->store, service->poller, service->deliver);
	service->hook = hook_new(service->base, service->notify,
	    service->poller, service->deliver, service->config, &hook_pace);
	return service->supervisor == NULL || service->hook == NULL ? EX_OSERR
								    : EX_OK;
}

static int
service_set_up_control(struct service *service)
{
	const struct control_options options = {
		.listen_fd = service->socket,
		.store = service->store,
		.poller = service->poller,
		.deliver = service->deliver,
		.oauth = service->oauth,
		.metrics = service->metrics,
		.notify = service->notify,
		.hook = service->hook,
		.reload = service_reload,
		.max_readers =
		    descriptors_readers(service->config->max_sessions),
		.limited = service->limited,
		.key_source = service->keys.source,
		.key_public = service->keys.public,
		.seal_to = store_seals(service->store)
			       ? service->config->store_seal_to
			       : NULL,
		.confine = service->confine,
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
	control_free(&service->control);
	supervisor_free(&service->supervisor);
	hook_free(&service->hook);
	/* Its end runs callbacks of the poller's, who leaves after it. */
	poller_free(&service->poller);
	deliver_free(&service->deliver);
	oauth_free(&service->oauth);
	store_close(&service->store);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		if (service->signals[i] != NULL)
			event_free(service->signals[i]);
	metrics_free(&service->metrics);
	notify_leave(&service->subscription);
	notify_free(&service->notify);
	evpop_names_free(service->names);
	if (service->base != NULL)
		event_base_free(service->base);
	keys_free(&service->keys);
	config_free(&service->config);
	confinement_end();
	confine_free(&service->confine);
}

/* A store that failed tells more than the polls that failed for it. */
static int
service_end_of_once(const struct service *service)
{
	const struct store_error *health = store_health(service->store);
	struct deliver_totals deliveries;
	struct poller_status status;

	poller_status(service->poller, &status);
	deliver_totals(service->deliver, &deliveries);
	if (health->status != STORE_OK)
		return storing_exit(health->status);
	return status.failures > 0 || deliveries.overdue > 0 ||
		       deliveries.refusals > 0 || service->interrupted
		   ? EX_TEMPFAIL
		   : EX_OK;
}

static int
service_loop(struct service *service)
{
	int64_t started_ms = evpop_clock_monotonic_ms();
	int code = service_set_up_loop(service) ? EX_OK : EX_OSERR;

	if (code == EX_OK)
		code = service_set_up_keys(service);
	if (code == EX_OK)
		code = service_set_up_store(service);
	if (code == EX_OK)
		code = service_set_up_oauth(service);
	if (code == EX_OK)
		code = service_set_up_deliver(service);
	if (code == EX_OK)
		code = service_set_up_poller(service);
	if (code == EX_OK)
		code = service_set_up_control(service);
	if (code == EX_OSERR)
		log_write(LOG_LEVEL_ERROR, NULL, "out of memory at the start");
	if (code != EX_OK)
		return code;
	log_write(LOG_LEVEL_INFO, NULL,
	    "evpopd " EVPOP_VERSION ": %zu account%s, store %s",
	    service->config->account_count,
	    service->config->account_count == 1 ? "" : "s",
	    service->config->store_path);
	confinement_log(service->confine);
	logging_unlocked(&service->unlocked_said);
	supervisor_ready();
	if (event_base_dispatch(service->base) < 0)
		return EX_OSERR;
	if (!service->options->once)
		return EX_OK;
	if (!service->options->quiet)
		summary_print(stderr, service->poller, service->deliver,
		    evpop_clock_monotonic_ms() - started_ms);
	return service_end_of_once(service);
}

int
service_run(const struct service_options *options, struct config *config)
{
	struct service service = { .options = options, .config = config };
	int code;

	log_set_level(
	    options->quiet ? LOG_LEVEL_WARNING : logging_level(config));
	log_take_libevent();
	service_limit_sessions(&service, config);
	service.socket = supervisor_socket();
	code = confinement_enter(
	    config, !options->once && service.socket < 0, &service.confine);
	if (code == EX_OK)
		code = service_loop(&service);
	service_tear_down(&service);
	return code;
}
