#include "daemon/metrics/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/notify/notify.h"

struct metrics {
	struct metrics_figures figures;
	struct notify_subscription polls;
};

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
metrics_poll_over(const struct notify_event *event, void *arg)
{
	const struct notify_poll *poll = &event->poll;
	struct metrics *metrics = arg;
	struct metrics_figures *figures = &metrics->figures;
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

struct metrics *
metrics_new(struct notify *notify)
{
	struct metrics *metrics = calloc(1, sizeof *metrics);

	if (metrics == NULL)
		return NULL;
	notify_subscribe(notify, &metrics->polls, NOTIFY_BIT(NOTIFY_POLL_OVER),
	    metrics_poll_over, metrics);
	return metrics;
}

void
metrics_free(struct metrics **metrics_p)
{
	struct metrics *metrics = *metrics_p;

	*metrics_p = NULL;
	if (metrics == NULL)
		return;
	notify_leave(&metrics->polls);
	free(metrics);
}

const struct metrics_figures *
metrics_figures(const struct metrics *metrics)
{
	return &metrics->figures;
}
