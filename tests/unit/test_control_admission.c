/*
 * Who is served, who waits and who is closed for whom: every rule as a short
 * play.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/admission.h"

#define GUESTS 64

static const struct admission_limits limits = { .admins = 3,
	.others = 4,
	.share = 2,
	.waiting = 3,
	.waiting_each = 2,
	.readers = 3,
	.readers_each = 2 };

/*
 * A play is a row of scenes, with a blank between.  "a" to "c" are users,
 * "A" to "C" are admins; guests are numbered in the order of their coming.
 * A scene is a user who comes, and behind it what becomes of the guest: "+"
 * served, "+3" served and guest 3 closed for it, "?" waits, "!" refused.  Or
 * it is "3q" (guest 3 asks), "3t" (its answer lies ready), "3m" (it takes some
 * of it), "3i" (it has taken all), "3r+" (it reads events), "3r!" (it wants to,
 * and there are too many), "3x" (it goes), "3+", "3+1" and "3?" (it is
 * judged again).  "s2": the one to close for want of a descriptor; "s-": none.
 */
struct play {
	const char *name, *scenes;
};

struct stage {
	struct admission *admission;
	struct admission_guest guests[GUESTS];
	size_t count;
	const struct play *play;
	const char *scene;
};

static size_t
number_of(const char **text)
{
	size_t number = 0;

	while (**text >= '0' && **text <= '9')
		number = number * 10 + (size_t)(*(*text)++ - '0');
	return number;
}

static void
judge(struct stage *stage, size_t number, const char *expected)
{
	struct admission_guest *victim, *guest = &stage->guests[number];
	char seen[32];

	switch (admission_judge(stage->admission, guest, &victim)) {
	case ADMISSION_SERVE:
		snprintf(seen, sizeof(seen), "+");
		if (victim != NULL) {
			snprintf(
			    seen, sizeof(seen), "+%td", victim - stage->guests);
			admission_leave(stage->admission, victim);
		}
		admission_change(stage->admission, guest, ADMISSION_IDLE);
		break;
	case ADMISSION_WAIT:
		snprintf(seen, sizeof(seen), "?");
		admission_change(stage->admission, guest, ADMISSION_WAITING);
		break;
	case ADMISSION_REFUSE:
		snprintf(seen, sizeof(seen), "!");
		admission_leave(stage->admission, guest);
		break;
	}
	if (strncmp(seen, expected, strlen(seen)) != 0 ||
	    (expected[strlen(seen)] != ' ' && expected[strlen(seen)] != '\0'))
		fail_msg(
		    "%s: at \"%s\": %s", stage->play->name, stage->scene, seen);
}

static void
check_spare(struct stage *stage, const char *expected)
{
	const struct admission_guest *victim =
	    admission_spare(stage->admission);

	if (victim == NULL)
		assert_int_equal(*expected, '-');
	else
		assert_int_equal(victim - stage->guests, number_of(&expected));
}

static void
act(struct stage *stage)
{
	const char *text = stage->scene;
	struct admission_guest *guest;
	size_t number;

	if (*text == 's') {
		check_spare(stage, text + 1);
		return;
	}
	if (*text < '0' || *text > '9') {
		assert_true(stage->count < GUESTS);
		guest = &stage->guests[++stage->count];
		assert_true(admission_enter(
		    stage->admission, guest, (uid_t)*text, *text < 'a'));
		judge(stage, stage->count, text + 1);
		return;
	}
	number = number_of(&text);
	guest = &stage->guests[number];
	assert_non_null(guest->user);
	switch (*text) {
	case 'q':
		admission_change(stage->admission, guest, ADMISSION_ASKING);
		break;
	case 't':
		admission_change(stage->admission, guest, ADMISSION_TAKING);
		break;
	case 'm':
		admission_touch(stage->admission, guest);
		break;
	case 'i':
		admission_change(stage->admission, guest, ADMISSION_IDLE);
		break;
	case 'r':
		if (admission_read(stage->admission, guest) != (text[1] == '+'))
			fail_msg(
			    "%s: at \"%s\"", stage->play->name, stage->scene);
		break;
	case 'x':
		admission_leave(stage->admission, guest);
		break;
	default:
		judge(stage, number, text);
	}
}

static void
perform(const struct play *play)
{
	struct stage stage = { .play = play };

	stage.admission = admission_new(&limits);
	assert_non_null(stage.admission);
	for (const char *scene = play->scenes; *scene != '\0';) {
		stage.scene = scene;
		act(&stage);
		scene += strcspn(scene, " ");
		scene += strspn(scene, " ");
	}
	for (size_t i = 1; i <= stage.count; i++) {
		if (stage.guests[i].user != NULL)
			admission_leave(stage.admission, &stage.guests[i]);
	}
	for (int i = 0; i < ADMISSION_STATE_COUNT; i++)
		assert_int_equal(
		    admission_count(stage.admission, (enum admission_state)i),
		    0);
	admission_free(&stage.admission);
	assert_null(stage.admission);
}

static void
test_plays(void **state)
{
	static const struct play plays[] = {
		{ "an idle one of one's own goes first", "a+ a+ a+1 a+2 a+3" },
		{ "the least recently used", "a+ a+ 1q 1i a+2" },
		{ "one at work stays", "a+ a+ 1q a+2 3q a?" },
		{ "an answer that lies ready stays, too",
		    "a+ a+ 1q 1t 2q 2t a? 1i 3+1" },
		{ "one that waits is served when another goes",
		    "a+ a+ 1q 2q a? 3? 1x 3+" },
		{ "few may wait, of each and of all",
		    "a+ a+ 1q 2q a? a? a! b+ b+ 6q 7q b? b! c!" },
		{ "a crowd leaves the others their share",
		    "a+ a+ 1q 2q a? b+ b+ b+4 c+5" },
		{ "the whole room is at work",
		    "a+ a+ b+ b+ 1q 2q 3q 4q c? c? c! 3i 5+3" },
		{ "the user with the most loses one",
		    "b+ c+ a+ a+ d+3 e+1 a+4" },
		{ "an admin takes nothing from the others' room",
		    "a+ a+ b+ b+ A+ A+ A+ c+1" },
		{ "the others take nothing from the admins'",
		    "A+ B+ C+ a+ a+ a+4 b+ b+ c+5" },
		{ "an admin gets in for an idle one", "A+ A+ A+ A+1 B+2" },
		{ "of the admin with the most", "B+ A+ A+ B+1 C+2" },
		{ "for the answer that has not moved for longest",
		    "A+ A+ A+ 1q 2q 3q 2t 1t 3t 2m A+1" },
		{ "for the oldest question where all are at work",
		    "A+ A+ A+ 1q 3q 2q A+1 4q A+3" },
		{ "an idle one before an answer, that before a question",
		    "A+ A+ A+ 1q 2q 2t A+3 4q A+2 5q A+1" },
		{ "a descriptor: of others first, of an admin last",
		    "s- A+ s1 a+ s2 2q s1 a+ s3 3q a? s4 4x 1q s-" },
		{ "who reads events leaves the place to others",
		    "a+ a+ 1r+ 2r+ a+ a+ a+3" },
		{ "so many read, of each and of all",
		    "a+ 1r+ a+ 2r+ a+ 3r! b+ 4r+ b+ 5r! 1x 5r+" },
		{ "an admin may have all places of readers",
		    "A+ 1r+ A+ 2r+ A+ 3r+ A+ 4r!" },
		{ "a reader is closed for nobody",
		    "a+ 1r+ s- A+ 2r+ s- A+ A+ A+ A+3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++)
		perform(&plays[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plays) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
