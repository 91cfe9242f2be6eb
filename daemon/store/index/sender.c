#include "daemon/store/index/sender.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/fold.h"
#include "daemon/store/meta.h"
#include "daemon/store/queue.h"
#include "lib/base/clock.h"

/* Of one transaction; a commit hardly waits longer. */
#define STEP_MS 10

/* The last message whose sender is there. */
#define INDEXED "senders_indexed"

/* ---- filling ---- */

static enum store_status
sender_find(struct sql_db *db, const char *folded, int64_t *id_r)
{
	static const char sql[] = "SELECT id FROM sender WHERE folded = ?1";
	struct sql_statement use;

	*id_r = 0;
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, folded);
	return sql_run_integer(&use, id_r);
}

static enum store_status
sender_add(struct sql_db *db, const char *folded, int64_t *id_r)
{
	static const char row[] = "INSERT INTO sender(folded) VALUES(?1)";
	static const char words[] =
	    "INSERT INTO sender_text(rowid, folded) VALUES(?1, ?2)";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, row);
	sql_bind_text(&use, 1, folded);
	status = sql_run_insert(&use, id_r);
	if (status != STORE_OK)
		return status;
	sql_prepare(&use, db, words);
	sql_bind_int(&use, 1, *id_r);
	sql_bind_text(&use, 2, folded);
	return sql_run(&use);
}

static enum store_status
sender_note(struct sql_db *db, int64_t sender, int64_t message)
{
	static const char sql[] =
	    "INSERT INTO sent(sender, message) VALUES(?1, ?2)"
	    " ON CONFLICT DO NOTHING";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, sender);
	sql_bind_int(&use, 2, message);
	return sql_run(&use);
}

static enum store_status
sender_add_message(struct sql_db *db, int64_t message, const char *text)
{
	char *folded = store_fold(text);
	enum store_status status;
	int64_t sender = 0;

	if (folded == NULL)
		return STORE_MEMORY;
	status = sender_find(db, folded, &sender);
	if (status == STORE_OK && sender == 0)
		status = sender_add(db, folded, &sender);
	free(folded);
	return status == STORE_OK ? sender_note(db, sender, message) : status;
}

enum store_status
store_sender_indexed(struct sql_db *db, int64_t *id_r)
{
	return store_meta_get(db, INDEXED, id_r);
}

enum store_status
store_sender_step(struct sql_db *db, struct store_queue *queue, bool *more_r)
{
	static const char sql[] =
	    "SELECT id, sender FROM message WHERE id > ?1 ORDER BY id";
	const int64_t end_ms = evpop_clock_monotonic_ms() + STEP_MS;
	enum store_status taken = STORE_OK, status;
	int64_t before, id;
	struct sql_statement use;

	*more_r = true;
	status = store_sender_indexed(db, &before);
	if (status != STORE_OK)
		return status;
	id = before;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, before);
	do {
		const char *text;

		*more_r = sql_step(&use);
		if (!*more_r)
			break;
		id = sql_column_int(&use, 0);
		text = sql_column_text(&use, 1);
		if (text != NULL)
			taken = sender_add_message(db, id, text);
	} while (taken == STORE_OK && store_queue_is_empty(queue) &&
		 evpop_clock_monotonic_ms() < end_ms);
	status = sql_end(&use);
	if (status == STORE_OK)
		status = taken;
	if (status == STORE_OK && id != before)
		status = store_meta_set(db, INDEXED, id);
	return status;
}

const char store_sender_restart_sql[] =
    "INSERT INTO sender_text(sender_text) VALUES('delete-all');"
    "DELETE FROM sender;"
    "DELETE FROM sent;"
    "DELETE FROM meta WHERE key = '" INDEXED "';";

/* ---- finding ---- */

/*
 * Only the rarest trigrams of a part are looked up: each costs a walk through
 * all senders that have it, and the sender's text is compared anyway.  The
 * latest senders tell which are rare.
 */
#define TRIGRAMS_USED 4
#define TRIGRAMS_MOST 64
#define SAMPLE        512

struct trigram {
	const char *at; /* in the part */
	size_t length;
	unsigned seen; /* senders of the sample that have it */
};

/* The octets of a character, as UTF-8 says at its first. */
static size_t
character_length(const char *at)
{
	size_t length = 1;

	while (((unsigned char)at[length] & 0xc0) == 0x80)
		length++;
	return length;
}

/* Three characters; 0 where there are fewer. */
static size_t
trigram_length(const char *at)
{
	size_t length = 0;

	for (int i = 0; i < 3; i++) {
		if (at[length] == '\0')
			return 0;
		length += character_length(at + length);
	}
	return length;
}

static size_t
trigrams_cut(const char *part, struct trigram trigrams[TRIGRAMS_MOST])
{
	size_t count = 0, length;

	while (count < TRIGRAMS_MOST && (length = trigram_length(part)) > 0) {
		trigrams[count++] =
		    (struct trigram){ .at = part, .length = length };
		part += character_length(part);
	}
	return count;
}

static enum store_status
trigrams_count_seen(struct sql_db *db, struct trigram *trigrams, size_t count)
{
	static const char sql[] =
	    "SELECT folded FROM sender ORDER BY id DESC LIMIT ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, SAMPLE);
	while (sql_step(&use)) {
		const char *text = sql_column_text(&use, 0);
		size_t length = text != NULL ? strlen(text) : 0;

		for (size_t i = 0; text != NULL && i < count; i++)
			trigrams[i].seen += memmem(text, length, trigrams[i].at,
						trigrams[i].length) != NULL;
	}
	return sql_end(&use);
}

static int
trigrams_compare_seen(const void *one, const void *other)
{
	const struct trigram *a = one, *b = other;

	if (a->seen != b->seen)
		return a->seen < b->seen ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static size_t
trigram_quote(char *to, const struct trigram *trigram)
{
	size_t filled = 0;

	to[filled++] = '"';
	for (size_t i = 0; i < trigram->length; i++) {
		if (trigram->at[i] == '"')
			to[filled++] = '"';
		to[filled++] = trigram->at[i];
	}
	to[filled++] = '"';
	to[filled++] = ' ';
	return filled;
}

/* All must occur, in any order; "" where the part is too short. */
static enum store_status
sender_compose_match(
    struct sql_db *db, const char *part, char match_r[STORE_SENDER_MATCH_SIZE])
{
	struct trigram trigrams[TRIGRAMS_MOST];
	size_t count = trigrams_cut(part, trigrams), filled = 0;
	enum store_status status = STORE_OK;

	if (count > TRIGRAMS_USED) {
		status = trigrams_count_seen(db, trigrams, count);
		qsort(trigrams, count, sizeof(trigrams[0]),
		    trigrams_compare_seen);
		count = TRIGRAMS_USED;
	}
	for (size_t i = 0; i < count; i++)
		filled += trigram_quote(match_r + filled, &trigrams[i]);
	match_r[filled] = '\0';
	return status;
}

enum store_status
store_sender_use(
    struct store_sender_use *senders, struct sql_db *db, const char *part)
{
	static const char by_words[] =
	    "SELECT sender.id FROM sender_text CROSS JOIN sender"
	    " ON sender.id = sender_text.rowid"
	    " WHERE sender_text MATCH ?2 AND instr(sender.folded, ?1)";
	static const char one_by_one[] =
	    "SELECT id FROM sender WHERE instr(folded, ?1)";

	enum store_status status =
	    sender_compose_match(db, part, senders->match);

	if (status != STORE_OK)
		return status;
	sql_prepare(&senders->use, db,
	    senders->match[0] != '\0' ? by_words : one_by_one);
	sql_bind_text(&senders->use, 1, part);
	if (senders->match[0] != '\0')
		sql_bind_text(&senders->use, 2, senders->match);
	return STORE_OK;
}

int64_t
store_sender_next(struct store_sender_use *senders)
{
	return sql_step(&senders->use) ? sql_column_int(&senders->use, 0) : 0;
}

enum store_status
store_sender_end(struct store_sender_use *senders)
{
	return sql_end(&senders->use);
}
