#include "body.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Synthetic text: whole lines, shared by every message, read as a ring. */
#define PATTERN_LINE  78
#define PATTERN_LINES 1021
#define PATTERN_SIZE  ((size_t)PATTERN_LINE * PATTERN_LINES)

/* Octets moved between two looks at the output's size. */
#define SPAN_AT_MOST 65536

/* Larger files are mapped: a mapping costs more than to copy a page. */
#define MAPPED_ABOVE ((size_t)128 * 1024)

/* The synthetic messages begin on 1 January 2024 and come hourly. */
#define FIRST_DATE 1704067200

static const unsigned char *
pattern(void)
{
	static const char letters[] =
	    "etaoin shrdlu etaoin cmfwyp eat no tin bgkvjq xz etaoin shrdlu  ";
	static unsigned char text[PATTERN_SIZE];
	static bool made;
	uint32_t state = 20240101;

	if (made)
		return text;
	for (size_t i = 0; i < PATTERN_SIZE; i++) {
		size_t column = i % PATTERN_LINE;

		state = state * 1664525U + 1013904223U;
		if (column == PATTERN_LINE - 2)
			text[i] = '\r';
		else if (column == PATTERN_LINE - 1)
			text[i] = '\n';
		else if (column == 0 && (state >> 24) < 8)
			text[i] = '.';
		else
			text[i] = (unsigned char)letters[(state >> 24) % 64];
	}
	made = true;
	return text;
}

uint32_t
body_hash(const char *text, uint32_t number)
{
	uint32_t hash = 2166136261U;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	for (int i = 0; i < 4; i++)
		hash = (hash ^ ((number >> (8 * i)) & 0xff)) * 16777619U;
	hash ^= hash >> 15;
	hash *= 2246822519U;
	return hash ^ (hash >> 13);
}

static int
read_whole(int fd, unsigned char *bytes, size_t size)
{
	size_t done = 0;
	ssize_t got;

	while (done < size) {
		got = read(fd, bytes + done, size - done);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return -1;
		done += (size_t)got;
	}
	return 0;
}

static int
load_file(struct body *body, int fd, size_t size)
{
	void *bytes;

	if (size > MAPPED_ABOVE) {
		bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			return -1;
		(void)madvise(bytes, size, MADV_SEQUENTIAL);
	} else {
		bytes = malloc(size + 1);
		if (bytes == NULL)
			return -1;
		if (read_whole(fd, bytes, size) == -1) {
			free(bytes);
			return -1;
		}
	}
	body->file = bytes;
	body->file_size = size;
	return 0;
}

int
body_open_file(struct body *body, const char *path)
{
	struct stat status;
	int fd, result, saved_errno;

	memset(body, 0, sizeof *body);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	result = fstat(fd, &status);
	if (result == 0)
		result = load_file(body, fd, (size_t)status.st_size);
	saved_errno = errno;
	close(fd);
	errno = saved_errno;
	body->left = body->file_size;
	body->header_given = true;
	return result;
}

void
body_make_synthetic(struct body *body, const char *user, uint32_t serial,
    size_t mean_size, bool empty_line)
{
	uint32_t hash = body_hash(user, serial);
	time_t when = (time_t)FIRST_DATE + (time_t)serial * 3600;
	size_t wanted, lines = 0;
	char date[64];
	struct tm tm;
	int length;

	memset(body, 0, sizeof *body);
	gmtime_r(&when, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	length = snprintf(body->header, sizeof body->header,
	    "Received: from relay.example.org by mx.example.net; %s\r\n"
	    "From: Sender %" PRIu32 " <sender%" PRIu32 "@example.org>\r\n"
	    "To: <%.96s@example.net>\r\n"
	    "Subject: Message %" PRIu32 " for %.96s\r\n"
	    "Date: %s\r\n"
	    "Message-ID: <%08" PRIx32 ".%" PRIu32 "@example.org>\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "%s",
	    date, hash % 97, hash % 97, user, serial, user, date, hash, serial,
	    empty_line ? "\r\n" : "");
	body->header_size = (size_t)length;
	/* Between three and five quarters of the mean. */
	wanted = mean_size / 4 * 3 + (size_t)(hash % (mean_size / 2 + 1));
	if (wanted > body->header_size)
		lines = (wanted - body->header_size) / PATTERN_LINE;
	body->left = lines * PATTERN_LINE;
	body->pattern_offset =
	    (size_t)((hash >> 8) % PATTERN_LINES) * PATTERN_LINE;
}

uint64_t
body_synthetic_size(
    const char *user, uint32_t serial, size_t mean_size, bool empty_line)
{
	struct body body;

	body_make_synthetic(&body, user, serial, mean_size, empty_line);
	return body.header_size + body.left;
}

/* Bare line feeds of a body, each of which becomes two octets. */
static uint64_t
count_bare_line_feeds(const struct body *body)
{
	const unsigned char *at = body->file, *end = at + body->file_size;
	uint64_t count = 0;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (at == body->file || at[-1] != '\r')
			count++;
		at++;
	}
	return count;
}

static int
converted_size(const char *path, uint64_t *size_r)
{
	struct body body;

	if (body_open_file(&body, path) != 0)
		return -1;
	*size_r = body.file_size + count_bare_line_feeds(&body);
	if (body.file_size > 0 && body.file[body.file_size - 1] != '\n')
		*size_r += 2;
	body_close(&body);
	return 0;
}

int
body_file_size(const char *path, bool to_crlf, uint64_t *size_r)
{
	char end[2];
	struct stat status;
	ssize_t got = 0;
	int fd;

	if (to_crlf)
		return converted_size(path, size_r);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &status) == -1) {
		close(fd);
		return -1;
	}
	if (status.st_size >= 2)
		got = pread(fd, end, sizeof end, status.st_size - 2);
	close(fd);
	*size_r = (uint64_t)status.st_size;
	if (*size_r > 0 && (got < 2 || memcmp(end, "\r\n", 2) != 0))
		*size_r += 2;
	return 0;
}

void
body_close(struct body *body)
{
	if (body->file_size > MAPPED_ABOVE)
		munmap(body->file, body->file_size);
	else
		free(body->file);
	body->file = NULL;
	body->file_size = body->left = 0;
}

/* The next span of the body, or a size of zero at its end. */
static size_t
body_next(struct body *body, const unsigned char **span_r)
{
	size_t size = body->left;

	if (!body->header_given) {
		body->header_given = true;
		*span_r = (const unsigned char *)body->header;
		return body->header_size;
	}
	if (size > SPAN_AT_MOST)
		size = SPAN_AT_MOST;
	if (body->file != NULL)
		*span_r = body->file + (body->file_size - body->left);
	else {
		if (size > PATTERN_SIZE - body->pattern_offset)
			size = PATTERN_SIZE - body->pattern_offset;
		*span_r = pattern() + body->pattern_offset;
		body->pattern_offset =
		    (body->pattern_offset + size) % PATTERN_SIZE;
	}
	body->left -= size;
	return size;
}

void
body_transfer_begin(
    struct body_transfer *transfer, uint64_t lines, bool to_crlf)
{
	transfer->span = NULL;
	transfer->span_size = 0;
	transfer->lines_left = lines;
	transfer->line_size = 0;
	transfer->at_line_start = true;
	transfer->after_cr = false;
	transfer->to_crlf = to_crlf;
	transfer->in_header = true;
	transfer->cut = false;
}

/*
 * The line that just ended had LINE_SIZE octets with its end.  Notes the end of
 * the header and, after it, what TOP may still send.
 */
static void
count_line(struct body_transfer *transfer, bool ended_by_crlf)
{
	if (transfer->in_header) {
		if (transfer->line_size == (ended_by_crlf ? 2U : 1U))
			transfer->in_header = false;
	} else if (transfer->lines_left != BODY_ALL_LINES)
		transfer->lines_left--;
	if (!transfer->in_header && transfer->lines_left == 0)
		transfer->cut = true;
	transfer->line_size = 0;
}

/*
 * Sends one span.  Octets go out in runs that break only where something has
 * to be put in.  A line begins after CRLF, as RFC 1939 says, and not after a
 * bare LF, unless those are being converted.
 */
static void
send_span(struct body_transfer *transfer, struct evbuffer *out)
{
	const unsigned char *at = transfer->span, *run = at;
	const unsigned char *end = at + transfer->span_size;

	while (at < end && !transfer->cut) {
		const unsigned char *feed, *next;
		bool crlf;

		if (transfer->at_line_start && *at == '.') {
			evbuffer_add(out, run, (size_t)(at - run));
			evbuffer_add(out, ".", 1);
			run = at;
		}
		feed = memchr(at, '\n', (size_t)(end - at));
		next = feed == NULL ? end : feed + 1;
		crlf = feed != NULL &&
		       (feed > at ? feed[-1] == '\r' : transfer->after_cr);
		transfer->line_size += (size_t)(next - at);
		at = next;
		if (feed != NULL && !crlf && transfer->to_crlf) {
			evbuffer_add(out, run, (size_t)(feed - run));
			evbuffer_add(out, "\r\n", 2);
			transfer->line_size++;
			run = at;
			crlf = true;
		}
		transfer->after_cr = at[-1] == '\r';
		transfer->at_line_start = crlf;
		if (feed != NULL)
			count_line(transfer, crlf);
	}
	evbuffer_add(out, run, (size_t)(at - run));
}

bool
body_transfer_pump(
    struct body_transfer *transfer, struct evbuffer *out, size_t limit)
{
	while (!transfer->cut) {
		if (evbuffer_get_length(out) >= limit)
			return false;
		transfer->span_size =
		    body_next(&transfer->body, &transfer->span);
		if (transfer->span_size == 0)
			break;
		send_span(transfer, out);
	}
	if (!transfer->at_line_start)
		evbuffer_add(out, "\r\n", 2);
	evbuffer_add(out, ".\r\n", 3);
	body_close(&transfer->body);
	return true;
}
