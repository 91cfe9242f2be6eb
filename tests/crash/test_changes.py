"""What people do to the file and the clock, at every step of a poll.

The daemon stops at step N.  Then its store is moved away and something else is
put in its place, or the clock is set; then it goes on.  What leaves the server
must have been in the store before, or be in what the name leads to; and no
message is old because of a clock.  A build with EVPOP_FAILPOINTS counts the
steps.
"""

import pathlib
import random
import shutil
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import corpus, daemon, maildropd, procs, wrong_clock  # noqa: E402
import stepping  # noqa: E402

STEPS_AT_MOST = 400
DAY_S = 86400


def mail():
    return [corpus.message(1, 3000, "dots"),
            corpus.message(2, 400_000, "mixed"),
            corpus.message(3, 2000, "plain_ascii"),
            corpus.message(4, 5000, "plain_8bit_charset"),
            corpus.message(5, 1000, "plain_ascii")]


def move_away(evpopd):
    evpopd.store_file.rename(evpopd.folder / "was.db")


def remove(evpopd):
    evpopd.store_file.unlink()


def replace(evpopd):
    """A backup of the time when there was nothing in it."""
    shutil.copy(evpopd.folder / "backup.db", evpopd.folder / "new.db")
    (evpopd.folder / "new.db").rename(evpopd.store_file)


def remove_log(evpopd):
    evpopd.folder.joinpath("mail.db-wal").unlink()


class ChangesTest(unittest.TestCase):
    def start_and_stop(self, evpopd, number):
        """Run once, stop at a step; False where it ended before."""
        evpopd.environment["EVPOP_FAILPOINT_STOP"] = str(number)
        evpopd.start("--once", wait=False)

        def stopped():
            if evpopd.has_ended():
                return "ended"
            state = pathlib.Path(f"/proc/{evpopd.pid}/stat").read_text()
            return "stopped" if state.rpartition(")")[2].split()[
                0] in "Tt" else None

        found = procs.wait_for(stopped, what="the step")
        del evpopd.environment["EVPOP_FAILPOINT_STOP"]
        return found == "stopped"

    def go_on(self, evpopd):
        """To its end, however it ends."""
        evpopd.signal(signal.SIGCONT)
        procs.wait_for(evpopd.has_ended, what="the end")
        log = evpopd.log()
        evpopd.kill()
        self.assertNotIn("Assertion", log)

    def stored(self, evpopd):
        return {unique_id for unique_id, in evpopd.rows(
            "SELECT CAST(unique_id AS TEXT) FROM v_message")}

    def prepare(self, server, user, **keys):
        """A store that has been opened, and its backup; and a maildrop."""
        evpopd = daemon.Evpopd({"anna": daemon.account_of(
            server, user, **keys)})
        self.addCleanup(evpopd.remove)
        evpopd.once()
        shutil.copy(evpopd.store_file, evpopd.folder / "backup.db")
        server.deliver(user, mail())
        return evpopd, server.messages(user)

    def change_file(self, server, user, number, change):
        """One step: what was lost and doubled; None: there is no such step."""
        evpopd, expected = self.prepare(server, user, keep="delete")
        if not self.start_and_stop(evpopd, number):
            evpopd.kill()
            return None
        before = self.stored(evpopd)
        change(evpopd)
        self.go_on(evpopd)
        gone = set(expected) - set(server.messages(user))
        now = self.stored(evpopd) if evpopd.store_file.exists() else set()
        lost = gone - before - now
        # What is there now goes on, and gets what is left.
        left = server.messages(user)
        evpopd.once()
        self.assertEqual(server.count(user), 0)
        found = evpopd.rows("SELECT CAST(unique_id AS TEXT), count(*)"
                            " FROM v_message GROUP BY 1")
        lost |= set(left) - {unique_id for unique_id, _ in found}
        doubled = [one for one, count in found if count > 1]
        evpopd.remove()
        return len(lost), len(doubled)

    def check_file(self, change):
        lost = doubled = 0
        with maildropd.MaildropServer(
                users={f"u{number}": "secret" for number in
                       range(1, STEPS_AT_MOST)}, tls=False) as server:
            for number in stepping.numbers(1, STEPS_AT_MOST):
                one = self.change_file(server, f"u{number}", number, change)
                if one is None:
                    break
                lost += one[0]
                doubled += one[1]
        agreement.table(f"The file at each step: {change.__name__}", (
            "", "steps", "lost", "doubled"), [
                ("keep = delete", f"{number - 1}, one in {stepping.STRIDE}",
                 lost, doubled)])
        self.assertGreater(number, 10)
        self.assertEqual((lost, doubled), (0, 0))

    def test_file_moved_away(self):
        self.check_file(move_away)

    def test_file_removed(self):
        self.check_file(remove)

    def test_file_replaced(self):
        self.check_file(replace)

    def test_log_removed(self):
        self.check_file(remove_log)

    @unittest.skipIf(daemon.sanitized(),
                     "a sanitizer wants to be loaded first")
    def test_clock_set(self):
        chooser = random.Random(1)
        deleted = doubled = 0
        with maildropd.MaildropServer(
                users={f"u{number}": "secret" for number in
                       range(1, STEPS_AT_MOST)}, tls=False) as server:
            for number in stepping.numbers(1, STEPS_AT_MOST):
                began = time.time()
                user = f"u{number}"
                clock = wrong_clock.WrongClock()
                self.addCleanup(clock.remove)
                wrongs = [0, 20 * DAY_S, -20 * DAY_S, 600 - time.time(),
                          15 * 365 * DAY_S]
                was, then = chooser.sample(wrongs, 2)
                clock.set_wrong(was)
                evpopd, expected = self.prepare(server, user, keep="14d")
                evpopd.environment.update(clock.environment)
                evpopd.once()
                server.deliver(user, [corpus.message(6, 900, "plain_ascii")])
                expected = server.messages(user)
                if not self.start_and_stop(evpopd, number):
                    evpopd.kill()
                    break
                clock.set_wrong(then)
                self.go_on(evpopd)
                for wrong in (then, 0, 0):
                    clock.set_wrong(wrong)
                    evpopd.once()
                    evpopd.once()
                deleted += len(expected) - server.count(user)
                found = agreement.compare(evpopd.store_file,
                                          {"anna": expected}, bodies=False)
                deleted += found.lost
                doubled += found.doubled
                (oldest, newest), = evpopd.rows(
                    "SELECT min(stored_ms), max(stored_ms) FROM uid")
                self.assertGreater(oldest / 1000, began - 60)
                self.assertLess(newest / 1000, time.time() + 60)
                evpopd.remove()
        agreement.table("The clock is set at each step", (
            "", "steps", "lost", "doubled"), [
                ("keep = 14d", f"{number - 1}, one in {stepping.STRIDE}",
                 deleted, doubled)])
        self.assertGreater(number, 10)
        self.assertEqual((deleted, doubled), (0, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
