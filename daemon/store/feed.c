#include <string.h>

#include "daemon/store/epoch.h"
#include "daemon/store/message.h"
#include "daemon/store/private.h"
#include "daemon/store/sql/engine.h"

struct feed_op {
	struct store_op op;
	const char *account; /* NULL: all */
	const char *wanted;  /* epoch; NULL: any */
	char epoch[STORE_EPOCH_SIZE];
	int64_t after_id;
	unsigned limit;
	store_feed_cb done;
	void *arg;
	struct store_message_row *rows;
	size_t count;
	int64_t newest_id; /* before the rows were read */
};

/*
 * The highest id that was given: what is deleted leaves a tombstone.  It is
 * read before the rows, so that all up to it are among them.
 */
static enum store_status
feed_read_newest(struct sql_db *db, struct feed_op *feed)
{
	static const char sql[] =
	    "SELECT max(id) FROM (SELECT max(id) AS id FROM message"
	    " UNION ALL SELECT max(id) FROM tombstone) AS newest";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	if (sql_step(&use) && !sql_column_is_null(&use, 0))
		feed->newest_id = sql_column_int(&use, 0);
	return sql_end(&use);
}

static void
feed_take(struct store_op *op, struct sql_statement *from)
{
	struct feed_op *feed = (struct feed_op *)op;

	feed->rows =
	    store_op_grow(op, feed->rows, feed->count, sizeof(*feed->rows));
	if (feed->rows != NULL)
		store_message_take(op, from, &feed->rows[feed->count++]);
}

static enum store_status
feed_read_rows(struct sql_db *db, struct feed_op *feed)
{
	static const char of_all[] =
	    "SELECT " STORE_MESSAGE_COLUMNS " FROM message JOIN account"
	    " ON account.id = message.account"
	    " WHERE message.id > ?1 ORDER BY message.id LIMIT ?2";
	static const char of_account[] =
	    "SELECT " STORE_MESSAGE_COLUMNS " FROM message JOIN account"
	    " ON account.id = message.account"
	    " WHERE message.id > ?1"
	    " AND message.account = (SELECT id FROM account WHERE name = ?3)"
	    " ORDER BY message.id LIMIT ?2";
	struct sql_statement use;

	sql_prepare(&use, db, feed->account == NULL ? of_all : of_account);
	sql_bind_int(&use, 1, feed->after_id);
	sql_bind_int(&use, 2, (int64_t)feed->limit + 1);
	if (feed->account != NULL)
		sql_bind_text(&use, 3, feed->account);
	return store_op_take_rows(&feed->op, &use, feed_take);
}

static enum store_status
feed_read(struct sql_db *db, struct store_op *op)
{
	struct feed_op *feed = (struct feed_op *)op;
	enum store_status status = feed_read_newest(db, feed);

	if (status == STORE_OK)
		status = store_epoch_get(db, feed->epoch);
	if (status != STORE_OK)
		return status;
	if (feed->wanted != NULL && strcmp(feed->wanted, feed->epoch) != 0)
		return STORE_NOT_FOUND;
	if (feed->after_id > feed->newest_id)
		return STORE_NOT_FOUND;
	return feed_read_rows(db, feed);
}

/*
 * A page that ends for want of rows has seen all up to the newest id, whosever
 * they are.
 */
static int64_t
feed_next_id(const struct feed_op *feed, const struct store_feed_page *page)
{
	int64_t last =
	    page->count > 0 ? page->rows[page->count - 1].id : feed->after_id;

	return page->has_more || feed->newest_id < last ? last
							: feed->newest_id;
}

static void
feed_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct feed_op *feed = (struct feed_op *)op;
	struct store_feed_page page = { .newest_id = feed->newest_id,
		.epoch = feed->epoch,
		.is_other_epoch = feed->wanted != NULL &&
				  strcmp(feed->wanted, feed->epoch) != 0 };

	(void)store;
	if (status == STORE_OK) {
		page.has_more = feed->count > feed->limit;
		page.rows = feed->rows;
		page.count = page.has_more ? feed->limit : feed->count;
		page.next_id = feed_next_id(feed, &page);
	}
	feed->done(status, &page, feed->arg);
}

static const struct store_op_type feed_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = feed_read,
	.answer = feed_answer,
};

void
store_feed(struct store *store, const char *account, const char *epoch,
    int64_t after_id, unsigned limit, store_feed_cb done, void *arg)
{
	static const struct store_feed_page none = { .epoch = "" };
	struct feed_op *feed = store_op_new(&feed_type, sizeof(*feed));

	if (feed == NULL) {
		done(STORE_MEMORY, &none, arg);
		return;
	}
	feed->account = store_op_text(&feed->op, account);
	feed->wanted = store_op_text(&feed->op, epoch);
	feed->after_id = after_id;
	feed->limit = store_page_limit(limit);
	feed->done = done;
	feed->arg = arg;
	store_ask(store, &feed->op, arg);
}
