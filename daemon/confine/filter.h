/*
 * What a process may still ask of the kernel that only computes: memory, and
 * reading and writing what is open.
 */
#ifndef CONFINE_FILTER_H
#define CONFINE_FILTER_H

#include <stdbool.h>

/*
 * From now on this process opens nothing, connects to nothing, executes and
 * starts nothing, and makes no memory executable: each such call fails with
 * EPERM.  By Landlock as well, where there is one.  Returns false where the
 * system knows no filters, or not of this processor.
 */
bool confine_to_memory(void);

#endif
