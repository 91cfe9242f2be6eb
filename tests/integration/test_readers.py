"""Mail of all kinds, whole and broken, through our reader and Python's.

Subjects, senders and counts of attachments are compared.  Where the two differ,
one of EXPLANATIONS must say why; what none explains is a mistake of ours.
"""

import email
import email.errors
import email.header
import json
import re
import subprocess
import unittest

from harness import corpus, daemon, languages, mutations

WHOLE = 300
ALL = 5000

# What mail calls a charset, and what the text is in, as Python has it.
CHARSETS = {
    "iso-8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
    "big5": "big5hkscs", "shift_jis": "cp932", "x-sjis": "cp932",
    "cp-850": "cp850", "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "win-1251": "cp1251",
    "iso-8859-8-i": "iso-8859-8", "dos-862": "cp862",
    "windows-874": "cp874", "tis-620": "cp874", "iso-8859-9": "cp1254",
    "unicode-1-1-utf-7": "utf-7", "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949", "unicode": "utf-16",
}

# What is not shown, or only as a blank.
HIDDEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
BLANKS = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029]+")

WORD = re.compile(rb"=\?[^?\s=*]{1,64}(?:\*[^?\s=]*)?\?[bBqQ]\?[^?]*\?=")


# ---- Python's reader ----

def text_of(octets, charset):
    """Octets as text, whatever they say they are."""
    name = CHARSETS.get((charset or "").lower(), charset)
    if name and name.lower() not in ("us-ascii", "unknown-8bit"):
        try:
            return octets.decode(name, "replace")
        except LookupError:
            pass
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def decoded(value):
    """A field's text as it is shown."""
    text = ""
    for piece, charset in email.header.decode_header(value):
        if isinstance(piece, str):
            piece = piece.encode("utf-8", "surrogateescape")
        text += text_of(piece, charset)
    return BLANKS.sub(" ", HIDDEN.sub("", text)).strip()


def attachments(part):
    """How many; an enclosed message is one, whatever is in it."""
    if part.get_content_maintype() == "multipart":
        return (sum(map(attachments, part.get_payload()))
                if part.is_multipart() else 0)
    return int(part.get_content_disposition() == "attachment"
               or bool(part.get_filename()))


def as_python(octets):
    """What Python says of a message; None where it fails."""
    try:
        message = email.message_from_bytes(octets)
        fields = {}
        for name, value in message.raw_items():
            fields.setdefault(name.lower(), decoded(value))
        return {"subject": fields.get("subject"),
                "sender": fields.get("from"),
                "attachments": attachments(message)}
    except (email.errors.MessageError, ValueError, LookupError, TypeError,
            AttributeError):
        return None


# ---- differences ----

class Difference:
    """One member of one message that is not the same for both."""

    def __init__(self, octets, key, ours, theirs):
        self.octets, self.key = octets, key
        self.ours, self.theirs = ours, theirs
        self.header = re.split(rb"\r?\n\r?\n", octets, maxsplit=1)[0]
        self.lines = self.header.splitlines()

    def fields(self, *names):
        """The values of all fields of these names, unfolded by nobody."""
        names = b"|".join(name.encode() for name in names)
        return b"\n".join(re.findall(
            rb"(?im)^(?:" + names + rb")[ \t]*:((?:.|\r?\n[ \t])*)",
            self.header))

    def is_text(self):
        return self.key in ("subject", "sender")


def bare(text):
    """A text without what only separates and quotes."""
    return re.sub(r'[\s"\\\ufffd]', "", text or "")


def header_is_broken(one):
    """Python ends a header at a line that is no field; we go on."""
    return any(not re.match(rb"[!-9;-~]+[ \t]*:|[ \t]", line)
               for line in one.lines)


def header_begins_oddly(one):
    """Lines of blanks, or a field continued, before the first one."""
    return not re.match(rb"[!-9;-~]+:", one.octets)


def bytes_are_raw(one):
    """Python does not ask in what charset raw bytes are."""
    return one.is_text() and re.search(
        rb"[\x80-\xff\x1b]", one.fields("Subject", "From")) is not None


def nobody_wrote_it(one):
    """We show who sent what nobody wrote."""
    return (one.key == "sender" and not one.theirs
            and one.fields("Sender", "Return-Path") != b"")


def only_blanks_differ(one):
    """Blanks beside words, and quotes around names, are a matter of taste."""
    return one.is_text() and bare(one.ours) == bare(one.theirs)


def word_is_broken(one):
    """What is half an encoded word each reads as it can."""
    value = one.fields("Subject", "From")
    rest = WORD.sub(b"", value)
    return one.is_text() and (b"=?" in rest or b"?=" in rest)


def word_holds_rubbish(one):
    """An encoded word whose text is not of its encoding or charset."""
    return (one.is_text()
            and ("\ufffd" in (one.ours or "") + (one.theirs or "")
                 or any(re.search(rb"(?i)\?b\?.*?[^A-Za-z0-9+/=].*\?=$", word)
                        or re.search(rb"(?i)\?b\?[^=]*=[^?=]", word)
                        or len(word.split(b"?")[3].rstrip(b"=")) % 4 == 1
                        or re.search(rb"[\s_]", word.split(b"?")[1])
                        for word in WORD.findall(
                            one.fields("Subject", "From")))))


def charset_is_odd(one):
    """A charset that one knows by that name and the other does not."""
    known = set(CHARSETS) | {b"utf-8"}
    for word in WORD.findall(one.fields("Subject", "From")):
        name = word.split(b"?")[1].decode("latin-1").lower()
        try:
            "".encode(CHARSETS.get(name, name))
        except (LookupError, ValueError):
            return one.is_text() and name not in known
    return False


def line_ends_in_cr(one):
    """Python takes a CR alone for the end of a line."""
    return one.is_text() and re.search(rb"\r(?!\n)", one.header) is not None


def rubbish_follows_quotes(one):
    """We take a boundary as it is quoted; Python with all that follows."""
    return (one.key == "attachments" and re.search(
        rb'boundary="[^"]*"\s*[^;\s]', one.header) is not None)


def boundaries_meet(one):
    """Python takes a boundary behind a boundary for none."""
    return (one.key == "attachments"
            and re.search(rb"(?m)^--(\S+)\r?\n(?:--\1(?:--)?\s)+",
                          one.octets) is not None)


EXPLANATIONS = (only_blanks_differ, header_is_broken, header_begins_oddly,
                bytes_are_raw, nobody_wrote_it, word_is_broken,
                word_holds_rubbish, charset_is_odd,
                line_ends_in_cr, rubbish_follows_quotes, boundaries_meet)


# ---- the comparison ----

def mail():
    """Whole messages, and then the same with faults."""
    whole = [corpus.as_received(octets) for octets
             in corpus.messages(WHOLE, WHOLE * 2500, seed=7)]
    for language in languages.LANGUAGES:
        whole += [octets for _, octets in languages.letters(language)]
    broken = [mutations.mutated(whole[index % len(whole)], index)
              for index in range(ALL - len(whole))]
    return whole, broken


def as_ours(messages):
    """What our reader says of each."""
    program = daemon.build_folder() / "tests" / "integration" / "read_mail"
    done = subprocess.run(
        [program], check=True, stdout=subprocess.PIPE,
        input=b"".join(b"%d\n%b" % (len(octets), octets)
                       for octets in messages))
    return [json.loads(line) for line in done.stdout.splitlines()]


class ReadersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.whole, cls.broken = mail()

    def differences(self, messages):
        """All of them, and how many messages were compared."""
        found, compared = [], 0
        ours = as_ours(messages)
        self.assertEqual(len(ours), len(messages))
        for octets, one in zip(messages, ours):
            other = as_python(octets)
            if other is None:
                continue
            compared += 1
            found += [Difference(octets, key, one[key], other[key])
                      for key in other
                      if (one[key] or None) != (other[key] or None)]
        return found, compared

    def check(self, found, explanations):
        for one in found:
            if any(explains(one) for explains in explanations):
                continue
            with self.subTest(one.key, message=one.octets[:3000]):
                self.assertEqual(one.ours, one.theirs)

    def test_whole(self):
        found, compared = self.differences(self.whole)
        self.assertEqual(compared, len(self.whole))
        self.check(found, (only_blanks_differ, bytes_are_raw,
                           nobody_wrote_it, header_is_broken,
                           header_begins_oddly))

    def test_broken(self):
        found, compared = self.differences(self.broken)
        self.assertGreater(compared, len(self.broken) * 9 // 10)
        self.check(found, EXPLANATIONS)


if __name__ == "__main__":
    unittest.main()
