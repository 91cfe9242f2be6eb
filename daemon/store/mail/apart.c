#include "daemon/store/mail/apart.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log/log.h"
#include "daemon/store/lock.h"
#include "daemon/store/mail/area.h"
#include "daemon/store/mail/reading.h"

/* In the place of a message's text. */
#define READING_LINE                                                          \
	"[This message cannot be shown as text: the process that reads mail " \
	"ended in it. Its bytes are stored as they came.]\n"

_Static_assert(MAIL_AREA_TEXTS == MAIL_WORDS_TEXTS, "all of them");

/* A process; there is none while fd is -1. */
struct apart {
	int fd;
	pid_t pid;
	struct mail_area *area;
};

/* The one that is kept. */
static struct {
	pthread_mutex_t mutex;
	mail_apart_start start;
	struct apart apart;
	bool has_failed; /* to start; said once */
} kept = { .mutex = PTHREAD_MUTEX_INITIALIZER, .apart = { .fd = -1 } };

/* ---- a process ---- */

static void
apart_close(struct apart *apart)
{
	if (apart->area != NULL)
		(void)munmap(apart->area, sizeof(*apart->area));
	if (apart->fd >= 0)
		(void)close(apart->fd);
	*apart = (struct apart){ .fd = -1 };
}

/* Ends it, if it has not ended, and says how it did, for people. */
static void
apart_end(struct apart *apart, char *how, size_t size)
{
	pid_t pid = apart->pid;
	int status = 0;

	apart_close(apart);
	if (pid > 0)
		(void)kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (how != NULL && WIFSIGNALED(status))
		(void)snprintf(how, size, "signal %d, %s", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (how != NULL)
		(void)snprintf(
		    how, size, "exit status %d", WEXITSTATUS(status));
}

/* Nobody can make it smaller, so that reading it never fails. */
static struct mail_area *
apart_share(int *memory_r)
{
	int memory =
	    memfd_create("evpop-mail", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *area = MAP_FAILED;

	if (memory >= 0 && ftruncate(memory, sizeof(struct mail_area)) == 0 &&
	    fcntl(memory, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		area = mmap(NULL, sizeof(struct mail_area),
		    PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (area == MAP_FAILED) {
		if (memory >= 0)
			(void)close(memory);
		return NULL;
	}
	*memory_r = memory;
	return area;
}

static bool
apart_open(struct apart *apart, mail_apart_start start)
{
	const struct timeval patience = { .tv_sec = MAIL_AREA_SECONDS + 10 };
	int ends[2], memory;
	bool is_started;

	apart->area = apart_share(&memory);
	if (apart->area == NULL)
		return false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		(void)close(memory);
		apart_close(apart);
		return false;
	}
	apart->fd = ends[0];
	/* It ends by itself before, unless somebody has taken it over. */
	(void)setsockopt(
	    ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	is_started = start(ends[1], memory, &apart->pid);
	(void)close(ends[1]);
	(void)close(memory);
	if (!is_started)
		apart_close(apart);
	return is_started;
}

/* False if it is gone. */
static bool
apart_ask(const struct apart *apart)
{
	char byte = 0;
	ssize_t done;

	do
		done = send(apart->fd, &byte, 1, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done != 1)
		return false;
	do
		done = recv(apart->fd, &byte, 1, 0);
	while (done < 0 && errno == EINTR);
	return done == 1;
}

/* ---- a request ---- */

/* What a process that may be anybody's says is copied before it is looked at.
 */
struct answer {
	char *texts[MAIL_AREA_TEXTS];
	bool is_cut;
};

static bool
answer_take(
    const struct mail_area *area, size_t text_count, struct answer *answer_r)
{
	uint32_t lengths[MAIL_AREA_TEXTS];
	size_t at = 0;

	memcpy(lengths, area->lengths, sizeof(lengths));
	answer_r->is_cut = area->is_cut != 0;
	for (size_t i = 0; i < text_count; i++) {
		size_t length = lengths[i];

		if (length > MAIL_AREA_OUT - at)
			length = MAIL_AREA_OUT - at;
		answer_r->texts[i] = strndup(area->out + at, length);
		if (answer_r->texts[i] == NULL)
			return false;
		at += length;
	}
	return true;
}

static void
answer_free(struct answer *answer)
{
	for (size_t i = 0; i < MAIL_AREA_TEXTS; i++)
		free(answer->texts[i]);
	*answer = (struct answer){ .is_cut = false };
}

/* Whether there is a process; said once where there cannot be. */
static bool
kept_is_there(void)
{
	if (kept.start == NULL || kept.apart.fd >= 0)
		return kept.start != NULL;
	if (apart_open(&kept.apart, kept.start)) {
		kept.has_failed = false;
		return true;
	}
	if (!kept.has_failed)
		log_write(LOG_LEVEL_WARNING, NULL,
		    "a process to read mail in cannot be started (%s); evpopd "
		    "reads it itself meanwhile",
		    strerror(errno));
	kept.has_failed = true;
	return false;
}

/* Its process must be there; there is an answer only where it is done. */
static enum mail_apart_result
apart_request(const struct apart *apart, enum mail_area_kind kind,
    const char *message, size_t length, size_t max, size_t text_count,
    struct answer *answer_r)
{
	struct mail_area *area = apart->area;

	*answer_r = (struct answer){ .is_cut = false };
	area->kind = kind;
	area->length =
	    (uint32_t)(length < MAIL_AREA_IN ? length : MAIL_AREA_IN);
	area->max = (uint32_t)max;
	area->status = 0;
	memcpy(area->in, message, area->length);
	if (!apart_ask(apart))
		return MAIL_APART_DIED;
	if (area->status != MAIL_AREA_DONE ||
	    !answer_take(area, text_count, answer_r)) {
		answer_free(answer_r);
		return MAIL_APART_NO_MEMORY;
	}
	return MAIL_APART_DONE;
}

/* A process that somebody has killed was not ended by the message. */
static enum mail_apart_result
kept_ask(enum mail_area_kind kind, const char *message, size_t length,
    size_t max, size_t text_count, struct answer *answer_r)
{
	enum mail_apart_result result = MAIL_APART_DIED;
	char how[128];

	for (int i = 0; i < 2 && kept_is_there(); i++) {
		result = apart_request(&kept.apart, kind, message, length, max,
		    text_count, answer_r);
		if (result != MAIL_APART_DIED)
			return result;
		apart_end(&kept.apart, how, sizeof(how));
		log_write(LOG_LEVEL_ERROR, NULL,
		    "the process that reads mail ended in a message (%s)%s",
		    how,
		    i == 0 ? "; another one tries once more"
			   : ": what is in the message is not known");
	}
	return result;
}

/* ---- what is asked for ---- */

void
mail_apart_use(mail_apart_start start)
{
	kept.start = start;
}

enum mail_apart_result
mail_apart_words(const char *message, size_t length, struct mail_words *words_r)
{
	enum mail_apart_result result;
	struct answer answer;

	memset(words_r, 0, sizeof(*words_r));
	store_lock(&kept.mutex);
	if (!kept_is_there()) {
		store_unlock(&kept.mutex);
		return mail_words_read(message, length, words_r)
			   ? MAIL_APART_DONE
			   : MAIL_APART_NO_MEMORY;
	}
	result = kept_ask(
	    MAIL_AREA_WORDS, message, length, 0, MAIL_AREA_TEXTS, &answer);
	store_unlock(&kept.mutex);
	if (result == MAIL_APART_DONE)
		mail_words_take(words_r, answer.texts, answer.is_cut);
	else if (result == MAIL_APART_DIED && !mail_words_take_none(words_r))
		result = MAIL_APART_NO_MEMORY;
	return result;
}

enum mail_apart_result
mail_apart_text(const char *message, size_t length, size_t max, char **text_r)
{
	enum mail_apart_result result;
	struct answer answer;

	*text_r = NULL;
	store_lock(&kept.mutex);
	if (!kept_is_there()) {
		store_unlock(&kept.mutex);
		*text_r = mail_words_read_text(message, length, max);
		return *text_r != NULL ? MAIL_APART_DONE : MAIL_APART_NO_MEMORY;
	}
	result = kept_ask(MAIL_AREA_TEXT, message, length, max, 1, &answer);
	store_unlock(&kept.mutex);
	if (result == MAIL_APART_DONE)
		*text_r = answer.texts[0];
	return result;
}

/* ---- a message to be read by a person ---- */

enum reading_state {
	READING_NEW = 0,
	READING_APART,
	READING_WITHIN, /* there is no process */
	READING_DIED,
	READING_DONE /* and its process could read another one */
};

struct mail_apart_reading {
	enum reading_state state;
	struct apart apart;
	bool is_from_spare; /* and has not been asked yet */
	struct mail_reading *within;
	char *text;
	size_t length;
};

/* A process that has read one message and waits for the next. */
static struct {
	pthread_mutex_t mutex;
	struct apart apart;
} spare = { .mutex = PTHREAD_MUTEX_INITIALIZER, .apart = { .fd = -1 } };

/* Takes it, or gives one; what there was comes back. */
static struct apart
spare_swap(struct apart apart)
{
	struct apart before;

	store_lock(&spare.mutex);
	before = spare.apart;
	spare.apart = apart;
	store_unlock(&spare.mutex);
	return before;
}

struct mail_apart_reading *
mail_apart_reading_new(void)
{
	struct mail_apart_reading *reading = calloc(1, sizeof(*reading));

	if (reading != NULL)
		reading->apart.fd = -1;
	return reading;
}

void
mail_apart_reading_free(struct mail_apart_reading *reading)
{
	if (reading == NULL)
		return;
	if (reading->state == READING_DONE)
		reading->apart = spare_swap(reading->apart);
	apart_end(&reading->apart, NULL, 0);
	mail_reading_free(reading->within);
	free(reading->text);
	free(reading);
}

/* Not before there is something to read: it is read by a thread that may wait.
 */
static bool
reading_begin(struct mail_apart_reading *reading)
{
	if (reading->state != READING_NEW)
		return true;
	reading->apart = spare_swap((struct apart){ .fd = -1 });
	reading->is_from_spare = reading->apart.fd >= 0;
	if (reading->apart.fd >= 0 ||
	    (kept.start != NULL && apart_open(&reading->apart, kept.start))) {
		reading->state = READING_APART;
		return true;
	}
	reading->within = mail_reading_new();
	reading->state = READING_WITHIN;
	return reading->within != NULL;
}

/* A spare process may have ended before this message, by somebody's hand. */
static bool
reading_may_begin_again(struct mail_apart_reading *reading)
{
	if (!reading->is_from_spare)
		return false;
	reading->is_from_spare = false;
	apart_end(&reading->apart, NULL, 0);
	return apart_open(&reading->apart, kept.start);
}

/* False without memory; a process that has died is not asked any more. */
static bool
reading_ask(struct mail_apart_reading *reading, enum mail_area_kind kind,
    const char *bytes, size_t length, size_t text_count, struct answer *answer)
{
	enum mail_apart_result result;
	char how[128];

	if (reading->state == READING_DIED)
		return true;
	do
		result = apart_request(&reading->apart, kind, bytes, length, 0,
		    text_count, answer);
	while (result == MAIL_APART_DIED && reading_may_begin_again(reading));
	reading->is_from_spare = false;
	if (result != MAIL_APART_DIED)
		return result == MAIL_APART_DONE;
	reading->state = READING_DIED;
	apart_end(&reading->apart, how, sizeof(how));
	log_write(LOG_LEVEL_ERROR, NULL,
	    "the process that reads mail ended in a message (%s): it cannot be "
	    "shown as text",
	    how);
	return true;
}

bool
mail_apart_reading_feed(
    struct mail_apart_reading *reading, const char *bytes, size_t length)
{
	struct answer none;
	size_t piece;

	if (!reading_begin(reading))
		return false;
	if (reading->within != NULL)
		return mail_reading_feed(reading->within, bytes, length);
	for (; length > 0; bytes += piece, length -= piece) {
		piece = length < MAIL_AREA_IN ? length : MAIL_AREA_IN;
		if (!reading_ask(
			reading, MAIL_AREA_READ, bytes, piece, 0, &none))
			return false;
	}
	return true;
}

bool
mail_apart_reading_finish(struct mail_apart_reading *reading)
{
	struct answer answer;

	if (!reading_begin(reading))
		return false;
	if (reading->within != NULL)
		return mail_reading_finish(reading->within);
	if (!reading_ask(reading, MAIL_AREA_READ_END, "", 0, 1, &answer))
		return false;
	reading->text = reading->state == READING_DIED ? strdup(READING_LINE)
						       : answer.texts[0];
	if (reading->text == NULL)
		return false;
	if (reading->state == READING_APART)
		reading->state = READING_DONE;
	reading->length = strlen(reading->text);
	return true;
}

const char *
mail_apart_reading_text(
    const struct mail_apart_reading *reading, size_t *length_r)
{
	const struct mail_text *text;

	if (reading->within == NULL) {
		*length_r = reading->length;
		return reading->text;
	}
	text = mail_reading_text(reading->within);
	*length_r = text->length;
	return text->bytes;
}

/* ---- the end ---- */

void
mail_apart_end(void)
{
	struct apart last = spare_swap((struct apart){ .fd = -1 });

	apart_end(&last, NULL, 0);
	store_lock(&kept.mutex);
	apart_end(&kept.apart, NULL, 0);
	kept.start = NULL;
	store_unlock(&kept.mutex);
}
