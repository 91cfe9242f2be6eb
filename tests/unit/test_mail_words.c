/*
 * The words of messages as the index takes them, of HTML, and of questions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/mail/html.h"
#include "daemon/store/mail/pairs.h"
#include "daemon/store/mail/words.h"

static void
text_is_cut_between_characters(void **state)
{
	static const struct {
		const char *text;
		size_t length, max;
		const char *clean;
		bool is_cut;
	} cases[] = {
		{ "abc", 3, 10, "abc", false },
		{ "abc", 3, 2, "ab", true },
		{ "a\xc3\xbc", 3, 2, "a", true },
		{ "a\xc3\xbc", 3, 3, "a\xc3\xbc", false },
		{ "  a \t\r\n b  ", 11, 10, "a b", false },
		{ "a\0b", 3, 10, "a b", false },
		{ "\xff", 1, 10, "\xef\xbf\xbd", false },
		{ "\xff", 1, 2, "", true },
		{ "\xc3", 1, 10, "\xef\xbf\xbd", false },
		{ "\xed\xa0\x80", 3, 9, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		    false },
		{ "a\xc2\x9b"
		  "b",
		    4, 10, "a b", false },
		{ "ab  ", 4, 2, "ab", false },
		{ "", 0, 0, "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_cut = false;
		char *clean = mail_text_clean(
		    cases[i].text, cases[i].length, cases[i].max, &is_cut);

		assert_non_null(clean);
		assert_string_equal(clean, cases[i].clean);
		assert_true(is_cut == cases[i].is_cut);
		free(clean);
	}
}

/* ---- HTML ---- */

static void
html_becomes_words(void **state)
{
	static const struct {
		const char *html, *text; /* blanks made one */
	} pages[] = {
		{ "plain", "plain" },
		{ "<p>a</p><p>b", "a b" },
		{ "a&amp;b &lt;c&gt; &quot;d&quot;", "a&b <c> \"d\"" },
		{ "&uuml;&#252;&#xFC;&uuml",
		    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" },
		{ "Dobr&aacute; ma&ntilde;ana &Aring;ngstr&ouml;m &euro;5",
		    "Dobr\xc3\xa1 ma\xc3\xb1"
		    "ana \xc3\x85ngstr\xc3\xb6m \xe2\x82\xac"
		    "5" },
		{ "&unknown; &# &", "&unknown; &# &" },
		{ "a<!-- <b> -->b", "ab" },
		{ "a<script>if (x<y)</script>b<STYLE>c</Style>d", "a b d" },
		{ "a<script src=x></script >b<script>c", "a b" },
		{ "a<!-- <a href=\" -->b<!-- c", "ab" },
		{ "<a title='x>y' href = \"<b>\" id=a\"b>c</a>", "c" },
		{ "<b><i>a</b>b</i>c</u></div>d", "abcd" },
		{ "<o:p>a</o:p>b<x-y>c</x-y>", "abc" },
		{ "In<b>voi</b>ce num<wbr>ber", "Invoice number" },
		{ "<span>a</span><i>b</i><font color=x>c</font>", "abc" },
		{ "a<br>b<div>c</div>d<li>e", "a b c d e" },
		{ "<table><tr><td>a</td><td>b<tr><td>c</table>d", "a b c d" },
		{ "<img src=x alt='a picture'>b", "a picture b" },
		{ "<title>t</title><body>b", "t b" },
		{ "a <b", "a" },
		{ "1 < 2", "1 < 2" },
		{ "a<", "a<" },
		{ "<a href='http://x.example/hidden'>shown</a>", "shown" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		size_t left = MAIL_HTML_MAX;
		struct mail_text text;
		bool is_cut = false;
		char *clean;

		mail_text_init(&text, 1000);
		mail_html_add(
		    &text, pages[i].html, strlen(pages[i].html), &left);
		clean = mail_text_finish(&text, 1000, &is_cut);
		assert_non_null(clean);
		assert_false(is_cut);
		if (strcmp(clean, pages[i].text) != 0)
			fail_msg("%s: %s", pages[i].html, clean);
		free(clean);
		mail_text_free(&text);
	}
}

/* Memory that pages are given, in all and at most. */
static size_t octets_allocated;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *
__wrap_malloc(size_t size)
{
	octets_allocated += size;
	return __real_malloc(size);
}

#define HOSTILE_SIZE ((size_t)1024 * 1024)

/* A page is cut to a quarter until it fits, which takes its bound some times.
 */
#define HOSTILE_OCTETS ((size_t)100 * 1024 * 1024)

static void
hostile_pages_are_bounded(void **state)
{
	static const struct {
		const char *repeated;
		bool has_end; /* after so many comes the rest */
		const char *rest;
	} pages[] = {
		{ "&amp;", false, NULL },
		{ "&CounterClockwiseContourIntegral;", false, NULL },
		{ "<div>", false, NULL },
		{ "<b><p>", false, NULL },
		{ "<a><p>", false, NULL },
		{ "<table>", false, NULL },
		{ "<table><td>", false, NULL },
		{ "<b class=x><i class=y>", true, "<p>x" },
		{ "<font size=1><a href=x>", true, "<p></b>" },
		{ "<p a=1 b=2 c=3 d=4 e=5 f=6 g=7>", false, NULL },
		{ "<svg><math>", false, NULL },
		{ "<select><option>", false, NULL },
		{ "<ul><li>", false, NULL },
		{ "<!--", false, NULL },
		{ "<", false, NULL },
		{ "<i></b>", false, NULL },
		{ "<a href='", false, NULL },
		{ "</x>", false, NULL },
	};
	char *page = malloc(HOSTILE_SIZE + 100);

	(void)state;
	assert_non_null(page);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct mail_text text;
		size_t length = 0, left = MAIL_HTML_MAX;

		while (length < HOSTILE_SIZE) {
			const char *next = pages[i].has_end && length > 20000
					       ? pages[i].rest
					       : pages[i].repeated;

			length = (size_t)(stpcpy(page + length, next) - page);
		}
		mail_text_init(&text, (size_t)256 * 1024);
		octets_allocated = 0;
		mail_html_add(&text, page, length, &left);
		assert_false(text.has_failed);
		assert_true(octets_allocated < HOSTILE_OCTETS);
		mail_text_free(&text);
	}
	free(page);
}

/* ---- pairs ---- */

/* What asks for each word; blanks are those of a question. */
static char *
query_of(const char *text)
{
	static const char wide_blank[] = "\xe3\x80\x80";
	char query[512] = "";

	while (*text != '\0') {
		const char *wide = strstr(text, wide_blank);
		size_t length = strcspn(text, " \t\r\n"), star;
		char *phrase;

		if (wide != NULL && (size_t)(wide - text) < length)
			length = (size_t)(wide - text);
		if (length > 0) {
			star = length > 1 && text[length - 1] == '*';
			phrase =
			    mail_pairs_phrase(text, length - star, star > 0);
			assert_non_null(phrase);
			if (phrase[0] != '\0')
				strcat(strcat(query, phrase), " ");
			free(phrase);
		}
		text += length;
		text += strncmp(text, wide_blank, 3) == 0 ? 3 : *text != '\0';
	}
	return strdup(query);
}

static void
runs_become_pairs(void **state)
{
	static const struct {
		const char *text, *index, *query;
	} cases[] = {
		{ "plain words", "plain words", "\"plain\" \"words\" " },
		{ "gr\xc3\xbc\xc3\x9f"
		  "e",
		    "gr\xc3\xbcsse", "\"gr\xc3\xbcsse\" " },
		{ "quart*", "quart*", "\"quart\"* " },
		{ "a\"b", "a\"b", "\"a\"\"b\" " },
		{ "", "", "" },
		{ "  ", "  ", "" },
		/* What begins so; a star alone begins nothing. */
		{ "a* b", "a* b", "\"a\"* \"b\" " },
		{ "*", "*", "" },
		/* One character, two, three. */
		{ "\xe7\xae\x97", " \xe7\xae\x97 ", "\" \xe7\xae\x97 \"* " },
		{ "\xe9\xa2\x84\xe7\xae\x97",
		    " \xe9\xa2\x84\xe7\xae\x97 \xe7\xae\x97 ",
		    "\" \xe9\xa2\x84\xe7\xae\x97  \" " },
		{ "\xe5\xb9\xb4\xe9\xa2\x84\xe7\xae\x97",
		    " \xe5\xb9\xb4\xe9\xa2\x84 \xe9\xa2\x84\xe7\xae\x97"
		    " \xe7\xae\x97 ",
		    "\" \xe5\xb9\xb4\xe9\xa2\x84 \xe9\xa2\x84\xe7\xae\x97"
		    "  \" " },
		/* With letters before and behind. */
		{ "A\xe7\xae\x97"
		  "B",
		    "A \xe7\xae\x97 B", "\"A \xe7\xae\x97 B\" " },
		/* Narrow Kana is wide, and Latin that is wide is not. */
		{ "\xef\xbe\x83\xef\xbe\x9e\xef\xbd\xb0\xef\xbe\x80",
		    " \xe3\x83\x87\xe3\x83\xbc \xe3\x83\xbc\xe3\x82\xbf"
		    " \xe3\x82\xbf ",
		    "\" \xe3\x83\x87\xe3\x83\xbc \xe3\x83\xbc\xe3\x82\xbf"
		    "  \" " },
		{ "\xef\xbc\xa1\xef\xbc\xa2\xe3\x80\x80\xef\xbc\xa3", "AB C",
		    "\"AB\" \"C\" " },
		/* What joins a letter, and what is not seen. */
		{ "u\xcc\x88"
		  "ber",
		    "\xc3\xbc"
		    "ber",
		    "\"\xc3\xbc"
		    "ber\" " },
		{ "ver\xc2\xadtrag zero\xe2\x80\x8bwidth", "vertrag zerowidth",
		    "\"vertrag\" \"zerowidth\" " },
		{ "\xd9\x83\xd9\x90\xd8\xaa\xd9\x8e\xd8\xa7\xd8\xa8",
		    "\xd9\x83\xd8\xaa\xd8\xa7\xd8\xa8",
		    "\"\xd9\x83\xd8\xaa\xd8\xa7\xd8\xa8\" " },
		{ "a\xff"
		  "b",
		    "a b", "\"a b\" " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *index = mail_pairs_index(cases[i].text);
		char *query = query_of(cases[i].text);

		assert_non_null(index);
		assert_non_null(query);
		if (strcmp(index, cases[i].index) != 0)
			fail_msg("%s: index: %s", cases[i].text, index);
		if (strcmp(query, cases[i].query) != 0)
			fail_msg("%s: query: %s", cases[i].text, query);
		free(index);
		free(query);
	}
}

/* ---- messages ---- */

/* As whole words, in the columns or the text; other words stand around. */
static bool
has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		if ((at == text || strchr(" <>\"(,;:/=", at[-1]) != NULL) &&
		    strchr(" <>\"),.;:!/", at[length]) != NULL)
			return true;
	return false;
}

#define CRLF "\r\n"

static const struct {
	const char *message;
	size_t length;        /* 0: up to its NUL */
	const char *words[8]; /* all of them, up to NULL */
} messages[] = {
	{ "From: A <a@x>\nSender: s@x\nReply-To: r@x\nTo: t@x\nCc: c@x\n"
	  "Subject: sub\nMessage-ID: <id@x>\nList-Id: <list.x>\n\nbody\n",
	    0,
	    { "a@x", "s@x", "r@x", "t@x", "c@x", "id@x", "list.x", "body" } },
	/* Where a header begins and ends. */
	{ "Microsoft Mail Internet Headers Version 2.0" CRLF "From: a@x" CRLF
	  "Subject: sub" CRLF CRLF "body" CRLF,
	    0, { "a@x", "sub", "body" } },
	{ "HELO there" CRLF "MAIL FROM:<m@x>" CRLF "RCPT TO:<t@x>" CRLF
	  "DATA" CRLF "Subject: sub" CRLF CRLF "body" CRLF,
	    0, { "sub", "body" } },
	{ "From m@x Fri Jan  2 03:04:05 2026\nSubject: sub\n\nbody\n", 0,
	    { "sub", "body" } },
	{ "\xef\xbb\xbf"
	  "Subject: sub" CRLF CRLF "body" CRLF,
	    0, { "sub", "body" } },
	{ CRLF CRLF "Subject: sub" CRLF CRLF "body" CRLF, 0,
	    { "sub", "body" } },
	{ "Subject: sub\r\r\nContent-Type: "
	  "text/html\r\r\n\r\r\n<p>bo<b>dy\r\r\n",
	    0, { "sub", "body" } },
	{ "No header, only a text.\nMore: of it.\n\nAnd an end.\n", 0,
	    { "header", "text", "More", "end" } },
	{ CRLF "A text below a blank." CRLF, 0, { "below", "blank" } },
	{ "Subject: all header", 0, { "all", "header" } },
	/* Text of all kinds. */
	{ "Content-Type: text/plain\n\none\0two\nthree\n", 40,
	    { "one", "two", "three" } },
	{ "Content-Type: text/markdown\n\nmdword\n", 0, { "mdword" } },
	{ "Content-Type: text/enriched\n\n<bold>en<italic>rich</italic>ed"
	  "</bold> a <<tag>\n",
	    0, { "enriched", "tag" } },
	{ "Content-Type: text/calendar; charset=utf-8\n\nSUMMARY:Quar\r\n "
	  "terly\\nmeeting\\, room\r\n",
	    0, { "Quarterly", "meeting", "room" } },
	{ "Content-Type: text/html; charset=iso-8859-2\n\n<p>\xb3os\xb6", 0,
	    { "\xc5\x82os\xc5\x9b" } },
	{ "Content-Type: text/html; charset=utf-16le\n"
	  "Content-Transfer-Encoding: base64\n\nPABwAD4AdwBvAHIAZAA8AC8AcAA+"
	  "AA==\n",
	    0, { "word" } },
	/* A charset that only another part names. */
	{ "Subject: \xcd\xa8\xd6\xaa\nContent-Type: multipart/mixed; "
	  "boundary=b\n\n--b\nContent-Type: text/plain; charset=gbk\n\n"
	  "x\n--b--\n",
	    0, { "\xe9\x80\x9a\xe7\x9f\xa5", "x" } },
	/* Names of files, and what is enclosed. */
	{ "Content-Type: application/pdf; name=\"=?utf-8?Q?Stra=C3=9Fe?=.pdf"
	  "\"\n\nx",
	    0, { "Strasse" } },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	  "Content-Type: message/rfc822\n\nFrom: in@x\nSubject: =?utf-8?B?"
	  "YWI=?= =?utf-8?B?Y2Q=?=\n\ninner\n--b--\n",
	    0, { "in@x", "abcd", "inner" } },
};

static void
words_of_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const char *message = messages[i].message;
		size_t length = messages[i].length != 0 ? messages[i].length
							: strlen(message);
		struct mail_words words;
		char *joined;

		assert_true(mail_words_read(message, length, &words));
		assert_false(words.is_cut);
		assert_true(asprintf(&joined, "%s %s %s %s %s %s ",
				words.senders, words.recipients, words.copies,
				words.subject, words.files, words.text) > 0);
		for (size_t j = 0; j < 8 && messages[i].words[j] != NULL; j++)
			if (!has_word(joined, messages[i].words[j]))
				fail_msg("message %zu: %s is not in: %s", i,
				    messages[i].words[j], joined);
		free(joined);
		mail_words_free(&words);
	}
}

/* All recipients are found; a text that is cut says so. */
static void
what_is_cut_says_so(void **state)
{
	size_t size = 1000000, length = 0;
	char *message = malloc(size + 200);
	struct mail_words words;

	(void)state;
	assert_non_null(message);
	length += (size_t)sprintf(message, "To: first@x");
	for (int i = 1; i <= 5000; i++)
		length += (size_t)sprintf(
		    message + length, ",\n person%d@example.org", i);
	length += (size_t)sprintf(message + length, "\n\nshort\n");
	assert_true(mail_words_read(message, length, &words));
	assert_false(words.is_cut);
	assert_true(has_word(words.recipients, "person600@example.org"));
	assert_non_null(strstr(words.recipients, "person5000@example.org"));
	mail_words_free(&words);
	while (length < size)
		length += (size_t)sprintf(message + length, "word%zu ", length);
	assert_true(mail_words_read(message, length, &words));
	assert_true(words.is_cut);
	assert_true(has_word(words.text, "short"));
	mail_words_free(&words);
	free(message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(html_becomes_words),
		cmocka_unit_test(hostile_pages_are_bounded),
		cmocka_unit_test(runs_become_pairs),
		cmocka_unit_test(words_of_messages),
		cmocka_unit_test(what_is_cut_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
