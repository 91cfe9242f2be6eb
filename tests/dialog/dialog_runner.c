/*
 * Plays the dialogs of files in every way that makes sense, or one of them in
 * one way, and shows it.
 *
 *     dialog_runner FILE... [--dialog NAME] [--mode whole|bytes|cut:N[,M]]
 *                   [--over core|plain|tls|stls] [--list]
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dialog/play.h"

/*
 * Places that a dialog is cut at: in memory nearly any number is quickly done,
 * a handshake is not.
 */
#define PLACES_CORE  2500
#define PLACES_PLAIN 400
#define PLACES_TLS   120
/* Pairs of places: three pieces. */
#define PAIRS_CORE 200
#define PAIRS_NET  12
/* Where the server is long, each play is. */
#define LONG_OCTETS 65536
#define HUGE_OCTETS (1024 * 1024)
#define PLACES_LONG 2
/* Where the server sleeps, or lets a deadline pass, each play takes a while. */
#define PLACES_SLOW 48
/* A machine that is busy may let a short deadline pass before its time. */
#define PATIENCE 10

struct runner {
	struct play_stage *stage; /* once it is needed */
	const char *path;
	const char *dialog, *mode, *over; /* NULL: all */
	bool list;
	size_t dialogs, plays, failures;
	/* The run under way. */
	const struct dialog *playing;
	enum play_mode playing_over;
	const struct cuts *cuts;
};

static void
complain(size_t index, const char *why, void *arg)
{
	const struct runner *runner = arg;
	char name[64];

	cuts_name(&runner->cuts[index], name, sizeof name);
	printf("%s:%u: %s: %s, %s\n%s", runner->path, runner->playing->line,
	    runner->playing->name, play_mode_name(runner->playing_over), name,
	    why);
	printf("    again: dialog_runner %s --dialog %s --over %s --mode %s\n",
	    runner->path, runner->playing->name,
	    play_mode_name(runner->playing_over), name);
}

static bool
is_slow(const struct dialog *dialog)
{
	return dialog_has_item(dialog, DIALOG_SLEEP) ||
	       settings_have_deadline(&dialog->settings);
}

static struct cuts *
ways(const struct dialog *dialog, enum play_mode over, size_t *count)
{
	size_t octets = dialog_octets(dialog), most, pairs;

	most = over == PLAY_CORE    ? PLACES_CORE
	       : over == PLAY_PLAIN ? PLACES_PLAIN
				    : PLACES_TLS;
	pairs = over == PLAY_CORE ? PAIRS_CORE : PAIRS_NET;
	if (dialog->settings.uncut != 0)
		octets = 0;
	if (octets > HUGE_OCTETS)
		most = pairs = 0;
	else if (octets > LONG_OCTETS)
		most = pairs = PLACES_LONG;
	else if (over != PLAY_CORE && is_slow(dialog))
		most = PLACES_SLOW;
	return cuts_all(octets, most, pairs, count);
}

static size_t
play_all_core(struct runner *runner, size_t count, struct octets *shown)
{
	struct octets why = { NULL, 0, 0 };
	size_t i, failed = 0;

	/* What is wrong many times need not be told each time. */
	for (i = 0; i < count && failed == 0; i++) {
		if (play_core(runner->playing, &runner->cuts[i], &why, shown))
			continue;
		failed++;
		complain(i, octets_text(&why), runner);
	}
	octets_clear(&why);
	return failed;
}

static void
say_nothing(size_t index, const char *why, void *arg)
{
	(void)index;
	(void)why;
	(void)arg;
}

/* What has short deadlines counts as wrong where it is so with long ones, too.
 */
static size_t
play_all_net(struct runner *runner, size_t count, struct octets *shown)
{
	const struct dialog *dialog = runner->playing;
	struct dialog patient = *dialog;

	if (runner->stage == NULL)
		runner->stage = play_stage_new();
	if (settings_have_deadline(&dialog->settings)) {
		if (play_net(runner->stage, dialog, runner->playing_over,
			runner->cuts, count, shown, say_nothing, NULL) == 0)
			return 0;
		settings_prolong(&patient.settings, PATIENCE);
	}
	return play_net(runner->stage, &patient, runner->playing_over,
	    runner->cuts, count, shown, complain, runner);
}

static void
play_over(
    struct runner *runner, const struct dialog *dialog, enum play_mode over)
{
	struct octets shown = { NULL, 0, 0 };
	struct cuts *cuts, one;
	size_t count = 1, failed;

	cuts = ways(dialog, over, &count);
	runner->playing = dialog;
	runner->playing_over = over;
	runner->cuts = cuts;
	if (runner->mode != NULL) {
		if (!cuts_by_name(runner->mode, &one)) {
			fprintf(stderr, "no mode: %s\n", runner->mode);
			exit(2);
		}
		runner->cuts = &one;
		count = 1;
	}
	if (over == PLAY_CORE)
		failed = play_all_core(
		    runner, count, runner->mode != NULL ? &shown : NULL);
	else
		failed = play_all_net(
		    runner, count, runner->mode != NULL ? &shown : NULL);
	if (shown.length > 0)
		printf("---- %s, %s\n%s", dialog->name, play_mode_name(over),
		    octets_text(&shown));
	runner->plays += count;
	runner->failures += failed > 0;
	octets_clear(&shown);
	free(cuts);
}

static void
run_dialog(struct runner *runner, const struct dialog *dialog)
{
	enum play_mode over;

	if (runner->dialog != NULL && strcmp(runner->dialog, dialog->name) != 0)
		return;
	runner->dialogs++;
	if (runner->list) {
		printf("%s: %s\n", dialog->name, dialog->shows);
		return;
	}
	for (over = PLAY_CORE; over < PLAY_MODE_COUNT; over++)
		if (play_fits(dialog, over) &&
		    (runner->over == NULL ||
			strcmp(runner->over, play_mode_name(over)) == 0))
			play_over(runner, dialog, over);
}

static void
run_file(struct runner *runner, const char *path)
{
	struct dialog_error error;
	struct dialog_file *file = dialog_read(path, &error);
	size_t i;

	runner->path = path;
	if (file == NULL) {
		fprintf(stderr, "%s:%u: %s\n", path, error.line, error.text);
		exit(2);
	}
	for (i = 0; i < file->count; i++)
		run_dialog(runner, &file->dialogs[i]);
	dialog_file_free(file);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dialog", required_argument, NULL, 'd' },
		{ "mode", required_argument, NULL, 'm' },
		{ "over", required_argument, NULL, 'o' },
		{ "list", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	struct runner runner = { .list = false };
	int option;

	/* Servers here write to clients that have left. */
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'd':
			runner.dialog = optarg;
			break;
		case 'm':
			runner.mode = optarg;
			break;
		case 'o':
			runner.over = optarg;
			break;
		case 'l':
			runner.list = true;
			break;
		default:
			return 2;
		}
	for (; optind < argc; optind++)
		run_file(&runner, argv[optind]);
	if (!runner.list)
		printf("%zu dialogs, %zu plays, %zu of them wrong\n",
		    runner.dialogs, runner.plays, runner.failures);
	play_stage_free(runner.stage);
	/* To have played nothing is no success. */
	return runner.failures > 0 || (runner.plays == 0 && !runner.list);
}
