/* Figures of targets for a monitoring system, a page at a time. */
#ifndef CONTROL_TARGET_FIGURES_H
#define CONTROL_TARGET_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

struct deliver;
struct exposition;

/* Zeroed, it is at the beginning. */
struct target_figures {
	size_t family, target; /* that is written next */
};

/* Write some; false where nothing follows, or `deliver` is NULL. */
bool target_figures_write(
    struct target_figures *, struct exposition *, const struct deliver *);

#endif
