#include "daemon/store/private.h"
#include "daemon/store/question.h"
#include "daemon/store/sql/engine.h"

/* ---- what is known by unique-ids ---- */

struct subjects_op {
	struct store_op op;
	const char *account;
	struct store_known *known;
	const char **subjects;
	size_t count, done_count;
	store_subjects_cb done;
	void *arg;
};

static void
subjects_take(struct store_op *op, struct sql_statement *from)
{
	struct subjects_op *subjects = (struct subjects_op *)op;

	subjects->subjects[subjects->done_count] =
	    store_op_column_text(op, from, 0);
}

static enum store_status
subjects_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT message.subject FROM uid"
	    " JOIN message ON message.id = uid.message"
	    " WHERE uid.account = (SELECT id FROM account WHERE name = ?1)"
	    " AND uid.unique_id = ?2 AND uid.occurrence = ?3";
	struct subjects_op *subjects = (struct subjects_op *)op;
	enum store_status status = STORE_OK;
	struct sql_statement use;

	for (size_t i = 0; i < subjects->count && status == STORE_OK; i++) {
		const struct store_known *known = &subjects->known[i];

		subjects->subjects[i] = NULL;
		subjects->done_count = i;
		if (known->unique_id == NULL)
			continue;
		sql_prepare(&use, db, sql);
		sql_bind_text(&use, 1, subjects->account);
		sql_bind_blob(
		    &use, 2, known->unique_id, known->unique_id_length);
		sql_bind_int(&use, 3, known->occurrence);
		status = store_op_take_rows(op, &use, subjects_take);
	}
	return status;
}

static void
subjects_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct subjects_op *subjects = (struct subjects_op *)op;

	(void)store;
	subjects->done(status, subjects->subjects,
	    status == STORE_OK ? subjects->count : 0, subjects->arg);
}

static const struct store_op_type subjects_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = subjects_read,
	.answer = subjects_answer,
};

/* False without memory. */
static bool
subjects_copy(struct subjects_op *subjects, const struct store_known *known)
{
	struct store_op *op = &subjects->op;
	size_t count = subjects->count;

	subjects->known = evpop_arena_take(
	    store_op_arena(op), (count + 1) * sizeof(*subjects->known));
	subjects->subjects = evpop_arena_take(
	    store_op_arena(op), (count + 1) * sizeof(*subjects->subjects));
	if (subjects->known == NULL || subjects->subjects == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		subjects->known[i] = known[i];
		subjects->known[i].unique_id = store_op_bytes(
		    op, known[i].unique_id, known[i].unique_id_length);
	}
	return true;
}

void
store_subjects(struct store *store, const char *account,
    const struct store_known *known, size_t count, store_subjects_cb done,
    void *arg)
{
	struct subjects_op *subjects =
	    store_op_new(&subjects_type, sizeof(*subjects));

	if (subjects == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	subjects->account = store_op_text(&subjects->op, account);
	subjects->count = count;
	subjects->done = done;
	subjects->arg = arg;
	if (!subjects_copy(subjects, known))
		(void)store_op_fail(&subjects->op, STORE_MEMORY);
	store_ask(store, &subjects->op, arg);
}
