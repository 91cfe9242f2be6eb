"""A server without end costs its own account a poll, and others nothing."""

import contextlib
import itertools
import threading
import unittest

from harness import corpus, daemon, image, maildropd, procs, scripted

MIB = 1 << 20
MEMORY_LIMIT = 8 * MIB
# So much more may it take for listings, and whatever they entail.
LISTINGS = 64 * MIB
BLOCK = 64 * 1024
GOOD = {"anna": "secret", "bert": "secret", "carl": "secret"}


class Endless:
    """Answers that never end, until they are told to."""

    def __init__(self):
        self._over = threading.Event()
        self.sent = 0

    def end(self):
        self._over.set()

    def answer(self, blocks, first=b"+OK\r\n", pause=0.0):
        """An answer of these blocks; paused between them, if it costs disk."""
        def said(connection, line):
            connection.sendall(first)
            for block in blocks():
                if self._over.wait(pause) if pause else self._over.is_set():
                    return False
                connection.sendall(block)
                self.sent += len(block)
            return False
        return said


def lines(form, step):
    """Blocks of lines, numbered from 1 on."""
    def blocks():
        for first in itertools.count(1, step):
            yield b"".join(form(number)
                           for number in range(first, first + step))
    return blocks


def same(line):
    """Blocks of one line."""
    block = line * (BLOCK // len(line) + 1)
    return lambda: itertools.repeat(block)


LONG = b"x" * 240
SMALL = [b"Message-ID: <1>\r\nSubject: one\r\n\r\nbody\r\n"]
UIDL_LONG = lines(lambda number: b"%d %s-%d\r\n" % (number, LONG, number), 500)
UIDL_70 = lines(lambda number: b"%d %070d\r\n" % (number, number), 2000)
UIDL_SHORT = lines(lambda number: b"%d %x\r\n" % (number, number), 8000)
UIDL_SAME = lines(lambda number: b"%d x\r\n" % number, 8000)
UIDL_BACKWARDS = lines(lambda number: b"%d %d\r\n" % (
    2_000_000_000 - number, number), 8000)
LIST = lines(lambda number: b"%d 1000\r\n" % number, 8000)
REFUSED = b"-ERR not here\r\n"

# Endless listings: what ends them is how long they are.
LISTINGS_WITHOUT_END = {
    "long unique-ids": ("UIDL", UIDL_LONG, {}),
    "unique-ids of 70": ("UIDL", UIDL_70, {}),
    "short unique-ids": ("UIDL", UIDL_SHORT, {}),
    "one unique-id": ("UIDL", UIDL_SAME, {}),
    "numbers backwards": ("UIDL", UIDL_BACKWARDS, {}),
    "one number": ("UIDL", same(b"1 id-1\r\n"), {}),
    "lines that cannot be read": ("UIDL", same(b"?\r\n"), {}),
    "empty lines": ("UIDL", same(b"\r\n"), {}),
    "sizes": ("LIST", LIST, {"UIDL": REFUSED, "TOP": REFUSED}),
    "capabilities": ("CAPA", same(b"X-THING\r\n"), {}),
    "a line": ("UIDL", same(b"x"), {}),
}


@unittest.skipIf(daemon.sanitized(), "sanitizers take memory of their own")
class EndlessTest(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.good = self.stack.enter_context(
            maildropd.MaildropServer(users=GOOD))
        for user in GOOD:
            self.good.deliver(user, corpus.messages(20))
        self.evpopd = self.stack.enter_context(daemon.Evpopd(
            {user: daemon.account_of(self.good, user) for user in GOOD},
            daemon={"memory_limit": "8M"}))
        for _ in range(3):
            for user in GOOD:
                self.evpopd.poll(user)
        self.stored = 20
        self.before = procs.current_rss(self.evpopd.pid)
        procs.reset_peak_rss(self.evpopd.pid)

    def add(self, name, answers, endless, **keys):
        """An account at a server with these answers."""
        server = self.stack.enter_context(
            scripted.ScriptedServer(SMALL, answers))
        # Before the daemon is stopped, so that it waits for no session.
        self.stack.callback(endless.end)
        self.evpopd.accounts[name] = daemon.account_of(
            server, "user", **keys)

    def reload(self):
        self.evpopd.write_config()
        self.evpopd.ctl("reload")

    def good_go_on(self):
        """New mail of each of the others comes as it should."""
        self.stored += 1
        for user in GOOD:
            self.good.deliver(user, [
                b"Message-ID: <%s-%d@new>\r\n\r\nnew\r\n" % (
                    user.encode(), self.stored)])
            shown = self.evpopd.poll(user)
            self.assertEqual(shown["last_outcome"], "ok", shown)
            self.assertEqual(shown["session"]["fetched"], 1, shown)

    def check_memory(self, what):
        grown = self.evpopd.peak_rss() - self.before
        print(f"{what}: memory grew by {grown / MIB:.1f} MiB", flush=True)
        procs.reset_peak_rss(self.evpopd.pid)
        self.assertLess(grown, MEMORY_LIMIT + LISTINGS, what)

    def end_of(self, name):
        """The end of a poll of an endless one; others are polled meanwhile."""
        shown = {}

        def ended():
            self.good_go_on()
            shown.update(self.evpopd.account(name))
            return (shown["last_finished"] is not None and
                    shown["state"] not in ("polling", "queued"))

        procs.wait_for(ended, what=f"the end of {name}'s poll")
        return shown

    def test_listings_one_by_one(self):
        for what, (word, blocks, others) in LISTINGS_WITHOUT_END.items():
            with self.subTest(what):
                endless = Endless()
                self.add("endless", {word: endless.answer(blocks), **others},
                         endless)
                self.reload()
                shown = self.end_of("endless")
                self.assertEqual(shown["last_outcome"], "limit", shown)
                self.assertEqual(shown["failures"], 1)
                self.assertEqual(shown["state"], "failing")
                self.assertRegex(shown["last_text"],
                                 f"{word}|listing|endless line")
                self.check_memory(what)
                del self.evpopd.accounts["endless"]
                self.reload()
                endless.end()

    def test_listings_all_at_once(self):
        names = []
        for what, (word, blocks, others) in LISTINGS_WITHOUT_END.items():
            endless = Endless()
            names.append(what.replace(" ", "-"))
            self.add(names[-1], {word: endless.answer(blocks), **others},
                     endless)
        self.reload()
        for name in names:
            shown = self.end_of(name)
            self.assertEqual(shown["last_outcome"], "limit", shown)
            self.assertEqual(shown["state"], "failing")
        self.check_memory("all of them at once")
        # Again: nothing is left of the first time.
        for name in names:
            self.evpopd.post(f"/v1/accounts/{name}/poll")
        for name in names:
            self.end_of(name)
        self.check_memory("all of them, once more")

    def test_bodies(self):
        """A message without end is stored as far as it comes, not held."""
        endless = Endless()
        body = same(b"A line of a message that has no end whatever comes.\r\n")
        header = same(b"X-Line: of a header that has no end.\r\n")
        self.add("retr", {"RETR": endless.answer(body, pause=0.01)}, endless)
        self.add("line", {"RETR": endless.answer(same(b"x"), pause=0.01)},
                 endless)
        self.add("header", {"RETR": endless.answer(header, pause=0.01)},
                 endless)
        self.add("top", {"UIDL": REFUSED, "LIST": b"+OK\r\n1 42\r\n.\r\n",
                         "TOP": endless.answer(header)}, endless)
        self.reload()
        procs.wait_for(lambda: endless.sent > 40 * MIB,
                       what="40 MiB of messages without end")
        for _ in range(3):
            self.good_go_on()
        self.check_memory("messages without end")
        endless.end()
        for name in ("retr", "line", "header", "top"):
            shown = self.end_of(name)
            self.assertNotEqual(shown["last_outcome"], "ok", shown)
            self.assertEqual(shown["session"]["fetched"], 0)


if __name__ == "__main__":
    image.as_root_of_its_own()
    unittest.main(verbosity=2)
