/*
 * What a message holds and what a person reads of it, however its bytes come
 * in pieces.  tests/integration/harness/strange.py has the kinds of mail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/mail/extract.h"
#include "daemon/store/mail/flowed.h"
#include "daemon/store/mail/headers.h"
#include "daemon/store/mail/inventory.h"
#include "daemon/store/mail/reading.h"
#include "daemon/store/mail/view.h"
#include "lib/base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MIXED        "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

/*
 * The parts, a line each ("number<within type name=bytes"), and the text below
 * them.
 */
static const struct {
	const char *message, *told;
} cases[] = {
	{ "Subject: b\r\n\r\ntext\r\n", "1<0 text/plain -=text/|text/" },
	{ "", "1<0 text/plain -=|" },
	{ "no header\n", "1<0 text/plain -=no header/|no header/" },
	/* The line end before a boundary is the boundary's. */
	{ MIXED "--b\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
	    "1<0 text/plain -=one/|2<0 text/plain -=two|one//two/" },
	{ MIXED "--b\nContent-Type: a/b; name=c\n\none\n--b--\n",
	    "1<0 a/b c=one|" },
	{ MIXED "--b\n\n\r--b\n\r\n\r\r\n--b--",
	    "1<0 text/plain -=?--b//?|/--b/" },
	{ MIXED "--b\nContent-Transfer-Encoding: quoted-printable\n\na=\n--b--",
	    "1<0 text/plain -=a|a/" },
	{ MIXED "--b\nContent-Transfer-Encoding: base64\n\nYQ==Yg==\n--b--",
	    "1<0 text/plain -=ab|ab/" },
	/* A message is all of its bytes, and its parts. */
	{ MIXED "--b\nContent-Type: message/rfc822\n\nSubject: s\n" MIXED
		"--b\nno\n--b--\n",
	    "1<0 message/rfc822 -=Subject: s/Content-Type: multipart/mixed; "
	    "boundary=b/|2<0 text/plain -=no|"
	    "---------- Enclosed message ----------/Subject: s//no/" },
	{ "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
	  "U3ViamVjdDogcwoKeAo=\n",
	    "1<0 message/rfc822 -=Subject: s//x/|2<1 text/plain -=x/|"
	    "---------- Enclosed message ----------/Subject: s//x/" },
	{ "Subject: b\n\nx\nbegin 644 f\n#0V%T\n`\nend\ny\n",
	    "1<0 text/plain -=x/y/|2<0 application/octet-stream f=Cat|x/y/" },
	{ "Content-Type: a/b\nContent-Transfer-Encoding: uuencode\n\n"
	  "begin 644 f\n#0V%T\n`\nend\n",
	    "1<0 a/b -=Cat|" },
	{ "Content-Type: multipart/mixed; boundary=never\n\nstill\n",
	    "still/" },
	{ "Content-Type: Text/HTML;x\n\n<p>a<p>b", "1<0 text/html -=<p>a<p>b|"
						   "a//b/" },
	{ "Content-Type: te\"xt\n\na", "1<0 text/plain -=a|a/" },
	{ "Content-Type: a/b/c\n\na", "1<0 application/octet-stream -=a|" },
};

struct told {
	char text[2000];
	size_t length;
};

static void
tell(struct told *told, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		assert_true(told->length < sizeof(told->text) - 1);
		if (c == '\r' && i + 1 < length && bytes[i + 1] == '\n')
			continue;
		/* U+FFFD becomes one. */
		if (c == 0xbf || c == 0xbd)
			continue;
		told->text[told->length++] =
		    (char)(c == '\n'               ? '/'
			   : c == '\r' || c > 0x7f ? '?'
						   : c);
	}
	told->text[told->length] = '\0';
}

/* Calls `feed` for each piece: up to `cut`, then of `step` octets. */
static void
feed(const char *message, size_t length, size_t cut, size_t step,
    void (*take)(void *, const char *, size_t), void *arg)
{
	for (size_t at = 0; at < length;) {
		size_t piece = at < cut ? cut - at : step;

		if (piece > length - at)
			piece = length - at;
		take(arg, message + at, piece);
		at += piece;
	}
}

static void
take_inventory(void *inventory, const char *bytes, size_t length)
{
	assert_true(mail_inventory_feed(inventory, bytes, length));
}

static void
take_reading(void *reading, const char *bytes, size_t length)
{
	assert_true(mail_reading_feed(reading, bytes, length));
}

struct extraction {
	struct mail_extract *extract;
	struct mail_text bytes;
};

static void
take_extract(void *arg, const char *bytes, size_t length)
{
	struct extraction *extraction = arg;

	assert_true(mail_extract_feed(
	    extraction->extract, bytes, length, &extraction->bytes));
}

/* The bytes of a part, whose size and digest the list has told. */
static void
tell_part(struct told *told, const struct mail_item *item, const char *message,
    size_t length, size_t cut, size_t step)
{
	struct extraction extraction = { .extract =
					     mail_extract_new(item->number) };
	unsigned char digest[STORE_DIGEST_SIZE];
	struct store_digest *hash = store_digest_new();

	assert_non_null(extraction.extract);
	mail_text_init(&extraction.bytes, 1000);
	feed(message, length, cut, step, take_extract, &extraction);
	assert_true(mail_extract_finish(extraction.extract, &extraction.bytes));
	assert_true(mail_extract_is_done(extraction.extract));
	assert_int_equal(extraction.bytes.length, item->octets);
	store_digest_update(
	    hash, extraction.bytes.bytes, extraction.bytes.length);
	store_digest_final(hash, digest);
	store_digest_free(hash);
	assert_memory_equal(digest, item->digest, sizeof(digest));
	tell(told, extraction.bytes.bytes, extraction.bytes.length);
	mail_extract_free(extraction.extract);
	mail_text_free(&extraction.bytes);
}

static void
tell_parts(struct told *told, const char *message, size_t length, size_t cut,
    size_t step)
{
	struct mail_inventory *inventory = mail_inventory_new();
	const struct mail_item *items;
	size_t count;
	char line[300];

	feed(message, length, cut, step, take_inventory, inventory);
	assert_true(mail_inventory_finish(inventory));
	items = mail_inventory_items(inventory, &count);
	for (size_t i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "%u<%u %s %s=", items[i].number,
		    items[i].within, items[i].type,
		    items[i].name != NULL ? items[i].name : "-");
		tell(told, line, strlen(line));
		tell_part(told, &items[i], message, length, cut, step);
		tell(told, "|", 1);
	}
	mail_inventory_free(inventory);
}

static void
run(struct told *told, const char *message, size_t cut, size_t step)
{
	struct mail_reading *reading = mail_reading_new();
	size_t length = strlen(message);
	const struct mail_text *text;

	told->length = 0;
	tell_parts(told, message, length, cut, step);
	feed(message, length, cut, step, take_reading, reading);
	assert_true(mail_reading_finish(reading));
	text = mail_reading_text(reading);
	tell(told, text->bytes, text->length);
	mail_reading_free(reading);
}

static void
test_pieces_do_not_matter(void **state)
{
	struct told told;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *message = cases[i].message;

		run(&told, message, 0, 10000);
		assert_string_equal(told.text, cases[i].told);
		run(&told, message, 0, 1);
		assert_string_equal(told.text, cases[i].told);
		for (size_t cut = 1; cut < strlen(message); cut++) {
			run(&told, message, cut, 10000);
			assert_string_equal(told.text, cases[i].told);
		}
	}
}

static void
test_paragraphs_are_joined(void **state)
{
	static const struct {
		const char *text, *plain, *joined;
	} flowed[] = {
		{ "a \nb\n", "a b\n", "ab\n" },
		{ "a\nb\n", "a\nb\n", "a\nb\n" },
		{ "> a \n> b\nc\n", "> a b\nc\n", "> ab\nc\n" },
		{ "> a \n>> b\n", "> a \n>> b\n", "> a\n>> b\n" },
		{ "-- \nme\n", "-- \nme\n", "-- \nme\n" },
		{ " >a\n", ">a\n", ">a\n" },
		{ ">\n", ">\n", ">\n" },
	};
	struct mail_text text;

	(void)state;
	mail_text_init(&text, 100);
	for (size_t i = 0; i < COUNT(flowed); i++) {
		mail_text_clear(&text);
		mail_flowed_add(&text, flowed[i].text, strlen(flowed[i].text),
		    MAIL_FLOW_FLOWED);
		assert_int_equal(text.length, strlen(flowed[i].plain));
		assert_memory_equal(text.bytes, flowed[i].plain, text.length);
		mail_text_clear(&text);
		mail_flowed_add(&text, flowed[i].text, strlen(flowed[i].text),
		    MAIL_FLOW_JOINED);
		assert_int_equal(text.length, strlen(flowed[i].joined));
		assert_memory_equal(text.bytes, flowed[i].joined, text.length);
	}
	mail_text_free(&text);
}

static void
test_pages_become_lines(void **state)
{
	static const struct {
		const char *page, *lines;
	} pages[] = {
		{ "a  <b>b</b>\n c", "a b c" },
		{ "<p>a<p>b", "a\n\nb" },
		{ "a<br>b<br><br>c", "a\nb\n\nc" },
		{ "<div><div>a</div></div><div>b</div>", "a\nb" },
		{ "<ul><li>a<li><li>b<ul><li>c</ul></ul>d",
		    "* a\n* b\n  * c\n\nd" },
		{ "<ol><li>a<br>b<li><p>c</ol>", "1. a\n   b\n\n2. c" },
		{ "<blockquote>a<blockquote>b</blockquote>c</blockquote>d",
		    "> a\n>\n>> b\n>\n> c\n\nd" },
		{ "<table><tr><td>a<td>b<tr><th>c</table>", "a  b\nc" },
		{ "<a href='http://a/'>x</a> <a href='http://a/'>y</a>",
		    "x [1] y [1]\n\n[1] http://a/" },
		{ "<a href='http://a/'>a</a>, <a href='mailto:x@y'>x@y</a>",
		    "a, x@y" },
		{ "<a href='data:text/html,x'>a</a>", "a" },
		{ "<a href='https://a/'><img src=x></a>b", "b" },
		{ "<img alt=' '><img alt=cat>", "[cat]" },
		{ "a<hr>b", "a\n----\nb" },
		{ "<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc" },
		{ "<title>t</title><style>s</style><script>c</script>a", "a" },
		{ "a&zwnj; &zwnj;&shy;\xe2\x80\x8b b", "a b" },
	};
	struct mail_text text;
	size_t left = MAIL_VIEW_MAX;

	(void)state;
	mail_text_init(&text, 1000);
	for (size_t i = 0; i < COUNT(pages); i++) {
		mail_text_clear(&text);
		mail_view_add(
		    &text, pages[i].page, strlen(pages[i].page), &left);
		mail_text_add(&text, "", 1);
		assert_string_equal(text.bytes, pages[i].lines);
	}
	mail_text_free(&text);
}

/* A part and a whole that are too long say so, and memory stays bounded. */
static void
test_what_is_too_long(void **state)
{
	static const char cut[] =
	    "[The text goes on; it is too long to be shown whole.]\n";
	static const char header[] = MIXED;
	struct mail_reading *reading = mail_reading_new();
	const struct mail_text *text;
	char line[1024];

	(void)state;
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_true(mail_reading_feed(reading, header, strlen(header)));
	for (size_t part = 0; part < 4; part++) {
		assert_true(mail_reading_feed(reading, "--b\n\n", 5));
		for (size_t i = 0; i < 1500; i++)
			assert_true(
			    mail_reading_feed(reading, line, sizeof(line)));
	}
	assert_true(mail_reading_finish(reading));
	text = mail_reading_text(reading);
	assert_true(text->length <= MAIL_READING_MAX);
	assert_memory_equal(
	    text->bytes + text->length - strlen(cut), cut, strlen(cut));
	assert_non_null(
	    memmem(text->bytes, MAIL_READING_MAX / 2 + 4096, cut, strlen(cut)));
	mail_reading_free(reading);
}

/* The text is cut between two characters, wherever they stand. */
static void
test_characters_stay_whole(void **state)
{
	static const char header[] =
	    "Content-Type: text/plain; charset=iso-8859-1\n\n";
	char piece[4096];

	(void)state;
	memset(piece, '\xe9', sizeof(piece));
	for (size_t before = 0; before < 2; before++) {
		struct mail_reading *reading = mail_reading_new();
		const struct mail_text *text;
		uint32_t character;
		size_t used;

		assert_true(mail_reading_feed(reading, header, strlen(header)));
		assert_true(mail_reading_feed(reading, "x", before));
		for (size_t i = 0; i < 300; i++)
			assert_true(
			    mail_reading_feed(reading, piece, sizeof(piece)));
		assert_true(mail_reading_finish(reading));
		text = mail_reading_text(reading);
		assert_true(text->length > MAIL_READING_MAX - 4096);
		for (size_t at = 0; at < text->length; at += used) {
			used = evpop_text_decode(
			    text->bytes + at, text->length - at, &character);
			assert_true(used > 0);
		}
		mail_reading_free(reading);
	}
}

/* Files within a text are parts, and no more of them are listed than of others.
 */
static void
test_files_without_end(void **state)
{
	static const char file[] = "begin 644 a\n#AAAA\n`\nend\n";
	struct mail_inventory *inventory = mail_inventory_new();
	size_t count;

	(void)state;
	assert_true(mail_inventory_feed(inventory, "Subject: x\n\n", 12));
	for (size_t i = 0; i < 5000; i++)
		assert_true(mail_inventory_feed(inventory, file, strlen(file)));
	assert_true(mail_inventory_finish(inventory));
	(void)mail_inventory_items(inventory, &count);
	assert_int_equal(count, 4096);
	assert_true(mail_inventory_is_cut(inventory));
	mail_inventory_free(inventory);
}

static void
test_headers(void **state)
{
	static const char message[] =
	    "Received: a\r\n\tb\r\nFrom: =?utf-8?q?J=C3=BC?= <a@b>\r\n"
	    "Subject: \x1b[m\r\n\r\nbody\r\n";
	struct mail_headers *headers = mail_headers_new();
	const struct mail_headers_field *fields;
	size_t count;

	(void)state;
	assert_true(mail_headers_feed(headers, message, strlen(message)));
	assert_true(mail_headers_are_read(headers));
	assert_true(mail_headers_finish(headers));
	fields = mail_headers_fields(headers, &count);
	assert_int_equal(count, 3);
	assert_string_equal(fields[0].name, "Received");
	assert_string_equal(fields[0].value, "a b");
	assert_string_equal(fields[1].value, "J\xc3\xbc <a@b>");
	assert_string_equal(fields[2].value, "[m");
	assert_false(mail_headers_are_cut(headers));
	mail_headers_free(headers);
}

static int
set_up(void **state)
{
	(void)state;
	return store_digest_init() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_do_not_matter),
		cmocka_unit_test(test_paragraphs_are_joined),
		cmocka_unit_test(test_pages_become_lines),
		cmocka_unit_test(test_what_is_too_long),
		cmocka_unit_test(test_characters_stay_whole),
		cmocka_unit_test(test_files_without_end),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
