/*
 * A terminal that a command fills and redraws: the alternate screen, without
 * echo, key by key.  What was on it is there again afterwards, also where a
 * signal ends the command.
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct screen;

/* Keys that are no character. */
enum screen_key {
	SCREEN_NONE = 0, /* the time is over, or the size is another */
	SCREEN_UP = 256,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_ENTER,
	SCREEN_ERASE,
	SCREEN_ESCAPE,
	SCREEN_QUIT /* a signal ended it, or the terminal has gone */
};

/*
 * Take over the terminal that is standard input and output.  NULL, with errno,
 * where there is none, or no memory.
 */
struct screen *screen_open(void) __attribute__((warn_unused_result));

/* Give the terminal back.  Sets the pointer to NULL; NULL is allowed. */
void screen_close(struct screen **);

size_t screen_columns(const struct screen *);
size_t screen_rows(const struct screen *);

/*
 * Show lines of clean text, which may contain colours; what has no room is left
 * out.  The line `marked` is shown reversed, without its colours.
 */
void screen_draw(struct screen *, const char *text, size_t marked);
#define SCREEN_NO_LINE ((size_t)-1)

/* Wait for a key: a character, or one of enum screen_key. */
int screen_wait(struct screen *, int64_t ms);

#endif
