/* The daemon's figures as a monitoring system reads them, but for accounts. */
#ifndef CONTROL_FIGURES_H
#define CONTROL_FIGURES_H

struct exchange_context;
struct exposition;

/* All of them, as they are now. */
void figures_write(struct exposition *, const struct exchange_context *);

#endif
