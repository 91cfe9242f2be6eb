/* What is published reaches who has subscribed, whatever they do meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/notify/notify.h"

#define ALL ((1u << NOTIFY_KIND_COUNT) - 1)

struct scene;

/* Writes its letter down when it is called, and does something else. */
struct listener {
	struct scene *scene;
	struct notify_subscription subscription;
	char letter;
	void (*act)(struct listener *);
};

struct scene {
	struct notify *notify;
	struct listener listeners[3];
	char heard[16];
};

static void
hear(const struct notify_event *event, void *arg)
{
	struct listener *listener = arg;
	struct scene *scene = listener->scene;
	size_t length = strlen(scene->heard);

	assert_true(event->kind < NOTIFY_KIND_COUNT);
	assert_true(length + 1 < sizeof scene->heard);
	scene->heard[length] = listener->letter;
	if (listener->act != NULL)
		listener->act(listener);
}

static void
join(struct listener *listener, unsigned kinds)
{
	notify_subscribe(listener->scene->notify, &listener->subscription,
	    kinds, hear, listener);
}

static void
begin(struct scene *scene)
{
	*scene = (struct scene){ .notify = notify_new() };
	assert_non_null(scene->notify);
	for (size_t i = 0; i < 3; i++) {
		scene->listeners[i].scene = scene;
		scene->listeners[i].letter = (char)('a' + i);
	}
}

static void
end(struct scene *scene)
{
	for (size_t i = 0; i < 3; i++)
		notify_leave(&scene->listeners[i].subscription);
	notify_free(&scene->notify);
	assert_null(scene->notify);
	notify_free(&scene->notify);
}

static void
check(struct scene *scene, enum notify_kind kind, const char *heard)
{
	memset(scene->heard, 0, sizeof scene->heard);
	notify_publish(scene->notify, &(struct notify_event){ .kind = kind });
	assert_string_equal(scene->heard, heard);
}

static void
test_each_hears_its_kinds(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	check(&scene, NOTIFY_CLOCK, "");
	assert_false(notify_is_wanted(scene.notify, NOTIFY_CLOCK));
	join(&scene.listeners[1], NOTIFY_BIT(NOTIFY_CLOCK));
	join(&scene.listeners[0], ALL);
	assert_true(notify_is_wanted(scene.notify, NOTIFY_CLOCK));
	check(&scene, NOTIFY_CLOCK, "ba");
	check(&scene, NOTIFY_RELOADED, "a");
	notify_leave(&scene.listeners[0].subscription);
	notify_leave(&scene.listeners[0].subscription);
	check(&scene, NOTIFY_CLOCK, "b");
	check(&scene, NOTIFY_RELOADED, "");
	assert_false(notify_is_wanted(scene.notify, NOTIFY_RELOADED));
	end(&scene);
}

static void
leave(struct listener *listener)
{
	notify_leave(&listener->subscription);
}

static void
leave_all(struct listener *listener)
{
	for (size_t i = 0; i < 3; i++)
		leave(&listener->scene->listeners[i]);
}

static void
leave_and_come_back(struct listener *listener)
{
	leave(listener);
	join(listener, ALL);
}

static void
take_in_third(struct listener *listener)
{
	listener->act = NULL;
	join(&listener->scene->listeners[2], ALL);
}

static void
test_leaving_and_coming_inside_a_callback(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	for (size_t i = 0; i < 3; i++)
		join(&scene.listeners[i], ALL);
	scene.listeners[1].act = leave;
	check(&scene, NOTIFY_CLOCK, "abc");
	check(&scene, NOTIFY_CLOCK, "ac");
	/* Who comes back hears of the next one, and of this one only once. */
	scene.listeners[0].act = leave_and_come_back;
	check(&scene, NOTIFY_CLOCK, "ac");
	check(&scene, NOTIFY_CLOCK, "ca");
	scene.listeners[2].act = leave_all;
	check(&scene, NOTIFY_CLOCK, "c");
	check(&scene, NOTIFY_CLOCK, "");
	join(&scene.listeners[0], ALL);
	scene.listeners[0].act = take_in_third;
	check(&scene, NOTIFY_CLOCK, "a");
	scene.listeners[2].act = NULL;
	check(&scene, NOTIFY_CLOCK, "ac");
	end(&scene);
}

/* The first one's answer to an event is another, at which the second leaves. */
static void
publish_once(struct listener *listener)
{
	listener->act = NULL;
	notify_publish(listener->scene->notify,
	    &(struct notify_event){ .kind = NOTIFY_RELOADED });
}

static void
test_publishing_inside_a_callback(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	for (size_t i = 0; i < 3; i++)
		join(&scene.listeners[i], ALL);
	scene.listeners[0].act = publish_once;
	scene.listeners[1].act = leave;
	check(&scene, NOTIFY_CLOCK, "aabcc");
	end(&scene);
}

static void
test_nobody_publishes(void **state)
{
	struct notify_subscription subscription = { .notify = NULL };

	(void)state;
	notify_subscribe(NULL, &subscription, ALL, NULL, NULL);
	notify_publish(NULL, &(struct notify_event){ .kind = NOTIFY_CLOCK });
	notify_leave(&subscription);
	assert_false(notify_is_wanted(NULL, NOTIFY_CLOCK));
}

static void
test_kinds_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < NOTIFY_KIND_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(
			    notify_kind_name(i), notify_kind_name(j));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_hears_its_kinds),
		cmocka_unit_test(test_leaving_and_coming_inside_a_callback),
		cmocka_unit_test(test_publishing_inside_a_callback),
		cmocka_unit_test(test_nobody_publishes),
		cmocka_unit_test(test_kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
