/*
 * Reads the lines of an INI file, and tells the line of each thing found.
 *
 * A line is a section, a key with its value behind "=" or ":", or a comment
 * that begins with "#" or ";".  A comment never begins inside a line, and no
 * line is continued on the next: passwords and commands may hold such signs.
 */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

/* Room for a long command or a dozen pins; a longer line is no such thing. */
#define CONFIG_LINE_MAX 16384

/* Texts are borrowed until the callback returns. */
struct config_ini_events {
	/*
	 * [NAME], without the blanks around the name.  NULL where the line was
	 * just reported as a bad one.
	 */
	void (*section)(unsigned line, const char *name, void *arg);
	/* The value is unquoted; `quoted` says that it stood in quotes. */
	void (*key)(unsigned line, const char *key, const char *value,
	    bool quoted, void *arg);
	/* A line of words alone. */
	void (*words)(unsigned line, const char *text, void *arg);
	/*
	 * A line that is none of these, and why; the line is skipped.  `key` is
	 * the word that it begins with, which may be empty.
	 */
	void (*bad)(unsigned line, const char *key, const char *why, void *arg);
};

struct config_ini_source {
	/* All of `size` bytes but at the end; false with an errno. */
	bool (*read)(void *arg, char *bytes_r, size_t size, size_t *length_r);
	void *arg;
};

/*
 * Parse a file, a window of guarded memory after the other, for it may hold
 * passwords.  False with an errno where it cannot be read on.
 */
bool config_ini_parse(const struct config_ini_source *,
    const struct config_ini_events *, void *arg)
    __attribute__((warn_unused_result));

#endif
