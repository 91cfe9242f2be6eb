"""Mail from Dovecot's POP3 to a Maildir and to Dovecot's LMTP, and who is fast.

evpopd, mpop and fetchmail do the same in turns, in one run: all messages of a
maildrop go to a Maildir, and to a user by LMTP.  mpop speaks no LMTP: it hands
each message to Dovecot's own program for that.  fetchmail writes no Maildirs:
procmail does it for it.  evpopd stores all of it as well, and makes all of it
durable; how long storing alone takes is measured beside it.  Prints messages a
second, processor time (that of programs which are started included, that of
servers not) and ratios; fails only where mail does: time is for people to read.
"""

import argparse
import os
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE / "compare")]

import measure  # noqa: E402
import rivals  # noqa: E402
from harness import corpus, daemon, dovecot, procs  # noqa: E402

SOURCE = "anna"


class Contest:
    """A server that mail comes from and goes to, and who brings it."""

    def __init__(self, server, count, folder):
        self.server, self.count, self._folder = server, count, folder
        self._runs = 0

    def fresh_folder(self):
        """An empty one.

        None goes before the end: ext4 is slow to use again what was removed.
        """
        self._runs += 1
        made = self._folder / str(self._runs)
        made.mkdir()
        return made

    def fresh_user(self):
        """Somebody who has no mail yet."""
        self._runs += 1
        name = f"to{self._runs}"
        self.server.add_user(name, "secret")
        return name

    def check(self, folder):
        """That all of it is there."""
        found = rivals.files_in(folder / "new") + rivals.files_in(
            folder / "cur")
        if found != self.count:
            raise measure.Failed(f"{found} of {self.count} are there")

    def evpopd(self, **target):
        """Fetch all into a store, and deliver where a target is given."""
        evpopd = daemon.Evpopd(
            {SOURCE: daemon.account_of(
                self.server, SOURCE,
                **({"deliver": "there"} if target else {}))},
            targets={"there": target} if target else {})
        try:
            evpopd.write_config()
            try:
                figures = measure.timed(evpopd.command_line("--once"))
            except measure.Failed as reason:
                waiting = evpopd.rows("SELECT state, answer, count(*) FROM"
                                      " v_outbox GROUP BY state, answer")
                raise measure.Failed(f"{waiting}: {reason}") from reason
            stored, = evpopd.rows("SELECT count(*) FROM v_message")
            if stored != (self.count,):
                raise measure.Failed(f"{stored} of {self.count} are stored")
            return figures
        finally:
            evpopd.remove()

    def evpopd_store(self):
        return self.evpopd()

    def evpopd_maildir(self):
        folder = self.fresh_folder()
        figures = self.evpopd(type="maildir", path=folder / "Maildir")
        self.check(folder / "Maildir")
        return figures

    def evpopd_lmtp(self):
        user = self.fresh_user()
        figures = self.evpopd(type="lmtp", deliver_to=user,
                              socket=self.server.folder / "run/lmtp")
        self.check(self.server.maildir(user))
        return figures

    def mpop(self, folder, delivery):
        """Of its documentation: keep on, one account."""
        rivals.private_file(folder / "mpoprc", (
            f"account {SOURCE}\nhost {self.server.host}\n"
            f"port {self.server.port}\nuser {SOURCE}\npassword secret\n"
            f"auth user\ntls off\nkeep on\nuidls_file {folder}/uidls\n"
            f"delivery {delivery}\n"))
        return measure.timed(["mpop", "--quiet", "--all-accounts", "-C",
                              folder / "mpoprc"])

    def mpop_maildir(self):
        folder = self.fresh_folder()
        rivals.make_maildir(folder / "Maildir")
        figures = self.mpop(folder, f"maildir {folder}/Maildir")
        self.check(folder / "Maildir")
        return figures

    def mpop_lmtp(self):
        user = self.fresh_user()
        folder = self.fresh_folder()
        figures = self.mpop(folder, (
            f"mda {LDA} -c {self.server.folder}/dovecot.conf -d {user}"))
        self.check(self.server.maildir(user))
        return figures

    def fetchmail(self, folder, words):
        """Of its manual: all messages, kept on the server."""
        rivals.private_file(folder / "fetchmailrc", (
            f"poll {self.server.host} proto pop3 port {self.server.port} "
            "auth password bad-header accept\n"
            f'  user "{SOURCE}" with password "secret" keep fetchall '
            f'sslproto "" {words}\n'))
        return measure.timed(
            ["fetchmail", "--silent", "--nosyslog", "--nodetach",
             "--fetchmailrc", folder / "fetchmailrc",
             "--pidfile", folder / "pid"],
            environment={"FETCHMAILHOME": str(folder)})

    def fetchmail_maildir(self):
        folder = self.fresh_folder()
        (folder / "procmailrc").write_text(f"DEFAULT={folder}/Maildir/\n")
        figures = self.fetchmail(
            folder, f'mda "/usr/bin/procmail -m {folder}/procmailrc"')
        self.check(folder / "Maildir")
        return figures

    def fetchmail_lmtp(self):
        user = self.fresh_user()
        folder = self.fresh_folder()
        figures = self.fetchmail(folder, (
            f'lmtp smtphost "{self.server.folder}/run/lmtp" '
            f'smtpname "{user}"'))
        self.check(self.server.maildir(user))
        return figures


LDA = "/usr/lib/dovecot/dovecot-lda"


def contestants(contest, wanted):
    """Those whose programs are here."""
    named = {"evpopd, stored only": (contest.evpopd_store, []),
             "evpopd, Maildir": (contest.evpopd_maildir, []),
             "mpop, Maildir": (contest.mpop_maildir, ["mpop"]),
             "fetchmail, Maildir": (contest.fetchmail_maildir,
                                    ["fetchmail", "procmail"]),
             "evpopd, LMTP": (contest.evpopd_lmtp, []),
             "mpop, LMTP": (contest.mpop_lmtp, ["mpop", LDA]),
             "fetchmail, LMTP": (contest.fetchmail_lmtp, ["fetchmail"])}
    return {name: run for name, (run, needed) in named.items()
            if all(shutil.which(one) for one in needed)
            and (not wanted or any(one in name for one in wanted))}


def show(figures, failed, count):
    """A line for each, and how many times faster evpopd is."""
    medians = {name: {key: measure.median(runs, key)
                      for key in ("seconds", "cpu", "memory")}
               for name, runs in figures.items()}
    for name, one in medians.items():
        print(f"{name:22} {one['seconds']:8.2f} s {count / one['seconds']:8.0f}"
              f" messages/s   CPU {one['cpu']:7.2f} s   peak "
              f"{one['memory'] / 1e6:6.1f} MB   ({len(figures[name])} runs)")
    for name, reason in failed.items():
        print(f"{name:22} failed: {reason}")
    for name, one in medians.items():
        program, _, place = name.partition(", ")
        ours = medians.get(f"evpopd, {place}")
        if program != "evpopd" and ours:
            print(f"evpopd is {one['seconds'] / ours['seconds']:.1f} times as "
                  f"fast as {program} ({place}), with 1/"
                  f"{one['cpu'] / ours['cpu']:.1f} of its processor time")
    alone = medians.get("evpopd, stored only")
    for name, one in medians.items():
        if alone and not name.startswith("evpopd, "):
            print(f"storing alone is {one['seconds'] / alone['seconds']:.1f} "
                  f"times as fast as {name}")
    for name, one in medians.items():
        if alone and name.startswith("evpopd, ") and one is not alone:
            print(f"{name} takes {one['seconds'] / alone['seconds']:.2f} of "
                  f"what storing alone takes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=50)
    parser.add_argument("--size", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[],
                        help="parts of names of contestants")
    words = parser.parse_args()
    if not dovecot.available("lmtp"):
        print("skipped: Dovecot with LMTP is needed")
        return 0
    port, = procs.free_ports(1)
    with (procs.temporary_folder() as folder,
          dovecot.Dovecot(users={SOURCE: "secret"},
                          config=dovecot.lmtp(port)) as server):
        server.deliver(SOURCE, corpus.messages(
            words.messages, words.messages * words.size))
        # What it learns of a new maildrop shall not be the first one's.
        if server.count(SOURCE) != words.messages:
            raise AssertionError("not all of it is in the maildrop")
        os.sync()
        figures, failed = measure.in_turns(
            contestants(Contest(server, words.messages, folder), words.only),
            words.rounds, time.monotonic() + 3600)
        print(f"{words.messages} messages of {words.size} bytes, median of "
              f"{words.rounds}; build type "
              f"{daemon.cache_value('CMAKE_BUILD_TYPE')}")
        show(figures, failed, words.messages)
    return 1 if any(name.startswith("evpopd") for name in failed) else 0


if __name__ == "__main__":
    sys.exit(main())
