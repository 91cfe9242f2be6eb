/*
 * How many files the daemon may have open: its sessions take most of them.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Raise the limit as far as these sessions want it and the system allows it.
 * Returns how many of them there is room for, at least one; where that is not
 * all, the text says so and what to do, else it is empty.
 */
uint32_t descriptors_make_room(uint32_t sessions, char *text_r, size_t size)
    __attribute__((warn_unused_result));

/*
 * How many readers of events there are descriptors for, beside these sessions;
 * after descriptors_make_room().
 */
uint32_t descriptors_readers(uint32_t sessions);

#endif
