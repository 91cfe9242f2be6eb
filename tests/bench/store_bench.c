/*
 * The store alone: puts mail into a new file, many messages under way at once
 * as the poller has them or each with a commit of its own, and prints what
 * that took.  The values that the store's files give reasons for were chosen
 * by it; store_bench.py runs it in turns and compares.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/notify/notify.h"
#include "daemon/store/outbox.h"
#include "tests/bench/mail.h"

/* What a transport hands on at a time. */
#define SPAN ((size_t)16 * 1024)

static const char usage[] =
    "usage: store_bench [-n COUNT] [-s OCTETS] [-f MESSAGES] [-a COUNT]"
    " [-w MS] [-l LEVEL] [-p PAGE] [-k] [-t TARGETS] STORE\n"
    "  -n  so many messages (1000)\n"
    "  -s  of about so many octets each (2048)\n"
    "  -f  instead, those of a file: each after its length and a line feed\n"
    "  -a  so many at a time (256); 1: each with a commit of its own\n"
    "  -w  wait after each of these, as between polls\n"
    "  -l  pack pieces at this level of zstd's (0: not)\n"
    "  -p  the file's page size (the store's own)\n"
    "  -k  seal it\n"
    "  -t  to be delivered to so many targets, and then delivered\n";

#define TARGETS_MAX 16
/* What a target takes from the store at a time. */
#define TAKE_ROWS   100
#define TAKE_OCTETS ((size_t)1024 * 1024)

struct message {
	unsigned char *bytes;
	size_t length;
};

struct bench {
	/* What to do. */
	const char *path, *file;
	size_t count, octets, at_once;
	size_t targets;
	int level, page, wait_ms;
	bool seals;

	struct message *messages;
	struct event_base *base;
	struct store *store;
	int64_t account;

	/* How far it is. */
	size_t begun, done;
	bool paused;
	bool is_empty; /* the outbox of the target */
	struct notify_subscription subscription;
};

static const char *const target_names[TARGETS_MAX] = { "a", "b", "c", "d", "e",
	"f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p" };

struct figures {
	double wall, cpu;
	uint64_t written;
};

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "store_bench: %s: %s\n", what, why);
	exit(1);
}

/* ---- messages ---- */

/* To decode it is a good part of the store's work. */
#define HEADER                                                           \
	"Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n" \
	"\tby pop.example.org with ESMTPS for <a@example.org>;\r\n"      \
	"\tMon, 2 Feb 2026 10:20:30 +0100\r\n"                           \
	"From: =?utf-8?q?J=C3=BCrgen_Berg?= <berg@example.com>\r\n"      \
	"To: Anna <a@example.org>, orders@example.org\r\n"               \
	"Subject: Order %zu for the week\r\n"                            \
	"Date: Mon, 2 Feb 2026 10:20:28 +0100\r\n"                       \
	"Message-ID: <%zu.8f2@example.com>\r\n"                          \
	"MIME-Version: 1.0\r\n"                                          \
	"Content-Type: text/plain; charset=utf-8\r\n"                    \
	"\r\n"

static void
make_message(struct message *message, size_t number, const unsigned char *text,
    size_t text_length)
{
	char head[sizeof(HEADER) + 50];
	size_t length =
	    (size_t)snprintf(head, sizeof(head), HEADER, number, number);

	message->length = length + text_length;
	message->bytes = malloc(message->length);
	if (message->bytes == NULL)
		fail("messages", "out of memory");
	memcpy(message->bytes, head, length);
	memcpy(message->bytes + length, text, text_length);
}

static void
make_messages(struct bench *bench)
{
	size_t length, rest = bench->octets > sizeof(HEADER)
				  ? bench->octets - sizeof(HEADER)
				  : 1;
	/* As in a mailbox: what is large is mostly attachments. */
	unsigned char *text =
	    mail_make(rest > 100000 ? MAIL_BASE64 : MAIL_TEXT, rest, &length);

	bench->messages = calloc(bench->count, sizeof(*bench->messages));
	if (bench->messages == NULL || text == NULL)
		fail("messages", "out of memory");
	for (size_t i = 0; i < bench->count; i++)
		make_message(&bench->messages[i], i, text, length);
	free(text);
}

static void
read_message(FILE *file, const char *name, struct message *message)
{
	message->bytes = malloc(message->length + 1);
	if (message->bytes == NULL)
		fail(name, "out of memory");
	if (fread(message->bytes, 1, message->length, file) != message->length)
		fail(name, "ends inside a message");
}

static void
read_messages(struct bench *bench)
{
	FILE *file = fopen(bench->file, "rb");
	char line[32];

	if (file == NULL)
		fail(bench->file, strerror(errno));
	bench->count = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		struct message *grown = realloc(bench->messages,
		    (bench->count + 1) * sizeof(*bench->messages));

		if (grown == NULL)
			fail(bench->file, "out of memory");
		bench->messages = grown;
		grown[bench->count].length = strtoul(line, NULL, 10);
		read_message(file, bench->file, &grown[bench->count]);
		bench->count++;
	}
	fclose(file);
}

static void
free_messages(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		free(bench->messages[i].bytes);
	free(bench->messages);
}

/* ---- the store ---- */

/* SQLite keeps the page size that a file has. */
static void
make_file(const struct bench *bench)
{
	char sql[80];
	sqlite3 *handle;

	if (bench->page == 0)
		return;
	snprintf(sql, sizeof(sql),
	    "PRAGMA page_size = %d; PRAGMA journal_mode = WAL", bench->page);
	if (sqlite3_open(bench->path, &handle) != SQLITE_OK ||
	    sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(bench->path, sqlite3_errmsg(handle));
	sqlite3_close(handle);
}

static void
take_account(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct bench *bench = arg;

	if (status != STORE_OK)
		fail("the account", store_status_name(status));
	bench->account = account->id;
	event_base_loopbreak(bench->base);
}

static void
routed(enum store_status status, void *arg)
{
	if (status != STORE_OK)
		fail("the outbox", store_status_name(status));
	event_base_loopbreak(((struct bench *)arg)->base);
}

static void
route(struct bench *bench)
{
	const struct store_delivering account = { .account = "bench",
		.targets = target_names,
		.target_count = bench->targets };

	store_outbox_configure(bench->store, &account, 1, routed, bench);
	event_base_dispatch(bench->base);
}

static void
drained(const struct notify_event *event, void *arg)
{
	(void)event;
	((struct bench *)arg)->paused = false;
	event_base_loopbreak(((struct bench *)arg)->base);
}

static void
open_store(struct bench *bench)
{
	/* A point of the curve; who has its secret half does not matter. */
	static const unsigned char seal_to[32] = { 9 };
	static const unsigned char digest_key[32] = "a key of the daemon's";
	const struct store_config config = { .path = bench->path,
		.pack_level = bench->level,
		.seal_to = bench->seals ? seal_to : NULL,
		.digest_key = bench->seals ? digest_key : NULL,
		.notify = notify_new() };
	struct store_error error;

	make_file(bench);
	notify_subscribe(config.notify, &bench->subscription,
	    NOTIFY_BIT(NOTIFY_STORE_DRAINED), drained, bench);
	bench->base = event_base_new();
	if (bench->base == NULL)
		fail("libevent", "out of memory");
	if (store_open(&bench->store, &config, bench->base, &error) != STORE_OK)
		fail(bench->path, error.text);
	store_account(bench->store, "bench", NULL, take_account, bench);
	event_base_dispatch(bench->base);
	if (bench->targets > 0)
		route(bench);
}

static void
stored(enum store_status status, int64_t id, enum store_taken taken, void *arg)
{
	struct bench *bench = arg;

	(void)id;
	if (status != STORE_OK || taken != STORE_TAKEN_NEW)
		fail("a message", store_status_name(status));
	bench->done++;
	event_base_loopbreak(bench->base);
}

/* As poll/ does: turn the loop while the store wants no more. */
static void
turn(struct bench *bench)
{
	if (event_base_dispatch(bench->base) == -1)
		fail("libevent", "the loop has failed");
}

static void
put(struct bench *bench, const struct message *message, size_t number)
{
	char id[40];
	int length = snprintf(id, sizeof(id), "%016" PRIx64 "-%zu",
	    (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15), number);
	const struct store_body_meta meta = { .account_id = bench->account,
		.unique_id = (const unsigned char *)id,
		.unique_id_length = (size_t)length,
		.state = STORE_UID_STORED,
		.octets_hint = message->length };
	struct store_body *body = store_body_new(bench->store, &meta);

	if (body == NULL)
		fail("a message", "out of memory");
	for (size_t at = 0; at < message->length; at += SPAN) {
		size_t rest = message->length - at;

		while (bench->paused)
			turn(bench);
		bench->paused =
		    store_body_append(body, message->bytes + at,
			rest < SPAN ? rest : SPAN) == STORE_FLOW_PAUSE;
	}
	store_body_commit(body, stored, bench);
}

static void
rest(const struct bench *bench)
{
	const struct timespec time = { bench->wait_ms / 1000,
		(long)(bench->wait_ms % 1000) * 1000000 };

	if (bench->wait_ms > 0 && bench->done == bench->begun)
		nanosleep(&time, NULL);
}

static void
put_all(struct bench *bench)
{
	while (bench->done < bench->count) {
		rest(bench);
		while (bench->begun < bench->count && !bench->paused &&
		       bench->begun - bench->done < bench->at_once) {
			put(bench, &bench->messages[bench->begun],
			    bench->begun);
			bench->begun++;
		}
		turn(bench);
	}
}

/* ---- deliveries ---- */

static void
due(enum store_status status, const struct store_outbox_due *rows, size_t count,
    bool more, int64_t next_ms, void *arg)
{
	struct store_outbox_result results[TAKE_ROWS];
	struct bench *bench = arg;

	(void)more;
	(void)next_ms;
	if (status != STORE_OK)
		fail("the outbox", store_status_name(status));
	bench->is_empty = count == 0;
	for (size_t i = 0; i < count; i++)
		results[i] = (struct store_outbox_result){ .id = rows[i].id,
			.state = STORE_OUTBOX_DELIVERED,
			.is_attempt = true,
			.answer = "250 2.0.0 Saved" };
	if (count > 0)
		store_outbox_settle(
		    bench->store, results, count, routed, bench);
	else
		event_base_loopbreak(bench->base);
}

static void
deliver_all(struct bench *bench)
{
	for (size_t i = 0; i < bench->targets; i++) {
		const struct store_outbox_want want = {
			.target = target_names[i],
			.now_ms = INT64_MAX,
			.limit = TAKE_ROWS,
			.octets = TAKE_OCTETS,
		};

		do {
			store_outbox_take(bench->store, &want, due, bench);
			event_base_dispatch(bench->base);
		} while (!bench->is_empty);
	}
}

/* ---- figures ---- */

/* Octets that this process has written, to whatever file system. */
static uint64_t
octets_written(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	uint64_t written = 0;
	char line[80];

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "wchar: ", 7) == 0)
			written = strtoull(line + 7, NULL, 10);
	fclose(file);
	return written;
}

static double
seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static struct figures
figures_now(void)
{
	struct figures now;
	struct rusage used;
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	getrusage(RUSAGE_SELF, &used);
	now.wall = (double)time.tv_sec + (double)time.tv_nsec / 1e9;
	now.cpu = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
	now.written = octets_written();
	return now;
}

static void
print(const struct bench *bench, const struct figures *start,
    const struct figures *end, const struct figures *delivered,
    uint64_t commits)
{
	struct figures closed = figures_now();
	struct stat found;
	uint64_t octets = 0;

	if (stat(bench->path, &found) != 0)
		fail(bench->path, strerror(errno));
	for (size_t i = 0; i < bench->count; i++)
		octets += bench->messages[i].length;
	printf("{\"messages\": %zu, \"octets\": %" PRIu64
	       ", \"seconds\": %.4f, \"cpu\": %.4f, \"commits\": %" PRIu64
	       ", \"closed_seconds\": %.4f, \"closed_cpu\": %.4f"
	       ", \"delivered_seconds\": %.4f, \"delivered_cpu\": %.4f"
	       ", \"file\": %lld, \"written\": %" PRIu64 "}\n",
	    bench->count, octets, end->wall - start->wall,
	    end->cpu - start->cpu, commits, closed.wall - start->wall,
	    closed.cpu - start->cpu, delivered->wall - end->wall,
	    delivered->cpu - end->cpu, (long long)found.st_size,
	    closed.written - start->written);
}

static void
run(struct bench *bench)
{
	struct figures start, end, delivered;
	struct store_stats stats;

	open_store(bench);
	start = figures_now();
	put_all(bench);
	end = figures_now();
	store_stats(bench->store, &stats);
	deliver_all(bench);
	delivered = figures_now();
	store_close(&bench->store);
	print(bench, &start, &end, &delivered, stats.commits);
	event_base_free(bench->base);
}

static bool
take_option(struct bench *bench, int option, const char *value)
{
	switch (option) {
	case 'n':
		bench->count = strtoul(value, NULL, 10);
		return bench->count > 0;
	case 's':
		bench->octets = strtoul(value, NULL, 10);
		return bench->octets > 0;
	case 'f':
		bench->file = value;
		return true;
	case 'a':
		bench->at_once = strtoul(value, NULL, 10);
		return bench->at_once > 0;
	case 'w':
		bench->wait_ms = (int)strtol(value, NULL, 10);
		return true;
	case 'l':
		bench->level = (int)strtol(value, NULL, 10);
		return true;
	case 'k':
		bench->seals = true;
		return true;
	case 't':
		bench->targets = strtoul(value, NULL, 10);
		return bench->targets <= TARGETS_MAX;
	case 'p':
		bench->page = (int)strtol(value, NULL, 10);
		return true;
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	struct bench bench = { .count = 1000, .octets = 2048, .at_once = 256 };
	int option;
	bool understood = true;

	while (understood &&
	       (option = getopt(argc, argv, "n:s:f:a:w:l:p:kt:")) != -1)
		understood = take_option(&bench, option, optarg);
	if (!understood || optind + 1 != argc) {
		fputs(usage, stderr);
		return 64;
	}
	bench.path = argv[optind];
	if (bench.file != NULL)
		read_messages(&bench);
	else
		make_messages(&bench);
	run(&bench);
	free_messages(&bench);
	return 0;
}
