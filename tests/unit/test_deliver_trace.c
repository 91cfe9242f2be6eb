#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/deliver/received.h"
#include "daemon/deliver/trace.h"

#define DATE    "; Fri, 2 Jan 2026 03:04:05 +0000"
#define DATE_MS INT64_C(1767323045000)

/* ---- one line ---- */

static void
lines_of_all_servers_are_read(void **state)
{
	static const struct {
		const char *value, *helo, *name, *address, *by, *by_address;
		const char *with, *recipient, *sender;
	} cases[] = {
		/* Postfix */
		{ " from mail.example.com (out.example.com [192.0.2.1])\r\n"
		  "\t(using TLSv1.3)\r\n\tby mx.example.org (Postfix) with "
		  "ESMTPS id 4ABC\r\n\tfor <a@example.org>" DATE,
		    "mail.example.com", "out.example.com", "192.0.2.1",
		    "mx.example.org", "", "ESMTPS", "a@example.org", "" },
		{ "from [10.0.0.9] (unknown [IPv6:2001:db8::7]) by mx (Postfix)"
		  " with ESMTP id 1 for <a@b>" DATE,
		    "[10.0.0.9]", "", "2001:db8::7", "mx", "", "ESMTP", "a@b",
		    "" },
		/* Exim */
		{ "from out.example.com ([192.0.2.1] helo=mail.example.com)\n"
		  "\tby mx.example.org with esmtps (TLS1.3) (Exim 4.96)\n"
		  "\t(envelope-from <s@example.com>) id 1x for a@b" DATE,
		    "mail.example.com", "out.example.com", "192.0.2.1",
		    "mx.example.org", "", "esmtps", "a@b", "s@example.com" },
		{ "from [192.0.2.1] (helo=[198.51.100.9]) by mx with "
		  "esmtp" DATE,
		    "[198.51.100.9]", "", "192.0.2.1", "mx", "", "esmtp", "",
		    "" },
		{ "from [192.0.2.1] by mx with esmtp" DATE, "[192.0.2.1]", "",
		    "192.0.2.1", "mx", "", "esmtp", "", "" },
		/* Sendmail */
		{ "from mail.example.com (root@out.example.com [192.0.2.1] "
		  "(may be forged)) by mx (8.17/8.17) with ESMTP id x" DATE,
		    "mail.example.com", "", "192.0.2.1", "mx", "", "ESMTP", "",
		    "" },
		/* qmail, and Yahoo! */
		{ "from unknown (HELO mail.example.com) (192.0.2.1)\n"
		  "  by mx.example.org with SMTP" DATE,
		    "mail.example.com", "", "192.0.2.1", "mx.example.org", "",
		    "SMTP", "", "" },
		{ "from 127.0.0.1  (EHLO mail.example.com) (192.0.2.1) by mta"
		  " with SMTPs" DATE,
		    "mail.example.com", "", "192.0.2.1", "mta", "", "SMTPs", "",
		    "" },
		{ "from 192.0.2.1 (EHLO mail.example.com) by 10.253.1.1 with "
		  "SMTPs" DATE,
		    "mail.example.com", "", "192.0.2.1", "10.253.1.1",
		    "10.253.1.1", "SMTPs", "", "" },
		/* Exchange */
		{ "from mail.example.com (192.0.2.1) by\r\n"
		  " mx.example.org (10.152.16.161) with Microsoft SMTP Server "
		  "(version=TLS1_3,\r\n cipher=X) id 15.20 via Frontend "
		  "Transport" DATE,
		    "mail.example.com", "", "192.0.2.1", "mx.example.org",
		    "10.152.16.161", "Microsoft", "", "" },
		/* Google */
		{ "from out.example.com (out.example.com. [192.0.2.1])\n by "
		  "mx.google.com with ESMTPS id x for <a@gmail.com> (version="
		  "TLS1_3 bits=256/256)" DATE,
		    "out.example.com", "out.example.com", "192.0.2.1",
		    "mx.google.com", "", "ESMTPS", "a@gmail.com", "" },
		{ "by 2002:a05:6a10::1 with SMTP id x" DATE, "", "", "",
		    "2002:a05:6a10::1", "2002:a05:6a10::1", "SMTP", "", "" },
		/* Others */
		{ "from mail.example.com [192.0.2.1] by mx with ESMTP" DATE,
		    "mail.example.com", "", "192.0.2.1", "mx", "", "ESMTP", "",
		    "" },
		/* Values that look like words, and words that come twice. */
		{ "from by (by [192.0.2.1]) by for with from for <with@b> "
		  "for <x@y> by other" DATE,
		    "by", "", "192.0.2.1", "for", "", "from", "with@b", "" },
		{ "", "", "", "", "", "", "", "", "" },
		{ "from", "", "", "", "", "", "", "", "" },
		{ "from (((( by mx", "", "", "", "", "", "", "", "" },
		{ "from a\"b (x [999.1.1.1]) by m", "", "", "", "", "", "", "",
		    "" },
	};
	struct received received;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		received_read(
		    cases[i].value, strlen(cases[i].value), &received);
		assert_string_equal(received.helo, cases[i].helo);
		assert_string_equal(received.name, cases[i].name);
		assert_string_equal(received.address, cases[i].address);
		assert_string_equal(received.by, cases[i].by);
		assert_string_equal(received.by_address, cases[i].by_address);
		assert_string_equal(received.with, cases[i].with);
		assert_string_equal(received.recipient, cases[i].recipient);
		assert_string_equal(received.sender, cases[i].sender);
		if (strstr(cases[i].value, DATE) != NULL) {
			assert_true(received.has_date);
			assert_int_equal(received.date_ms, DATE_MS);
		} else
			assert_false(received.has_date);
	}
}

static void
addresses_are_fit_for_a_command(void **state)
{
	static char longest[TRACE_ADDRESS], longer[TRACE_ADDRESS + 1];
	static const struct {
		const char *text, *address; /* NULL: it is none */
	} cases[] = {
		{ "<a@b.example>", "a@b.example" },
		{ " a@b.example \r\n", "a@b.example" },
		{ "<>", "" },
		{ " < > ", "" },
		{ "<@one,@two:a@b>", "a@b" },
		{ "<\"a b\"@c>", "\"a b\"@c" },
		{ "<\"a>\\\"b\"@c>", "\"a>\\\"b\"@c" },
		{ "MAILER-DAEMON", "MAILER-DAEMON" },
		{ longest, longest },
		{ longer, NULL },
		{ "", NULL },
		{ "<a@b", NULL },
		{ "<a b@c>", NULL },
		{ "<a@b> SIZE=1", NULL },
		{ "<a@b>\r\nRCPT TO:<x@y>", NULL },
		{ "<a\r\n@b>", NULL },
		{ "<a@b\x01>", NULL },
		{ "<\xc3\xa4@b>", NULL },
		{ "<\"a@b>", NULL },
		{ "<\"a\\", NULL },
		{ "A <a@b>", NULL },
	};
	char address[TRACE_ADDRESS];
	size_t i;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	memset(longer, 'a', sizeof(longer) - 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(received_address_read(cases[i].text,
				     strlen(cases[i].text), address),
		    cases[i].address != NULL);
		assert_string_equal(
		    address, cases[i].address != NULL ? cases[i].address : "");
	}
}

/* ---- a header ---- */

#define OUTER                                                               \
	"Received: from mail.example.com (out.example.com [192.0.2.1])\r\n" \
	"\tby mx.example.org (mx.example.org [203.0.113.5]) with ESMTP id " \
	"1\r\n"                                                             \
	"\tfor <a@example.org>" DATE "\r\n"
/* Whatever stands further down is the sender's word. */
#define FORGED                                                          \
	"Received: from good.example (good.example [198.51.100.1])\r\n" \
	"\tby mail.example.com with ESMTP for <forged@example.net>\r\n" \
	"\t; Thu, 1 Jan 2026 00:00:00 +0000\r\n"

struct header_case {
	const char *header, *helo, *address, *recipient;
	const char *sender; /* NULL: not known */
};

static void
check_header(const struct header_case *wanted)
{
	struct trace trace;

	trace_read((const unsigned char *)wanted->header,
	    strlen(wanted->header), &trace);
	assert_string_equal(trace.helo, wanted->helo);
	assert_string_equal(trace.address, wanted->address);
	assert_string_equal(trace.recipient, wanted->recipient);
	assert_int_equal(trace.has_sender, wanted->sender != NULL);
	assert_string_equal(
	    trace.sender, wanted->sender != NULL ? wanted->sender : "");
}

static void
hops_inside_are_passed(void **state)
{
	static const char *const hops[] = {
		"",
		/* A program, a machine, a network of the house's own. */
		"Received: by store.example.org id 7" DATE "\r\n",
		"Received: (qmail 123 invoked by uid 0)" DATE "\r\n",
		"Received: from localhost (localhost [127.0.0.1])\r\n"
		"\tby store (Postfix) with ESMTP" DATE "\r\n",
		"Received: from mx (mx.lan [10.0.0.7]) by store" DATE "\r\n",
		"Received: from mx ([IPv6:fd00::1]) by store" DATE "\r\n",
		/* By LMTP, from wherever. */
		"Received: from director ([198.51.100.200]) by backend\r\n"
		"\twith LMTP id x for <inner@example.org>" DATE "\r\n",
		/* By its name, and by its neighbourhood. */
		"Received: from x (mx.example.org [203.0.113.5]) by\r\n"
		"\tstore.example.org (Postfix) with ESMTP" DATE "\r\n",
		"Received: from x (2a01:db8:1::1) by y\r\n"
		" (2a01:db8:2::1) with Microsoft SMTP Server" DATE "\r\n",
		"Received: from x ([203.0.113.5]) by y ([203.0.113.9])" DATE
		"\r\n",
	};
	struct header_case wanted = { NULL, "mail.example.com", "192.0.2.1",
		"a@example.org", NULL };
	char header[4096];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(hops) / sizeof(hops[0]); i++)
		for (j = 0; j < sizeof(hops) / sizeof(hops[0]); j++) {
			strcpy(header, "Delivered-To: a\r\n");
			strcat(header, hops[i]);
			strcat(header, hops[j]);
			strcat(header, OUTER FORGED "From: x\r\n\r\n" FORGED);
			wanted.header = header;
			check_header(&wanted);
		}
}

static void
nobody_can_say_to_be_inside(void **state)
{
	static const struct header_case cases[] = {
		/* By a HELO like that of the house, or like an address. */
		{ "Received: from store.example.org (unknown [192.0.2.1])\r\n"
		  "\tby mx.example.org with ESMTP" DATE "\r\n" FORGED,
		    "store.example.org", "192.0.2.1", "", NULL },
		{ "Received: from [10.0.0.1] (unknown [192.0.2.1])\r\n"
		  "\tby mx.example.org with ESMTP" DATE "\r\n" FORGED,
		    "[10.0.0.1]", "192.0.2.1", "", NULL },
		{ "Received: from unknown (HELO 10.0.0.1) (192.0.2.1)\r\n"
		  "\tby mx.example.org with ESMTP" DATE "\r\n" FORGED,
		    "10.0.0.1", "192.0.2.1", "", NULL },
		/* By a name that the server doubts. */
		{ "Received: from x (store.example.org [192.0.2.1] (may be "
		  "forged))\r\n\tby mx.example.org" DATE "\r\n" FORGED,
		    "x", "192.0.2.1", "", NULL },
		/* By a suffix that is not a name's. */
		{ "Received: from x (a.badexample.org [192.0.2.1])\r\n"
		  "\tby mx.example.org" DATE "\r\n" FORGED,
		    "x", "192.0.2.1", "", NULL },
		{ "Received: from x (a.other.co.uk [192.0.2.1])\r\n"
		  "\tby mx.example.co.uk" DATE "\r\n" FORGED,
		    "x", "192.0.2.1", "", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_header(&cases[i]);
}

static void
mail_within_a_house_comes_from_its_server(void **state)
{
	static const struct header_case cases[] = {
		{ "Received: from out.example.org (out.example.org "
		  "[203.0.113.5])\r\n\tby mx.example.org with ESMTPS" DATE
		  "\r\nReceived: from laptop (dsl.example.com [192.0.2.77])"
		  "\r\n\tby out.example.org with ESMTPSA" DATE "\r\n",
		    "out.example.org", "203.0.113.5", "", NULL },
		{ "Received: from out.example.org (out.example.org "
		  "[203.0.113.5])\r\n\tby mx.example.org with ESMTPS" DATE
		  "\r\nSubject: x\r\n",
		    "out.example.org", "203.0.113.5", "", NULL },
		/* A server of another that logs in is a client all the same. */
		{ "Received: from x (dsl.example.com [192.0.2.77])\r\n"
		  "\tby out.example.org with ESMTPSA" DATE "\r\n",
		    "x", "192.0.2.77", "", NULL },
		{ "Received: from localhost ([127.0.0.1]) by x" DATE "\r\n", "",
		    "", "", NULL },
		{ "", "", "", "", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_header(&cases[i]);
}

static void
the_sender_is_the_outermost(void **state)
{
	static const struct header_case cases[] = {
		{ "Return-Path: <s@example.com>\r\n" OUTER, "mail.example.com",
		    "192.0.2.1", "a@example.org", "s@example.com" },
		{ OUTER "Return-path: s@example.com\r\n", "mail.example.com",
		    "192.0.2.1", "a@example.org", "s@example.com" },
		{ "Return-Path: <>\r\nReturn-Path: <forged@x>\r\n", "", "", "",
		    "" },
		{ "Return-Path: <a b@c>\r\nReturn-Path: <forged@x>\r\n", "", "",
		    "", NULL },
		{ "Received: from x ([192.0.2.1]) by y (envelope-from <>)" DATE
		  "\r\n",
		    "x", "192.0.2.1", "", "" },
		{ "Return-Path: <s@x>\r\nReceived: from x ([192.0.2.1]) by y "
		  "(envelope-from <t@x>)" DATE "\r\n",
		    "x", "192.0.2.1", "", "s@x" },
		{ "Subject: x\r\n\r\nReturn-Path: <body@x>\r\n", "", "", "",
		    NULL },
		/* Cut within its header. */
		{ OUTER "Return-Path: <s@exam", "mail.example.com", "192.0.2.1",
		    "a@example.org", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_header(&cases[i]);
}

/* As they are found in mailboxes; names and addresses are others. */
static void
chains_of_large_providers_are_followed(void **state)
{
	static const struct header_case cases[] = {
		/* Exchange Online */
		{ "Received: from AM6PR03MB4567.eurprd03.prod.outlook.com\r\n"
		  " (2603:10a6:20b:b8::17) by AM5PR0302MB2628.eurprd03.prod."
		  "outlook.com with\r\n HTTPS" DATE "\r\n"
		  "Received: from DB6PR0301CA0083.eurprd03.prod.outlook.com "
		  "(2603:10a6:6:30::30) by\r\n AM6PR03MB4567.eurprd03.prod."
		  "outlook.com (2603:10a6:20b:2::21) with Microsoft\r\n SMTP "
		  "Server (version=TLS1_2, cipher=X) id 15.20.5566.15" DATE
		  "\r\nReceived: from DB5EUR03FT032.eop-EUR03.prod.protection."
		  "outlook.com\r\n (2603:10a6:6:30:cafe::10) by "
		  "DB6PR0301CA0083.outlook.office365.com\r\n "
		  "(2603:10a6:6:30::30) with Microsoft SMTP Server (X) id 15 "
		  "via\r\n Frontend Transport" DATE "\r\n"
		  "Authentication-Results: spf=pass\r\n"
		  "Received: from mail.example.com (192.0.2.1) by\r\n "
		  "DB5EUR03FT032.mail.protection.outlook.com (10.152.20.121) "
		  "with Microsoft SMTP\r\n Server (X) id 15 via Frontend "
		  "Transport" DATE "\r\n" FORGED
		  "Return-Path: s@example.com\r\n",
		    "mail.example.com", "192.0.2.1", "", "s@example.com" },
		/* Gmail */
		{ "Delivered-To: a@gmail.com\r\n"
		  "Received: by 2002:a05:6a10:1:b0:1:2 with SMTP id x" DATE
		  "\r\nX-Google-Smtp-Source: AGHT+IF\r\n"
		  "X-Received: by 2002:a17:90b:4f46:b0:2c1:7f7f with SMTP" DATE
		  "\r\nReturn-Path: <s@example.com>\r\n"
		  "Received: from out.example.com (out.example.com. "
		  "[192.0.2.1])\r\n        by mx.google.com with ESMTPS id "
		  "41\r\n"
		  "        for <a@gmail.com>\r\n        (version=TLS1_3 "
		  "cipher=X bits=128/128)" DATE "\r\n" FORGED,
		    "out.example.com", "192.0.2.1", "a@gmail.com",
		    "s@example.com" },
		/* Yahoo! */
		{ "Received: from 127.0.0.1\r\n by atlas-production.v2-mail-"
		  "prod1-gq1.omega.yahoo.com pod-id x with HTTP" DATE "\r\n"
		  "Return-Path: <s@example.com>\r\n"
		  "X-Originating-Ip: [192.0.2.1]\r\n"
		  "Received: from 192.0.2.1 (EHLO mail.example.com)\r\n by "
		  "10.217.151.74 with SMTPs\r\n (version=TLS1_2 cipher=X)" DATE
		  "\r\n" FORGED,
		    "mail.example.com", "192.0.2.1", "", "s@example.com" },
		/* GMX */
		{ "Return-Path: <s@example.com>\r\n"
		  "Received: from mail.example.com ([192.0.2.1]) by "
		  "mx-ha.gmx.net (mxgmx017\r\n [212.227.15.9]) with ESMTPS "
		  "(Nemesis) id 1 for <a@gmx.de>" DATE "\r\n" FORGED,
		    "mail.example.com", "192.0.2.1", "a@gmx.de",
		    "s@example.com" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_header(&cases[i]);
}

static void
the_date_is_the_outermost(void **state)
{
	static const struct {
		const char *header;
		bool has_date;
	} cases[] = {
		{ "Received: by x" DATE "\r\n" FORGED, true },
		{ "Received: by x\r\nReceived: by x; nonsense\r\nReceived: by "
		  "x" DATE " (UTC)\r\n" FORGED,
		    true },
		{ "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n", false },
		{ "Received: by x\r\n", false },
	};
	struct trace trace;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trace_read((const unsigned char *)cases[i].header,
		    strlen(cases[i].header), &trace);
		assert_int_equal(trace.has_date, cases[i].has_date);
		assert_int_equal(
		    trace.date_ms, cases[i].has_date ? DATE_MS : 0);
	}
}

static void
a_thousand_hops_are_not_followed(void **state)
{
	static char header[64 * 1024];
	struct trace trace;
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		strcat(header, "Received: by x" DATE "\r\n");
	strcat(header, OUTER);
	trace_read((const unsigned char *)header, strlen(header), &trace);
	assert_string_equal(trace.address, "");
	assert_true(trace.has_date);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_all_servers_are_read),
		cmocka_unit_test(addresses_are_fit_for_a_command),
		cmocka_unit_test(hops_inside_are_passed),
		cmocka_unit_test(nobody_can_say_to_be_inside),
		cmocka_unit_test(mail_within_a_house_comes_from_its_server),
		cmocka_unit_test(the_sender_is_the_outermost),
		cmocka_unit_test(chains_of_large_providers_are_followed),
		cmocka_unit_test(the_date_is_the_outermost),
		cmocka_unit_test(a_thousand_hops_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
