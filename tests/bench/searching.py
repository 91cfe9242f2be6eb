"""Searches for words, beside notmuch and mu on the same mail.

evpopd fetches the mail from maildropd and indexes it; notmuch and mu index the
same files as a Maildir.  A program that is not installed is left out.  The
daemon is asked through its socket, newest first and ranked; then each program
is run as a person runs it.  Nothing here judges a time; it fails where a
program finds another number of messages than are known to be there.

    searching.py --messages 100000
    searching.py --messages 1000000 --without-rivals
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse

_HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "integration"))
sys.path.insert(1, str(_HERE / "compare"))

from harness import daemon, maildropd, procs

import measure

# Words of the mail: number 0 is the most frequent of them.
VOCABULARY = 20000
RARE = 977
LAST_DAY_MS = 1_790_000_000_000
STEP_MS = 100_000
OLD = 10

# What is asked for: a name, parameters, and the same for notmuch and mu.
QUESTIONS = (
    ("rare word", {"q": "rarely"}, "rarely", "rarely"),
    ("word of half", {"q": "half"}, "half", "half"),
    ("word of all", {"q": "everywhere"}, "everywhere", "everywhere"),
    ("two frequent", {"q": "half w1"}, "half w1", "half w1"),
    ("three frequent", {"q": "half w1 everywhere"}, "half w1 everywhere",
     "half w1 everywhere"),
    ("phrase", {"q": '"half of it"'}, '"half of it"', '"half of it"'),
    ("beginning", {"q": "hal*"}, "hal*", "hal*"),
    ("of one letter", {"q": "a*"}, "a*", "a*"),
    ("of one letter, most words", {"q": "w*"}, "w*", "w*"),
    ("of two letters", {"q": "w1*"}, "w1*", "w1*"),
    ("of five letters", {"q": "anna1*"}, "anna1*", "anna1*"),
    ("from + word", {"q": "from:shop8 half"}, "from:shop8 half",
     "from:shop8 half"),
    ("subject + minus", {"q": "subject:number -half"},
     "subject:number -half", "subject:number NOT half"),
    ("since + word", {"q": "since:LATE half"}, None, None),
    ("before + word", {"q": "before:EARLY half"}, None, None),
    ("attachment + word", {"q": "has:attachment half"},
     "tag:attachment half", "flag:attach half"),
    ("larger + word", {"q": "larger:1500 half"}, None, None),
    ("OR, NOT", {"q": "(rarely OR w19000) -w1"}, "(rarely OR w19000) -w1",
     "(rarely OR w19000) NOT w1"),
    ("account, frequent", {"q": "half", "account": "home"}, None, None),
    ("old account, frequent", {"q": "half", "account": "old"}, None, None),
    ("old account, rare", {"q": "rarely", "account": "old"}, None, None),
    ("old account, a*", {"q": "a*", "account": "old"}, None, None),
    ("old account, w*", {"q": "w*", "account": "old"}, None, None),
    ("old account, w1*", {"q": "w1*", "account": "old"}, None, None),
    ("old account, anna1*", {"q": "anna1*", "account": "old"}, None, None),
)

FILE = (b'--b\r\nContent-Type: application/octet-stream; name="scan.pdf"\r\n'
        b"Content-Disposition: attachment; filename=scan.pdf\r\n\r\n"
        b"%PDF\r\n--b--\r\n")


def message(number):
    """One of them, always the same."""
    dice = random.Random(number)
    words = [f"w{int(VOCABULARY * dice.random() ** 3)}" for _ in range(40)]
    words.append("everywhere")
    if number % 2 == 0:
        words.append("half of it")
    if number % RARE == 0:
        words.append("rarely")
    if number % 50 == 0:
        words += [f"w{word}" for word in range(300)]
    shop = number % 40
    head = (f"From: Anna {shop} <anna{number % 1000}@shop{shop}.example.org>"
            f"\r\nTo: Bob <bob@example.org>\r\nSubject: Number {number}\r\n"
            f"Message-ID: <{number}@example.org>\r\n"
            + (f"References: <{number - 1}@example.org>\r\n"
               if number % 5 else "")
            + "Date: Mon, 05 Jan 2026 10:00:00 +0000\r\n"
              "MIME-Version: 1.0\r\n")
    text = (" ".join(words) + "\r\n").encode()
    if number % 20 == 0:
        return (head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                "--b\r\nContent-Type: text/plain\r\n\r\n").encode() \
            + text + FILE
    return (head + "\r\n").encode() + text


def fetch(server, evpopd, count):
    """Let the daemon store and index them; seconds for both."""
    begun = time.monotonic()
    evpopd.start()
    procs.wait_for(lambda: evpopd.rows(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'linked'")
        == [(1,)], 60, "the store", 0.1)
    procs.wait_for(lambda: evpopd.rows(
        "SELECT sum(messages) FROM account") == [(count,)],
        7200, "the last commit", 0.1)
    stored = time.monotonic()
    procs.wait_for(lambda: evpopd.rows(
        "SELECT coalesce(max(value), 0) = (SELECT max(id) FROM message)"
        " FROM meta WHERE key = 'indexed'") == [(1,)],
        7200, "the index", 0.1)
    return stored - begun, time.monotonic() - stored


def spread(path, count):
    """As if they had come one after another, for years."""
    with contextlib.closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE message SET stored_ms = ? + id * ?",
                      (LAST_DAY_MS - count * STEP_MS, STEP_MS))


def made_anew(evpopd):
    """Seconds until the index of an earlier version is one of this."""
    evpopd.halt()
    with contextlib.closing(sqlite3.connect(evpopd.store_file)) as store:
        store.executescript("DROP TABLE fulltext; CREATE VIRTUAL TABLE"
                            " fulltext USING fts5(body, content='')")
    begun = time.monotonic()
    evpopd.start()
    procs.wait_for(lambda: evpopd.rows(
        "SELECT coalesce((SELECT value FROM meta WHERE key = 'indexed'), 0)"
        " = (SELECT max(id) FROM message) AND EXISTS(SELECT 1 FROM"
        " sqlite_schema WHERE name = 'fulltext' AND sql LIKE '%marks%')")
        == [(1,)], 7200, "the index", 0.1)
    return time.monotonic() - begun


class Asker:
    """One connection, as a program keeps it."""

    def __init__(self, path):
        self.connection = http.client.HTTPConnection("localhost")
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.connect(str(path))

    def ask(self, parameters):
        """The answer, and the milliseconds until it was there."""
        begun = time.monotonic()
        self.connection.request(
            "GET", "/v1/messages?" + urllib.parse.urlencode(parameters))
        body = self.connection.getresponse().read()
        took = (time.monotonic() - begun) * 1000
        answer = json.loads(body)
        if "messages" not in answer:
            raise RuntimeError(f"{parameters}: {answer}")
        return answer, took


def moments(count):
    """What stands for times in a question: seconds of Unix time."""
    return {"LATE": str((LAST_DAY_MS - count // 100 * STEP_MS) // 1000),
            "EARLY": str((LAST_DAY_MS - count * 9 // 10 * STEP_MS) // 1000)}


def asked(parameters, count):
    """With the times filled in."""
    for name, moment in moments(count).items():
        parameters = {**parameters, "q": parameters["q"].replace(
            name, moment)}
    return parameters


def percentiles(took):
    """The median and the 99th percentile."""
    took = sorted(took)
    return took[len(took) // 2], took[min(len(took) - 1,
                                          len(took) * 99 // 100)]


def through_socket(evpopd, count, times):
    """A table: each question newest first, ranked, and with snippets.

    The daemon's time on the processor does not depend on what else runs.
    """
    asker = Asker(evpopd.socket)
    print("| through the socket | newest: median ms | 99 % | CPU ms | ranked: "
          "median ms | 99 % | CPU ms | ranked among | with snippets: median | "
          "99 % | CPU ms |\n" + "| --- " * 11 + "|")
    for name, parameters, _, _ in QUESTIONS:
        parameters = asked(parameters, count)
        cells, among = [], ""
        for more in ({}, {"sort": "rank"}, {"snippet": "1"}):
            took, used = [], measure.cpu_seconds(evpopd.pid)
            for _ in range(times):
                answer, milliseconds = asker.ask({**parameters, **more})
                took.append(milliseconds)
            used = (measure.cpu_seconds(evpopd.pid) - used) / times * 1000
            cells.append("{:.1f} | {:.1f} | {:.1f}".format(
                *percentiles(took), used))
            if "ranked_among" in answer:
                among = (f"{answer['ranked_among']}"
                         f"{' of all' if answer['ranked_all'] else ''}")
        print(f"| {name} | {cells[0]} | {cells[1]} | {among} | {cells[2]} |",
              flush=True)
    print(flush=True)


def evpopctl(evpopd):
    """The command's line before the words."""
    return [os.fspath(daemon.build_folder() / "daemon" / "ctl" / "evpopctl"),
            "-s", os.fspath(evpopd.socket)]


def indexed_maildir(folder, sources):
    """The files as a Maildir, without copying what is in them."""
    for name in ("cur", "new", "tmp"):
        (folder / "mail" / name).mkdir(parents=True)
    number = 0
    for source in sources:
        for file in os.scandir(source):
            if file.name.endswith(".eml"):
                os.link(file.path, folder / "mail" / "cur" /
                        f"{number}.host:2,S")
                number += 1


def rivals(folder):
    """Those that are here: their index made, and how to ask them."""
    if shutil.which("notmuch") is not None:
        config = folder / "notmuch-config"
        config.write_text(f"[database]\npath={folder}/mail\n"
                          "[user]\nname=Bob\nprimary_email=bob@example.org\n")
        environment = {**os.environ, "NOTMUCH_CONFIG": os.fspath(config)}
        begun = time.monotonic()
        procs.run(["notmuch", "new", "--quiet"], env=environment,
                  timeout=7200)
        yield ("notmuch", time.monotonic() - begun, 2, environment,
               lambda words: ["notmuch", "search", "--limit=50", words])
    if shutil.which("mu") is not None:
        home = f"--muhome={folder}/mu"
        begun = time.monotonic()
        procs.run(["mu", "init", "--quiet", home, f"--maildir={folder}/mail"])
        procs.run(["mu", "index", "--quiet", home], timeout=7200)
        yield ("mu", time.monotonic() - begun, 3, dict(os.environ),
               lambda words: ["mu", "find", home, "--maxnum=50", words])


def timed(command, environment, times):
    """The median and 99th percentile of runs, in ms, and lines printed."""
    took = []
    for _ in range(times):
        begun = time.monotonic()
        done = subprocess.run(command, env=environment, text=True,
                              capture_output=True, check=False)
        took.append((time.monotonic() - begun) * 1000)
    return *percentiles(took), len(done.stdout.splitlines())


def as_commands(evpopd, count, times, others):
    """A table: each program run for each question that it understands."""
    programs = [("evpopctl", 0, 1, dict(os.environ),
                 lambda words: [*evpopctl(evpopd), "messages", "-n", "50",
                                "-q", words]), *others]
    print("| as a command | " + " | ".join(
        f"{name}: median ms | 99 %" for name, *_ in programs)
        + " |\n" + "| --- " * (1 + 2 * len(programs)) + "|")
    for question in QUESTIONS:
        name, parameters = question[:2]
        if "account" in parameters:
            continue
        words = (None, asked(parameters, count)["q"], *question[2:])
        cells = []
        for _, _, place, environment, command in programs:
            if words[place] is None:
                cells.append("- | -")
                continue
            median, most, _ = timed(
                command(words[place]), environment, times)
            cells.append(f"{median:.1f} | {most:.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def check(evpopd, count):
    """That what is found is what is there."""
    asker = Asker(evpopd.socket)
    found, cursor = 0, None
    while True:
        answer, _ = asker.ask({"q": "rarely", "limit": "1000",
                               **({"cursor": cursor} if cursor else {})})
        found += len(answer["messages"])
        cursor = answer.get("next_cursor")
        if cursor is None:
            break
    expected = sum(1 for number in range(1, count + 1) if number % RARE == 0)
    if found != expected or not answer["index_complete"]:
        raise RuntimeError(f"{found} messages found, not {expected}")


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--without-rivals", action="store_true")
    options = parser.parse_args()
    count = options.messages
    server = maildropd.MaildropServer(
        users={"home": "secret", "old": "secret"}, tls=False)
    with server:
        old = count // OLD
        server.deliver("old", map(message, range(1, old + 1)))
        server.deliver("home", map(message, range(old + 1, count + 1)))
        evpopd = daemon.Evpopd({name: daemon.account_of(server, name)
                                for name in ("old", "home")})
        try:
            stored, indexed = fetch(server, evpopd, count)
            print(f"{count} messages: stored in {stored:.1f} s, indexed "
                  f"{indexed:.1f} s after the last commit\n", flush=True)
            evpopd.halt()
            spread(evpopd.store_file, count)
            print(f"store {os.path.getsize(evpopd.store_file) / 1e6:.0f} MB\n")
            evpopd.start()
            check(evpopd, count)
            through_socket(evpopd, count, options.times)
            print(f"the index made anew in {made_anew(evpopd):.1f} s\n",
                  flush=True)
            if not options.without_rivals:
                with procs.temporary_folder() as folder:
                    folder = pathlib.Path(folder)
                    indexed_maildir(folder, [server.maildrop_folder(name)
                                             for name in ("old", "home")])
                    others = list(rivals(folder))
                    for name, took, *_ in others:
                        print(f"{name}: indexed in {took:.1f} s")
                    print()
                    as_commands(evpopd, count, options.runs, others)
        finally:
            evpopd.remove()


if __name__ == "__main__":
    main()
