#include "daemon/store/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A container or a unit may hide it. */
#define START_FILE     "/proc/sys/kernel/random/boot_id"
#define START_VARIABLE "EVPOPD_BOOT_ID"

int64_t
store_clock_built_ms(void)
{
	return (int64_t)EVPOPD_BUILT_S * 1000;
}

static size_t
clock_read_start(char start_r[STORE_CLOCK_START])
{
	int fd = open(START_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd == -1)
		return 0;
	length = read(fd, start_r, STORE_CLOCK_START - 1);
	close(fd);
	return length > 0 ? (size_t)length : 0;
}

void
store_clock_start(char start_r[STORE_CLOCK_START])
{
	size_t length = clock_read_start(start_r);
	const char *told = getenv(START_VARIABLE);

	if (length == 0 && told != NULL) {
		length = strnlen(told, STORE_CLOCK_START - 1);
		memcpy(start_r, told, length);
	}
	start_r[length] = '\0';
	/* The kernel writes it with dashes, and systemd without. */
	for (char *from = start_r, *to = start_r;; from++) {
		if (*from == '-' || *from == '\n')
			continue;
		*to++ = *from;
		if (*from == '\0')
			return;
	}
}
