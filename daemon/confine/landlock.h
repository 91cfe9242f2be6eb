/*
 * The system calls of Landlock and their arguments, as <linux/landlock.h> of
 * Linux 6.12 has them: the headers of older systems lack what newer kernels
 * know, and whether the running one knows it is asked at run time.
 */
#ifndef CONFINE_LANDLOCK_H
#define CONFINE_LANDLOCK_H

#include <stdint.h>

#define LANDLOCK_VERSION_FLAG 1U

#define LANDLOCK_EXECUTE     (UINT64_C(1) << 0)
#define LANDLOCK_WRITE_FILE  (UINT64_C(1) << 1)
#define LANDLOCK_READ_FILE   (UINT64_C(1) << 2)
#define LANDLOCK_READ_DIR    (UINT64_C(1) << 3)
#define LANDLOCK_REMOVE_DIR  (UINT64_C(1) << 4)
#define LANDLOCK_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_MAKE_CHAR   (UINT64_C(1) << 6)
#define LANDLOCK_MAKE_DIR    (UINT64_C(1) << 7)
#define LANDLOCK_MAKE_REG    (UINT64_C(1) << 8)
#define LANDLOCK_MAKE_SOCK   (UINT64_C(1) << 9)
#define LANDLOCK_MAKE_FIFO   (UINT64_C(1) << 10)
#define LANDLOCK_MAKE_BLOCK  (UINT64_C(1) << 11)
#define LANDLOCK_MAKE_SYM    (UINT64_C(1) << 12)
#define LANDLOCK_REFER       (UINT64_C(1) << 13) /* ABI 2 */
#define LANDLOCK_TRUNCATE    (UINT64_C(1) << 14) /* ABI 3 */
#define LANDLOCK_IOCTL_DEV   (UINT64_C(1) << 15) /* ABI 5 */

#define LANDLOCK_BIND_TCP (UINT64_C(1) << 0) /* ABI 4 */

#define LANDLOCK_SCOPE_ABSTRACT (UINT64_C(1) << 0) /* ABI 6 */

struct landlock_ruleset {
	uint64_t files;  /* what is denied where no rule allows it */
	uint64_t ports;  /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

/* The version that the kernel has, or -1 with errno. */
int landlock_version(void);

/* A descriptor, or -1 with errno; of the ruleset as the version has it. */
int landlock_create(const struct landlock_ruleset *, int version);

/* -1 with errno. */
int landlock_allow_files(int ruleset, int folder, uint64_t access);
int landlock_allow_port(int ruleset, uint64_t port, uint64_t access);

/* For this thread and what it starts from now on; -1 with errno. */
int landlock_enter(int ruleset);

#endif
