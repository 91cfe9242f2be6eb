#include "daemon/control/target_figures.h"

#include "daemon/deliver/deliver.h"
#include "daemon/metrics/exposition.h"

/* Targets that are looked at in one turn of the loop. */
#define TARGETS_PAGE 250

/* What is said of a target; below 0, nothing is. */
struct figures_of_target {
	struct exposition_family family;
	bool is_time;
	int64_t (*value)(const struct deliver_status *);
};

static int64_t
target_up(const struct deliver_status *status)
{
	return status->state != DELIVER_DOWN &&
	       status->state != DELIVER_REFUSED;
}

static int64_t
target_attention(const struct deliver_status *status)
{
	return status->state == DELIVER_REFUSED;
}

static int64_t
target_paused(const struct deliver_status *status)
{
	return status->paused_ms > 0;
}

static int64_t
target_waiting(const struct deliver_status *status)
{
	return (int64_t)status->waiting;
}

static int64_t
target_oldest(const struct deliver_status *status)
{
	return status->oldest_waiting_ms > 0 ? status->oldest_waiting_ms : -1;
}

static int64_t
target_refused(const struct deliver_status *status)
{
	return (int64_t)status->refused;
}

static int64_t
target_under_way(const struct deliver_status *status)
{
	return (int64_t)status->under_way;
}

static int64_t
target_full(const struct deliver_status *status)
{
	return status->is_full;
}

static int64_t
target_deliveries(const struct deliver_status *status)
{
	return (int64_t)status->done;
}

static int64_t
target_bytes(const struct deliver_status *status)
{
	return (int64_t)status->octets;
}

static int64_t
target_put_off(const struct deliver_status *status)
{
	return (int64_t)status->put_off;
}

static int64_t
target_refusals(const struct deliver_status *status)
{
	return (int64_t)status->refusals;
}

static const struct figures_of_target of_target[] = {
	{ { "evpopd_target_up", EXPOSITION_GAUGE, NULL,
	      "1, or 0 while nothing can be delivered to the target" },
	    false, target_up },
	{ { "evpopd_target_needs_attention", EXPOSITION_GAUGE, NULL,
	      "1 while that lasts until a person sees to it, else 0" },
	    false, target_attention },
	{ { "evpopd_target_paused", EXPOSITION_GAUGE, NULL,
	      "1 while a person has paused the target, else 0" },
	    false, target_paused },
	{ { "evpopd_target_full", EXPOSITION_GAUGE, NULL,
	      "1 while so much waits that accounts that deliver there do not "
	      "fetch, else 0" },
	    false, target_full },
	{ { "evpopd_target_waiting_messages", EXPOSITION_GAUGE, NULL,
	      "Messages that wait for the target" },
	    false, target_waiting },
	{ { "evpopd_target_oldest_waiting_timestamp_seconds", EXPOSITION_GAUGE,
	      "seconds",
	      "Since when the oldest of them waits, as Unix time; missing if "
	      "none does" },
	    true, target_oldest },
	{ { "evpopd_target_refused_messages", EXPOSITION_GAUGE, NULL,
	      "Messages that the target has refused, which wait for a person" },
	    false, target_refused },
	{ { "evpopd_target_deliveries_under_way", EXPOSITION_GAUGE, NULL,
	      "Messages that are on their way now" },
	    false, target_under_way },
	{ { "evpopd_target_deliveries", EXPOSITION_COUNTER, NULL,
	      "Messages that the target has taken" },
	    false, target_deliveries },
	{ { "evpopd_target_delivered_bytes", EXPOSITION_COUNTER, "bytes",
	      "Bytes of these messages" },
	    false, target_bytes },
	{ { "evpopd_target_postponed", EXPOSITION_COUNTER, NULL,
	      "Attempts after which a message was to be tried again" },
	    false, target_put_off },
	{ { "evpopd_target_refusals", EXPOSITION_COUNTER, NULL,
	      "Messages that the target has refused for good" },
	    false, target_refusals },
};
#define FAMILIES (sizeof(of_target) / sizeof(of_target[0]))

static void
target_figures_write_one(const struct figures_of_target *figures,
    struct exposition *exposition, const struct deliver_status *status)
{
	const char *const labels[] = { "target", status->name, "type",
		status->type, NULL };
	int64_t value = figures->value(status);

	if (value < 0)
		return;
	if (figures->is_time)
		exposition_ms(exposition, labels, value);
	else
		exposition_count(exposition, labels, (uint64_t)value);
}

bool
target_figures_write(struct target_figures *at, struct exposition *exposition,
    const struct deliver *deliver)
{
	struct deliver_status status;

	if (deliver == NULL || at->family == FAMILIES)
		return false;
	if (at->target == 0)
		exposition_begin(exposition, &of_target[at->family].family);
	for (size_t i = 0; i < TARGETS_PAGE; i++) {
		if (!deliver_status_at(deliver, at->target, &status)) {
			at->target = 0;
			at->family++;
			break;
		}
		target_figures_write_one(
		    &of_target[at->family], exposition, &status);
		at->target++;
	}
	return at->family < FAMILIES;
}
