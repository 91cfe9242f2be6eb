#include "daemon/store/verify_outbox.h"

#include <inttypes.h>

static enum store_status
verify_rows(struct sql_db *db, struct store_checker *checker)
{
	static const char sql[] =
	    "SELECT outbox.id, outbox.message, outbox.state,"
	    " message.id IS NULL FROM outbox LEFT JOIN message"
	    " ON message.id = outbox.message"
	    "  AND message.account = outbox.account"
	    " WHERE message.id IS NULL OR outbox.state NOT BETWEEN 0 AND 3";
	struct sql_statement use;

	sql_prepare_once(&use, db, sql);
	while (sql_step(&use)) {
		if (sql_column_int(&use, 3) != 0)
			store_checker_problem(checker,
			    "row %" PRId64 " of the outbox refers to message "
			    "%" PRId64 ", which does not exist",
			    sql_column_int(&use, 0), sql_column_int(&use, 1));
		else
			store_checker_problem(checker,
			    "row %" PRId64 " of the outbox has the state "
			    "%" PRId64 ", which does not exist",
			    sql_column_int(&use, 0), sql_column_int(&use, 2));
	}
	return sql_end(&use);
}

/* In the order of the counters: the statement knows the states by number. */
static enum store_status
verify_counters(struct sql_db *db, struct store_checker *checker)
{
	static const char sql[] =
	    "SELECT target.name, target.waiting, target.delivered,"
	    " target.refused, target.dropped, coalesce(counted.waiting, 0),"
	    " coalesce(counted.delivered, 0), coalesce(counted.refused, 0),"
	    " coalesce(counted.dropped, 0) FROM target LEFT JOIN (SELECT "
	    "target,"
	    "  count(CASE WHEN state = 0 THEN 1 END) AS waiting,"
	    "  count(CASE WHEN state = 1 THEN 1 END) AS delivered,"
	    "  count(CASE WHEN state = 2 THEN 1 END) AS refused,"
	    "  count(CASE WHEN state = 3 THEN 1 END) AS dropped"
	    "  FROM outbox GROUP BY target) AS counted"
	    " ON counted.target = target.id";
	static const char *const names[] = { "waiting", "delivered", "refused",
		"dropped" };
	struct sql_statement use;

	sql_prepare_once(&use, db, sql);
	while (sql_step(&use))
		for (int i = 0; i < 4; i++) {
			const int64_t says = sql_column_int(&use, 1 + i);
			const int64_t are = sql_column_int(&use, 5 + i);

			if (says != are)
				store_checker_problem(checker,
				    "target %s: %" PRId64
				    " messages are %s, its row says %" PRId64,
				    sql_column_text(&use, 0), are, names[i],
				    says);
		}
	return sql_end(&use);
}

enum store_status
store_verify_outbox(struct sql_db *db, struct store_checker *checker)
{
	enum store_status status = verify_rows(db, checker);

	return status == STORE_OK ? verify_counters(db, checker) : status;
}
