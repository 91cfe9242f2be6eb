/*
 * What messages cost that are made to be costly: processor time of what the
 * commit, the index and a reader make of each, in milliseconds.  Arguments are
 * files; a line for each.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/store/mail/inventory.h"
#include "daemon/store/mail/reading.h"
#include "daemon/store/mail/words.h"
#include "daemon/store/scan.h"

/* As bodies come. */
#define PIECE ((size_t)64 * 1024)

struct message {
	char *bytes;
	size_t length;
};

static double
now_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0)
		err(EXIT_FAILURE, "clock_gettime");
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct message
read_message(const char *path)
{
	struct message message = { NULL, 0 };
	struct stat status;
	FILE *file = fopen(path, "rb");

	if (file == NULL || fstat(fileno(file), &status) != 0)
		err(EXIT_FAILURE, "%s", path);
	message.length = (size_t)status.st_size;
	message.bytes = malloc(message.length + 1);
	if (message.bytes == NULL ||
	    fread(message.bytes, 1, message.length, file) != message.length)
		err(EXIT_FAILURE, "%s", path);
	fclose(file);
	return message;
}

typedef bool (*feed_function)(void *, const char *, size_t);

static void
feed_all(const struct message *message, feed_function feed, void *arg)
{
	size_t at, step;

	for (at = 0; at < message->length; at += step) {
		step =
		    message->length - at < PIECE ? message->length - at : PIECE;
		if (!feed(arg, message->bytes + at, step))
			errx(EXIT_FAILURE, "no memory");
	}
}

static bool
feed_scan(void *scan, const char *bytes, size_t length)
{
	return store_scan_feed(scan, bytes, length);
}

static bool
feed_inventory(void *inventory, const char *bytes, size_t length)
{
	return mail_inventory_feed(inventory, bytes, length);
}

static bool
feed_reading(void *reading, const char *bytes, size_t length)
{
	return mail_reading_feed(reading, bytes, length);
}

static bool
make_row(const struct message *message)
{
	struct store_scan_held held = { 0 };
	struct store_scan *scan = store_scan_new(&held, STORE_SCAN_FOR_ROW);
	struct store_scan_result result;
	bool done;

	feed_all(message, feed_scan, scan);
	done = store_scan_finish(scan, &result);
	store_scan_free(scan);
	return done;
}

static bool
make_words(const struct message *message)
{
	struct mail_words words;
	bool done = mail_words_read(message->bytes, message->length, &words);

	mail_words_free(&words);
	return done;
}

static bool
make_parts(const struct message *message)
{
	struct mail_inventory *inventory = mail_inventory_new();
	bool done;

	feed_all(message, feed_inventory, inventory);
	done = mail_inventory_finish(inventory);
	mail_inventory_free(inventory);
	return done;
}

static bool
make_text(const struct message *message)
{
	struct mail_reading *reading = mail_reading_new();
	bool done;

	feed_all(message, feed_reading, reading);
	done = mail_reading_finish(reading);
	mail_reading_free(reading);
	return done;
}

int
main(int argc, char **argv)
{
	bool (*const work[])(const struct message *) = { make_row, make_words,
		make_parts, make_text };
	struct message message;
	double begun;

	for (int i = 1; i < argc; i++) {
		message = read_message(argv[i]);
		printf("%s", argv[i]);
		for (size_t j = 0; j < sizeof work / sizeof work[0]; j++) {
			begun = now_ms();
			if (!work[j](&message))
				errx(EXIT_FAILURE, "%s: no memory", argv[i]);
			printf(" %.1f", now_ms() - begun);
			fflush(stdout);
		}
		printf("\n");
		free(message.bytes);
	}
	return EXIT_SUCCESS;
}
