#include "daemon/deliver/spool.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/deliver/worker.h"
#include "lib/base/mail_lines.h"

/* A larger message is written to the disk. */
#define MEMORY_MOST ((uint64_t)1024 * 1024)

/* Where nobody has said another one. */
#define FOLDER_USUAL "/var/tmp"

#define WHY_SIZE 512

/* A piece for the disk, and the file, which is the thread's meanwhile. */
struct piece {
	struct worker_job job;
	unsigned turn; /* of the spool, when the message began */
	int fd, error; /* -1: it is to be made */
	char *folder;
	size_t length;
	char bytes[];
};

/* What the thread knows; it goes when that has ended. */
struct desk {
	struct worker *worker;
	struct spool *spool; /* the loop's */
};

struct spool {
	struct event_base *base;
	const char *folder;
	enum config_line_ends line_ends;
	spool_cb cb;
	void *arg;
	struct event *ended;
	struct worker *worker; /* NULL: nothing was for the disk yet */
	struct parcel *parcel; /* NULL: none is under way */
	unsigned turn;         /* counts messages */
	struct evpop_mail_lines lines;
	int fd; /* -1: there is none, or the thread has it */
	bool is_on_disk, is_whole;
	bool is_reading, reads_on; /* parcel_next() answers inside its call */
	enum spooled result;
	char why[WHY_SIZE];
};

static void spool_read(struct spool *);

/* ---- the end of a message ---- */

static void
spool_end(struct spool *spool, enum spooled result)
{
	spool->result = result;
	event_active(spool->ended, EV_TIMEOUT, 0);
}

static void
spool_fail(struct spool *spool, int error)
{
	(void)snprintf(spool->why, sizeof(spool->why),
	    "cannot keep the message for the command in %s: %s",
	    spool->is_on_disk ? spool->folder : "memory", strerror(error));
	spool_end(spool, SPOOL_FAILED);
}

static void
spool_ended(evutil_socket_t fd, short what, void *arg)
{
	struct spool *spool = arg;

	(void)fd;
	(void)what;
	spool->parcel = NULL;
	if (spool->result == SPOOL_DONE && lseek(spool->fd, 0, SEEK_SET) != 0)
		spool->result = SPOOL_FAILED;
	spool->cb(spool->result, spool->fd, spool->why, spool->arg);
}

/* ---- a piece ---- */

/* An errno, or 0. */
static int
file_write(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno;
		bytes += put;
		length -= (size_t)put;
	}
	return 0;
}

/* On the thread; not every file system has files without a name. */
static int
file_make(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *name;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	if (asprintf(&name, "%s/evpop-spool-XXXXXX", folder) < 0)
		return -1;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(name);
	free(name);
	return fd;
}

/* In its form for the command; at the end what was kept back. */
static size_t
spool_convert(
    struct spool *spool, const unsigned char *octets, size_t length, char *out)
{
	if (spool->line_ends == CONFIG_LINE_ENDS_LF)
		return evpop_mail_lines_to_lf(
		    &spool->lines, (const char *)octets, length, out);
	if (length > 0)
		memcpy(out, octets, length);
	return length;
}

static void
piece_free(struct piece *piece)
{
	if (piece->fd >= 0)
		(void)close(piece->fd);
	free(piece->folder);
	free(piece);
}

static void
piece_run(struct worker_job *job, void *arg)
{
	struct piece *piece = (struct piece *)job;
	struct desk *desk = arg;

	piece->error = 0;
	if (piece->fd < 0)
		piece->fd = file_make(piece->folder);
	piece->error = piece->fd < 0
			   ? errno
			   : file_write(piece->fd, piece->bytes, piece->length);
	worker_answer(desk->worker, job);
}

static void
piece_rest(void *arg)
{
	(void)arg;
}

static void
piece_drop(struct worker_job *job, void *arg)
{
	(void)arg;
	piece_free((struct piece *)job);
}

static void
desk_ended(void *arg)
{
	free(arg);
}

static void
piece_answered(struct worker_job *job, void *arg)
{
	struct piece *piece = (struct piece *)job;
	struct spool *spool = ((struct desk *)arg)->spool;
	const int error = piece->error;

	/* Of a message that nobody wants any more. */
	if (piece->turn != spool->turn) {
		piece_free(piece);
		return;
	}
	spool->fd = piece->fd;
	piece->fd = -1;
	piece_free(piece);
	if (error != 0)
		spool_fail(spool, error);
	else if (spool->is_whole)
		spool_end(spool, SPOOL_DONE);
	else
		spool_read(spool);
}

/* False without memory, or where no thread can be started. */
static bool
desk_open(struct spool *spool)
{
	static const struct worker_handler handler = { piece_run, piece_rest,
		piece_answered, piece_drop, desk_ended };
	struct desk *desk;

	if (spool->worker != NULL)
		return true;
	desk = calloc(1, sizeof(*desk));
	if (desk == NULL)
		return false;
	desk->spool = spool;
	desk->worker = worker_new(spool->base, &handler, desk);
	if (desk->worker == NULL) {
		free(desk);
		return false;
	}
	spool->worker = desk->worker;
	return true;
}

static void
spool_push(struct spool *spool, const unsigned char *octets, size_t length)
{
	const size_t room = EVPOP_MAIL_LINES_ROOM(length);
	struct piece *piece = malloc(sizeof(*piece) + room);

	if (piece == NULL) {
		spool_fail(spool, ENOMEM);
		return;
	}
	*piece = (struct piece){ .turn = spool->turn, .fd = spool->fd };
	spool->fd = -1;
	piece->length = spool_convert(spool, octets, length, piece->bytes);
	piece->folder = strdup(spool->folder);
	if (piece->folder == NULL || !desk_open(spool) ||
	    !worker_push(spool->worker, &piece->job)) {
		piece_free(piece);
		spool_fail(spool, ENOMEM);
	}
}

/* In memory: nothing waits. */
static void
spool_keep(struct spool *spool, const unsigned char *octets, size_t length)
{
	char *bytes = malloc(EVPOP_MAIL_LINES_ROOM(length));
	int error = ENOMEM;

	if (bytes != NULL)
		error = file_write(spool->fd, bytes,
		    spool_convert(spool, octets, length, bytes));
	free(bytes);
	if (error != 0)
		spool_fail(spool, error);
	else if (spool->is_whole)
		spool_end(spool, SPOOL_DONE);
	else
		spool_read(spool);
}

static void
spool_on_piece(enum parcel_read read, const unsigned char *octets,
    size_t length, void *arg)
{
	struct spool *spool = arg;

	if (read == PARCEL_FAILED) {
		spool_end(spool, SPOOL_UNREAD);
		return;
	}
	spool->is_whole = read == PARCEL_END;
	if (spool->is_on_disk)
		spool_push(spool, octets, length);
	else
		spool_keep(spool, octets, length);
}

/* A parcel that answers at once must not be read deeper and deeper. */
static void
spool_read(struct spool *spool)
{
	spool->reads_on = true;
	if (spool->is_reading)
		return;
	spool->is_reading = true;
	while (spool->reads_on) {
		spool->reads_on = false;
		parcel_next(spool->parcel, spool_on_piece, spool);
	}
	spool->is_reading = false;
}

/* ---- what others see ---- */

struct spool *
spool_new(struct event_base *base, const char *folder,
    enum config_line_ends line_ends, spool_cb cb, void *arg)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL)
		return NULL;
	spool->base = base;
	spool->folder = folder != NULL ? folder : FOLDER_USUAL;
	spool->line_ends = line_ends;
	spool->cb = cb;
	spool->arg = arg;
	spool->fd = -1;
	spool->ended = evtimer_new(base, spool_ended, spool);
	if (spool->ended == NULL)
		spool_free(&spool);
	return spool;
}

static bool
parcel_is_large(const struct parcel *parcel)
{
	return parcel->octets > MEMORY_MOST;
}

void
spool_take(struct spool *spool, struct parcel *parcel)
{
	spool_clear(spool);
	spool->parcel = parcel;
	spool->lines = (struct evpop_mail_lines){ 0 };
	spool->is_on_disk = parcel_is_large(parcel);
	spool->is_whole = false;
	if (!spool->is_on_disk) {
		spool->fd = memfd_create("evpop-message", MFD_CLOEXEC);
		if (spool->fd < 0) {
			spool_fail(spool, errno);
			return;
		}
	}
	spool_read(spool);
}

void
spool_clear(struct spool *spool)
{
	spool->turn++;
	if (spool->parcel != NULL)
		parcel_stop(spool->parcel);
	spool->parcel = NULL;
	(void)event_del(spool->ended);
	if (spool->fd >= 0)
		(void)close(spool->fd);
	spool->fd = -1;
}

void
spool_free(struct spool **spool_p)
{
	struct spool *spool = *spool_p;

	*spool_p = NULL;
	if (spool == NULL)
		return;
	if (spool->ended != NULL) {
		spool_clear(spool);
		event_free(spool->ended);
	}
	if (spool->worker != NULL)
		worker_free(&spool->worker);
	free(spool);
}
