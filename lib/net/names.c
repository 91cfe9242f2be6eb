/*
 * evdns reads its files when told to, and its sockets keep the address that
 * this machine had when they were made: whoever starts before the network, or
 * moves to another one, would never resolve a name again.
 */
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <event2/event.h>

#include <evpop/client.h>

#include "lib/base/clock.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS       "/etc/hosts"

/* Read resolv.conf without the hosts file, which is watched apart. */
#define OPTIONS (DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE)

/* A file, and what it was when it was read. */
struct followed {
	char *path;
	bool is_there;
	struct stat status;
};

struct evpop_names {
	struct event_base *base;
	struct evdns_base *dns;
	struct followed resolv_conf, hosts;
	int64_t read_at_ms;
};

/* Whether it is another file than before, or has other contents. */
static bool
names_file_changed(struct followed *file)
{
	struct stat before = file->status, *now = &file->status;
	bool was_there = file->is_there;

	file->is_there = stat(file->path, now) == 0;
	if (!file->is_there || !was_there)
		return file->is_there != was_there;
	return now->st_dev != before.st_dev || now->st_ino != before.st_ino ||
	       now->st_size != before.st_size ||
	       now->st_mtim.tv_sec != before.st_mtim.tv_sec ||
	       now->st_mtim.tv_nsec != before.st_mtim.tv_nsec;
}

/* Questions that are under way are asked anew of the servers there are now. */
static void
names_read_resolv_conf(struct evpop_names *names)
{
	evdns_base_clear_nameservers_and_suspend(names->dns);
	evdns_base_search_clear(names->dns);
	/* Without a file it is the server on this machine: resolv.conf(5). */
	(void)evdns_base_resolv_conf_parse(
	    names->dns, OPTIONS, names->resolv_conf.path);
	evdns_base_resume(names->dns);
	names->read_at_ms = evpop_clock_monotonic_ms();
}

static void
names_read_hosts(struct evpop_names *names)
{
	evdns_base_clear_host_addresses(names->dns);
	(void)evdns_base_load_hosts(names->dns, names->hosts.path);
}

struct evpop_names *
evpop_names_new(
    struct event_base *base, const char *resolv_conf, const char *hosts)
{
	struct evpop_names *names;

	names = calloc(1, sizeof(*names));
	if (names == NULL)
		return NULL;
	names->base = base;
	names->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	names->resolv_conf.path =
	    strdup(resolv_conf != NULL ? resolv_conf : RESOLV_CONF);
	names->hosts.path = strdup(hosts != NULL ? hosts : HOSTS);
	if (names->dns == NULL || names->resolv_conf.path == NULL ||
	    names->hosts.path == NULL) {
		evpop_names_free(names);
		return NULL;
	}
	(void)names_file_changed(&names->resolv_conf);
	(void)names_file_changed(&names->hosts);
	names_read_resolv_conf(names);
	names_read_hosts(names);
	return names;
}

struct evdns_base *
evpop_names_dns(struct evpop_names *names)
{
	int64_t age_ms;

	if (names == NULL)
		return NULL;
	age_ms = evpop_clock_monotonic_ms() - names->read_at_ms;
	if (names_file_changed(&names->resolv_conf) ||
	    evdns_base_count_nameservers(names->dns) == 0 ||
	    age_ms >= EVPOP_NAMES_AGE_MS)
		names_read_resolv_conf(names);
	if (names_file_changed(&names->hosts))
		names_read_hosts(names);
	return names->dns;
}

void
evpop_names_free(struct evpop_names *names)
{
	if (names == NULL)
		return;
	if (names->dns != NULL) {
		/* Lookups that were given up are reported once more. */
		event_base_loop(names->base, EVLOOP_NONBLOCK);
		evdns_base_free(names->dns, 0);
	}
	free(names->resolv_conf.path);
	free(names->hosts.path);
	free(names);
}
