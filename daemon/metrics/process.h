/* What the system says of this process; what it does not say is 0. */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

#include <stdint.h>

struct process_figures {
	uint64_t cpu_us; /* user and system */
	uint64_t resident_bytes, virtual_bytes;
	uint64_t open_files, max_files;
};

/* Reads files of /proc, which are in memory. */
void process_read(struct process_figures *);

#endif
