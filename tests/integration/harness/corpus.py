"""Real-looking mail for tests: the same messages for the same seed.

messages(count, total) gives a list of bytes, as a server would store them:
lines end in CRLF, sizes are spread log-normally like those of a real mailbox,
and the kinds are mixed: plain texts in several charsets and encodings,
alternatives, attachments, inline images, forwarded messages, and the oddities
that a mail collector has to keep octet for octet.
"""

import base64
import datetime
import email.header
import quopri
import random

# The largest message that is made, in octets.
LARGEST = 5 * 1024 * 1024

_FIRST_DATE = datetime.datetime(2023, 1, 2, 8, 0,
                                tzinfo=datetime.timezone.utc)

_WORDS = {
    "ascii": (
        "the of and to in a is that for it as was with be by on not he his "
        "but at are this have from or had an they which one you were all "
        "their there been has would who when more no if out so said what up "
        "its about than into them can only other time new some could these "
        "two may first then do any like my now over such our man even most "
        "invoice meeting agenda attached regards delivery order account "
        "number tomorrow Thursday budget review server backup please find "
        "report quarter contract draft signature travel booking ticket"
    ).split(),
    "latin": (
        "für über größe straße müssen können Rechnung nächste Woche grüße "
        "déjà été façon après où être garçon señor mañana año niño também "
        "não coração ação tempo øre blå smørrebrød århus fjällräven kött "
        "und der die das mit von le la les des un une est que para por los"
    ).split(),
    "cyrillic": (
        "привет встреча договор счёт завтра сегодня письмо отчёт работа "
        "время город человек деньги вопрос ответ проект бюджет спасибо"
    ).split(),
    "greek": ("καλημέρα συνάντηση λογαριασμός αύριο σήμερα επιστολή έργο "
              "ευχαριστώ χρόνος πόλη άνθρωπος ερώτηση απάντηση").split(),
    "polish": ("zażółć gęślą jaźń spotkanie jutro faktura proszę dziękuję "
               "życzenia źródło ćwiczenie łódź wiadomość książka").split(),
    "japanese": ("会議 明日 請求書 報告 確認 よろしく お願いします 添付 "
                 "資料 東京 予定 連絡 ありがとう").split(),
}

# A charset, the words it can write, and how its text may travel.
_CHARSETS = (
    ("utf-8", "latin"), ("utf-8", "cyrillic"), ("utf-8", "greek"),
    ("utf-8", "japanese"), ("iso-8859-1", "latin"),
    ("iso-8859-15", "latin"), ("iso-8859-2", "polish"),
    ("iso-8859-5", "cyrillic"), ("iso-8859-7", "greek"),
    ("windows-1252", "latin"), ("koi8-r", "cyrillic"),
    ("iso-2022-jp", "japanese"), ("shift_jis", "japanese"),
)

_PEOPLE = (
    ("Anna Berg", "ascii"), ("José Peña", "latin"),
    ("Jürgen Groß", "latin"), ("Мария Иванова", "cyrillic"),
    ("Łukasz Żak", "polish"), ("山田 太郎", "japanese"),
    ("Smith, John (Sales)", "ascii"), ('Bob "The Builder" Lee', "ascii"),
    ("", "ascii"),
)

_HOSTS = ("example.org", "example.net", "mail.example.com",
          "lists.example.org")

# Octets for attachments, read from any place.
_NOISE = random.Random(5321).randbytes(1 << 20)
_NOISE_BASE64 = base64.encodebytes(_NOISE).replace(b"\n", b"\r\n")
_BASE64_LINE = 78


def messages(count, total=None, seed=1, nul=False):
    """Make `count` messages, of about `total` octets together if given.

    Every kind appears once `count` is large enough (40). nul=True adds NUL
    octets to some, which Dovecot's Maildir would not keep as they are.
    """
    chooser = random.Random(f"corpus {seed}")
    wanted = _sizes(chooser, count, total)
    kinds = [_KINDS[index % len(_KINDS)] if index < len(_KINDS)
             else chooser.choices(_KINDS, _WEIGHTS)[0]
             for index in range(count)]
    made = [_Message(chooser.getrandbits(64), seed, index, size).make(kind)
            for index, (kind, size) in enumerate(zip(kinds, wanted))]
    if nul:
        for index in range(0, count, 7):
            made[index] = _with_nul(made[index])
    return made


def message(index, size=4000, kind="plain_ascii", seed=1):
    """One message of a named kind, of about `size` octets."""
    return _Message(random.Random(f"{seed} {index}").getrandbits(64), seed,
                    index, size).make(kind)


def kinds():
    """The names of all kinds of message."""
    return list(_KINDS)


def as_received(octets):
    """What POP3 delivers of a message that a Maildir holds.

    Line feeds become CRLF, and the last line gets its end.
    """
    octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    return octets


def _sizes(chooser, count, total):
    """Log-normal sizes; the median is about 4 KB when nothing is asked."""
    drawn = [chooser.lognormvariate(0, 1.6) for _ in range(count)]
    if total is None:
        return [min(int(size * 4000), LARGEST) for size in drawn]
    # A message has at least its header, so the scale has to be searched for.
    least, most = 0.0, float(max(total, 1))
    for _ in range(100):
        scale = (least + most) / 2
        reached = sum(min(max(size * scale, 900), LARGEST) for size in drawn)
        if reached > total:
            most = scale
        else:
            least = scale
    return [int(min(size * most, LARGEST)) for size in drawn]


def _with_nul(octets):
    head, separator, body = octets.partition(b"\r\n\r\n")
    return head + separator + b"\0a\0\0b\r\n.\0\r\n" + body


class _Message:
    """The making of one message."""

    def __init__(self, random_seed, seed, index, size):
        self.random = random.Random(random_seed)
        self.seed = seed
        self.index = index
        self.size = size
        self.parts = 0

    def make(self, kind):
        return getattr(self, "_" + kind)()

    # Headers

    def _encoded(self, text, charset):
        if text.isascii():
            return text.encode()
        header = email.header.Header(text, charset, maxlinelen=70)
        return header.encode(linesep="\r\n").encode()

    def _words(self, language, count):
        return " ".join(self.random.choices(_WORDS[language], k=count))

    def _charset(self):
        return self.random.choice(_CHARSETS)

    def _address(self):
        name, language = self.random.choice(_PEOPLE)
        local = f"user{self.random.randrange(500)}"
        address = f"<{local}@{self.random.choice(_HOSTS)}>".encode()
        if not name:
            return address[1:-1]
        if language != "ascii":
            return self._encoded(name, "utf-8") + b" " + address
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" '.encode() + address

    def _date(self):
        when = _FIRST_DATE + datetime.timedelta(
            minutes=37 * self.index + self.random.randrange(37))
        return when.strftime("%a, %d %b %Y %H:%M:%S +0000").encode()

    def _message_id(self):
        return (f"<{self.random.getrandbits(48):012x}.{self.index}."
                f"{self.seed}@{self.random.choice(_HOSTS)}>").encode()

    def _head(self, *more, subject=None):
        """The header's lines; `more` are those about the content."""
        if subject is None:
            charset, language = self.random.choice(
                (("us-ascii", "ascii"), self._charset()))
            count = self.random.choice((1, 3, 5, 8, 20))
            subject = self._encoded(self._words(language, count), charset)
            subject = _fold(subject)
        recipients = b",\r\n\t".join(
            self._address() for _ in range(self.random.choice((1, 1, 1, 3))))
        lines = [b"Return-Path: <bounce@" + self.random.choice(
            _HOSTS).encode() + b">"]
        for hop in range(self.random.randrange(1, 4)):
            lines.append(
                b"Received: from relay%d.example.org (192.0.2.%d)\r\n"
                b"\tby mx%d.example.net with ESMTPS id %08x\r\n"
                b"\tfor <me@example.net>; %s" % (
                    hop, self.random.randrange(1, 255), hop,
                    self.random.getrandbits(32), self._date()))
        lines += [b"From: " + self._address(), b"To: " + recipients,
                  b"Subject: " + subject, b"Date: " + self._date(),
                  b"Message-ID: " + self._message_id()]
        if self.random.random() < 0.3:
            lines.append(b"References: " + b"\r\n ".join(
                self._message_id() for _ in range(
                    self.random.randrange(1, 9))))
        if self.random.random() < 0.2:
            lines.append(b"List-Id: <announce." + _HOSTS[3].encode() + b">")
        lines.append(b"MIME-Version: 1.0")
        return b"\r\n".join([*lines, *more]) + b"\r\n\r\n"

    # Texts

    def _text(self, language, size, width=72):
        """Lines of words, of about `size` characters, CRLF at the ends."""
        paragraph = []
        length = 0
        while length < min(size, 6000):
            words = self._words(language, 200)
            start = 0
            while start < len(words) and length < size:
                end = words.rfind(" ", start, start + width)
                end = end if end > start else start + width
                line = words[start:end].strip()
                if self.random.random() < 0.02:
                    line = "." * self.random.randrange(1, 4) + line
                elif self.random.random() < 0.05:
                    line = ""
                elif self.random.random() < 0.03:
                    line = "> " + line
                paragraph.append(line)
                length += len(line) + 2
                start = end
        text = "\r\n".join(paragraph) + "\r\n"
        if size <= len(text):
            return text
        # Long texts repeat themselves, under a heading that tells where.
        count = int(size / (len(text) + 8))
        text += "".join(f"Part {number}\r\n{text}"
                        for number in range(1, count + 1))
        return text[:text.rfind("\r\n", 0, int(size)) + 2]

    def _plain_part(self, language, charset, encoding, size):
        """Header lines and content of one text/plain of `size` octets."""
        sample = self._text(language, 400)
        growth = len(_encode(sample, charset, encoding)) / len(sample)
        text = self._text(language, max(size / growth, 20))
        return ((f"Content-Type: text/plain; charset={charset}".encode(),
                 f"Content-Transfer-Encoding: {encoding}".encode()),
                _encode(text, charset, encoding))

    def _left(self, head):
        return max(self.size - len(head), 40)

    def _plain(self, language, charset, encoding):
        lines, octets = self._plain_part(language, charset, encoding,
                                         max(self.size - 600, 40))
        return self._head(*lines) + octets

    def _plain_ascii(self):
        return self._plain("ascii", "us-ascii", "7bit")

    def _plain_utf8(self):
        language = self.random.choice(("latin", "cyrillic", "greek",
                                       "japanese"))
        return self._plain(language, "utf-8", "8bit")

    def _plain_quoted_printable(self):
        charset, language = self._charset()
        if charset == "iso-2022-jp":
            charset = "utf-8"
        return self._plain(language, charset, "quoted-printable")

    def _plain_8bit_charset(self):
        charset, language = self.random.choice(
            [one for one in _CHARSETS if one[0].startswith("iso-8859")])
        return self._plain(language, charset, "8bit")

    def _plain_base64(self):
        charset, language = self._charset()
        return self._plain(language, charset, "base64")

    # MIME

    def _boundary(self):
        self.parts += 1
        return (f"=_part_{self.index}_{self.parts}_"
                f"{self.random.getrandbits(32):08x}")

    def _multipart(self, subtype, parts, parameters=""):
        """Header lines and content, of (header lines, content) pairs."""
        boundary = self._boundary()
        pieces = [b"This is a multi-part message in MIME format.\r\n"]
        for lines, octets in parts:
            pieces += [b"\r\n--", boundary.encode(), b"\r\n",
                       b"\r\n".join(lines), b"\r\n\r\n", octets]
        pieces += [b"\r\n--", boundary.encode(), b"--\r\n"]
        head = (f"Content-Type: multipart/{subtype};{parameters}\r\n"
                f'\tboundary="{boundary}"').encode()
        return (head,), b"".join(pieces)

    def _html_part(self, size, image=None):
        text = self._text("latin", max(size / 1.15, 60)).replace(
            "\r\n", "<br>\r\n")
        if image:
            text += f'<img src="cid:{image}">\r\n'
        octets = f"<html><body>\r\n{text}</body></html>\r\n".encode()
        return ((b"Content-Type: text/html; charset=utf-8",
                 b"Content-Transfer-Encoding: 8bit"), octets)

    def _file_part(self, size, content_type, name, more=()):
        """A part of base64 lines, about `size` octets long."""
        count = max(size // _BASE64_LINE, 1)
        most = len(_NOISE_BASE64) // _BASE64_LINE - 1
        pieces = []
        while count > 0:
            taken = min(count, most)
            first = self.random.randrange(0, most - taken + 1)
            pieces.append(_NOISE_BASE64[first * _BASE64_LINE:
                                        (first + taken) * _BASE64_LINE])
            count -= taken
        return ((f'Content-Type: {content_type}; name="{name}"'.encode(),
                 b"Content-Transfer-Encoding: base64", *more),
                b"".join(pieces))

    def _attachment(self, size):
        content_type, name = self.random.choice((
            ("application/pdf", "invoice.pdf"),
            ("application/zip", "archive.zip"),
            ("application/vnd.ms-excel", "budget 2024.xls"),
            ("image/jpeg", "IMG_0042.JPG"),
            ("application/octet-stream", "data.bin")))
        more = (f'Content-Disposition: attachment; filename="{name}"'
                .encode(),)
        if self.random.random() < 0.3:
            more = (b"Content-Disposition: attachment;\r\n"
                    b" filename*0*=utf-8''Gr%C3%BC%C3%9Fe%20;\r\n"
                    b" filename*1*=aus%20K%C3%B6ln.pdf",)
        return self._file_part(size, content_type, name, more)

    def _text_part(self, size):
        charset, language = self._charset()
        return self._plain_part(language, charset, "base64", size)

    def _alternative(self):
        size = max(self.size - 900, 100)
        lines, octets = self._multipart("alternative", (
            self._text_part(size * 0.3), self._html_part(size * 0.6)))
        return self._head(*lines) + octets

    def _mixed(self):
        size = max(self.size - 1200, 100)
        text = min(size * 0.2, 3000)
        count = self.random.choice((1, 1, 2, 4))
        parts = [self._text_part(text)]
        parts += [self._attachment(int((size - text) / count))
                  for _ in range(count)]
        lines, octets = self._multipart("mixed", parts)
        return self._head(*lines) + octets

    def _inline_image(self):
        size = max(self.size - 1300, 100)
        content_id = f"image{self.index}@example.org"
        image = self._file_part(
            int(size * 0.8), "image/png", "logo.png",
            (f"Content-ID: <{content_id}>".encode(),
             b"Content-Disposition: inline"))
        lines, octets = self._multipart("related", (
            self._html_part(min(size * 0.2, 4000), content_id), image),
            ' type="text/html";')
        return self._head(*lines) + octets

    def _forwarded(self):
        size = max(self.size - 2500, 600)
        inner = _Message(self.random.getrandbits(64), self.seed, self.index,
                         size).make(self.random.choice(
                             ("plain_ascii", "mixed", "alternative")))
        nested = ((b"Content-Type: message/rfc822",
                   b"Content-Disposition: attachment"), inner)
        lines, octets = self._multipart(
            "mixed", (self._text_part(300), nested))
        return self._head(*lines) + octets

    # Oddities

    def _long_lines(self):
        head = self._head(b"Content-Type: text/plain; charset=us-ascii")
        text = self._text("ascii", self._left(head)).replace("\r\n", " ")
        return head + text.encode() + b"\r\n"

    def _dots(self):
        head = self._head(b"Content-Type: text/plain; charset=us-ascii")
        dots = b".\r\n..\r\n.foo\r\n...\r\n. \r\n.\r\n\r\n.\r\n"
        text = self._text("ascii", self._left(head)).encode()
        return head + dots + text + dots

    def _missing_headers(self):
        body = f"Note {self.index}\r\n".encode()
        body += self._text("ascii", self.size).encode()
        subject = self._words("ascii", 4).encode()
        return self.random.choice((
            b"Subject: " + subject + b"\r\n\r\n",
            b"From: a@example.org\r\n\r\n",
            b"X-Number: %d\r\n\r\n" % self.index,
            b"\r\n")) + body

    def _not_mail(self):
        """No header at all: the text begins at once."""
        text = self._text("ascii", self.size)
        return f"Note {self.index}\r\n{text}".encode()

    def _empty_body(self):
        return self._head()

    def _header_only(self):
        """Not even the empty line that ends the header."""
        return self._head()[:-2]

    def _no_final_line_end(self):
        return self._plain_ascii().rstrip(b"\r\n") + b"!"

    def _garbage(self):
        """Octets above 127 without rhyme, in the header too."""
        size = max(self.size - 600, 40)
        start = self.random.randrange(len(_NOISE) // 2)
        noise = (_NOISE[start:start + size].replace(b"\0", b"\x80")
                 .replace(b"\r", b"\x8d").replace(b"\n", b"\r\n"))
        head = self._head(b"Content-Type: text/plain",
                          subject=b"\xff\xfe raw \xe4\xf6\xfc \x80 8-bit")
        return head + noise + b"\r\n"

    def _broken_mime(self):
        """A boundary that never comes, bad base64, a bad encoded word."""
        head = self._head(
            b'Content-Type: multipart/mixed; boundary="never"',
            b"Content-Transfer-Encoding: x-unheard-of",
            subject=b"=?utf-8?B?w7x=?= =?no-such-charset?Q?a=ZZ?= =?utf-8?Q?")
        return head + self._text("ascii", self._left(head)).encode()

    def _long_header(self):
        """A header of many kilobytes, folded and not."""
        head = self._head(
            b"X-Folded: " + b"\r\n ".join([b"v" * 70] * 120),
            b"X-Long: " + b"w" * 9000,
            *(b"X-Trace-%d: %d" % (n, n) for n in range(200)))
        return head + self._text("ascii", 200).encode()

    def _deeply_nested(self):
        lines, octets = self._text_part(100)
        for _ in range(60):
            lines, octets = self._multipart("mixed", ((lines, octets),))
        return self._head(*lines) + octets


# Every kind, and how often it comes among a hundred or so.
_FREQUENCIES = {
    "plain_ascii": 22, "plain_utf8": 12, "plain_quoted_printable": 12,
    "plain_8bit_charset": 6, "plain_base64": 4, "alternative": 16,
    "mixed": 14, "inline_image": 5, "forwarded": 3, "long_lines": 1,
    "dots": 2, "missing_headers": 1, "not_mail": 0.3, "empty_body": 1,
    "header_only": 0.5, "no_final_line_end": 1, "garbage": 1,
    "broken_mime": 0.5, "long_header": 0.3, "deeply_nested": 0.2,
}
_KINDS = list(_FREQUENCIES)
_WEIGHTS = list(_FREQUENCIES.values())


def _encode(text, charset, encoding):
    """A text's octets as they travel."""
    octets = text.encode(charset, "replace")
    if encoding == "quoted-printable":
        octets = quopri.encodestring(octets.replace(b"\r\n", b"\n"))
    elif encoding == "base64":
        octets = base64.encodebytes(octets)
    else:
        return octets
    return octets.replace(b"\n", b"\r\n")


def _fold(value, width=70):
    """Fold a header's value at spaces, unless it is folded already."""
    if b"\r\n" in value or len(value) <= width:
        return value
    lines = []
    line = b""
    for word in value.split(b" "):
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = b""
        line += (b" " if line else b"") + word
    return b"\r\n ".join([*lines, line])
