#include "daemon/poll/servers.h"

#include <evpop/client.h>

#include <stdlib.h>

#include "daemon/log/log.h"
#include "daemon/store/store.h"

struct servers {
	struct store *store;
	struct evpop_memory *memory;
	bool are_known; /* what was kept is here, or cannot be had */
	bool is_freed;  /* goes when the store's answer comes */
	void (*known)(void *arg);
	void *arg;
};

/* Facts that cannot be restored are learned again. */
static void
servers_restore(
    struct servers *servers, const struct store_server *kept, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!evpop_memory_restore(
			servers->memory, &(struct evpop_memory_entry){
					     .host = kept[i].host,
					     .port = kept[i].port,
					     .tls = (enum evpop_tls)kept[i].tls,
					     .facts = kept[i].facts,
					 }))
			return;
}

static void
servers_answered(enum store_status status, const struct store_server *kept,
    size_t count, void *arg)
{
	struct servers *servers = arg;

	servers->are_known = true;
	if (servers->is_freed) {
		servers_free(&servers);
		return;
	}
	if (status == STORE_OK)
		servers_restore(servers, kept, count);
	else
		log_write(LOG_LEVEL_WARNING, NULL,
		    "cannot read what is known of the servers from the store "
		    "(%s): first polls take more round trips",
		    store_status_name(status));
	servers->known(servers->arg);
}

struct servers *
servers_new(struct store *store, void (*known)(void *arg), void *arg)
{
	struct servers *servers;

	servers = calloc(1, sizeof *servers);
	if (servers == NULL)
		return NULL;
	servers->memory = evpop_memory_new();
	if (servers->memory == NULL) {
		free(servers);
		return NULL;
	}
	servers->store = store;
	servers->known = known;
	servers->arg = arg;
	store_servers(store, servers_answered, servers);
	return servers;
}

bool
servers_are_known(const struct servers *servers)
{
	return servers->are_known;
}

struct evpop_memory *
servers_memory(struct servers *servers)
{
	return servers->memory;
}

static void
servers_keep_one(const struct evpop_memory_entry *entry, void *arg)
{
	struct servers *servers = arg;

	store_server_note(servers->store, &(struct store_server){
					      .host = entry->host,
					      .port = entry->port,
					      .tls = (uint8_t)entry->tls,
					      .facts = entry->facts,
					  });
}

void
servers_keep(struct servers *servers)
{
	evpop_memory_changed(servers->memory, servers_keep_one, servers);
}

void
servers_free(struct servers **servers_p)
{
	struct servers *servers = *servers_p;

	if (servers == NULL)
		return;
	*servers_p = NULL;
	if (!servers->are_known) {
		servers->is_freed = true;
		return;
	}
	evpop_memory_free(servers->memory);
	free(servers);
}
