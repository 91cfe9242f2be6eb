/* What is counted of what is told, and whose certificates are remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/metrics/certificates.h"
#include "daemon/metrics/metrics.h"
#include "daemon/notify/notify.h"

#define DAY_MS INT64_C(86400000)

static void
tell_poll(struct notify *notify, const char *outcome, bool is_dry_run)
{
	const struct tally tally = {
		.fetched = 3, .octets_in = UINT64_C(5000000000), .messages = 9
	};

	notify_publish(notify, &(struct notify_event){ .kind = NOTIFY_POLL_OVER,
				   .account = "anna",
				   .poll = { .started_ms = 1000,
				       .finished_ms = 1500,
				       .outcome = outcome,
				       .is_dry_run = is_dry_run,
				       .tally = &tally } });
}

static void
test_polls(void **state)
{
	struct notify *notify = notify_new();
	struct metrics *metrics = metrics_new(notify);
	const struct metrics_figures *figures = metrics_figures(metrics);

	(void)state;
	tell_poll(notify, "ok", false);
	tell_poll(notify, "auth", false);
	tell_poll(notify, "auth", true);
	assert_int_equal(figures->polls, 2);
	for (enum evpop_error error = 0; error < EVPOP_ERROR_COUNT; error++)
		assert_int_equal(
		    figures->failures[error], error == EVPOP_ERROR_AUTH);
	assert_int_equal(figures->tally[TALLY_FETCHED], 6);
	assert_true(figures->tally[TALLY_OCTETS_IN] == UINT64_C(10000000000));
	assert_int_equal(histogram_count(&figures->poll_duration), 2);
	assert_int_equal(figures->poll_duration.sum_us, 1000000);
	metrics_free(&metrics);
	assert_null(metrics);
	/* Nobody listens any more. */
	tell_poll(notify, "ok", false);
	notify_free(&notify);
}

static void
tell(struct notify *notify, enum notify_kind kind)
{
	notify_publish(notify, &(struct notify_event){ .kind = kind });
}

static void
test_reloads(void **state)
{
	struct notify *notify = notify_new();
	struct metrics *metrics = metrics_new(notify);
	const struct metrics_figures *figures = metrics_figures(metrics);

	(void)state;
	assert_false(figures->has_last_reload_failed);
	tell(notify, NOTIFY_RELOAD_FAILED);
	assert_true(figures->has_last_reload_failed);
	tell(notify, NOTIFY_RELOADED);
	assert_false(figures->has_last_reload_failed);
	assert_int_equal(figures->reloads, 1);
	assert_int_equal(figures->reload_failures, 1);
	metrics_free(&metrics);
	notify_free(&notify);
}

static void
test_sessions(void **state)
{
	struct notify *notify = notify_new();
	struct metrics *metrics = metrics_new(notify);
	const struct metrics_figures *figures = metrics_figures(metrics);
	const struct evpop_telemetry *telemetry = metrics_telemetry(metrics);
	struct evpop_telemetry_session session = { .host = "pop.example.org",
		.port = 995,
		.tls_name = "TLSv1.3 TLS_AES_256_GCM_SHA384",
		.certificate_expires = 2000000000,
		.mechanism = EVPOP_MECHANISM_PLAIN };
	struct evpop_result well = { .error = EVPOP_ERROR_NONE };
	struct evpop_result refused = { .error = EVPOP_ERROR_AUTH,
		.phase = EVPOP_PHASE_LOGIN };
	struct evpop_telemetry_event event = { .session = &session,
		.duration_us = 2000,
		.first_us = -1,
		.result = &well };

	(void)state;
	event.kind = EVPOP_TELEMETRY_STEP;
	event.phase = EVPOP_PHASE_HANDSHAKE;
	telemetry->event(&event, telemetry->arg);
	event.phase = EVPOP_PHASE_LOGIN;
	telemetry->event(&event, telemetry->arg);
	session.tls_name = "TLSv1.2 x";
	telemetry->event(&event, telemetry->arg);
	session.tls_name = NULL;
	telemetry->event(&event, telemetry->arg);
	event.result = &refused;
	telemetry->event(&event, telemetry->arg);
	assert_int_equal(
	    histogram_count(&figures->steps[EVPOP_PHASE_LOGIN]), 3);
	for (enum metrics_tls tls = 0; tls < METRICS_TLS_COUNT; tls++)
		assert_int_equal(
		    figures->logins[EVPOP_MECHANISM_PLAIN][tls], 1);

	event.kind = EVPOP_TELEMETRY_COMMAND;
	event.command = EVPOP_COMMAND_RETR;
	telemetry->event(&event, telemetry->arg);
	event.first_us = 1000;
	telemetry->event(&event, telemetry->arg);
	assert_int_equal(
	    histogram_count(&figures->commands[EVPOP_COMMAND_RETR]), 2);
	assert_int_equal(
	    histogram_count(&figures->first_octets[EVPOP_COMMAND_RETR]), 1);

	event.kind = EVPOP_TELEMETRY_SESSION;
	telemetry->event(&event, telemetry->arg);
	assert_int_equal(figures->sessions, 1);
	assert_int_equal(figures->session_failures[EVPOP_PHASE_LOGIN], 1);
	assert_int_equal(
	    certificates_behind(metrics_certificates(metrics), "", 0)
		->expires_s,
	    2000000000);
	metrics_free(&metrics);
	notify_free(&notify);
}

static void
test_certificates_are_sorted(void **state)
{
	struct certificates *all = certificates_new();
	const struct certificate *one;
	char host[CERTIFICATES_HOST_SIZE + 8] = "", last[16] = "";
	uint16_t port = 0;
	size_t count = 0;

	(void)state;
	assert_null(certificates_behind(all, "", 0));
	for (int i = 0; i < 100; i++) {
		snprintf(host, sizeof host, "h%02d", i * 37 % 100);
		certificates_note(all, host, 995, i, 0);
		certificates_note(all, host, 110, i, DAY_MS);
	}
	/* Seen again, it is no other one. */
	certificates_note(all, "h00", 995, 1234, DAY_MS);
	while ((one = certificates_behind(all, last, port)) != NULL) {
		assert_true(strcmp(one->host, last) > 0 ||
			    (strcmp(one->host, last) == 0 && one->port > port));
		snprintf(last, sizeof last, "%s", one->host);
		port = one->port;
		count++;
	}
	assert_int_equal(count, 200);
	one = certificates_behind(all, "h00", 110);
	assert_string_equal(one->host, "h00");
	assert_int_equal(one->expires_s, 1234);

	assert_ptr_equal(certificates_find(all, "h00", 995), one);
	assert_int_equal(certificates_find(all, "h99", 110)->port, 110);
	assert_null(certificates_find(all, "h00", 111));
	assert_null(certificates_find(all, "h", 995));
	assert_null(certificates_find(all, "x", 995));

	certificates_sweep(all, CERTIFICATES_AGE_MS);
	assert_int_equal(certificates_behind(all, "h01", 110)->port, 995);
	certificates_sweep(all, CERTIFICATES_AGE_MS + 1);
	assert_string_equal(certificates_behind(all, "h01", 110)->host, "h02");
	assert_int_equal(certificates_behind(all, "h00", 110)->port, 995);
	certificates_sweep(all, CERTIFICATES_AGE_MS + DAY_MS + 1);
	assert_null(certificates_behind(all, "", 0));

	/* A host that is too long to be one would be met again and again. */
	memset(host, 'x', sizeof host - 1);
	host[sizeof host - 1] = '\0';
	certificates_note(all, host, 995, 1, 0);
	assert_null(certificates_behind(all, "", 0));
	certificates_free(&all);
	assert_null(all);
	certificates_free(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polls),
		cmocka_unit_test(test_reloads),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_certificates_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
