"""Messages of 1 MiB that are made to cost who reads them.

BOMBS is name -> octets.
"""

import base64

SIZE = 1 << 20
BOMBS = {}


def _bomb(name, octets):
    BOMBS[name] = octets[:SIZE] + b"\r\n"


def _filled(first, block, last=b""):
    """As many of a block as fit."""
    if not block:
        return first
    return first + block * ((SIZE - len(first) - len(last)) // len(block)
                            ) + last


def _header(name, block, first=b""):
    """A header field of many of these, in lines that are not too long."""
    per_line = max(1, 900 // len(block))
    _bomb(name, _filled(first, block * per_line + b"\r\n "))


def _text(name, type_, block, encoding=b"8bit", first=b""):
    _bomb(name, _filled(
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: " + type_
        + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + first,
        block))


# ---- headers ----

_bomb("fields", _filled(b"", b"A: b\r\n"))
_bomb("one line of a header", _filled(b"Subject: ", b"x"))
_bomb("no end of a header's name", _filled(b"", b"x"))
_bomb("the same field", _filled(b"", b"Subject: =?utf-8?Q?=41?=\r\n"))
_header("subject of encoded words", b"=?utf-8?Q?=41?= ", b"Subject: ")
_header("encoded words in many charsets", b"".join(
    b"=?%s?B?QUI=?= " % charset for charset in (
        b"iso-2022-jp", b"gb18030", b"big5", b"utf-7", b"koi8-r", b"x-none",
        b"euc-kr", b"iso-2022-kr", b"hz-gb-2312", b"utf-16")), b"Subject: ")
_header("encoded words that do not end", b"=?utf-8?Q?", b"Subject: ")
_header("encoded words of states", b"=?iso-2022-jp?B?" + base64.b64encode(
    b"\x1b$B\x1b(B" * 60) + b"?= ", b"Subject: ")
_header("addresses", b"a@b, ", b"To: ")
_header("addresses with names", b"=?utf-8?B?QUI=?= <a@b>, ", b"From: ")
_header("groups", b"g: a@b; ", b"To: ")
_header("comments in comments", b"(", b"To: ")
_header("comments that end", b"(c) ", b"To: ")
_header("open quotes", b"\"\\\\", b"To: ")
_header("angles", b"<", b"To: ")
_header("routes", b"<@a,@b:", b"Cc: ")
_header("references", b"<a@b> ", b"References: ")
_header("date", b"Mon, 1 (", b"Date: ")
_header("parameters", b"a=b; ", b"Content-Type: text/plain; ")
_header("parameters by section", b"name*%d*=utf-8''%%41; " % 7,
        b"Content-Type: application/pdf; ")
_bomb("parameters of all sections", _filled(
    b"Content-Type: application/pdf; " + b"".join(
        b"name*%d*=%%e4%%bd%%a0;\r\n " % number
        for number in range(30000)), b"x"))
_bomb("white space of a folded header", _filled(b"Subject: x", b"\r\n "))

# ---- parts ----

_bomb("parts within parts", b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (
        number, number) for number in range(20000)))
_bomb("messages within messages", _filled(
    b"", b"Content-Type: message/rfc822\r\n\r\n"))
_bomb("parts", _filled(
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", b"--b\r\n\r\nx\r\n"))
_bomb("empty parts", _filled(
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", b"--b\r\n"))
_bomb("attachments", _filled(
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    b"--b\r\nContent-Disposition: attachment; filename=\"=?utf-8?Q?=41?=\""
    b"\r\n\r\nx\r\n"))
_bomb("pages", _filled(
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n"))
_bomb("alternatives", _filled(
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n",
    b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"))
_bomb("almost the boundary", _filled(
    b"Content-Type: multipart/mixed; boundary=\"" + b"-" * 69 + b"x\"\r\n\r\n",
    b"-" * 71 + b"\r\n"))

# ---- texts ----

_text("line ends", b"text/plain", b"\r\n")
_text("one line of a body", b"text/plain", b"x")
_text("NULs", b"text/plain", b"\0")
_text("states of a charset", b"text/plain; charset=iso-2022-jp",
      b"\x1b$B\x1b(B")
_text("states of another", b"text/plain; charset=iso-2022-kr",
      b"\x0e\x0f\r\n")
_text("UTF-7", b"text/plain; charset=utf-7", b"+AEE-+AEE-\r\n")
_text("GB 18030", b"text/plain; charset=gb18030", b"\x81\x30\x81\x30")
_text("what is no UTF-8", b"text/plain; charset=utf-8", b"\xff")
_text("UTF-16 of no pairs", b"text/plain; charset=utf-16le", b"\x00\xd8")
_text("a million Han", b"text/plain; charset=utf-8", "漢".encode())
_text("Thai", b"text/plain; charset=utf-8", "กิ".encode())
_text("marks upon a letter", b"text/plain; charset=utf-8",
      "\u0301".encode(), first=b"a")
_text("directions", b"text/plain; charset=utf-8", "\u202e\u2066".encode())
_text("ligatures that grow", b"text/plain; charset=utf-8", "\ufdfa".encode())
_text("quotes in quotes", b"text/plain; format=flowed", b">")
_text("flowed lines", b"text/plain; format=flowed", b"> x \r\n")
_text("soft line breaks", b"text/plain", b"=\r\n", b"quoted-printable")
_text("equals signs", b"text/plain", b"=", b"quoted-printable")
_text("base64 of padding", b"text/plain", b"=", b"base64")
_text("base64 of noise", b"text/plain", b"A!", b"base64")
_text("uuencoded files", b"text/plain", b"begin 644 x\r\n`\r\nend\r\n")
_text("uuencoded beginnings", b"text/plain", b"begin 644 x\r\n")
_text("a calendar of folds", b"text/calendar", b"\r\n x")
_text("different words", b"text/plain", b"", first=b"".join(
    b"%x " % (number * 2654435761 % (1 << 32)) for number in range(120000)))
_text("enriched", b"text/enriched", b"<bold>")

# ---- pages ----

PAGES = {
    "elements within elements": b"<div>",
    "formats within formats": b"<b><i><u>",
    "formats and paragraphs": b"<b><p>",
    "adoption": b"<a><b></a><p>",
    "tables within tables": b"<table><tr><td>",
    "tables astray": b"<table><a>",
    "lists within lists": b"<ul><li>",
    "quotes within quotes": b"<blockquote>",
    "selects": b"<select><option>",
    "links": b"<a href=x>y</a>",
    "entities": b"&NotEqualTilde;",
    "broken entities": b"&#x",
    "attributes": b"<p a=b>",
    "attributes of one element": b" a%d=b",
    "comments": b"<!--",
    "comments that end": b"<!---->",
    "scripts": b"<script>",
    "open tags": b"<",
    "end tags": b"</p>",
    "end tags of nothing": b"</b></i></x>",
    "frames": b"<svg><math>",
    "templates": b"<template>",
    "plain": b"<plaintext>",
    "line breaks": b"<br>",
    "images": b"<img alt=x>",
    "characters in tables": b"<table>x",
    "noscript": b"<noscript><noframes>",
}
for _name, _block in PAGES.items():
    if _name == "attributes of one element":
        _text(f"HTML: {_name}", b"text/html", b">", first=b"<p" + b"".join(
            b" a%d=b" % number for number in range(100000)))
    else:
        _text(f"HTML: {_name}", b"text/html; charset=utf-8", _block)
