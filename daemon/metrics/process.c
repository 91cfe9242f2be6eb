#include "daemon/metrics/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t
process_time_us(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

/* proc_pid_statm(5): both in pages. */
static void
process_read_memory(struct process_figures *figures)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), all, resident;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return;
	if (fscanf(file, "%" SCNu64 " %" SCNu64, &all, &resident) == 2) {
		figures->virtual_bytes = all * page;
		figures->resident_bytes = resident * page;
	}
	fclose(file);
}

static void
process_count_files(struct process_figures *figures)
{
	const struct dirent *entry;
	DIR *folder = opendir("/proc/self/fd");

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL)
		figures->open_files += entry->d_name[0] != '.';
	closedir(folder);
	/* This one. */
	figures->open_files -= figures->open_files > 0;
}

void
process_read(struct process_figures *figures)
{
	struct rusage usage;
	struct rlimit limit;

	*figures = (struct process_figures){ 0 };
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		figures->cpu_us = process_time_us(&usage.ru_utime) +
				  process_time_us(&usage.ru_stime);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		figures->max_files = limit.rlim_cur;
	process_read_memory(figures);
	process_count_files(figures);
}
