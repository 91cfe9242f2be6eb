"""A POP3 server that is not well, with a maildrop that deletions empty.

Its messages have the unique-ids that they came with.  A rule decides what it
answers to RETR and TOP: a function of word, unique-id and how many log-ins
there were, which returns octets, or None for the right answer.
"""

from harness import scripted

EMPTY = b"+OK\r\n.\r\n"


class UnwellServer(scripted.ScriptedServer):
    """drop: unique-id -> octets, in order; may be changed while it runs."""

    def __init__(self, drop, rule=None, answers=None, listed=len):
        super().__init__(answers=answers)
        self.drop = dict(drop)
        self.rule = rule
        self.listed = listed
        self.log_ins = 0
        self._here, self._marked = [], set()

    def _usual(self, line):
        word, _, rest = line.upper().partition(" ")
        answer = getattr(self, "_" + word.lower(), None)
        return answer(rest.split()) if answer else super()._usual(line)

    def _pass(self, _):
        self.log_ins += 1
        self._here, self._marked = list(self.drop), set()
        return b"+OK\r\n"

    def _size(self, unique_id):
        return b"%d" % self.listed(self.drop[unique_id])

    def _lines(self, words, text):
        if words:
            number = int(words[0])
            return b"+OK %d %s\r\n" % (number, text(self._here[number - 1]))
        return b"+OK\r\n" + b"".join(
            b"%d %s\r\n" % (number, text(unique_id))
            for number, unique_id in enumerate(self._here, 1)) + b".\r\n"

    def _list(self, words):
        return self._lines(words, self._size)

    def _uidl(self, words):
        return self._lines(words, lambda unique_id: unique_id.encode())

    def _body(self, word, words, octets):
        unique_id = self._here[int(words[0]) - 1]
        said = self.rule and self.rule(word, unique_id, self.log_ins)
        return said or b"+OK\r\n" + scripted.stuffed(octets(
            self.drop[unique_id]))

    def _retr(self, words):
        return self._body("RETR", words, lambda octets: octets)

    def _top(self, words):
        return self._body("TOP", words, lambda octets: b"".join(
            octets.partition(b"\r\n\r\n")[:2]))

    def _dele(self, words):
        self._marked.add(self._here[int(words[0]) - 1])
        return b"+OK\r\n"

    def _rset(self, _):
        self._marked.clear()
        return b"+OK\r\n"

    def _quit(self, _):
        for unique_id in self._marked:
            del self.drop[unique_id]
        return b"+OK\r\n"
