"""A server whose unique-ids count from 1 in each of its maildrops."""

from . import scripted


def mail(who, number, size=300):
    """A message that is nobody else's."""
    return (b"From: a@example.org\r\nSubject: %s %d\r\n"
            b"Message-ID: <%s.%d@example.org>\r\n\r\n" %
            (who, number, who, number)).ljust(size, b"x") + b"\r\n"


def bare(who, number):
    """One whose header does not tell it from others."""
    return b"Subject: hello\r\n\r\n%s %d\r\n" % (who, number)


class Drops(scripted.ScriptedServer):
    """Maildrops of several users, who come one at a time."""

    def __init__(self, form=b"%d", capabilities=b"UIDL\r\nTOP\r\n", **drops):
        super().__init__()
        self.form = form
        self.capabilities = capabilities
        self.drops = {user: list(enumerate(octets, 1))
                      for user, octets in drops.items()}
        self.user, self.marked = None, set()

    @property
    def listed(self):
        return self.drops[self.user]

    @property
    def messages(self):
        return [octets for _, octets in self.listed] if self.user else []

    @messages.setter
    def messages(self, _):
        pass

    def holds(self, user):
        return [octets for _, octets in self.drops[user]]

    def _usual(self, line):
        word, _, rest = line.partition(" ")
        word = word.upper()
        if word == "CAPA":
            return b"+OK\r\nUSER\r\n" + self.capabilities + b".\r\n"
        if word == "USER":
            self.user, self.marked = rest, set()
        if word == "PASS" and self.user not in self.drops:
            return b"-ERR [AUTH] who?\r\n"
        if word in ("UIDL", "TOP") and \
                word.encode() not in self.capabilities:
            return b"-ERR what?\r\n"
        if word == "UIDL":
            return b"+OK\r\n" + b"".join(
                b"%d %s\r\n" % (place, self.form % number)
                for place, (number, _) in enumerate(self.listed, 1)) + b".\r\n"
        if word == "DELE":
            self.marked.add(int(rest))
        if word == "QUIT" and self.marked:
            self.drops[self.user] = [
                one for place, one in enumerate(self.listed, 1)
                if place not in self.marked]
        return super()._usual(line)

    def said(self, word):
        """How often a command was given since the last time."""
        count = sum(line.split(" ")[0] == word for line in self.lines)
        del self.lines[:]
        return count
