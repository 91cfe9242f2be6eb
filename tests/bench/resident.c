#include "tests/bench/resident.h"

#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
take(const char *line, const char *key, size_t *octets_r)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) != 0)
		return false;
	*octets_r = strtoull(line + length, NULL, 10) * 1024;
	return true;
}

bool
resident_read(struct resident *resident)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	int found = 0;

	if (file == NULL)
		return false;
	while (fgets(line, sizeof line, file) != NULL) {
		found += take(line, "VmRSS:", &resident->now);
		found += take(line, "VmHWM:", &resident->peak);
	}
	fclose(file);
	/* The kernel counts them apart, and the peak not always in time. */
	if (resident->peak < resident->now)
		resident->peak = resident->now;
	return found == 2;
}

size_t
resident_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 0;
	return (size_t)limit.rlim_cur;
}
