/*
 * Where mail is that evpopctl opens itself: behind a daemon's socket, or in a
 * folder of exported files.
 */
#ifndef CTL_SOURCE_H
#define CTL_SOURCE_H

#include "daemon/ctl/client.h"
#include "daemon/ctl/sealed.h"

/*
 * Messages that cannot be opened: they are listed with what is known without,
 * and said on standard error.  The first one says how the program exits.
 */
struct mail_source_problems {
	int64_t *ids; /* of messages, in their order */
	size_t count, room;
	uint64_t others; /* what is no message */
	enum ctl_exit exit;
};
/* The id is 0 where it is no message; each is said once. */
void source_add_problem(struct mail_source_problems *, const struct ctl *,
    int64_t id, const struct client_error *);
/* Say how many there were besides those that were said. */
void source_end_problems(
    const struct mail_source_problems *, const struct ctl *);

struct mail_source {
	const struct mail_source_kind *kind;
	void *place; /* the kind's */
	const struct sealed_keys *keys;
	struct mail_source_problems problems;
};

/* A message, or what is in quarantine. */
struct source_name {
	const char *id;
	bool is_quarantined;
};

struct mail_source_kind {
	/*
	 * A page of /v1/messages, which is asked for without "q" and "from".
	 * What envelopes say may be missing.
	 */
	bool (*page)(struct mail_source *, const struct ctl *,
	    const struct target *, json_t **page_r, struct client_error *);
	/* One thing, by the API's pattern, likewise. */
	bool (*row)(struct mail_source *, const struct ctl *,
	    const char *pattern, const char *id, json_t **row_r,
	    struct client_error *);
	/*
	 * Its first bytes, sealed or not, as they are kept; all, where `most`
	 * is 0.
	 */
	bool (*bytes)(struct mail_source *, const struct ctl *,
	    const struct source_name *, size_t most, client_sink, void *arg,
	    struct client_error *);
	/* What is not about messages; NULL: the daemon answers. */
	bool (*other)(struct mail_source *, const struct ctl *,
	    const struct target *, json_t **json_r, struct client_error *);
	void (*close)(void *place);
	/* Its rows have neither accounts nor sizes of themselves. */
	bool puts_place;
};

/* The daemon behind ctl->socket. */
void source_open_daemon(
    struct mail_source *source_r, const struct sealed_keys *);
/* A folder, and those in it; the reason is said where it cannot be read. */
enum ctl_exit source_open_folder(struct mail_source *source_r,
    const struct ctl *, const struct sealed_keys *, const char *path)
    __attribute__((warn_unused_result));
void source_close(struct mail_source *);

/* As the kind has them. */
bool source_page(struct mail_source *, const struct ctl *,
    const struct target *, json_t **page_r, struct client_error *error_r)
    __attribute__((warn_unused_result));
bool source_row(struct mail_source *, const struct ctl *, const char *pattern,
    const char *id, json_t **row_r, struct client_error *error_r)
    __attribute__((warn_unused_result));
/* A message cannot be opened; source_add_problem(). */
void source_note(struct mail_source *, const struct ctl *, int64_t id,
    const struct client_error *);

/*
 * The plain bytes of what is sealed or not; what its envelope says is put into
 * its row, which may be NULL.
 */
bool source_read(struct mail_source *, const struct ctl *,
    const struct source_name *, json_t *row, client_sink, void *arg,
    struct client_error *error_r) __attribute__((warn_unused_result));

/* The same without its bytes, where its row says that it is sealed. */
bool source_read_envelope(struct mail_source *, const struct ctl *,
    const struct source_name *, json_t *row, struct client_error *error_r)
    __attribute__((warn_unused_result));

/*
 * The same for each row of a page.  What cannot be opened is a problem, and
 * its row has why.
 */
#define SOURCE_UNOPENED "sealed_error"
void source_open_rows(
    struct mail_source *, const struct ctl *, const json_t *page);

#endif
