#include "daemon/metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/metrics/certificates.h"
#include "daemon/notify/notify.h"
#include "lib/base/clock.h"

struct metrics {
	struct metrics_figures figures;
	struct notify_subscription subscription;
	struct evpop_telemetry telemetry;
	struct certificates *certificates;
};

const char *
metrics_tls_name(enum metrics_tls tls)
{
	static const char *const names[] = {
		[METRICS_TLS_NONE] = "none",
		[METRICS_TLS_1_2] = "TLSv1.2",
		[METRICS_TLS_1_3] = "TLSv1.3",
	};

	_Static_assert(sizeof names / sizeof names[0] == METRICS_TLS_COUNT,
	    "a name for each");
	assert(tls < METRICS_TLS_COUNT);
	return names[tls];
}

/* ---- polls ---- */

/* The class of an outcome; none where it went well. */
static enum evpop_error
metrics_class(const char *outcome)
{
	enum evpop_error error;

	for (error = 0; error < EVPOP_ERROR_COUNT; error++)
		if (strcmp(outcome, evpop_error_name(error)) == 0)
			return error;
	return EVPOP_ERROR_NONE;
}

static void
metrics_poll_over(
    struct metrics_figures *figures, const struct notify_poll *poll)
{
	enum evpop_error error = metrics_class(poll->outcome);
	enum tally_figure figure;

	if (poll->is_dry_run)
		return;
	figures->polls++;
	if (error != EVPOP_ERROR_NONE)
		figures->failures[error]++;
	for (figure = 0; figure < TALLY_COUNT; figure++)
		figures->tally[figure] += tally_get(poll->tally, figure);
	histogram_add(&figures->poll_duration,
	    (poll->finished_ms - poll->started_ms) * 1000);
}

/* ---- what else is told ---- */

static void
metrics_told(const struct notify_event *event, void *arg)
{
	struct metrics *metrics = arg;
	struct metrics_figures *figures = &metrics->figures;

	switch (event->kind) {
	case NOTIFY_POLL_OVER:
		metrics_poll_over(figures, &event->poll);
		break;
	case NOTIFY_RELOADED:
		figures->reloads++;
		figures->has_last_reload_failed = false;
		break;
	case NOTIFY_RELOAD_FAILED:
		figures->reload_failures++;
		figures->has_last_reload_failed = true;
		break;
	default:
		break;
	}
}

/* ---- sessions ---- */

static enum metrics_tls
metrics_tls_of(const struct evpop_telemetry_session *session)
{
	enum metrics_tls tls;
	const char *name;

	if (session->tls_name == NULL)
		return METRICS_TLS_NONE;
	for (tls = METRICS_TLS_1_2; tls < METRICS_TLS_1_3; tls++) {
		name = metrics_tls_name(tls);
		if (strncmp(session->tls_name, name, strlen(name)) == 0)
			break;
	}
	return tls;
}

static void
metrics_step_over(
    struct metrics *metrics, const struct evpop_telemetry_event *event)
{
	const struct evpop_telemetry_session *session = event->session;
	struct metrics_figures *figures = &metrics->figures;

	if (event->result->error != EVPOP_ERROR_NONE)
		return;
	histogram_add(&figures->steps[event->phase], event->duration_us);
	if (event->phase == EVPOP_PHASE_LOGIN)
		figures->logins[session->mechanism][metrics_tls_of(session)]++;
	if (event->phase == EVPOP_PHASE_HANDSHAKE &&
	    session->certificate_expires > 0)
		certificates_note(metrics->certificates, session->host,
		    session->port, session->certificate_expires,
		    evpop_clock_elapsed_ms());
}

static void
metrics_session_event(const struct evpop_telemetry_event *event, void *arg)
{
	struct metrics *metrics = arg;
	struct metrics_figures *figures = &metrics->figures;

	switch (event->kind) {
	case EVPOP_TELEMETRY_STEP:
		metrics_step_over(metrics, event);
		break;
	case EVPOP_TELEMETRY_COMMAND:
		histogram_add(
		    &figures->commands[event->command], event->duration_us);
		if (event->first_us >= 0)
			histogram_add(&figures->first_octets[event->command],
			    event->first_us);
		break;
	case EVPOP_TELEMETRY_SESSION:
		figures->sessions++;
		if (event->result->error != EVPOP_ERROR_NONE)
			figures->session_failures[event->result->phase]++;
		break;
	default:
		break;
	}
}

/* ---- life ---- */

struct metrics *
metrics_new(struct notify *notify)
{
	struct metrics *metrics = calloc(1, sizeof *metrics);

	if (metrics == NULL)
		return NULL;
	metrics->certificates = certificates_new();
	if (metrics->certificates == NULL) {
		free(metrics);
		return NULL;
	}
	metrics->telemetry = (struct evpop_telemetry){
		.kinds = EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_STEP) |
			 EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_COMMAND) |
			 EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_SESSION),
		.event = metrics_session_event,
		.arg = metrics,
	};
	notify_subscribe(notify, &metrics->subscription,
	    NOTIFY_BIT(NOTIFY_POLL_OVER) | NOTIFY_BIT(NOTIFY_RELOADED) |
		NOTIFY_BIT(NOTIFY_RELOAD_FAILED),
	    metrics_told, metrics);
	return metrics;
}

void
metrics_free(struct metrics **metrics_p)
{
	struct metrics *metrics = *metrics_p;

	*metrics_p = NULL;
	if (metrics == NULL)
		return;
	notify_leave(&metrics->subscription);
	certificates_free(&metrics->certificates);
	free(metrics);
}

const struct metrics_figures *
metrics_figures(const struct metrics *metrics)
{
	return &metrics->figures;
}

const struct evpop_telemetry *
metrics_telemetry(const struct metrics *metrics)
{
	return &metrics->telemetry;
}

struct certificates *
metrics_certificates(const struct metrics *metrics)
{
	return metrics->certificates;
}
