"""Mail of all shapes that people get, with what a person reads of it.

Each of LETTERS is a message, the text that is read of it, and its parts as
(within, type, name, octets): written by hand, from what the RFCs say and what
programs make of them.
"""

import base64
import collections
import textwrap

Letter = collections.namedtuple("Letter", "what octets text parts")

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg==")
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 20 + b"\n%%EOF"
# Outlook's container (application/ms-tnef).
TNEF = bytes.fromhex("789f3e22") + bytes(range(200))

LETTERS = []


def _lines(text):
    return textwrap.dedent(text).lstrip("\n").replace("\n", "\r\n")


def _letter(what, octets, text, parts):
    if isinstance(octets, str):
        octets = _lines(octets).encode()
    # A server ends the last line of a message in any case.
    if not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    LETTERS.append(Letter(what, octets, textwrap.dedent(text).lstrip("\n"),
                          parts))


def _b64(octets):
    return base64.encodebytes(octets).decode()


def _multipart(subtype, *parts, boundary="b1", more="", end=True):
    """Parts are text with their headers, or (header, octets)."""
    made = (f"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/"
            f"{subtype}; boundary=\"{boundary}\"{more}\r\n\r\n"
            "This is a message in MIME format.\r\n").encode()
    for part in parts:
        made += f"--{boundary}\r\n".encode()
        if isinstance(part, tuple):
            header, octets = part
            made += _lines(header).encode() + b"\r\n" + octets + b"\r\n"
        else:
            made += _lines(part).encode()
    return made + (f"--{boundary}--\r\n".encode() if end else b"")


def _inner(message):
    """A multipart as a part of another."""
    header, _, body = message.partition(b"\r\n\r\n")
    fields = [one for one in header.split(b"\r\n")
              if one.startswith(b"Content-")]
    return b"\r\n".join(fields).decode() + "\r\n", body


def _attached(content_type, name, octets):
    return (f"""
        Content-Type: {content_type}; name="{name}"
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment; filename="{name}"
        """, base64.encodebytes(octets).replace(b"\n", b"\r\n"))


PLAIN = """
    Content-Type: text/plain; charset=utf-8

    plain words
    """
HTML = """
    Content-Type: text/html; charset=utf-8

    <p>html words</p>
    """
TEXT = ("", "text/plain", None, 11)
PAGE = ("", "text/html", None, 17)


# ---- texts ----

_letter("plain", """
    Subject: x

    Good morning,

    nothing new.
    """, """
    Good morning,

    nothing new.
    """, [(0, "text/plain", None, 31)])
_letter("no MIME, Latin-1", b"Subject: x\r\n\r\nGr\xfc\xdfe\r\n", "Grüße\n",
        [(0, "text/plain", None, 7)])
_letter("only a header", b"Subject: x\r\nFrom: a@example.org\r\n", "",
        [(0, "text/plain", None, 0)])
_letter("no header", b"Just words.\r\nAnd more.\r\n", "Just words.\nAnd more.\n",
        [(0, "text/plain", None, 24)])
_letter("quoted-printable", b"Content-Type: text/plain; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Gr=FC=DFe und ein lange=\r\nr Satz=20\r\n",
        "Grüße und ein langer Satz\n", [(0, "text/plain", None, 28)])
_letter("base64 text", b"Content-Type: text/plain; charset=koi8-r\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode("привет\r\n".encode("koi8-r")) + b"\r\n", "привет\n",
        [(0, "text/plain", None, 8)])
_letter("claims base64", b"Content-Transfer-Encoding: base64\r\n\r\n"
        b"These are words, after all.\r\n", "These are words, after all.\n",
        [(0, "text/plain", None, 29)])
_letter("claims ASCII, is UTF-8", b"Content-Type: text/plain; charset=us-ascii"
        b"\r\n\r\n" + "Grüße\r\n".encode(), "Grüße\n",
        [(0, "text/plain", None, 9)])
_letter("claims UTF-8, is Latin-1",
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xfc\xdfe\r\n",
        "Gr��e\n", [(0, "text/plain", None, 7)])
_letter("a charset nobody knows",
        b"Content-Type: text/plain; charset=x-klingon\r\n\r\nnuqneH\r\n",
        "nuqneH\n", [(0, "text/plain", None, 8)])
_letter("Japanese", b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
        + "こんにちは\r\n".encode("iso-2022-jp"), "こんにちは\n",
        [(0, "text/plain", None, 18)])
_letter("no type at all", b"Content-Type: text\r\n\r\nx\r\n", "x\n",
        [(0, "text/plain", None, 3)])
_letter("escapes", b"Content-Type: text/plain; charset=utf-8\r\n\r\n\x1b[2J\x1b]0;t\x07a\x00b\x9bc\r\n"
        b"\xe2\x80\xaetxt.exe\xe2\x80\xac\r\n",
        "�[2J�]0;t�a�b�c\ntxt.exe\n",
        [(0, "text/plain", None, 32)])
_letter("flowed", """
    Content-Type: text/plain; charset=us-ascii; format=flowed

    A paragraph that a program has \x20
    broken into lines.
    >> quoted \x20
    >> twice
    > once

    Not flowed.
     >not quoted
    -- \x20
    Me
    """.replace(" \x20\n", " \n"), """
    A paragraph that a program has broken into lines.
    >> quoted twice
    > once

    Not flowed.
    >not quoted
    -- \x20
    Me
    """.replace("-- \x20", "-- "), [(0, "text/plain", None, 121)])
_letter("flowed, DelSp", b"Content-Type: text/plain; format=flowed; "
        b"DelSp=yes\r\n\r\nTokyo \r\nto\r\n", "Tokyoto\n",
        [(0, "text/plain", None, 12)])
_letter("calendar", """
    Content-Type: text/calendar; charset=utf-8

    BEGIN:VCALENDAR
    SUMMARY:A long
      line\\, folded
    END:VCALENDAR
    """, """
    BEGIN:VCALENDAR
    SUMMARY:A long line, folded
    END:VCALENDAR
    """, [(0, "text/calendar", None, 65)])
_letter("enriched", b"Content-Type: text/enriched\r\n\r\n"
        b"<bold>Now</bold> is 1 << 2\r\n", "Now is 1   2\n",
        [(0, "text/enriched", None, 28)])

# ---- HTML ----

_letter("HTML", """
    Content-Type: text/html; charset=utf-8

    <html><head><title>no</title><style>p{color:red}</style></head><body>
    <h1>News</h1><p>First   paragraph
    with <b>bo</b>ld.</p><p>See <a href="https://example.org/x">the site</a>
    or <a href="https://example.org/">https://example.org</a>.</p>
    <ul><li>one<li>two<ol><li>inner<li>next</ol></ul>
    <blockquote>said<br>twice</blockquote>
    <img src="x" alt="A cat"><script>alert(1)</script>
    <table><tr><td>a<td>b<tr><td>c<td>d</table>
    <pre>  kept
      as is</pre>&copy; &nbsp;2026&#8203;</body></html>
    """, """
    News

    First paragraph with bold.

    See the site [1] or https://example.org.

    * one
    * two
      1. inner
      2. next

    > said
    > twice

    [A cat]
    a  b
    c  d

      kept
      as is

    © 2026

    [1] https://example.org/x
    """, [(0, "text/html", None, None)])
_letter("HTML without a body", b"Content-Type: text/html\r\n\r\n<p>a<p>b\r\n",
        "a\n\nb\n", [(0, "text/html", None, 10)])
_letter("HTML of script links", b"Content-Type: text/html\r\n\r\n"
        b"<a href='javascript:x()'>a</a> <a href=mailto:b@example.org>b</a> "
        b"<a href='https://example.org/?q=\x1b[2J'>c</a>\r\n",
        "a b [1] c [2]\n\n[1] mailto:b@example.org\n"
        "[2] https://example.org/?q=�[2J\n", [(0, "text/html", None, None)])

# ---- several parts ----

_letter("alternative", _multipart("alternative", PLAIN, HTML), "plain words\n",
        [(0, *TEXT[1:]), (0, *PAGE[1:])])
_letter("alternative, the other way",
        _multipart("alternative", HTML, PLAIN), "plain words\n",
        [(0, *PAGE[1:]), (0, *TEXT[1:])])
_letter("alternative, the plain one empty", _multipart("alternative", (
    "Content-Type: text/plain\n", b" \r\n"), HTML), "html words\n",
    [(0, "text/plain", None, 3), (0, *PAGE[1:])])
_letter("alternative with a calendar", _multipart(
    "alternative", HTML, """
    Content-Type: text/calendar; method=REQUEST

    BEGIN:VCALENDAR
    END:VCALENDAR
    """), "html words\n", [(0, *PAGE[1:]), (0, "text/calendar", None, 30)])
_letter("mixed", _multipart("mixed", PLAIN, _attached(
    "application/pdf", "a report.pdf", PDF)), "plain words\n",
    [(0, *TEXT[1:]), (0, "application/pdf", "a report.pdf", len(PDF))])
_letter("related in alternative", _multipart(
    "alternative", PLAIN, _inner(_multipart("related", HTML, ("""
    Content-Type: image/png
    Content-ID: <i@example.org>
    Content-Transfer-Encoding: base64
    """, _b64(PIXEL).encode()), boundary="b2"))), "plain words\n",
    [(0, *TEXT[1:]), (0, *PAGE[1:]), (0, "image/png", None, len(PIXEL))])
_letter("Apple's alternative", _multipart(
    "alternative", PLAIN, _inner(_multipart(
        "mixed", HTML, _attached("application/pdf", "x.pdf", PDF), HTML,
        boundary="b2"))), "plain words\n",
    [(0, *TEXT[1:]), (0, *PAGE[1:]),
     (0, "application/pdf", "x.pdf", len(PDF)), (0, *PAGE[1:])])
_letter("two texts, as lists add them", _multipart("mixed", PLAIN, """
    Content-Type: text/plain

    _____
    list@example.org
    """), "plain words\n\n_____\nlist@example.org\n",
    [(0, *TEXT[1:]), (0, "text/plain", None, 23)])
_letter("signed", _multipart("signed", PLAIN, """
    Content-Type: application/pgp-signature; name="signature.asc"

    -----BEGIN PGP SIGNATURE-----
    """, more="; protocol=\"application/pgp-signature\""), "plain words\n",
    [(0, *TEXT[1:]),
     (0, "application/pgp-signature", "signature.asc", 29)])
_letter("encrypted", _multipart("encrypted", """
    Content-Type: application/pgp-encrypted

    Version: 1
    """, """
    Content-Type: application/octet-stream

    -----BEGIN PGP MESSAGE-----
    """), "", [(0, "application/pgp-encrypted", None, 10),
               (0, "application/octet-stream", None, 27)])
_letter("TNEF", _multipart("mixed", PLAIN, _attached(
    "application/ms-tnef", "winmail.dat", TNEF)), "plain words\n",
    [(0, *TEXT[1:]), (0, "application/ms-tnef", "winmail.dat", len(TNEF))])
_letter("an inline file of text", _multipart("mixed", PLAIN, """
    Content-Type: text/x-patch; name=fix.diff
    Content-Disposition: inline; filename=fix.diff

    -old
    +new
    """), "plain words\n\n[fix.diff]\n-old\n+new\n",
    [(0, *TEXT[1:]), (0, "text/x-patch", "fix.diff", 10)])
_letter("an attached text", _multipart("mixed", PLAIN, """
    Content-Type: text/plain; name=notes.txt
    Content-Disposition: attachment; filename=notes.txt

    notes
    """), "plain words\n", [(0, *TEXT[1:]),
                            (0, "text/plain", "notes.txt", 5)])
_letter("nothing but a file", b"Content-Type: application/pdf; name=x.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(PDF).replace(b"\n", b"\r\n"), "",
        [(0, "application/pdf", "x.pdf", len(PDF))])

# ---- what is enclosed ----

_INNER = _lines("""
    From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>
    To: b@example.org
    Subject: inner
    X-Long: not shown

    inner words""").encode()
_letter("forwarded", _multipart("mixed", PLAIN, ("""
    Content-Type: message/rfc822
    Content-Disposition: attachment; filename=fwd.eml
    """, _INNER)), """
    plain words

    ---------- Enclosed message ----------
    From: Jürgen <j@example.org>
    To: b@example.org
    Subject: inner

    inner words
    """, [(0, *TEXT[1:]), (0, "message/rfc822", "fwd.eml", len(_INNER)),
          (2, "text/plain", None, 11)])
_letter("forwarded, with a file in it", _multipart(
    "mixed", PLAIN, ("Content-Type: message/rfc822\n", _multipart(
        "mixed", PLAIN, _attached("application/pdf", "in.pdf", PDF),
        boundary="b2"))), """
    plain words

    ---------- Enclosed message ----------
    Subject: x

    plain words
    """, [(0, *TEXT[1:]), (0, "message/rfc822", None, None),
          (2, *TEXT[1:]), (2, "application/pdf", "in.pdf", len(PDF))])
_letter("forwarded in base64", _multipart("mixed", PLAIN, (
    "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n",
    base64.encodebytes(b"Subject: in\n\nwords\n"))), """
    plain words

    ---------- Enclosed message ----------
    Subject: in

    words
    """, [(0, *TEXT[1:]), (0, "message/rfc822", None, 19),
          (2, "text/plain", None, 6)])
_letter("digest", _multipart(
    "digest", ("", b"Subject: first\r\n\r\none"),
    ("", b"Subject: second\r\n\r\ntwo")), """
    ---------- Enclosed message ----------
    Subject: first

    one

    ---------- Enclosed message ----------
    Subject: second

    two
    """, [(0, "message/rfc822", None, 21), (1, "text/plain", None, 3),
          (0, "message/rfc822", None, 22), (3, "text/plain", None, 3)])
_letter("bounce", _multipart("report", PLAIN, """
    Content-Type: message/delivery-status

    Action: failed
    Status: 5.1.1
    """, """
    Content-Type: text/rfc822-headers

    Subject: mine
    To: gone@example.org
    """, more="; report-type=delivery-status"), """
    plain words

    Action: failed
    Status: 5.1.1

    ---------- Enclosed message ----------
    To: gone@example.org
    Subject: mine
    """, [(0, *TEXT[1:]), (0, "message/delivery-status", None, 29),
          (0, "text/rfc822-headers", None, 35), (3, "text/plain", None, 0)])

# ---- files in other ways ----

_UU = b"begin 644 a b.txt\r\n#0V%T\r\n`\r\nend\r\n"
_letter("uuencode", b"Subject: x\r\n\r\nbefore\r\n" + _UU + b"after\r\n",
        "before\nafter\n", [(0, "text/plain", None, 15),
                            (0, "application/octet-stream", "a b.txt", 3)])
_letter("uuencode as the encoding",
        b"Content-Type: application/octet-stream; name=cat\r\n"
        b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + _UU, "",
        [(0, "application/octet-stream", "cat", 3)])
_letter("a name in RFC 2231", _multipart("mixed", PLAIN, """
    Content-Type: application/pdf
    Content-Disposition: attachment; filename*0*=UTF-8''%C3%9Cbung%20; filename*1*=%E2%82%AC.pdf

    x
    """), "plain words\n", [(0, *TEXT[1:]),
                            (0, "application/pdf", "Übung €.pdf", 1)])
_letter("a name in RFC 2047", _multipart("mixed", PLAIN, """
    Content-Type: application/pdf; name="=?iso-8859-1?q?Gr=FC=DFe=2Epdf?="

    x
    """), "plain words\n", [(0, *TEXT[1:]),
                            (0, "application/pdf", "Grüße.pdf", 1)])
_letter("a name to beware of", _multipart("mixed", PLAIN, """
    Content-Type: application/x-sh
    Content-Disposition: attachment; filename="../../.bashrc"

    x
    """), "plain words\n", [(0, *TEXT[1:]),
                            (0, "application/x-sh", "../../.bashrc", 1)])

# ---- broken ----

_letter("no last boundary", _multipart("mixed", PLAIN, _attached(
    "application/pdf", "x.pdf", PDF), end=False), "plain words\n",
    [(0, *TEXT[1:]), (0, "application/pdf", "x.pdf", len(PDF))])
_letter("a boundary that never comes", b"Content-Type: multipart/mixed; "
        b"boundary=never\r\n\r\nStill words.\r\n--other\r\nMore.\r\n",
        "Still words.\n--other\nMore.\n", [])
_letter("no boundary named", b"Content-Type: multipart/mixed\r\n\r\n"
        b"Still words.\r\n", "Still words.\n",
        [(0, "multipart/mixed", None, 14)])
_letter("cut in the middle of a file", _multipart("mixed", PLAIN, _attached(
    "application/pdf", "x.pdf", PDF))[:1000], "plain words\n", [
        (0, *TEXT[1:]), (0, "application/pdf", "x.pdf", None)])
_letter("an outer boundary in an inner part", _multipart(
    "mixed", _inner(_multipart("related", PLAIN, boundary="b2", end=False)),
    HTML), "plain words\n\nhtml words\n",
    [(0, "text/plain", None, 13), (0, *PAGE[1:])])
_letter("too deep", b"".join(
    f"Content-Type: multipart/mixed; boundary=d{i}\r\n\r\n--d{i}\r\n".encode()
    for i in range(40)) + b"\r\nbottom\r\n", "", None)
_letter("one line of 100,000", b"Subject: x\r\n\r\n" + b"word " * 20000
        + b"\r\n", "word " * 19999 + "word\n", [(0, "text/plain", None, 100002)])
_letter("a type to beware of", b"Content-Type: text/html\"; x=\"<script>\r\n"
        b"\r\n<p>x\r\n", "<p>x\n", None)
