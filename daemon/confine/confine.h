/*
 * A process gives up what it does not need: by Landlock, which binds it to the
 * folders that it names here, and by promising to gain no privileges.  What it
 * starts later is bound, too, and nothing takes it back.
 */
#ifndef CONFINE_CONFINE_H
#define CONFINE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

struct confine;

/* What may be done with files in a folder and below it; they add up. */
enum confine_access {
	CONFINE_READ = 1,   /* files and lists of files */
	CONFINE_WRITE = 2,  /* read, change, create and remove files */
	CONFINE_SOCKET = 4, /* create and remove sockets of the file system */
	CONFINE_OPEN = 8,   /* of a file: read and write what is in it */
	/* Write, and make folders and move files between them. */
	CONFINE_FILE = 16
};

enum confine_status {
	CONFINE_OFF = 0,     /* confine_enter() was not called, or failed */
	CONFINE_UNAVAILABLE, /* the system has no Landlock, or denies it */
	CONFINE_ON
};

/* Nothing is allowed yet; NULL without memory. */
struct confine *confine_new(void) __attribute__((warn_unused_result));
void confine_free(struct confine **);

/*
 * Allow it; wherever symbolic links lead.  What does not exist is left out.
 * Returns false without memory.
 */
bool confine_allow(struct confine *, unsigned access, const char *path)
    __attribute__((warn_unused_result));

/* The folder of a file, which may be replaced; and what a link leads to. */
bool confine_allow_folder_of(struct confine *, unsigned access,
    const char *path) __attribute__((warn_unused_result));

/*
 * Enter it, before any thread is started: nothing else of the file system can
 * be opened afterwards, no program be executed and no TCP port listened at, as
 * far as the kernel's version of Landlock knows them.
 */
enum confine_status confine_enter(struct confine *);

enum confine_status confine_status(const struct confine *);
/* The version of Landlock's interface; 0 where there is none. */
int confine_abi(const struct confine *);
/* "Landlock ABI 7", or why not. */
const char *confine_text(const struct confine *);

/* Whether a path is in what was allowed; always where nothing is denied. */
bool confine_allows(const struct confine *, unsigned access, const char *path);

#endif
