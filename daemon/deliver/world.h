/* What all targets share; it outlives them. */
#ifndef DELIVER_WORLD_H
#define DELIVER_WORLD_H

struct carrier_type;
struct event_base;
struct evpop_names;
struct notify;
struct oauth;
struct store;

struct target_world {
	struct event_base *base;
	struct evpop_names *names;
	struct store *store;
	struct notify *notify;
	struct oauth *oauth;                        /* or NULL */
	const struct carrier_type *const *carriers; /* by type */
	/* Something is over: look whether all is.  May run in any call. */
	void (*changed)(void *arg);
	/* Mail goes to this target instead. */
	void (*redirected)(const char *target, void *arg);
	void *arg;
};

#endif
