#include "daemon/deliver/filing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/deliver/path.h"
#include "daemon/deliver/worker.h"
#include "lib/base/clock.h"

/* Octets that wait for the thread: then reading pauses. */
#define FILING_WAITING ((size_t)1024 * 1024)

/* Parcels, and one look without a parcel. */
#define ERRANDS (FILING_DEPTH + 1)

enum task_kind {
	TASK_PIECE = 0,
	TASK_WHOLE, /* there are no more pieces */
	TASK_NOTED, /* its wish is durable */
	TASK_CUT,   /* it is not to be put anywhere */
	TASK_PROBE
};

struct task {
	struct worker_job job;
	enum task_kind kind;
	struct errand *errand;
	bool has_failed; /* the answer to a piece: no others are wanted */
	bool has_wish;
	size_t length;
	char bytes[];
};

/* What failed on the loop. */
enum fault {
	FAULT_NONE = 0,
	FAULT_UNREAD,
	FAULT_NO_MEMORY,
	FAULT_NOT_NOTED,
	FAULT_NO_THREAD
};

/* A parcel on its way through the thread, or a probe. */
struct errand {
	TAILQ_ENTRY(errand) entry;
	struct letter *letter; /* NULL: the errand is free */
	struct task *last;     /* answered when it is over */

	/* The loop's. */
	struct filing *filing;
	struct parcel *parcel;
	enum fault fault;

	/* The thread's. */
	void *file;
	bool is_begun;
};
TAILQ_HEAD(errands, errand);

/* What the thread works with; it goes when that has ended. */
struct desk {
	const struct filing_kind *kind;
	struct filing_options options;
	void *files;
	struct errand all[ERRANDS];
	struct task **group;
	void **group_files;
	size_t grouped;
};

struct filing {
	struct carrier_setup setup;
	struct desk *desk;
	struct worker *worker;
	struct event *failing; /* answers what never came to the thread */

	struct errands free, unread, failed;
	struct errand *reading;
	bool is_awaiting; /* parcel_next() has not answered */
	bool is_inside;   /* filing_read() runs */
	size_t octets;    /* that wait for the thread */
};

/* ---- the thread's side ---- */

static void
desk_drop_file(struct desk *desk, struct errand *errand)
{
	if (errand->file != NULL)
		desk->kind->abandon(desk->files, errand->file);
	errand->file = NULL;
}

static void
desk_begin_file(struct desk *desk, struct errand *errand)
{
	if (errand->is_begun)
		return;
	errand->is_begun = true;
	errand->file = desk->kind->begin(desk->files, errand->letter);
}

static void
desk_write(struct desk *desk, struct task *task)
{
	struct errand *errand = task->errand;

	desk_begin_file(desk, errand);
	if (errand->file != NULL &&
	    !desk->kind->write(
		desk->files, errand->file, task->bytes, task->length))
		desk_drop_file(desk, errand);
	task->has_failed = errand->file == NULL;
	worker_answer(desk->options.worker, &task->job);
}

/* The errand is over. */
static void
desk_answer(struct desk *desk, struct task *task)
{
	const struct letter *letter = task->errand->letter;

	if (letter->has_own_path &&
	    letter->fate->result.outcome == CARRIED_LATER)
		path_check_common(&desk->options, letter);
	worker_answer(desk->options.worker, &task->job);
}

static void
desk_commit(struct desk *desk)
{
	for (size_t i = 0; i < desk->grouped; i++) {
		desk->group_files[i] = desk->group[i]->errand->file;
		desk->group[i]->errand->file = NULL;
	}
	desk->kind->commit(desk->files, desk->group_files, desk->grouped);
	for (size_t i = 0; i < desk->grouped; i++)
		desk_answer(desk, desk->group[i]);
	desk->grouped = 0;
}

static void
desk_put_into_group(struct desk *desk, struct task *task)
{
	desk->group[desk->grouped++] = task;
	if (desk->grouped == desk->kind->group)
		desk_commit(desk);
}

static void
desk_finish(struct desk *desk, struct task *task)
{
	struct errand *errand = task->errand;

	desk_begin_file(desk, errand);
	if (errand->file != NULL &&
	    !desk->kind->finish(desk->files, errand->file))
		desk_drop_file(desk, errand);
	if (errand->file == NULL) {
		desk_answer(desk, task);
		return;
	}
	task->has_wish = errand->letter->fate->wish[0] != '\0';
	if (task->has_wish)
		worker_answer(desk->options.worker, &task->job);
	else
		desk_put_into_group(desk, task);
}

static void
desk_run(struct worker_job *job, void *arg)
{
	struct task *task = (struct task *)job;
	struct desk *desk = arg;

	switch (task->kind) {
	case TASK_PIECE:
		desk_write(desk, task);
		break;
	case TASK_WHOLE:
		desk_finish(desk, task);
		break;
	case TASK_NOTED:
		desk_put_into_group(desk, task);
		break;
	case TASK_CUT:
		desk_drop_file(desk, task->errand);
		desk_answer(desk, task);
		break;
	case TASK_PROBE:
		desk->kind->probe(desk->files, task->errand->letter);
		worker_answer(desk->options.worker, &task->job);
		break;
	}
}

static void
desk_rest(void *arg)
{
	struct desk *desk = arg;

	if (desk->grouped > 0)
		desk_commit(desk);
}

static void
desk_free(struct desk *desk)
{
	for (size_t i = 0; i < ERRANDS; i++) {
		desk_drop_file(desk, &desk->all[i]);
		letter_free(desk->all[i].letter);
		free(desk->all[i].last);
	}
	if (desk->files != NULL)
		desk->kind->close(desk->files);
	free(desk->options.name);
	free(desk->options.path);
	free(desk->group);
	free(desk->group_files);
	free(desk);
}

static void
desk_ended(void *arg)
{
	desk_free(arg);
}

static void
desk_drop(struct worker_job *job, void *arg)
{
	struct task *task = (struct task *)job;

	(void)arg;
	if (task->kind == TASK_PIECE)
		free(task);
}

/* ---- answers ---- */

static void
filing_result(const struct errand *errand, struct carried_result *result_r)
{
	static const char *const words[] = {
		[FAULT_UNREAD] = "the message cannot be read",
		[FAULT_NO_MEMORY] = "there is not enough memory",
		[FAULT_NOT_NOTED] = "the store cannot note where it goes",
		[FAULT_NO_THREAD] = "no thread can be started",
	};

	*result_r = (struct carried_result){ .outcome = CARRIED_DOWN,
		.answer = words[errand->fault] };
	if (errand->fault == FAULT_UNREAD)
		result_r->outcome = CARRIED_UNREAD;
	else if (errand->fault == FAULT_NOT_NOTED)
		result_r->outcome = CARRIED_LATER;
	else if (errand->fault == FAULT_NONE)
		*result_r = errand->letter->fate->result;
}

/* The filing may be gone afterwards. */
static void
filing_answer(struct filing *filing, struct errand *errand)
{
	struct letter *letter = errand->letter;
	struct parcel *parcel = errand->parcel;
	struct carried_result result;

	filing_result(errand, &result);
	free(errand->last);
	errand->last = NULL;
	errand->letter = NULL;
	errand->parcel = NULL;
	errand->is_begun = false;
	TAILQ_INSERT_TAIL(&filing->free, errand, entry);
	filing->setup.carried(parcel, &result, filing->setup.arg);
	letter_free(letter);
}

/* It never came to the thread. */
static void
filing_fail(struct filing *filing, struct errand *errand, enum fault fault)
{
	errand->fault = fault;
	TAILQ_INSERT_TAIL(&filing->failed, errand, entry);
	event_active(filing->failing, EV_TIMEOUT, 0);
}

static void
filing_answer_failed(evutil_socket_t fd, short what, void *arg)
{
	struct filing *filing = arg;
	struct errand *errand = TAILQ_FIRST(&filing->failed);

	(void)fd;
	(void)what;
	if (errand == NULL)
		return;
	TAILQ_REMOVE(&filing->failed, errand, entry);
	if (!TAILQ_EMPTY(&filing->failed))
		event_active(filing->failing, EV_TIMEOUT, 0);
	filing_answer(filing, errand);
}

/* ---- the loop's side ---- */

/* The last task of an errand. */
static void
filing_push_last(
    struct filing *filing, struct errand *errand, enum task_kind kind)
{
	errand->last->kind = kind;
	if (!worker_push(filing->worker, &errand->last->job))
		filing_fail(filing, errand, FAULT_NO_THREAD);
}

static void
filing_cut(struct filing *filing, struct errand *errand, enum fault fault)
{
	errand->fault = fault;
	filing_push_last(filing, errand, TASK_CUT);
}

static bool
filing_push_piece(
    struct filing *filing, const unsigned char *octets, size_t length)
{
	struct task *task = malloc(sizeof(*task) + length);

	if (task == NULL)
		return false;
	memset(task, 0, sizeof(*task));
	task->kind = TASK_PIECE;
	task->errand = filing->reading;
	task->length = length;
	memcpy(task->bytes, octets, length);
	if (!worker_push(filing->worker, &task->job)) {
		free(task);
		return false;
	}
	filing->octets += length;
	return true;
}

static void filing_read(struct filing *);

static void
filing_piece(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct filing *filing = arg;
	struct errand *errand = filing->reading;

	filing->is_awaiting = false;
	if (read != PARCEL_PIECE)
		filing->reading = NULL;
	if (read == PARCEL_END) {
		filing_push_last(filing, errand, TASK_WHOLE);
	} else if (read == PARCEL_FAILED) {
		filing_cut(filing, errand, FAULT_UNREAD);
	} else if (!filing_push_piece(filing, octets, length)) {
		filing->reading = NULL;
		filing_cut(filing, errand, FAULT_NO_MEMORY);
	}
	filing_read(filing);
}

static void
filing_read(struct filing *filing)
{
	if (filing->is_inside)
		return;
	filing->is_inside = true;
	while (!filing->is_awaiting && filing->octets < FILING_WAITING) {
		if (filing->reading == NULL) {
			filing->reading = TAILQ_FIRST(&filing->unread);
			if (filing->reading == NULL)
				break;
			TAILQ_REMOVE(&filing->unread, filing->reading, entry);
		}
		filing->is_awaiting = true;
		parcel_next(filing->reading->parcel, filing_piece, filing);
	}
	filing->is_inside = false;
}

static void
filing_noted(bool is_durable, void *arg)
{
	struct errand *errand = arg;

	if (is_durable)
		filing_push_last(errand->filing, errand, TASK_NOTED);
	else
		filing_cut(errand->filing, errand, FAULT_NOT_NOTED);
}

static void
filing_piece_written(struct filing *filing, struct task *task)
{
	struct errand *errand = task->errand;
	bool has_failed = task->has_failed;

	filing->octets -= task->length;
	free(task);
	/* The rest is of no use. */
	if (has_failed && filing->reading == errand) {
		parcel_stop(errand->parcel);
		filing->is_awaiting = false;
		filing->reading = NULL;
		filing_push_last(filing, errand, TASK_CUT);
	}
	filing_read(filing);
}

static void
filing_answered(struct worker_job *job, void *arg)
{
	struct task *task = (struct task *)job;
	struct errand *errand = task->errand;
	struct filing *filing = errand->filing;

	(void)arg;
	if (task->kind == TASK_PIECE) {
		filing_piece_written(filing, task);
	} else if (task->kind == TASK_WHOLE && task->has_wish) {
		parcel_note(errand->parcel, errand->letter->fate->wish,
		    filing_noted, errand);
	} else {
		filing_answer(filing, errand);
	}
}

static const struct worker_handler filing_handler = { desk_run, desk_rest,
	filing_answered, desk_drop, desk_ended };

/* ---- the carrier ---- */

static struct desk *
desk_new(const struct filing_kind *kind, const struct config_target *target)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	if (desk == NULL)
		return NULL;
	desk->kind = kind;
	desk->options.line_ends = target->line_ends;
	desk->options.mode = target->mode != 0 ? target->mode : 0600;
	desk->options.timeout_ms = target->timeout_ms;
	desk->options.begun_ms = evpop_clock_unix_ms();
	desk->options.name = strdup(target->name);
	desk->options.path = strdup(target->path);
	desk->group = calloc(kind->group, sizeof(desk->group[0]));
	desk->group_files = calloc(kind->group, sizeof(desk->group_files[0]));
	if (desk->options.name != NULL && desk->options.path != NULL)
		desk->files = kind->open(&desk->options);
	if (desk->files != NULL && desk->group != NULL &&
	    desk->group_files != NULL)
		return desk;
	desk_free(desk);
	return NULL;
}

struct carrier *
filing_begin(const struct filing_kind *kind, const struct carrier_setup *setup)
{
	struct filing *filing = calloc(1, sizeof(*filing));

	if (filing == NULL)
		return NULL;
	filing->setup = *setup;
	TAILQ_INIT(&filing->free);
	TAILQ_INIT(&filing->unread);
	TAILQ_INIT(&filing->failed);
	filing->failing =
	    event_new(setup->base, -1, 0, filing_answer_failed, filing);
	if (filing->failing != NULL)
		filing->desk = desk_new(kind, setup->target);
	if (filing->desk != NULL)
		filing->worker =
		    worker_new(setup->base, &filing_handler, filing->desk);
	if (filing->worker == NULL) {
		if (filing->desk != NULL)
			desk_free(filing->desk);
		if (filing->failing != NULL)
			event_free(filing->failing);
		free(filing);
		return NULL;
	}
	filing->desk->options.worker = filing->worker;
	for (size_t i = 0; i < ERRANDS; i++)
		TAILQ_INSERT_TAIL(&filing->free, &filing->desk->all[i], entry);
	return (struct carrier *)filing;
}

/* NULL, and it will be answered, where there is no memory. */
static struct errand *
filing_errand(struct filing *filing, struct parcel *parcel)
{
	struct errand *errand = TAILQ_FIRST(&filing->free);

	assert(errand != NULL);
	TAILQ_REMOVE(&filing->free, errand, entry);
	errand->filing = filing;
	errand->parcel = parcel;
	errand->fault = FAULT_NONE;
	errand->last = calloc(1, sizeof(*errand->last));
	errand->letter = letter_new(
	    parcel, filing->desk->options.path, filing->setup.target->folder);
	if (errand->last != NULL && errand->letter != NULL) {
		errand->last->errand = errand;
		return errand;
	}
	filing_fail(filing, errand, FAULT_NO_MEMORY);
	return NULL;
}

void
filing_carry(struct carrier *carrier, struct parcel *parcel)
{
	struct filing *filing = (struct filing *)carrier;
	struct errand *errand = filing_errand(filing, parcel);

	if (errand == NULL)
		return;
	TAILQ_INSERT_TAIL(&filing->unread, errand, entry);
	filing_read(filing);
}

void
filing_probe(struct carrier *carrier)
{
	struct filing *filing = (struct filing *)carrier;
	struct errand *errand = filing_errand(filing, NULL);

	if (errand != NULL)
		filing_push_last(filing, errand, TASK_PROBE);
}

void
filing_end(struct carrier *carrier)
{
	struct filing *filing = (struct filing *)carrier;

	for (size_t i = 0; i < ERRANDS; i++)
		if (filing->desk->all[i].parcel != NULL)
			parcel_stop(filing->desk->all[i].parcel);
	event_free(filing->failing);
	worker_free(&filing->worker);
	free(filing);
}
