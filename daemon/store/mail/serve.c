#include "daemon/store/mail/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/confine/filter.h"
#include "daemon/store/mail/area.h"
#include "daemon/store/mail/charset.h"
#include "daemon/store/mail/reading.h"
#include "daemon/store/mail/words.h"

_Static_assert(MAIL_READING_MAX < MAIL_AREA_OUT, "a text fits");

/* Far more than any message takes; sanitizers take what they want. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_MAX RLIM_INFINITY
#else
#define MEMORY_MAX ((rlim_t)256 * 1024 * 1024)
#endif

static bool
serve_put(struct mail_area *area, size_t index, size_t *at, const char *text)
{
	size_t length = strlen(text);

	if (length > MAIL_AREA_OUT - *at) {
		length = MAIL_AREA_OUT - *at;
		area->is_cut = 1;
	}
	memcpy(area->out + *at, text, length);
	area->lengths[index] = (uint32_t)length;
	*at += length;
	return true;
}

static bool
serve_words(struct mail_area *area, const char *message, size_t length)
{
	struct mail_words words;
	size_t at = 0;
	bool done = mail_words_read(message, length, &words);

	area->is_cut = done && words.is_cut;
	done = done && serve_put(area, 0, &at, words.senders) &&
	       serve_put(area, 1, &at, words.recipients) &&
	       serve_put(area, 2, &at, words.copies) &&
	       serve_put(area, 3, &at, words.subject) &&
	       serve_put(area, 4, &at, words.text) &&
	       serve_put(area, 5, &at, words.files);
	mail_words_free(&words);
	return done;
}

static bool
serve_text(struct mail_area *area, const char *message, size_t length)
{
	char *text = mail_words_read_text(message, length, area->max);
	size_t at = 0;
	bool done = text != NULL && serve_put(area, 0, &at, text);

	free(text);
	return done;
}

/* Pieces of one message, and the text of all of them at its end. */
static bool
serve_read(struct mail_area *area, size_t length, bool is_end)
{
	static struct mail_reading *reading;
	const struct mail_text *text;
	bool done;

	if (reading == NULL)
		reading = mail_reading_new();
	if (reading == NULL)
		return false;
	if (!is_end)
		return mail_reading_feed(reading, area->in, length);
	done = mail_reading_finish(reading);
	text = mail_reading_text(reading);
	area->lengths[0] = done ? (uint32_t)text->length : 0;
	if (area->lengths[0] > 0)
		memcpy(area->out, text->bytes, text->length);
	mail_reading_free(reading);
	reading = NULL;
	return done;
}

static void
serve_one(struct mail_area *area)
{
	size_t length =
	    area->length < MAIL_AREA_IN ? area->length : MAIL_AREA_IN;
	bool done = false;

	area->is_cut = 0;
	if (area->kind == MAIL_AREA_WORDS)
		done = serve_words(area, area->in, length);
	else if (area->kind == MAIL_AREA_TEXT)
		done = serve_text(area, area->in, length);
	else if (area->kind == MAIL_AREA_READ ||
		 area->kind == MAIL_AREA_READ_END)
		done =
		    serve_read(area, length, area->kind == MAIL_AREA_READ_END);
	area->status = done ? MAIL_AREA_DONE : MAIL_AREA_NO_MEMORY;
}

/* Charsets are files, which cannot be opened any more. */
static void
serve_confine(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit memory;

	mail_charset_load_all();
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)setrlimit(RLIMIT_FSIZE, &none);
	(void)setrlimit(RLIMIT_NPROC, &none);
	memory.rlim_cur = memory.rlim_max = MEMORY_MAX;
	(void)setrlimit(RLIMIT_DATA, &memory);
	confine_to_memory();
}

void
mail_serve(int socket, int memory)
{
	struct mail_area *area = mmap(
	    NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	char byte;
	ssize_t done;

	if (area == MAP_FAILED)
		return;
	(void)prctl(PR_SET_NAME, "evpopd-mail");
	serve_confine();
	for (;;) {
		done = recv(socket, &byte, 1, 0);
		if (done < 0 && errno == EINTR)
			continue;
		if (done != 1)
			return;
		(void)alarm(MAIL_AREA_SECONDS);
		serve_one(area);
		(void)alarm(0);
		if (send(socket, &byte, 1, MSG_NOSIGNAL) != 1)
			return;
	}
}
