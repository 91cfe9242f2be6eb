/*
 * What went wrong, said once for all layers: a class that a program can act
 * on, the response code and words of the server, and whether trying again can
 * help.  Nothing in the library prints; results travel up to the caller.
 */
#ifndef EVPOP_ERROR_H
#define EVPOP_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EVPOP_API          __attribute__((visibility("default")))
#define EVPOP_MUST_USE     __attribute__((warn_unused_result))
#define EVPOP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define EVPOP_API
#define EVPOP_MUST_USE
#define EVPOP_PRINTF(f, a)
#endif

/* Class of an error. */
enum evpop_error {
	EVPOP_ERROR_NONE = 0,
	EVPOP_ERROR_REFUSED,    /* the server answered -ERR */
	EVPOP_ERROR_PROTOCOL,   /* the server spoke something else than POP3 */
	EVPOP_ERROR_TLS,        /* handshake, certificate or pin */
	EVPOP_ERROR_AUTH,       /* the credentials were refused */
	EVPOP_ERROR_IO,         /* resolve, connect, read or write failed */
	EVPOP_ERROR_TIMEOUT,    /* a deadline passed */
	EVPOP_ERROR_LIMIT,      /* the server exceeded a limit of ours */
	EVPOP_ERROR_CANCELLED,  /* the caller gave up, or an earlier step failed
				 */
	EVPOP_ERROR_MEMORY,     /* an allocation failed */
	EVPOP_ERROR_USAGE,      /* the caller's argument; nothing was sent */
	EVPOP_ERROR_INCOMPLETE, /* less of a message came than there is */
	EVPOP_ERROR_COUNT
};

/* Response code at the head of a reply: RFC 2449 section 8, RFC 3206. */
enum evpop_response_code {
	EVPOP_CODE_NONE = 0,
	EVPOP_CODE_LOGIN_DELAY, /* [LOGIN-DELAY]: logged in too recently */
	EVPOP_CODE_IN_USE,      /* [IN-USE]: another session has the maildrop */
	EVPOP_CODE_SYS_TEMP,    /* [SYS/TEMP]: may pass by itself */
	EVPOP_CODE_SYS_PERM,    /* [SYS/PERM]: needs a person at the server */
	EVPOP_CODE_AUTH,        /* [AUTH]: the credentials are at fault */
	EVPOP_CODE_UTF8,        /* [UTF8]: RFC 6856 */
	EVPOP_CODE_OTHER,       /* any other; it stands in the text */
	EVPOP_CODE_COUNT
};

/* How much of the work an error spoils. */
enum evpop_scope {
	EVPOP_SCOPE_NONE = 0,
	EVPOP_SCOPE_MESSAGE, /* this message; the session goes on */
	EVPOP_SCOPE_SESSION, /* the session is over; a new one may succeed */
	EVPOP_SCOPE_ACCOUNT, /* every session, until something is changed */
	EVPOP_SCOPE_COUNT
};

/* Where in the life of a session something happened. */
enum evpop_phase {
	EVPOP_PHASE_NONE = 0,
	EVPOP_PHASE_RESOLVE,
	EVPOP_PHASE_CONNECT,
	EVPOP_PHASE_HANDSHAKE,
	EVPOP_PHASE_GREETING,
	EVPOP_PHASE_LOGIN,
	EVPOP_PHASE_COMMAND,
	EVPOP_PHASE_BODY,
	EVPOP_PHASE_QUIT,
	EVPOP_PHASE_COUNT
};

/* Why a server's certificate is not trusted, by what a person does about it. */
enum evpop_distrust {
	EVPOP_DISTRUST_NONE = 0, /* it is, or the error is another one */
	EVPOP_DISTRUST_EXPIRED,
	EVPOP_DISTRUST_EARLY,  /* it is not yet valid */
	EVPOP_DISTRUST_NAME,   /* it is for another host */
	EVPOP_DISTRUST_ISSUER, /* no CA that is trusted has signed it */
	EVPOP_DISTRUST_PIN,    /* it matches no pin */
	EVPOP_DISTRUST_UNFIT,  /* a weak key, a wrong signature or use */
	EVPOP_DISTRUST_COUNT
};

/*
 * Octets of text in a result, with the final NUL: enough for a sentence with a
 * certificate's digest.  What does not fit is cut, as of a reply of 512 octets,
 * which RFC 2449 allows.
 */
#define EVPOP_TEXT_SIZE 384

struct evpop_result {
	enum evpop_error error;
	enum evpop_response_code code;
	enum evpop_scope scope;
	enum evpop_phase phase;
	enum evpop_distrust distrust;
	bool retry;                 /* the same again, later, may succeed */
	char text[EVPOP_TEXT_SIZE]; /* printable, NUL-terminated, no newline */
};

/* Names for logs and tables: "refused", "tls", "SYS/TEMP", "login"... */
EVPOP_API const char *evpop_error_name(enum evpop_error);
EVPOP_API const char *evpop_response_code_name(enum evpop_response_code);
EVPOP_API const char *evpop_scope_name(enum evpop_scope);
EVPOP_API const char *evpop_phase_name(enum evpop_phase);

/*
 * Fill *result_r with an error of the library's own making.  The scope is the
 * session and retry is set for the classes that pass by themselves (I/O,
 * timeout, refused, protocol); the caller may change both.  The text is
 * formatted as by printf and made printable.
 */
EVPOP_API void evpop_result_set(struct evpop_result *result_r, enum evpop_error,
    enum evpop_phase, const char *format, ...) EVPOP_PRINTF(4, 5);

/*
 * Copy bytes that a server sent into dst as text that is safe on a terminal
 * and in a log: printable ASCII stays, and well-formed UTF-8 beyond the C1
 * controls; every other octet becomes '?'.  dst is always NUL-terminated and
 * never ends in half a character.  Returns the length written.
 */
EVPOP_API size_t evpop_printable(
    char *dst, size_t dst_size, const void *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
