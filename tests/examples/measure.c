/* Fetch the first message by TLS, and print what all of it took. */
#include <evpop/easy.h>
#include <evpop/telemetry.h>
#include <stdio.h>
#include <stdlib.h>

static void measure(const struct evpop_telemetry_event *e, void *arg) {
	if (e->kind == EVPOP_TELEMETRY_STATE)
		printf("%s %s -> %s\n", e->machine, e->old_state, e->new_state);
	else if (e->kind == EVPOP_TELEMETRY_LINE)
		printf("%c: %s\n", e->from_server ? 'S' : 'C', e->line);
	else
		printf("%s %s %.3f ms, %u octets, %s: %s\n",
		    evpop_telemetry_kind_name(e->kind),
		    e->phase ? evpop_phase_name(e->phase)
			     : evpop_command_name(e->command),
		    (double)e->duration_us / 1000, (unsigned)e->octets,
		    e->session->tls_name ? e->session->tls_name : "no TLS",
		    evpop_error_name(e->result->error));
}
int main(int argc, char **argv) {
	struct evpop_telemetry all = { EVPOP_TELEMETRY_ALL, measure, NULL };
	struct evpop_client_config to = { .host = argv[1],
		.telemetry = &all,
		.port = (uint16_t)atoi(argc == 4 ? argv[2] : "995") };
	struct evpop_easy *pop = evpop_easy_new(&to, NULL, NULL);
	char piece[4096];
	size_t n;

	if (argc != 4 || !pop)
		return fputs("usage: measure HOST PORT USER\n", stderr), 2;
	if (!evpop_easy_open(pop, argv[3], getenv("PASSWORD")) &&
	    !evpop_easy_retr(pop, 1, NULL))
		while (!evpop_easy_read(pop, piece, sizeof piece, &n) && n)
			;
	n = evpop_easy_quit(pop, NULL);
	evpop_easy_free(pop);
	return n != 0;
}
