/* Print a whole maildrop, fetched by TLS.  Every call blocks. */
#include <err.h>
#include <evpop/easy.h>
#include <stdio.h>
#include <stdlib.h>

static void check(const struct evpop_easy *pop, enum evpop_error error) {
	if (error != EVPOP_ERROR_NONE)
		errx(1, "%s", evpop_easy_result(pop)->text);
}

int main(int argc, char **argv) {
	struct evpop_client_config config = { .host = argv[1] };
	struct evpop_easy *pop;
	uint32_t number, count;
	char piece[8192];
	size_t length;

	config.port = argc == 4 ? (uint16_t)atoi(argv[2]) : 0;
	if (argc != 4 || (pop = evpop_easy_new(&config, NULL, NULL)) == NULL)
		errx(2, "usage: PASSWORD=... fetch_one HOST PORT USER");
	check(pop, evpop_easy_open(pop, argv[3], getenv("PASSWORD")));
	check(pop, evpop_easy_stat(pop, &count, NULL));
	for (number = 1; number <= count; number++) {
		check(pop, evpop_easy_retr(pop, number, NULL));
		do {
			check(pop, evpop_easy_read(pop, piece, 8192, &length));
		} while (fwrite(piece, 1, length, stdout) > 0);
	}
	check(pop, evpop_easy_quit(pop, NULL));
	evpop_easy_free(pop);
	return fflush(stdout) != 0;
}
