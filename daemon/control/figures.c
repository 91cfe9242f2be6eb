#include "daemon/control/figures.h"

#include "daemon/control/connections.h"
#include "daemon/control/exchange.h"
#include "daemon/hook/hook.h"
#include "daemon/metrics/exposition.h"
#include "daemon/metrics/metrics.h"
#include "daemon/metrics/process.h"
#include "daemon/poll/poller.h"
#include "lib/base/clock.h"

/* A family with one value. */
struct figure {
	struct exposition_family family;
	uint64_t value;
};

static void
figures_write_each(
    struct exposition *exposition, const struct figure *figures, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		exposition_begin(exposition, &figures[i].family);
		exposition_count(exposition, NULL, figures[i].value);
	}
}

#define FIGURES_WRITE(exposition, figures) \
	figures_write_each(                \
	    exposition, figures, sizeof(figures) / sizeof(figures[0]))

/* ---- the daemon and its process ---- */

static void
figures_write_process(
    struct exposition *exposition, const struct exchange_context *context)
{
	static const struct exposition_family build = { "evpopd_build",
		EXPOSITION_INFO, NULL, "The version that runs" };
	static const struct exposition_family start = {
		"process_start_time_seconds", EXPOSITION_GAUGE, "seconds",
		"When the process started, as Unix time"
	};
	static const struct exposition_family cpu = { "process_cpu_seconds",
		EXPOSITION_COUNTER, "seconds",
		"Processor time that the process took" };
	const int64_t uptime_ms =
	    evpop_clock_elapsed_ms() - context->started_ms;
	struct process_figures process;

	process_read(&process);
	const struct figure figures[] = {
		{ { "process_resident_memory_bytes", EXPOSITION_GAUGE, "bytes",
		      "Memory of the process that is resident" },
		    process.resident_bytes },
		{ { "process_virtual_memory_bytes", EXPOSITION_GAUGE, "bytes",
		      "Memory that the process has mapped" },
		    process.virtual_bytes },
		{ { "process_open_fds", EXPOSITION_GAUGE, NULL,
		      "Files and sockets that the process has open" },
		    process.open_files },
		{ { "process_max_fds", EXPOSITION_GAUGE, NULL,
		      "Files and sockets that it may have open" },
		    process.max_files },
	};

	exposition_begin(exposition, &build);
	exposition_count(exposition,
	    (const char *const[]){ "version", EVPOP_VERSION, NULL }, 1);
	exposition_begin(exposition, &start);
	exposition_ms(exposition, NULL, evpop_clock_unix_ms() - uptime_ms);
	exposition_begin(exposition, &cpu);
	exposition_us(exposition, NULL, process.cpu_us);
	FIGURES_WRITE(exposition, figures);
}

static void
figures_write_told(
    struct exposition *exposition, const struct metrics_figures *metrics)
{
	static const struct exposition_family reloads = { "evpopd_reloads",
		EXPOSITION_COUNTER, NULL,
		"Reloads of the configuration, by result" };
	const struct figure figures[] = {
		{ { "evpopd_last_reload_successful", EXPOSITION_GAUGE, NULL,
		      "0 if the last reload failed, so that an older "
		      "configuration is in use; else 1" },
		    !metrics->has_last_reload_failed },
	};

	exposition_begin(exposition, &reloads);
	exposition_count(exposition,
	    (const char *const[]){ "result", "ok", NULL }, metrics->reloads);
	exposition_count(exposition,
	    (const char *const[]){ "result", "failed", NULL },
	    metrics->reload_failures);
	FIGURES_WRITE(exposition, figures);
}

/* Of those that are set. */
static void
figures_write_hooks(struct exposition *exposition, const struct hook *hook)
{
	static const struct exposition_family runs = { "evpopd_hook_runs",
		EXPOSITION_COUNTER, NULL, "Runs of the commands of [hook]" };
	static const struct exposition_family failures = {
		"evpopd_hook_failures", EXPOSITION_COUNTER, NULL,
		"Runs of the commands of [hook] that failed"
	};
	struct hook_status status;
	enum hook_kind kind;

	for (unsigned i = 0; i < 2; i++) {
		exposition_begin(exposition, i == 0 ? &runs : &failures);
		for (kind = 0; hook != NULL && kind < HOOK_KIND_COUNT; kind++) {
			hook_status(hook, kind, &status);
			if (status.is_set)
				exposition_count(exposition,
				    (const char *const[]){
					"hook", hook_kind_name(kind), NULL },
				    i == 0 ? status.runs : status.failures);
		}
	}
}

static void
figures_write_control(
    struct exposition *exposition, const struct connections *connections)
{
	const struct connections_count count = connections_count(connections);
	const struct figure figures[] = {
		{ { "evpopd_control_connections", EXPOSITION_GAUGE, NULL,
		      "Connections to the control socket that are served" },
		    count.served },
		{ { "evpopd_control_connections_waiting", EXPOSITION_GAUGE,
		      NULL, "Connections that wait to be served" },
		    count.waiting },
		{ { "evpopd_control_connections_refused", EXPOSITION_COUNTER,
		      NULL, "Connections that were refused for their number" },
		    count.refused },
	};

	FIGURES_WRITE(exposition, figures);
}

/* ---- accounts and polls ---- */

static void
figures_write_accounts(
    struct exposition *exposition, const struct exchange_context *context)
{
	struct poller_status status;

	poller_status(context->poller, &status);
	const struct figure figures[] = {
		{ { "evpopd_accounts", EXPOSITION_GAUGE, NULL,
		      "Accounts that are configured" },
		    status.accounts },
		{ { "evpopd_accounts_failing", EXPOSITION_GAUGE, NULL,
		      "Accounts whose last poll failed" },
		    status.failing },
		{ { "evpopd_accounts_need_attention", EXPOSITION_GAUGE, NULL,
		      "Accounts that fail until a person sees to them, such as "
		      "for a refused password" },
		    status.refused },
		{ { "evpopd_accounts_queued", EXPOSITION_GAUGE, NULL,
		      "Accounts that are due and wait for a free session" },
		    status.queued },
		{ { "evpopd_sessions", EXPOSITION_GAUGE, NULL,
		      "Polls under way" },
		    status.polling },
		{ { "evpopd_sessions_limit", EXPOSITION_GAUGE, NULL,
		      "Polls that may be under way at a time" },
		    context->max_sessions },
		{ { "evpopd_sessions_per_host_limit", EXPOSITION_GAUGE, NULL,
		      "Polls that may be under way at one server" },
		    context->max_sessions_per_host },
		{ { "evpopd_held_accounts", EXPOSITION_GAUGE, NULL,
		      "Accounts with deletions that wait for a person" },
		    status.held_accounts },
		{ { "evpopd_held_deletions", EXPOSITION_GAUGE, NULL,
		      "Deletions that wait for a person" },
		    status.held_deletions },
	};

	FIGURES_WRITE(exposition, figures);
}

static void
figures_write_failures(
    struct exposition *exposition, const struct metrics_figures *metrics)
{
	static const struct exposition_family failures = {
		"evpopd_poll_failures", EXPOSITION_COUNTER, NULL,
		"Polls that failed, by the class of the error"
	};
	enum evpop_error error;

	exposition_begin(exposition, &failures);
	for (error = EVPOP_ERROR_NONE + 1; error < EVPOP_ERROR_COUNT; error++)
		exposition_count(exposition,
		    (const char *const[]){
			"class", evpop_error_name(error), NULL },
		    metrics->failures[error]);
}

/* Those that add up: what a server has is another matter. */
static bool
figures_are_summed(enum tally_figure figure)
{
	switch (figure) {
	case TALLY_MESSAGES:
	case TALLY_TOO_LARGE:
	case TALLY_LATER:
	case TALLY_HELD:
		return false;
	default:
		return true;
	}
}

static void
figures_write_tally(struct exposition *exposition, enum tally_unit unit,
    const struct metrics_figures *metrics)
{
	static const struct exposition_family families[] = {
		[TALLY_UNIT_COUNT] = { "evpopd_poll_messages",
		    EXPOSITION_COUNTER, NULL,
		    "Messages, by what polls did with them" },
		[TALLY_UNIT_OCTETS] = { "evpopd_poll_bytes", EXPOSITION_COUNTER,
		    "bytes",
		    "Bytes of messages and of sessions, by what polls did" },
	};
	enum tally_figure figure;

	exposition_begin(exposition, &families[unit]);
	for (figure = 0; figure < TALLY_COUNT; figure++)
		if (tally_names[figure].unit == unit &&
		    figures_are_summed(figure))
			exposition_count(exposition,
			    (const char *const[]){
				"figure", tally_names[figure].json, NULL },
			    metrics->tally[figure]);
}

static void
figures_write_polls(
    struct exposition *exposition, const struct metrics_figures *metrics)
{
	static const struct exposition_family duration = {
		"evpopd_poll_duration_seconds", EXPOSITION_HISTOGRAM, "seconds",
		"How long polls took, waiting for the store included"
	};
	const struct figure polls[] = {
		{ { "evpopd_polls", EXPOSITION_COUNTER, NULL,
		      "Polls that have ended, well or not" },
		    metrics->polls },
	};

	FIGURES_WRITE(exposition, polls);
	figures_write_failures(exposition, metrics);
	figures_write_tally(exposition, TALLY_UNIT_COUNT, metrics);
	figures_write_tally(exposition, TALLY_UNIT_OCTETS, metrics);
	exposition_begin(exposition, &duration);
	exposition_histogram(exposition, NULL, &metrics->poll_duration);
}

/* ---- sessions ---- */

static void
figures_write_steps(
    struct exposition *exposition, const struct metrics_figures *metrics)
{
	static const struct exposition_family family = {
		"evpopd_session_step_duration_seconds", EXPOSITION_HISTOGRAM,
		"seconds", "How long the steps of sessions took that went well"
	};
	static const enum evpop_phase steps[] = { EVPOP_PHASE_RESOLVE,
		EVPOP_PHASE_CONNECT, EVPOP_PHASE_HANDSHAKE,
		EVPOP_PHASE_GREETING, EVPOP_PHASE_LOGIN };
	size_t i;

	exposition_begin(exposition, &family);
	for (i = 0; i < sizeof steps / sizeof steps[0]; i++)
		exposition_histogram(exposition,
		    (const char *const[]){
			"step", evpop_phase_name(steps[i]), NULL },
		    &metrics->steps[steps[i]]);
}

/* Those that were sent so far. */
static void
figures_write_commands(struct exposition *exposition,
    const struct exposition_family *family, const struct histogram *histograms)
{
	enum evpop_command command;

	exposition_begin(exposition, family);
	for (command = EVPOP_COMMAND_NONE + 1; command < EVPOP_COMMAND_COUNT;
	     command++)
		if (histogram_count(&histograms[command]) > 0)
			exposition_histogram(exposition,
			    (const char *const[]){
				"command", evpop_command_name(command), NULL },
			    &histograms[command]);
}

/* By mechanism and TLS; those that occurred. */
static void
figures_write_logins(
    struct exposition *exposition, const struct metrics_figures *metrics)
{
	static const struct exposition_family family = { "evpopd_logins",
		EXPOSITION_COUNTER, NULL,
		"Log-ins that went well, by mechanism and version of TLS" };
	enum evpop_mechanism mechanism;
	enum metrics_tls tls;

	exposition_begin(exposition, &family);
	for (mechanism = 0; mechanism < EVPOP_MECHANISM_COUNT; mechanism++)
		for (tls = 0; tls < METRICS_TLS_COUNT; tls++)
			if (metrics->logins[mechanism][tls] > 0)
				exposition_count(exposition,
				    (const char *const[]){ "mechanism",
					evpop_mechanism_name(mechanism), "tls",
					metrics_tls_name(tls), NULL },
				    metrics->logins[mechanism][tls]);
}

static void
figures_write_sessions(
    struct exposition *exposition, const struct metrics_figures *metrics)
{
	static const struct exposition_family failures = {
		"evpopd_session_failures", EXPOSITION_COUNTER, NULL,
		"Sessions that failed, by the step they failed in"
	};
	static const struct exposition_family duration = {
		"evpopd_command_duration_seconds", EXPOSITION_HISTOGRAM,
		"seconds",
		"How long servers took for commands, to the end of the reply"
	};
	static const struct exposition_family first = {
		"evpopd_command_first_byte_seconds", EXPOSITION_HISTOGRAM,
		"seconds",
		"How long servers took until a reply of several lines began"
	};
	const struct figure sessions[] = {
		{ { "evpopd_sessions_ended", EXPOSITION_COUNTER, NULL,
		      "Sessions that are over; a poll may have several" },
		    metrics->sessions },
	};
	enum evpop_phase phase;

	FIGURES_WRITE(exposition, sessions);
	exposition_begin(exposition, &failures);
	for (phase = EVPOP_PHASE_NONE + 1; phase < EVPOP_PHASE_COUNT; phase++)
		exposition_count(exposition,
		    (const char *const[]){
			"step", evpop_phase_name(phase), NULL },
		    metrics->session_failures[phase]);
	figures_write_logins(exposition, metrics);
	figures_write_steps(exposition, metrics);
	figures_write_commands(exposition, &duration, metrics->commands);
	figures_write_commands(exposition, &first, metrics->first_octets);
}

/* ---- the store ---- */

static void
figures_write_health(
    struct exposition *exposition, const struct exchange_context *context)
{
	static const struct exposition_family family = { "evpopd_store_status",
		EXPOSITION_GAUGE, NULL,
		"1 for the status that the store has, 0 for the others" };
	enum store_status now = store_health(context->store)->status, status;
	const struct figure health[] = {
		{ { "evpopd_store_healthy", EXPOSITION_GAUGE, NULL,
		      "1 while the store takes mail, 0 while it does not" },
		    now == STORE_OK },
	};

	FIGURES_WRITE(exposition, health);
	exposition_begin(exposition, &family);
	for (status = STORE_OK; status < STORE_STATUS_COUNT; status++)
		exposition_count(exposition,
		    (const char *const[]){
			"status", store_status_name(status), NULL },
		    now == status);
}

static void
figures_write_store(
    struct exposition *exposition, const struct exchange_context *context)
{
	static const struct exposition_family duration = {
		"evpopd_store_commit_duration_seconds", EXPOSITION_HISTOGRAM,
		"seconds", "How long commits took, the sync to disk included"
	};
	struct store_stats stats;
	struct store_clock clock;

	store_stats(context->store, &stats);
	store_clock(context->store, &clock);
	const struct figure figures[] = {
		{ { "evpopd_stored_messages", EXPOSITION_COUNTER, NULL,
		      "Messages stored" },
		    stats.messages },
		{ { "evpopd_stored_bytes", EXPOSITION_COUNTER, "bytes",
		      "Bytes of the messages stored" },
		    stats.body_octets },
		{ { "evpopd_store_commits", EXPOSITION_COUNTER, NULL,
		      "Transactions written" },
		    stats.commits },
		{ { "evpopd_store_queue_bytes", EXPOSITION_GAUGE, "bytes",
		      "Bytes of messages that wait to be written" },
		    stats.queued_octets },
		{ { "evpopd_store_queue_limit_bytes", EXPOSITION_GAUGE, "bytes",
		      "Bytes that may wait before servers are read no "
		      "further" },
		    context->memory_limit },
		{ { "evpopd_quarantined_messages", EXPOSITION_GAUGE, NULL,
		      "Messages in quarantine" },
		    stats.quarantined },
		{ { "evpopd_clock_behind", EXPOSITION_GAUGE, NULL,
		      "1 while the clock shows less than it has shown before" },
		    clock.is_behind },
		{ { "evpopd_clock_set", EXPOSITION_COUNTER, NULL,
		      "How often the clock was set by more than a minute" },
		    clock.times_set },
	};

	figures_write_health(exposition, context);
	FIGURES_WRITE(exposition, figures);
	exposition_begin(exposition, &duration);
	exposition_histogram(exposition, NULL, &stats.commit_duration);
}

void
figures_write(
    struct exposition *exposition, const struct exchange_context *context)
{
	figures_write_process(exposition, context);
	figures_write_told(exposition, metrics_figures(context->metrics));
	figures_write_hooks(exposition, context->hook);
	figures_write_control(exposition, context->connections);
	figures_write_accounts(exposition, context);
	figures_write_polls(exposition, metrics_figures(context->metrics));
	figures_write_sessions(exposition, metrics_figures(context->metrics));
	figures_write_store(exposition, context);
}
