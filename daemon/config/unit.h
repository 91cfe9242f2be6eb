/*
 * Numbers with a unit behind them: durations, sizes, ages.
 */
#ifndef CONFIG_UNIT_H
#define CONFIG_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_unit {
	const char *suffix; /* NULL ends a list */
	int64_t factor;
};

extern const struct config_unit config_duration_units[]; /* milliseconds */
extern const struct config_unit config_size_units[];     /* octets */
extern const struct config_unit config_plain_units[];
extern const struct config_unit config_keep_units[]; /* milliseconds */

/* Digits and a unit; false if it is neither that nor within 63 bits. */
bool config_unit_parse(
    const char *text, const struct config_unit *units, int64_t *value_r);

/* "90s", "5m": in the largest unit that needs no fraction. */
void config_duration_text(int64_t ms, char *text_r, size_t size);
/* "8M", "1500": likewise. */
void config_size_text(uint64_t octets, char *text_r, size_t size);

#endif
