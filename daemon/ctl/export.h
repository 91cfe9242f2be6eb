/*
 * Where `evpopctl export` writes messages: into the files of a Maildir or of a
 * folder (export_files.c), or into an mbox (export_mbox.c).  Each begins again
 * where it was cut, by what it finds there.
 */
#ifndef CTL_EXPORT_H
#define CTL_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct export_message {
	int64_t id;
	const char *account, *digest; /* lower-case hex */
	const char *sender;           /* as in its header; NULL: none */
	bool is_sealed;               /* its bytes are */
	int64_t date_ms, stored_ms;   /* Unix time */
	bool has_date;
};

enum export_presence {
	EXPORT_MISSING = 0,
	/*
	 * A message with its id and another digest.  It may be the same one:
	 * the digests of a store change once, where it begins to seal mail.
	 */
	EXPORT_IN_DOUBT,
	EXPORT_THERE
};

enum export_form {
	EXPORT_MAILDIR = 0,
	EXPORT_EML,
	EXPORT_MBOX,
	EXPORT_SEALED /* as EXPORT_EML, of sealed mail as it is */
};

enum export_folders {
	EXPORT_PLAIN = 0, /* one for each account */
	EXPORT_MAILDIRPP, /* the same, named as Maildir++ says */
	EXPORT_FLAT       /* all in one */
};

struct export_options {
	const char *path;
	enum export_form form;
	enum export_folders folders;
	bool keeps_crlf; /* in a Maildir and an mbox: bytes as they came */
	bool is_seen;    /* in a Maildir: messages count as read */
	/* What was asked for, in one line; an mbox goes on only with that. */
	const char *choice;
};

struct export_target;

/* What went wrong, in words for people. */
#define EXPORT_ERROR_SIZE 8192
struct export_error {
	int number; /* of errno; 0: the words say all */
	char text[EXPORT_ERROR_SIZE];
};

/* NULL with the reason. */
struct export_target *export_open(const struct export_options *,
    struct export_error *error_r) __attribute__((warn_unused_result));

/* All ids up to this one are there; 0: nobody knows, ask for each. */
int64_t export_last_id(const struct export_target *);

/* Whether the message is there already. */
bool export_has(struct export_target *, const struct export_message *,
    enum export_presence *presence_r, struct export_error *error_r)
    __attribute__((warn_unused_result));

/* A message, in pieces, begins and is whole. */
bool export_begin(struct export_target *, const struct export_message *,
    struct export_error *error_r) __attribute__((warn_unused_result));
bool export_write(struct export_target *, const char *bytes, size_t length,
    struct export_error *error_r) __attribute__((warn_unused_result));
bool export_end(struct export_target *, struct export_error *error_r)
    __attribute__((warn_unused_result));
/* It will not be whole: nothing stays of it. */
void export_abandon(struct export_target *);

/* All that is whole is durable, and has its name. */
bool export_flush(struct export_target *, struct export_error *error_r)
    __attribute__((warn_unused_result));

/* Without a flush, the last messages may be gone.  NULL is allowed. */
void export_close(struct export_target *);

/* ---- for the forms ---- */

struct export_kind {
	void *(*open)(const struct export_options *, struct export_error *);
	int64_t (*last_id)(const void *);
	bool (*has)(void *, const struct export_message *,
	    enum export_presence *presence_r, struct export_error *);
	bool (*begin)(
	    void *, const struct export_message *, struct export_error *);
	bool (*write)(
	    void *, const char *bytes, size_t length, struct export_error *);
	bool (*end)(void *, struct export_error *);
	void (*abandon)(void *);
	bool (*flush)(void *, struct export_error *);
	void (*close)(void *);
};

extern const struct export_kind export_files, export_mbox;

/* "PATH: what the system says"; false. */
bool export_fail(struct export_error *error_r, int number, const char *path);
/* Whole words; false. */
bool export_fail_words(struct export_error *error_r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* All bytes, or false with errno. */
bool export_write_all(int fd, const char *bytes, size_t length)
    __attribute__((warn_unused_result));

#endif
