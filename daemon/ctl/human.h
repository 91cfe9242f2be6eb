/*
 * Numbers as people read them.
 */
#ifndef CTL_HUMAN_H
#define CTL_HUMAN_H

#include <stddef.h>
#include <stdint.h>

/* "512 B", "1.5 KiB", "12 MiB". */
#define HUMAN_SIZE 16
const char *human_octets(uint64_t octets, char text_r[HUMAN_SIZE]);

/* "3 min ago", "in 2 h", "just now". */
void human_age(int64_t time_ms, int64_t now_ms, char *text_r, size_t text_size);

/* "2 d 3 h", "5 min 10 s". */
const char *human_duration(int64_t seconds, char *text_r, size_t text_size);

#endif
