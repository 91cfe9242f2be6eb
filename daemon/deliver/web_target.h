/* How the web service of a target is reached. */
#ifndef DELIVER_WEB_TARGET_H
#define DELIVER_WEB_TARGET_H

struct carrier_setup;
struct web_options;

/* As its section says; borrowed from the setup. */
void web_target_options(
    const struct carrier_setup *, struct web_options *options_r);

#endif
