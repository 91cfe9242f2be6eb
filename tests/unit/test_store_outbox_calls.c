#include "tests/unit/test_store_outbox_calls.h"

#include <stdio.h>
#include <string.h>

void
outbox_route(struct fixture *fixture, bool deletes, const char *one,
    const char *two, const char *three)
{
	const char *targets[] = { one, two, three };
	const struct store_delivering home = { .account = "home",
		.targets = targets,
		.target_count = one == NULL     ? 0
				: two == NULL   ? 1
				: three == NULL ? 2
						: 3,
		.deletes_delivered = deletes };
	struct answer answer = { .done = false };

	store_outbox_configure(fixture->store, &home, 1, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
}

static void
take_due(enum store_status status, const struct store_outbox_due *rows,
    size_t count, bool more, int64_t next_ms, void *arg)
{
	struct taken *taken = arg;
	size_t filled = 0;

	*taken = (struct taken){ .status = status,
		.more = more,
		.count = count,
		.next_ms = next_ms };
	for (size_t i = 0; i < count; i++) {
		const struct store_outbox_due *row = &rows[i];

		assert_true(row->id > taken->last_id);
		assert_true(row->stored_ms > INT64_C(1700000000000));
		taken->last_id = row->id;
		filled += (size_t)snprintf(taken->text + filled,
		    sizeof(taken->text) - filled, "%s%lld/%u/",
		    i > 0 ? " " : "", (long long)row->message_id,
		    row->attempts);
		if (row->body != NULL)
			filled += (size_t)snprintf(taken->text + filled,
			    sizeof(taken->text) - filled, "%.*s",
			    (int)row->octets, (const char *)row->body);
		else
			filled += (size_t)snprintf(taken->text + filled,
			    sizeof(taken->text) - filled, "%llu",
			    (unsigned long long)row->octets);
		filled += (size_t)snprintf(taken->text + filled,
		    sizeof(taken->text) - filled, "%s%s%s",
		    row->may_be_there ? "?" : "", row->note[0] ? "=" : "",
		    row->note);
	}
	taken->done = true;
}

struct taken
outbox_take_of(struct fixture *fixture, const struct store_outbox_want *want)
{
	struct taken taken = { .done = false };

	store_outbox_take(fixture->store, want, take_due, &taken);
	fixture_wait(fixture, &taken.done);
	return taken;
}

struct taken
outbox_take(struct fixture *fixture, const char *target, int64_t now_ms,
    bool is_ordered)
{
	const struct store_outbox_want want = { .target = target,
		.now_ms = now_ms,
		.limit = 10,
		.octets = 1024,
		.is_ordered = is_ordered };
	const struct taken taken = outbox_take_of(fixture, &want);

	assert_int_equal(taken.status, STORE_OK);
	return taken;
}

int64_t
outbox_id(struct fixture *fixture, int64_t message, const char *target)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
	    "SELECT outbox.id FROM outbox JOIN target"
	    " ON target.id = outbox.target WHERE message = %lld"
	    " AND target.name = '%s'",
	    (long long)message, target);
	return fixture_integer(fixture, sql);
}

void
outbox_settle(struct fixture *fixture, int64_t id,
    enum store_outbox_state state, int64_t due_ms, const char *answer)
{
	const struct store_outbox_result result = { .id = id,
		.state = state,
		.due_ms = due_ms,
		.is_attempt = true,
		.answer = answer };
	struct answer done = { .done = false };

	store_outbox_settle(fixture->store, &result, 1, answer_done, &done);
	fixture_wait(fixture, &done.done);
	assert_int_equal(done.status, STORE_OK);
}

void
outbox_expect(struct fixture *fixture, const char *target, const char *figures)
{
	static const char counted[] =
	    "SELECT waiting || '/' || delivered || '/' || refused || '/' ||"
	    " dropped FROM target WHERE name = '%s'";
	static const char rows[] =
	    "SELECT count(CASE WHEN state = 0 THEN 1 END) || '/' ||"
	    " count(CASE WHEN state = 1 THEN 1 END) || '/' ||"
	    " count(CASE WHEN state = 2 THEN 1 END) || '/' ||"
	    " count(CASE WHEN state = 3 THEN 1 END) FROM outbox JOIN target"
	    " ON target.id = outbox.target WHERE target.name = '%s'";
	char sql[512];

	snprintf(sql, sizeof(sql), counted, target);
	fixture_expect_text(fixture, sql, figures);
	snprintf(sql, sizeof(sql), rows, target);
	fixture_expect_text(fixture, sql, figures);
}
