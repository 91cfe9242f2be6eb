/*
 * What maildropd was asked to do: its command line, checked.
 */

#ifndef MAILDROPD_OPTIONS_H
#define MAILDROPD_OPTIONS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sysexits.h: the command was used wrongly. */
#define EXIT_USAGE 64

/* An address to listen on. */
struct listen_option {
	char *host;
	char *port;
	bool tls;
};

/* One --maildrop: a folder of files. */
struct folder_option {
	char *user;
	char *password;
	char *folder;
};

/* One --synthetic: accounts PREFIX1 to PREFIXn, all alike. */
struct synthetic_option {
	char *prefix;
	char *password;
	uint32_t accounts;
	uint32_t messages;
	size_t mean_size;
};

struct options {
	struct listen_option *listens;
	size_t listen_count;
	struct folder_option *folders;
	size_t folder_count;
	struct synthetic_option *synthetics;
	size_t synthetic_count;
	const char *cert_file;
	const char *key_file;
	const char *client_ca_file;
	const char *port_file;
	const char *stats_file;
	const char *log_file;
	const char *uid_prefix;
	int64_t delay_ms;
	size_t octets_per_second; /* 0: as fast as can be */
	bool stalls;
	uint64_t stall_after;  /* octets, where it stalls */
	unsigned cut_bodies;   /* percent */
	unsigned drop_quits;   /* percent */
	unsigned empty_bodies; /* percent */
	uint64_t fault_seed;
	bool no_empty_line;
	uint64_t hold_after;
	pid_t exit_with;
	bool crlf;
	bool no_pipelining;
	bool no_uidl, no_top;
	bool die_with_parent;
};

/*
 * Reads the command line.  Ends the process for --help (0) and for a mistake
 * (EXIT_USAGE), having said what was expected.
 */
void options_read(struct options *, int argc, char **argv);

void options_free(struct options *);

#endif
