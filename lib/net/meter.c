#include "lib/net/meter.h"

#include <assert.h>

#include "lib/base/clock.h"
#include "lib/base/name.h"
#include "lib/net/stream.h"

static const char *const kind_names[] = {
	[EVPOP_TELEMETRY_STEP] = "step",
	[EVPOP_TELEMETRY_COMMAND] = "command",
	[EVPOP_TELEMETRY_SESSION] = "session",
	[EVPOP_TELEMETRY_STATE] = "state",
	[EVPOP_TELEMETRY_LINE] = "line",
};
EVPOP_NAMES_MATCH(kind_names, EVPOP_TELEMETRY_KIND_COUNT);

const char *
evpop_telemetry_kind_name(enum evpop_telemetry_kind kind)
{
	assert(kind < EVPOP_TELEMETRY_KIND_COUNT);
	return kind_names[kind];
}

bool
evpop_meter_wants(
    const struct evpop_meter *meter, enum evpop_telemetry_kind kind)
{
	return meter->telemetry != NULL &&
	       (meter->telemetry->kinds & EVPOP_TELEMETRY_BIT(kind)) != 0;
}

static void
meter_tell(struct evpop_meter *meter, struct evpop_telemetry_event *event)
{
	const struct evpop_stream_status *status = meter->status;
	struct evpop_telemetry_session *session = &meter->session;

	if (!evpop_meter_wants(meter, event->kind))
		return;
	session->peer = status->peer;
	session->tls_name =
	    status->tls_name[0] != '\0' ? status->tls_name : NULL;
	session->certificate_expires = status->certificate_expires;
	session->octets_in = status->octets_in;
	session->octets_out = status->octets_out;
	event->session = session;
	meter->telemetry->event(event, meter->telemetry->arg);
}

/* ---- steps ---- */

static void
meter_end_step(struct evpop_meter *meter, int64_t now_us,
    const struct evpop_result *result)
{
	if (meter->step == EVPOP_PHASE_NONE)
		return;
	meter_tell(meter,
	    &(struct evpop_telemetry_event){ .kind = EVPOP_TELEMETRY_STEP,
		.duration_us = now_us - meter->step_us,
		.result = result,
		.phase = meter->step,
		.first_us = -1 });
	meter->step = EVPOP_PHASE_NONE;
}

void
evpop_meter_begin(struct evpop_meter *meter)
{
	if (meter->telemetry == NULL)
		return;
	meter->begun_us = meter->step_us = evpop_clock_monotonic_us();
	meter->step = EVPOP_PHASE_RESOLVE;
}

void
evpop_meter_step(struct evpop_meter *meter, enum evpop_phase next)
{
	static const struct evpop_result well;

	int64_t now_us;

	if (meter->telemetry == NULL || meter->step == next)
		return;
	now_us = evpop_clock_monotonic_us();
	meter_end_step(meter, now_us, &well);
	meter->step = next;
	meter->step_us = now_us;
}

/* What the stream does in this state; what the server does is not its matter.
 */
static enum evpop_phase
meter_step_of(const struct evpop_meter *meter, enum evpop_stream_state state)
{
	switch (state) {
	case EVPOP_STREAM_CONNECTING:
		return EVPOP_PHASE_CONNECT;
	case EVPOP_STREAM_HANDSHAKE:
		return EVPOP_PHASE_HANDSHAKE;
	case EVPOP_STREAM_PLAIN:
	case EVPOP_STREAM_TLS:
		return evpop_proto_state(meter->proto) == EVPOP_STATE_GREETING
			   ? EVPOP_PHASE_GREETING
			   : EVPOP_PHASE_NONE;
	default:
		return meter->step;
	}
}

void
evpop_meter_follow(struct evpop_meter *meter, const struct evpop_stream *stream)
{
	enum evpop_phase step;

	if (meter->telemetry == NULL || meter->step == EVPOP_PHASE_LOGIN)
		return;
	step = meter_step_of(meter, evpop_stream_state(stream));
	if (step != meter->step)
		evpop_meter_step(meter, step);
}

void
evpop_meter_logged_in(struct evpop_meter *meter, enum evpop_mechanism mechanism,
    const struct evpop_result *result)
{
	if (meter->telemetry == NULL || meter->step != EVPOP_PHASE_LOGIN)
		return;
	meter->session.mechanism = mechanism;
	meter->session.logged_in = result->error == EVPOP_ERROR_NONE;
	meter_end_step(meter, evpop_clock_monotonic_us(), result);
}

/* ---- commands ---- */

void
evpop_meter_sent(struct evpop_meter *meter)
{
	if (meter->telemetry != NULL && meter->awaited_us == 0 &&
	    evpop_proto_outstanding(meter->proto) > 0)
		meter->awaited_us = evpop_clock_monotonic_us();
}

static void
meter_command_done(struct evpop_meter *meter, const struct evpop_event *event)
{
	int64_t since_us = meter->awaited_us, first_us = meter->first_us,
		now_us;

	/* One that was never sent is not measured. */
	if (since_us == 0)
		return;
	now_us = evpop_clock_monotonic_us();
	meter->session.commands++;
	meter->awaited_us =
	    evpop_proto_outstanding(meter->proto) > 0 ? now_us : 0;
	meter->first_us = 0;
	meter_tell(meter,
	    &(struct evpop_telemetry_event){ .kind = EVPOP_TELEMETRY_COMMAND,
		.duration_us = now_us - since_us,
		.result = event->result,
		.command = event->command,
		.first_us = first_us == 0 ? -1 : first_us - since_us,
		.octets = meter->octets });
	meter->octets = 0;
}

void
evpop_meter_event(struct evpop_meter *meter, const struct evpop_event *event)
{
	if (meter->telemetry == NULL)
		return;
	switch (event->type) {
	case EVPOP_EVENT_BEGIN:
		meter->first_us = evpop_clock_monotonic_us();
		break;
	case EVPOP_EVENT_BODY:
		meter->octets += event->length;
		break;
	case EVPOP_EVENT_DONE:
		meter_command_done(meter, event);
		break;
	case EVPOP_EVENT_GREETING:
		if (event->result->error == EVPOP_ERROR_NONE)
			evpop_meter_step(meter, EVPOP_PHASE_NONE);
		break;
	default:
		break;
	}
}

/* ---- the trace ---- */

void
evpop_meter_state(struct evpop_meter *meter, const char *machine,
    const char *old_state, const char *new_state)
{
	meter_tell(meter,
	    &(struct evpop_telemetry_event){ .kind = EVPOP_TELEMETRY_STATE,
		.first_us = -1,
		.machine = machine,
		.old_state = old_state,
		.new_state = new_state });
}

void
evpop_meter_line(struct evpop_meter *meter, bool from_server, const char *line)
{
	meter_tell(meter,
	    &(struct evpop_telemetry_event){ .kind = EVPOP_TELEMETRY_LINE,
		.first_us = -1,
		.from_server = from_server,
		.line = line });
}

/* ---- the session ---- */

static void
meter_proto_changed(
    enum evpop_state old_state, enum evpop_state new_state, void *arg)
{
	evpop_meter_state(arg, "protocol", evpop_state_name(old_state),
	    evpop_state_name(new_state));
}

void
evpop_meter_init(struct evpop_meter *meter,
    const struct evpop_telemetry *telemetry,
    const struct evpop_dial_options *dial, const struct evpop_stream *stream,
    struct evpop_proto *proto)
{
	*meter = (struct evpop_meter){
		.telemetry = telemetry,
		.proto = proto,
		.status = evpop_stream_status(stream),
		.session = { .host = dial->host, .port = dial->port },
	};
	if (evpop_meter_wants(meter, EVPOP_TELEMETRY_STATE))
		evpop_proto_set_state_trace(proto, meter_proto_changed, meter);
}

void
evpop_meter_end(struct evpop_meter *meter, const struct evpop_result *result)
{
	struct evpop_result given_up;
	int64_t begun_us = meter->begun_us, now_us;

	if (begun_us == 0)
		return;
	if (result == NULL) {
		evpop_result_set(&given_up, EVPOP_ERROR_CANCELLED, meter->step,
		    "the session was given up");
		result = &given_up;
	}
	now_us = evpop_clock_monotonic_us();
	meter->begun_us = 0;
	meter_end_step(meter, now_us, result);
	meter_tell(meter,
	    &(struct evpop_telemetry_event){ .kind = EVPOP_TELEMETRY_SESSION,
		.duration_us = now_us - begun_us,
		.result = result,
		.first_us = -1 });
}
