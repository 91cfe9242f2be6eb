/*
 * Which fault is on, by the environment, and which functions with faults a
 * program came to: linked into every program of a build with faults.  Calls the
 * kernel by itself, as tests replace functions of the C library.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int evpop_fault_chosen;
void evpop_fault_reached(int function);

static unsigned char noted[65536];
static const char *notes;

__attribute__((constructor(101))) static void
switch_read(void)
{
	const char *chosen = getenv("EVPOP_FAULT");

	if (chosen != NULL)
		evpop_fault_chosen = atoi(chosen);
	notes = getenv("EVPOP_FAULT_NOTES");
}

/* One line a function, in one write, whatever else writes there. */
void
evpop_fault_reached(int function)
{
	char line[16];
	size_t at = sizeof line;
	unsigned rest = (unsigned)function;
	long file;

	if (notes == NULL || noted[function % (int)sizeof noted])
		return;
	noted[function % (int)sizeof noted] = 1;
	line[--at] = '\n';
	do
		line[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	file = syscall(SYS_openat, AT_FDCWD, notes,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (file < 0)
		return;
	(void)syscall(SYS_write, file, line + at, sizeof line - at);
	(void)syscall(SYS_close, file);
}
