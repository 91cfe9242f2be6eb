/*
 * What a message is made of: the parts that are told, in the order of the
 * message, however its bytes come in pieces.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/mail/boundary.h"
#include "daemon/store/mail/header.h"
#include "daemon/store/mail/parts.h"

/* Each event as a letter with what belongs to it, in brackets. */
struct told {
	char text[2000];
	size_t length;
};

static void
tell(struct told *told, const char *bytes, size_t length)
{
	if (length > sizeof(told->text) - 1 - told->length)
		length = sizeof(told->text) - 1 - told->length;
	memcpy(told->text + told->length, bytes, length);
	told->length += length;
	told->text[told->length] = '\0';
}

static void
tell_attached(void *arg, const char *name, size_t length)
{
	tell(arg, "A(", 2);
	if (length > 0)
		tell(arg, name, length);
	tell(arg, ")", 1);
}

static bool
tell_text_begins(void *arg, enum mail_text_kind kind, const char *charset)
{
	static const char letters[] = "THEF";

	tell(arg, letters + kind, 1);
	if (charset != NULL) {
		tell(arg, ":", 1);
		tell(arg, charset, strlen(charset));
	}
	tell(arg, "(", 1);
	return true;
}

/* Without CR, to be read. */
static void
tell_text(void *arg, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != '\r')
			tell(arg, bytes[i] == '\n' ? "/" : bytes + i, 1);
}

static void
tell_text_ends(void *arg)
{
	tell(arg, ")", 1);
}

static void
tell_enclosed(void *arg, const char *header, size_t length)
{
	tell(arg, "M(", 2);
	tell_text(arg, header, length);
	tell(arg, ")", 1);
}

static const struct mail_parts_sink all = {
	.attached = tell_attached,
	.text_begins = tell_text_begins,
	.text = tell_text,
	.text_ends = tell_text_ends,
	.enclosed = tell_enclosed,
};

static const struct mail_parts_sink count_only = { .attached = tell_attached };

static void
run(const struct mail_parts_sink *sink, struct told *told, const char *message,
    size_t length, size_t cut, size_t step)
{
	struct mail_header_edge edge;
	size_t body = 0, header;
	struct mail_parts *parts;

	told->length = 0;
	told->text[0] = '\0';
	mail_header_edge_init(&edge, MAIL_HEADER_OF_MESSAGE);
	if (!mail_header_find_end(&edge, message, length, &body, &header))
		header = body = length;
	parts = mail_parts_new(sink, told, message, header);
	assert_non_null(parts);
	for (size_t at = body; at < length;) {
		size_t piece = at < cut ? cut - at : step;

		if (piece > length - at)
			piece = length - at;
		mail_parts_feed(parts, message + at, piece);
		at += piece;
	}
	assert_true(mail_parts_finish(parts));
	mail_parts_free(parts);
}

#define MIXED  "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
#define PDF    "Content-Type: application/pdf; name="
#define BASE64 "Content-Transfer-Encoding: base64\r\n"
#define QP     "Content-Transfer-Encoding: quoted-printable\r\n"

static const struct {
	const char *message, *told;
} cases[] = {
	{ "A: b\r\n\r\ntext\r\n", "T(text/)" },
	{ "A: b\r\n\r\n", "T()" },
	{ "Content-Type: text/html; charset=utf-8\n\n<p>", "H:UTF-8(<p>)" },
	{ "Content-Type: text/enriched\n\nx", "E(x)" },
	{ "Content-Type: text/calendar\n\nx", "F(x)" },
	{ "Content-Type: image/png\n\nx", "" },
	/* No type at all is text (RFC 2045, section 5.2). */
	{ "Content-Type: text\n\nx", "T(x)" },
	{ "Content-Type:\n\nx", "T(x)" },
	{ "Content-Type: multipart/mixed\n\nx", "T(x)" },
	{ MIXED "preamble\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\nend",
	    "T(one/)T(two/)" },
	{ MIXED "--b\nContent-Type: text/csv; name=a.csv\n\n1;2\n--b--",
	    "A(a.csv)T(1;2/)" },
	/* What says nothing of itself goes by its name. */
	{ "Content-Type: application/octet-stream; name=a.TXT\n\nx",
	    "A(a.TXT)T(x)" },
	{ "Content-Type: application/octet-stream; name=a.bin\n\nx",
	    "A(a.bin)" },
	{ "Content-Type: application/octet-stream\n\nx", "" },
	{ "Content-Type: application/octet-stream; name=a.eml\n\n"
	  "Subject: in\n\ninner\n",
	    "A(a.eml)M(Subject: in/)T(inner/)" },
	/* A part without a header, one whose empty line is missing. */
	{ MIXED "--b\nno header\n--b--", "T(no header/)" },
	{ MIXED "--b\nContent-Type: text/html\n<p>\n\n</p>\n--b--",
	    "H(<p>//</p>/)" },
	{ MIXED "--b\nContent-Type: text/plain;\ncharset=koi8-r\n\nx\n--b--",
	    "T:KOI8-R(x/)" },
	/* Encodings. */
	{ BASE64 "\nYWJj\nZGVm\n", "T(abcdef)" },
	{ BASE64 "\n YWJj \r\n\r\nZA", "T(abcd)" },
	{ BASE64 "\nYWI=\nY2Q=\n", "T(ab/cd)" },
	{ BASE64 "\nYQ==YgpjCg==ZA", "T(a/b/c/d)" },
	{ BASE64 "\nw7w=\nw7w=\n", "T(\xc3\xbc\xc3\xbc)" },
	{ BASE64 "\nnot so, really\n", "T(not so, really/)" },
	{ QP "\na=C3=BC=\r\nb=3d=\n c =zz=", "T(a\xc3\xbc"
					     "b= c =zz=)" },
	{ QP "\na= \t\r\nb", "T(ab)" },
	{ "Content-Transfer-Encoding: \"base64\" (x)\n\nYWJj\n", "T(abc)" },
	{ "Content-Transfer-Encoding: 8bit\n\n=41\n", "T(=41/)" },
	/* What is enclosed. */
	{ MIXED "--b\nContent-Type: message/rfc822\n\nSubject: in\nX-A: b\n\n"
		"inner\n--b\n\nouter\n--b--\n",
	    "M(Subject: in/)T(inner/)T(outer/)" },
	{ "Content-Type: message/rfc822\n" BASE64
	  "\nU3ViamVjdDogaW4KCmlubmVyCg==\n",
	    "M(Subject: in/)T(inner/)" },
	{ "Content-Type: message/rfc822\n" BASE64 "\nSubject: in\n\ninner\n",
	    "M(Subject: in/)T(inner/)" },
	{ "Content-Type: message/rfc822\n" QP "\nSubject: in=\n\n\ni=6Ener\n",
	    "M(Subject: in/)T(inner/)" },
	{ "Content-Type: multipart/mixed; boundary=b\n" BASE64
	  "\nLS1iCgpvbmUKLS1iLS0K\n",
	    "T(one/)" },
	{ "Content-Type: multipart/mixed; boundary=b\n" BASE64
	  "\n--b\n\none\n--b--\n",
	    "T(one/)" },
	{ "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n"
	  "\ntext\n--b--\n",
	    "M(Subject: in/)T(text/)" },
	{ "Content-Type: multipart/report; boundary=b\n\n--b\n"
	  "Content-Type: message/delivery-status\n\nAction: failed\n--b\n"
	  "Content-Type: text/rfc822-headers\n\nSubject: mine\n--b--\n",
	    "T(Action: failed/)M(Subject: mine/)T()" },
	/* An inner boundary that never comes; the outer one ends it. */
	{ MIXED "--b\nContent-Type: multipart/related; boundary=in\n\n--in\n\n"
		"one\n--b\n\ntwo\n--in\n\nnot\n--b--\n",
	    "T(one/)T(two/--in//not/)" },
	{ MIXED "--b \t\r\n\r\none\r\n--bb\r\n--b-- \r\n", "T(one/--bb/)" },
	/* Files within a text. */
	{ "A: b\n\nx\nbegin 644 a b.txt\n#0V%T\n`\nend\ny\n",
	    "T(x/A(a b.txt)y/)" },
	{ "A: b\n\nbegin 644 me\nas a text\n", "T(begin 644 me/as a text/)" },
	{ "A: b\n\nbegin 644 a\nbegin 644 b\n#0V%T\n`\nend\n",
	    "T(begin 644 a/A(b))" },
	{ "A: b\n\nbegin 644 a", "T(begin 644 a)" },
	{ "A: b\n\nbegin 644 a\n#0V%T\nthe end of it\n",
	    "T(A(a)the end of it/)" },
	/* Names. */
	{ PDF "\"a;b.pdf\"\n\n", "A(a;b.pdf)" },
	{ PDF "a b.pdf ; x=y\n\n", "A(a b.pdf)" },
	{ PDF "\"a\\\"b.pdf\"\n\n", "A(a\"b.pdf)" },
	{ PDF "\"a.pdf\n\n", "A(a.pdf)" },
	{ PDF "\"\"\n\n", "" },
	{ PDF "\"=?utf-8?Q?=C3=BC.pdf?=\"\n\n", "A(\xc3\xbc.pdf)" },
	{ PDF "=?utf-8?B?YWI=?=\n =?utf-8?B?Y2Q=?=\n\n", "A(abcd)" },
	{ PDF "\"\xfc.pdf\"\n\n", "A(\xc3\xbc.pdf)" },
	{ "Content-Type: a/b; name*=utf-8'en'%C3%BC.pdf\n\n",
	    "A(\xc3\xbc.pdf)" },
	{ "Content-Type: a/b; name*0*=iso-8859-1''%FC; name*1=\"x y\";\n"
	  " name*2*=%FC\n\n",
	    "A(\xc3\xbcx y\xc3\xbc)" },
	{ "Content-Type: a/b; name*1=b; name*0=a\n\n", "A(ab)" },
	{ "Content-Type: a/b; name*=utf-8''%C3%BC; name=u\n\n", "A(\xc3\xbc)" },
	{ "Content-Type: a/b; x=name\n\n", "" },
	{ "Content-Type: a/b (name=c); name=d\n\n", "A(d)" },
	{ "Content-Type: a/b name=d\n\n", "A(d)" },
	{ PDF "a.pdf\nContent-Disposition: inline; filename=b.pdf\n\n",
	    "A(b.pdf)" },
	{ "Content-Type: a/b\nContent-Disposition: attachment\n\n", "A()" },
	{ "Content-Disposition: ATTACHMENT; filename=x.txt\n\ny",
	    "A(x.txt)T(y)" },
};

static void
cutting_anywhere_changes_nothing(void **state)
{
	static struct told told;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *message = cases[i].message;
		size_t length = strlen(message);

		for (size_t cut = 0; cut <= length + 1; cut++) {
			size_t step = cut > length ? 1 : length + 1;

			run(&all, &told, message, length,
			    cut > length ? 0 : cut, step);
			if (strcmp(told.text, cases[i].told) != 0)
				fail_msg("%s, cut at %zu: %s", message, cut,
				    told.text);
		}
	}
}

/* A line may be longer than what is kept of one. */
static void
long_lines_are_no_other(void **state)
{
	static const size_t lengths[] = { 997, 998, 999, 1000, 1001, 1002, 1999,
		2000, 5000 };
	static struct told told, pieces;
	char message[12000];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int size = snprintf(message, sizeof(message),
		    MIXED "--b\nContent-Disposition: attachment; x=%0*d;"
			  " filename=a\n\n%0*d\n--b--\n",
		    (int)lengths[i], 0, (int)lengths[i], 0);

		run(&all, &told, message, (size_t)size, 0, (size_t)size);
		assert_memory_equal(told.text, "A(a)T(000", 9);
		for (size_t step = 1; step < 3000; step += 333) {
			run(&all, &pieces, message, (size_t)size, 0, step);
			assert_string_equal(told.text, pieces.text);
		}
	}
}

/* Whoever does not ask for enclosed messages is not told what is in them. */
static void
enclosed_messages_are_one(void **state)
{
	static const char message[] =
	    MIXED "--b\nContent-Type: message/rfc822\n"
		  "Content-Disposition: attachment; filename=m\n\n"
		  "Content-Type: multipart/mixed; boundary=c\n\n"
		  "--c\n" PDF "x\n\n--c--\n--b\n" PDF "y\n\n--b--\n";
	static struct told told;

	(void)state;
	run(&count_only, &told, message, sizeof(message) - 1, 0, 7);
	assert_string_equal(told.text, "A(m)A(y)");
	run(&all, &told, message, sizeof(message) - 1, 0, 7);
	assert_string_equal(told.text, "A(m)M(Content-Type: multipart/mixed; "
				       "boundary=c/)A(x)A(y)");
}

/* ---- work ---- */

static uint64_t boundaries_compared;

const struct mail_boundary *__real_mail_boundary_match(
    const struct mail_boundaries *, const char *line, size_t length,
    bool *is_last_r);
const struct mail_boundary *__wrap_mail_boundary_match(
    const struct mail_boundaries *, const char *line, size_t length,
    bool *is_last_r);

const struct mail_boundary *
__wrap_mail_boundary_match(const struct mail_boundaries *open, const char *line,
    size_t length, bool *is_last_r)
{
	boundaries_compared += 1 + open->depth;
	assert_true(open->depth <= MAIL_BOUNDARY_DEPTH);
	return __real_mail_boundary_match(open, line, length, is_last_r);
}

#define HOSTILE_SIZE ((size_t)1024 * 1024)

struct hostile {
	const char *begin, *repeated; /* NULL: multiparts in each other */
};

static void
read_hostile(const struct hostile *hostile, char *message)
{
	static struct told told;
	size_t length = (size_t)(stpcpy(message, hostile->begin) - message);
	uint64_t lines = 0;

	for (int i = 0; length < HOSTILE_SIZE; i++) {
		if (hostile->repeated == NULL)
			length += (size_t)snprintf(message + length, 200,
			    "Content-Type: multipart/mixed; boundary=b%d\n\n"
			    "--b%d\n",
			    i, i);
		else
			length = (size_t)(stpcpy(message + length,
					      hostile->repeated) -
					  message);
	}
	for (size_t i = 0; i < length; i++)
		lines += message[i] == '\n';
	boundaries_compared = 0;
	run(&all, &told, message, length, 0, length);
	/* Each line once, with as many boundaries as may be open. */
	assert_true(
	    boundaries_compared <= (lines + 1) * (MAIL_BOUNDARY_DEPTH + 1));
}

static void *
read_all_hostile(void *arg)
{
	static const struct hostile messages[] = {
		{ MIXED, "--b\n\n" },
		{ MIXED, "--b\n" PDF "x\n\n" },
		{ "A: b\n", NULL },
		{ "A: b\n", "Content-Type: message/rfc822\n\n" },
		{ "A: b\n", "Content-Type: message/rfc822\n" BASE64 "\n" },
		{ "Content-Type: message/rfc822\n" BASE64 "\n", "A" },
		{ MIXED, "--" },
		{ MIXED, "--c\n" },
		{ "A: b\n\n", "begin 644 a\n" },
		{ "A: b\n\n", "\n" },
		{ "Content-Type: a/b", "; name*0=a" },
		{ "Content-Type: a/b", ";;(" },
		{ "Content-Type: text/plain; name=\"", "\\\"" },
	};
	char *message = arg;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		read_hostile(&messages[i], message);
	return message;
}

/* On a stack smaller than that of any thread of the daemon. */
static void
hostile_messages_cost_what_they_are_long(void **state)
{
	char *message = malloc(HOSTILE_SIZE + 1000);
	pthread_attr_t attributes;
	pthread_t thread;
	void *done;

	(void)state;
	assert_non_null(message);
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(
	    pthread_attr_setstacksize(&attributes, (size_t)256 * 1024), 0);
	assert_int_equal(
	    pthread_create(&thread, &attributes, read_all_hostile, message), 0);
	assert_int_equal(pthread_join(thread, &done), 0);
	assert_int_equal(pthread_attr_destroy(&attributes), 0);
	assert_ptr_equal(done, message);
	free(message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cutting_anywhere_changes_nothing),
		cmocka_unit_test(long_lines_are_no_other),
		cmocka_unit_test(enclosed_messages_are_one),
		cmocka_unit_test(hostile_messages_cost_what_they_are_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
