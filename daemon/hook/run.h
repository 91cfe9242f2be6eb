/*
 * One run of a hook's command: what it is told, its end, and what it printed.
 */
#ifndef HOOK_RUN_H
#define HOOK_RUN_H

#include "daemon/hook/hook.h"

struct secret_child;

/* Of what a command prints, in the log and the status. */
#define HOOK_OUTPUT_SIZE 512
#define HOOK_TEXT_SIZE   (HOOK_OUTPUT_SIZE + 160)

/* Zeroed and with a batch that was begun, it is free. */
struct hook_run {
	enum hook_kind kind;
	bool is_reminder;
	struct batch batch;
	struct secret_child *child; /* NULL: it is free */
	const struct hook_pace *pace;
	/*
	 * It is over, and free again.  `failed` says why it went wrong, NULL
	 * where it did not; `output` is the beginning of what it printed.
	 */
	void (*ended)(struct hook_run *, const char *failed, const char *output,
	    void *arg);
	void *arg;
};

/* False with the reason; the batch is empty then. */
bool hook_run_start(struct hook_run *, struct event_base *, const char *command,
    char text_r[HOOK_TEXT_SIZE]) __attribute__((warn_unused_result));

/* Kill it, without a callback, and empty its batch. */
void hook_run_kill(struct hook_run *);

#endif
