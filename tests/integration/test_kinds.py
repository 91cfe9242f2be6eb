"""Mail as other programs write it: what is shown of it and what is found.

Each kind is the small form of something that is common and that a reader gets
wrong easily.  Each keeps its octets, whatever is made of it.
"""

import base64
import unittest

from harness import searched

HEADER = (b"From: Writer <writer@example.org>\r\nTo: reader@example.net\r\n"
          b"Date: Tue, 03 Mar 2026 09:30:00 +0100\r\n")
MIXED = HEADER + (b"Subject: several\r\nMIME-Version: 1.0\r\n"
                  b'Content-Type: multipart/mixed; boundary="=_x"\r\n\r\n')


def plain(subject, text=b"text", more=b""):
    """A message of one part."""
    return (HEADER + b"Subject: " + subject + b"\r\n" + more + b"\r\n"
            + text + b"\r\n")


def part(content_type, text=b"text", more=b""):
    """A part of MIXED."""
    return (b"--=_x\r\nContent-Type: " + content_type + b"\r\n" + more
            + b"\r\n" + text + b"\r\n")


def encoded(octets):
    """Lines of base64."""
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


BASE64 = b"Content-Transfer-Encoding: base64\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n"
END = b"--=_x--\r\n"

INNER = (b"From: Enclosed <enclosed@example.com>\r\nSubject: =?utf-8?Q?"
         b"Gesch=C3=A4ft?=\r\n\r\ninnerword\r\n")
MANY = b"".join(b" Person %d <person%d@example.com>,\r\n" % (i, i)
                for i in range(1, 1201))

# Kind: octets, members of its JSON, words that find it.
KINDS = {
    # Encoded words.
    "padded words": (
        plain(b"=?utf-8?B?TGllZmVyc2NoZWlu?= =?utf-8?B?IGbDvHI=?=\r\n"
              b" =?utf-8?B?IErDtnJn?="),
        {"subject": "Lieferschein für Jörg"}, ["jörg", "lieferschein"]),
    "split character": (
        plain(b"=?utf-8?Q?Gr=C3?=\r\n =?utf-8?Q?=BC=C3=9Fe?="),
        {"subject": "Grüße"}, ["grüße"]),
    "words inside text": (
        plain(b"Re:=?utf-8?Q?_Gr=C3=BC=C3=9Fe?=(=?utf-8?Q?=C3=84?=)"),
        {"subject": "Re: Grüße(Ä)"}, ["grüße"]),
    "blanks in a word": (
        plain(b"=?utf-8?Q?Gr=C3=BC=C3=9Fe aus K=C3=B6ln?="),
        {"subject": "Grüße aus Köln"}, ["köln"]),
    "name in quotes": (
        b'From: "=?utf-8?Q?M=C3=BCller=2C_J=C3=B6rg?=" <m@example.org>\r\n'
        b"\r\nx\r\n", {"sender": '"Müller, Jörg" <m@example.org>'},
        ["müller"]),
    "padded name": (
        b"From: =?utf-8?B?TcO8bGxlcg==?= =?utf-8?B?LCBKw7ZyZw==?=\r\n"
        b" <m@example.org>\r\n\r\nx\r\n",
        {"sender": '"Müller, Jörg" <m@example.org>'}, ["jörg"]),
    # Charsets.
    "raw Chinese": (
        plain("预算会议".encode("gbk"), b"x",
              b"Content-Type: text/plain; charset=GBK\r\n"),
        {"subject": "预算会议"}, ["会议"]),
    "charset of a part": (
        HEADER + b"Subject: " + "預算會議".encode("big5") + b"\r\n"
        + b"Content-Type: multipart/mixed; boundary==_x\r\n\r\n"
        + part(b"text/plain; charset=big5", "採購".encode("big5")) + END,
        {"subject": "預算會議"}, ["會議", "採購"]),
    "raw Japanese": (
        plain("会議".encode("iso-2022-jp"),
              "資料 wordbehind".encode("iso-2022-jp"),
              b"Content-Type: text/plain; charset=iso-2022-jp\r\n"),
        {"subject": "会議"}, ["資料", "wordbehind"]),
    "charset with rubbish": (
        plain(b"=?windows-1252http-equivcontent-type?Q?caf=E9?=",
              b"na\xefve", b"Content-Type: text/plain;"
              b' charset="iso-8859-1http-equiv"\r\n'),
        {"subject": "café"}, ["naïve"]),
    "charset by another name": (
        plain(b"=?x-mac-roman?Q?caf=8E?=", b"gar\x87on",
              b"Content-Type: text/plain; charset=cp-850\r\n"),
        {"subject": "café"}, ["garçon"]),
    "not so wide": (
        plain(b"=?ucs-2?Q?only_words?=", b"narrowword",
              b"Content-Type: text/plain; charset=utf-16\r\n"),
        {"subject": "only words"}, ["narrowword"]),
    # Where a header begins and ends.
    "Outlook's line": (
        b"Microsoft Mail Internet Headers Version 2.0\r\n"
        + plain(b"saved", b"savedword", HTML.replace(b"utf-8", b"ascii")),
        {"subject": "saved"}, ["savedword"]),
    "SMTP before": (
        b"EHLO there\r\nMAIL FROM:<a@example.org>\r\n"
        b"RCPT TO:<b@example.org>\r\nDATA\r\n" + plain(b"spooled", b"inside"),
        {"subject": "spooled"}, ["inside"]),
    "mbox before": (
        b"From writer@example.org Tue Mar  3 09:30:00 2026\r\n"
        + plain(b"from a file", b"filedword"),
        {"subject": "from a file"}, ["filedword"]),
    "blank before": (
        b"\r\n\r\n" + plain(b"below", b"belowword"),
        {"subject": "below"}, ["belowword"]),
    "two carriage returns": (
        plain(b"doubled", b"<p>doubled<b>word</b></p>", HTML).replace(
            b"\r\n", b"\r\r\n"), {"subject": "doubled"}, ["doubledword"]),
    "no header": (
        b"A list that a script has made.\r\n\r\nscriptword, and more\r\n",
        {"subject": None, "sender": None}, ["script", "scriptword"]),
    "header only": (
        HEADER + b"Subject: nothing more\r\n", {"subject": "nothing more"},
        ["nothing"]),
    # Who and when.
    "nobody wrote it": (
        b"Sender: Robot <robot@example.org>\r\nReturn-Path: <r@example.org>"
        b"\r\nSubject: automatic\r\n\r\nx\r\n",
        {"sender": "Robot <robot@example.org>"}, ["r@example.org"]),
    "from an envelope": (
        b"Return-Path: <bounce@example.org>\r\n\r\nx\r\n",
        {"sender": "<bounce@example.org>"}, ["bounce@example.org"]),
    "year of three digits": (
        b"Date: Tue, 3 Mar 126 09:30 GMT\r\n\r\nx\r\n",
        {"date": "2026-03-03T09:30:00.000Z"}, []),
    "zone away from another": (
        b"Date: Tue, 3 Mar 2026 09:30:00 GMT+0200\r\n\r\nx\r\n",
        {"date": "2026-03-03T07:30:00.000Z"}, []),
    "ISO 8601": (
        b"Date: 2026-03-03T09:30:00+01:00\r\n\r\nx\r\n",
        {"date": "2026-03-03T08:30:00.000Z"}, []),
    "other addresses": (
        b"From: f@example.org\r\nReply-To: replyhere@example.com\r\n"
        b"Sender: sendby@example.com\r\nBcc: hidden@example.com\r\n"
        b"Message-ID: <4711.abc@example.com>\r\n"
        b"List-Id: Friends of trees <trees.example.com>\r\n\r\nx\r\n",
        {"sender": "f@example.org"},
        ["replyhere@example.com", "sendby@example.com", "4711.abc",
         "trees.example.com", "hidden@example.com"]),
    "1200 recipients": (
        b"To:" + MANY + b" last@example.com\r\nSubject: all\r\n\r\nx\r\n",
        {"subject": "all", "cut": True},
        ["person1@example.com", "person600@example.com", "last@example.com"]),
    # Text of all kinds.
    "calendar": (
        plain(b"date", encoded(
            b"BEGIN:VCALENDAR\r\nSUMMARY:Jahres\r\n planung\r\n"
            b"LOCATION:Raum Watzmann\\, oben\\nlinks\r\nEND:VCALENDAR\r\n"),
              b"Content-Type: text/calendar; charset=utf-8\r\n" + BASE64),
        {"attachments": 0}, ["jahresplanung", "watzmann", "links"]),
    "report": (
        MIXED + part(b"text/plain", b"It came back.")
        + part(b"message/delivery-status", b"Final-Recipient: rfc822;"
               b" gone@example.com\r\nDiagnostic-Code: smtp; 550 nobodyhere")
        + part(b"text/rfc822-headers", b"To: gone@example.com\r\n"
               b"Subject: =?utf-8?B?QW5nZWJvdCBTdMO8aGxl?=") + END,
        {"attachments": 0},
        ["came", "gone@example.com", "nobodyhere", "stühle"]),
    "entities": (
        plain(b"h", b"<p>caf&eacute; &Ccedil;a &#322;&oacute;d&#x17A; "
              b"na&iuml;ve &amp;amp; &hellip;&Zcaron;ivot</p>", HTML),
        {}, ["café", "ça", "łódź", "naïve", "život"]),
    "words in markup": (
        plain(b"h", b"<table><td>one</td><td>two</table>In<b>voi</b>ce "
              b"pass<wbr>word con&shy;tract<br>next", HTML),
        {}, ["one", "two", "invoice", "password", "contract", "next"]),
    "CSV and the like": (
        MIXED + part(b"text/csv; name=a.csv", b"csvword;1")
        + part(b"text/markdown", b"# mdword")
        + part(b"text/enriched", b"<bold>rich</bold>word")
        + part(b"application/octet-stream; name=notes.txt", b"notesword")
        + part(b"application/octet-stream; name=a.bin", b"binaryword") + END,
        {"attachments": 3},
        ["csvword", "mdword", "richword", "notesword", "bin"]),
    "NUL": (plain(b"n", b"before\0after\r\nbelow"), {},
            ["before", "after", "below"]),
    "chunks": (
        plain(b"c", base64.b64encode(b"one chunk ends here.") + b"\r\n"
              + base64.b64encode(b"footerword of a list") + b"\r\n",
              b"Content-Type: text/plain\r\n" + BASE64), {},
        ["chunk", "footerword"]),
    "not in base64": (
        plain(b"c", b"This only says so: liarword.", BASE64), {},
        ["liarword"]),
    # What is enclosed, and how.
    "enclosed": (
        MIXED + part(b"message/rfc822", INNER, b"Content-Disposition:"
                     b" attachment; filename=fwd.eml\r\n") + END,
        {"attachments": 1},
        ["innerword", "enclosed@example.com", "geschäft", "fwd"]),
    "enclosed in base64": (
        MIXED + part(b"message/rfc822", encoded(INNER), BASE64) + END,
        {"attachments": 0}, ["innerword", "geschäft"]),
    "digest": (
        MIXED.replace(b"mixed", b"digest")
        + b"--=_x\r\n\r\n" + INNER + END, {"attachments": 0},
        ["innerword", "geschäft"]),
    "all in base64": (
        MIXED.replace(b"\r\n\r\n", b"\r\n" + BASE64 + b"\r\n") + encoded(
            part(b"text/plain", b"wrappedword")
            + part(b"application/pdf; name=w.pdf", b"x") + END),
        {"attachments": 1}, ["wrappedword"]),
    "uuencoded": (
        plain(b"u", b"uutext\r\nbegin 644 old.doc\r\n#0V%T\r\n`\r\nend\r\n"
              b"uubehind"), {"attachments": 1},
        ["uutext", "uubehind", "old.doc"]),
    "names of files": (
        MIXED + part(b'application/pdf; name="=?utf-8?B?S8O8bmRpZ3VuZw==?='
                     b' =?utf-8?B?LnBkZg==?="', b"x")
        + part(b"image/png", b"x", b"Content-Disposition: inline;\r\n"
               b" filename*0*=utf-8''%C3%9Cber;\r\n"
               b" filename*1=\"sicht.png\"\r\n") + END,
        {"attachments": 2}, ["kündigung", "übersicht"]),
    # Sentences without blanks.
    "Chinese": (plain("下周一召开预算会议".encode(), "请携带合同。".encode()),
                {}, ["预算", "会议", "召开", "合同", "同"]),
    "narrow Kana": (plain("ﾃﾞｰﾀを送る".encode()), {}, ["データ"]),
}


class KindsTest(searched.SearchedMail):
    numbers = {kind: number for number, kind in enumerate(KINDS, 1)}

    @classmethod
    def octets_of_all(cls):
        return [octets for octets, *_ in KINDS.values()]

    def stored_as(self, kind):
        return self.stored[self.numbers[kind]]

    def test_each_is_shown(self):
        for kind, (_, members, _) in KINDS.items():
            with self.subTest(kind):
                seen = {key: self.stored_as(kind)[key] for key in members}
                self.assertEqual(seen, members)

    def test_each_word_is_found(self):
        for kind, (*_, words) in KINDS.items():
            for word in words:
                with self.subTest(kind, word=word):
                    self.assertIn(self.numbers[kind], self.found(word))

    def test_each_keeps_its_octets(self):
        for kind, (octets, *_) in KINDS.items():
            with self.subTest(kind):
                self.assertEqual(self.evpopd.raw(self.stored_as(kind)["id"]),
                                 octets)

    def test_what_is_cut_is_told(self):
        cut = self.stored_as("1200 recipients")["id"]
        self.assertIn("Too long", self.evpopd.ctl("show", "--details",
                                                  str(cut)).stdout)
        whole = self.stored_as("digest")["id"]
        self.assertNotIn("Too long",
                         self.evpopd.ctl("show", "--details",
                                         str(whole)).stdout)


if __name__ == "__main__":
    unittest.main()
