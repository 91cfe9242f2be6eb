#include "daemon/ctl/ahead.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/client.h"

/* The daemon reads the next message while it sends one. */
#define FETCHERS 2

#define SLOTS      16
#define OCTETS_MAX ((size_t)256 * 1024)

enum slot_state {
	SLOT_ASKED = 0,
	SLOT_COMING,
	SLOT_CAME,
	SLOT_FAILED
};

struct slot {
	int64_t id;
	enum slot_state state;
	/* Its fetcher's alone while it comes. */
	char *bytes; /* room for OCTETS_MAX once it was needed */
	size_t length;
};

struct fetcher {
	pthread_t thread;
	struct ahead *ahead;
	struct ctl ctl; /* with a client of its own */
	struct slot *slot;
};

struct ahead {
	pthread_mutex_t mutex;
	pthread_cond_t asked, changed;
	bool is_over;
	/* A ring; all three count up: taken <= begun <= given. */
	struct slot slots[SLOTS];
	uint64_t taken, begun, given;
	bool is_held; /* the caller has the bytes of the first one */
	struct fetcher fetchers[FETCHERS];
	size_t count; /* of those that run */
};

/* ---- fetchers ---- */

static bool
fetcher_take(const char *bytes, size_t length, void *arg)
{
	struct slot *slot = ((struct fetcher *)arg)->slot;
	struct ahead *ahead = ((struct fetcher *)arg)->ahead;
	bool is_over;

	pthread_mutex_lock(&ahead->mutex);
	is_over = ahead->is_over;
	pthread_mutex_unlock(&ahead->mutex);
	if (is_over || length > OCTETS_MAX - slot->length)
		return false;
	memcpy(slot->bytes + slot->length, bytes, length);
	slot->length += length;
	return true;
}

static bool
fetcher_fetch(struct fetcher *fetcher)
{
	struct slot *slot = fetcher->slot;
	struct client_error error;
	struct target target;
	char id[24];

	slot->length = 0;
	if (slot->bytes == NULL)
		slot->bytes = malloc(OCTETS_MAX);
	if (slot->bytes == NULL)
		return false;
	snprintf(id, sizeof(id), "%" PRId64, slot->id);
	target_begin(&target, "/v1/messages/*/raw", id);
	return client_download_daemon(
	    &fetcher->ctl, &target, 0, fetcher_take, fetcher, &error);
}

static void *
fetcher_run(void *arg)
{
	struct fetcher *fetcher = arg;
	struct ahead *ahead = fetcher->ahead;
	bool came;

	pthread_mutex_lock(&ahead->mutex);
	while (!ahead->is_over) {
		if (ahead->begun == ahead->given) {
			pthread_cond_wait(&ahead->asked, &ahead->mutex);
			continue;
		}
		fetcher->slot = &ahead->slots[ahead->begun++ % SLOTS];
		fetcher->slot->state = SLOT_COMING;
		pthread_mutex_unlock(&ahead->mutex);
		came = fetcher_fetch(fetcher);
		pthread_mutex_lock(&ahead->mutex);
		fetcher->slot->state = came ? SLOT_CAME : SLOT_FAILED;
		pthread_cond_signal(&ahead->changed);
	}
	pthread_mutex_unlock(&ahead->mutex);
	return NULL;
}

static bool
fetcher_start(
    struct fetcher *fetcher, struct ahead *ahead, const struct ctl *ctl)
{
	fetcher->ahead = ahead;
	fetcher->ctl = *ctl;
	fetcher->ctl.client = client_new();
	if (fetcher->ctl.client == NULL)
		return false;
	if (pthread_create(&fetcher->thread, NULL, fetcher_run, fetcher) == 0)
		return true;
	client_free(&fetcher->ctl.client);
	return false;
}

/* ---- the whole ---- */

struct ahead *
ahead_new(const struct ctl *ctl)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));

	if (ahead == NULL)
		return NULL;
	pthread_mutex_init(&ahead->mutex, NULL);
	pthread_cond_init(&ahead->asked, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	while (ahead->count < FETCHERS &&
	       fetcher_start(&ahead->fetchers[ahead->count], ahead, ctl))
		ahead->count++;
	if (ahead->count == 0)
		ahead_free(&ahead);
	return ahead;
}

void
ahead_free(struct ahead **ahead_ref)
{
	struct ahead *ahead = *ahead_ref;

	*ahead_ref = NULL;
	if (ahead == NULL)
		return;
	pthread_mutex_lock(&ahead->mutex);
	ahead->is_over = true;
	pthread_cond_broadcast(&ahead->asked);
	pthread_mutex_unlock(&ahead->mutex);
	for (size_t i = 0; i < ahead->count; i++) {
		pthread_join(ahead->fetchers[i].thread, NULL);
		client_free(&ahead->fetchers[i].ctl.client);
	}
	for (size_t i = 0; i < SLOTS; i++)
		free(ahead->slots[i].bytes);
	pthread_cond_destroy(&ahead->changed);
	pthread_cond_destroy(&ahead->asked);
	pthread_mutex_destroy(&ahead->mutex);
	free(ahead);
}

bool
ahead_has_room(const struct ahead *ahead)
{
	return ahead != NULL && ahead->given - ahead->taken < SLOTS;
}

void
ahead_ask(struct ahead *ahead, int64_t id, uint64_t octets)
{
	struct slot *slot = &ahead->slots[ahead->given % SLOTS];

	if (octets > OCTETS_MAX)
		return;
	pthread_mutex_lock(&ahead->mutex);
	slot->id = id;
	slot->state = SLOT_ASKED;
	ahead->given++;
	pthread_cond_signal(&ahead->asked);
	pthread_mutex_unlock(&ahead->mutex);
}

/* The first one, once it is decided; NULL where it has a higher id. */
static const struct slot *
ahead_wait(struct ahead *ahead, int64_t id)
{
	const struct slot *slot = &ahead->slots[ahead->taken % SLOTS];

	if (ahead->taken == ahead->given || slot->id > id)
		return NULL;
	while (slot->state < SLOT_CAME)
		pthread_cond_wait(&ahead->changed, &ahead->mutex);
	return slot;
}

bool
ahead_take(
    struct ahead *ahead, int64_t id, const char **bytes_r, size_t *length_r)
{
	const struct slot *slot;

	if (ahead == NULL)
		return false;
	pthread_mutex_lock(&ahead->mutex);
	if (ahead->is_held)
		ahead->taken++;
	ahead->is_held = false;
	while ((slot = ahead_wait(ahead, id)) != NULL && slot->id < id)
		ahead->taken++;
	ahead->is_held = slot != NULL;
	pthread_mutex_unlock(&ahead->mutex);
	if (slot == NULL || slot->state == SLOT_FAILED)
		return false;
	*bytes_r = slot->bytes;
	*length_r = slot->length;
	return true;
}
