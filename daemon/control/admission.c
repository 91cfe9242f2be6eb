#include "daemon/control/admission.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

/* A user, and how many connections the user has in each state. */
struct admission_user {
	LIST_ENTRY(admission_user) link;
	uid_t uid;
	size_t total, counts[ADMISSION_STATE_COUNT];
};

enum room {
	ROOM_OTHERS = 0,
	ROOM_ADMINS,
	ROOM_COUNT
};

struct admission {
	struct admission_limits limits;
	TAILQ_HEAD(, admission_guest) guests;
	LIST_HEAD(, admission_user) users;
	size_t counts[ROOM_COUNT][ADMISSION_STATE_COUNT];
};

static enum room
admission_room(const struct admission_guest *guest)
{
	return guest->is_admin ? ROOM_ADMINS : ROOM_OTHERS;
}

static size_t
admission_sum(const size_t counts[ADMISSION_STATE_COUNT])
{
	return counts[ADMISSION_IDLE] + counts[ADMISSION_TAKING] +
	       counts[ADMISSION_ASKING] + counts[ADMISSION_FRESH];
}

struct admission *
admission_new(const struct admission_limits *limits)
{
	struct admission *admission = calloc(1, sizeof(*admission));

	if (admission == NULL)
		return NULL;
	admission->limits = *limits;
	TAILQ_INIT(&admission->guests);
	LIST_INIT(&admission->users);
	return admission;
}

void
admission_free(struct admission **admission_ref)
{
	struct admission *admission = *admission_ref;

	*admission_ref = NULL;
	if (admission == NULL)
		return;
	assert(TAILQ_EMPTY(&admission->guests));
	free(admission);
}

/* NULL without memory. */
static struct admission_user *
admission_user(struct admission *admission, uid_t uid)
{
	struct admission_user *user;

	LIST_FOREACH(user, &admission->users, link) {
		if (user->uid == uid)
			return user;
	}
	user = calloc(1, sizeof(*user));
	if (user == NULL)
		return NULL;
	user->uid = uid;
	LIST_INSERT_HEAD(&admission->users, user, link);
	return user;
}

bool
admission_enter(struct admission *admission, struct admission_guest *guest,
    uid_t uid, bool is_admin)
{
	struct admission_user *user = admission_user(admission, uid);

	if (user == NULL)
		return false;
	guest->user = user;
	guest->is_admin = is_admin;
	guest->state = ADMISSION_NEW;
	user->total++;
	user->counts[ADMISSION_NEW]++;
	admission->counts[admission_room(guest)][ADMISSION_NEW]++;
	TAILQ_INSERT_TAIL(&admission->guests, guest, link);
	return true;
}

void
admission_leave(struct admission *admission, struct admission_guest *guest)
{
	struct admission_user *user = guest->user;

	TAILQ_REMOVE(&admission->guests, guest, link);
	admission->counts[admission_room(guest)][guest->state]--;
	user->counts[guest->state]--;
	guest->user = NULL;
	if (--user->total > 0)
		return;
	LIST_REMOVE(user, link);
	free(user);
}

void
admission_touch(struct admission *admission, struct admission_guest *guest)
{
	TAILQ_REMOVE(&admission->guests, guest, link);
	TAILQ_INSERT_TAIL(&admission->guests, guest, link);
}

void
admission_change(struct admission *admission, struct admission_guest *guest,
    enum admission_state state)
{
	size_t *counts = admission->counts[admission_room(guest)];

	counts[guest->state]--;
	counts[state]++;
	guest->user->counts[guest->state]--;
	guest->user->counts[state]++;
	guest->state = state;
	admission_touch(admission, guest);
}

bool
admission_read(struct admission *admission, struct admission_guest *guest)
{
	const struct admission_limits *limits = &admission->limits;

	if (admission_count(admission, ADMISSION_READING) >= limits->readers ||
	    (!guest->is_admin &&
		guest->user->counts[ADMISSION_READING] >= limits->readers_each))
		return false;
	admission_change(admission, guest, ADMISSION_READING);
	return true;
}

/*
 * The least recently used connection in a state, of the user who has the most
 * connections in the room; NULL if there is none.
 */
static struct admission_guest *
admission_find_victim(const struct admission *admission, enum room room,
    enum admission_state state)
{
	struct admission_guest *guest, *found = NULL;
	size_t most = 0;

	if (admission->counts[room][state] == 0)
		return NULL;
	TAILQ_FOREACH(guest, &admission->guests, link) {
		if (admission_room(guest) != room || guest->state != state ||
		    guest->user->total <= most)
			continue;
		most = guest->user->total;
		found = guest;
	}
	return found;
}

static struct admission_guest *
admission_find_own_idle(
    const struct admission *admission, const struct admission_user *user)
{
	struct admission_guest *guest;

	if (user->counts[ADMISSION_IDLE] == 0)
		return NULL;
	TAILQ_FOREACH(guest, &admission->guests, link) {
		if (guest->user == user && guest->state == ADMISSION_IDLE)
			break;
	}
	return guest;
}

/*
 * An admin is always served.  If no connection of admins is idle, the one whose
 * answer has not moved for the longest time is closed, then the one with the
 * oldest request.
 */
static struct admission_guest *
admission_make_room_for_admin(const struct admission *admission)
{
	struct admission_guest *victim = NULL;

	if (admission_sum(admission->counts[ROOM_ADMINS]) <
	    admission->limits.admins)
		return NULL;
	for (enum admission_state state = ADMISSION_IDLE;
	     victim == NULL && state <= ADMISSION_ASKING; state++)
		victim = admission_find_victim(admission, ROOM_ADMINS, state);
	return victim;
}

static enum admission_verdict
admission_judge_waiting(
    const struct admission *admission, const struct admission_guest *guest)
{
	const struct admission_limits *limits = &admission->limits;

	if (guest->state == ADMISSION_WAITING)
		return ADMISSION_WAIT;
	return guest->user->counts[ADMISSION_WAITING] < limits->waiting_each &&
		       admission->counts[ROOM_OTHERS][ADMISSION_WAITING] <
			   limits->waiting
		   ? ADMISSION_WAIT
		   : ADMISSION_REFUSE;
}

enum admission_verdict
admission_judge(const struct admission *admission,
    const struct admission_guest *guest, struct admission_guest **victim_r)
{
	const struct admission_limits *limits = &admission->limits;

	*victim_r = NULL;
	if (guest->is_admin) {
		*victim_r = admission_make_room_for_admin(admission);
		return ADMISSION_SERVE;
	}
	if (admission_sum(guest->user->counts) >= limits->share)
		*victim_r = admission_find_own_idle(admission, guest->user);
	else if (admission_sum(admission->counts[ROOM_OTHERS]) >=
		 limits->others)
		*victim_r = admission_find_victim(
		    admission, ROOM_OTHERS, ADMISSION_IDLE);
	else
		return ADMISSION_SERVE;
	return *victim_r != NULL ? ADMISSION_SERVE
				 : admission_judge_waiting(admission, guest);
}

struct admission_guest *
admission_spare(const struct admission *admission)
{
	struct admission_guest *victim;

	victim = admission_find_victim(admission, ROOM_OTHERS, ADMISSION_IDLE);
	if (victim == NULL)
		victim = admission_find_victim(
		    admission, ROOM_OTHERS, ADMISSION_WAITING);
	if (victim == NULL)
		victim = admission_find_victim(
		    admission, ROOM_ADMINS, ADMISSION_IDLE);
	return victim;
}

size_t
admission_count(const struct admission *admission, enum admission_state state)
{
	return admission->counts[ROOM_OTHERS][state] +
	       admission->counts[ROOM_ADMINS][state];
}

size_t
admission_served(const struct admission *admission)
{
	return admission_sum(admission->counts[ROOM_OTHERS]) +
	       admission_sum(admission->counts[ROOM_ADMINS]);
}
