"""Questions through the control socket, in a store with many messages.

Rows of messages without bodies are put into the file of a daemon that rests;
then it is asked, alone and beside clients that search all the time.  Nothing
here judges a time.

    search.py --messages 200000
    search.py --messages 1000000 --senders 1000000 --searchers 6
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import random
import socket
import sqlite3
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon, procs

NAMES = ("Anna", "Bert", "Jürgen", "Shop", "News", "Billing", "Support",
         "Julia", "Robot", "Sales")
ACCOUNT = {"host": "127.0.0.1", "port": 1, "tls": "none", "user": "a",
           "password": "x", "enabled": "no"}
FIRST_MS = 1_700_000_000_000

# What is asked for, in words and as parameters.
QUESTIONS = (
    ("the newest", {}),
    ("from, frequent", {"from": "@mail"}),
    ("from, a domain", {"from": "@shop7.example.org"}),
    ("from, the rarest", {"from": "<julia0@"}),
    ("from, nobody", {"from": "nobody@nowhere.example"}),
    ("from, nobody of parts", {"from": "julia shop <news"}),
    ("from, of an account", {"from": "@shop7.", "account": "home"}),
    ("from, two letters", {"from": "zz"}),
    ("from, in an hour", {"from": "robot", "since": "2023-11-14T22:30:00Z",
                          "before": "2023-11-14T23:30:00Z"}),
    ("q, frequent", {"q": "week"}),
    ("q, rare", {"q": "number 77"}),
    ("q, nobody", {"q": "nowhere"}),
    ("q, two that are frequent", {"q": "week number"}),
    ("q, frequent, of old mail", {"q": "week", "account": "old"}),
    ("q, frequent, of nothing", {"q": "week", "account": "none"}),
    ("q, frequent, ranked", {"q": "week", "sort": "rank"}),
    ("q, two, ranked", {"q": "week number", "sort": "rank"}),
    ("q, from and a word", {"q": "from:shop7 week"}),
    ("q, not a word", {"q": "week -former"}),
    ("q, frequent, of an account, ranked",
     {"q": "week", "account": "home", "sort": "rank"}),
    ("q, rare, of an account", {"q": "number 77", "account": "home"}),
    ("q, once frequent, of late", {"q": "former", "since": "LATE"}),
    ("q, frequent, of late", {"q": "week", "since": "LATE"}),
)
# What stands for a time shortly before the newest message's.
LATE_S = 100
# Of another account; the oldest there are.
OLD = 50


def sender(number):
    """One of them, always the same."""
    name = NAMES[number % 7]
    domain = (f"{('mail', 'shop', 'corp')[number % 3]}{number % 40}"
              ".example.org")
    return f"{name} {NAMES[number % 10]} <{name.lower()}{number}@{domain}>"


def rows(count, senders):
    """Messages; of many senders a few send the most."""
    dice = random.Random(1)
    for number in range(1, count + 1):
        who = int(senders * dice.random() ** 3)
        moment = FIRST_MS + number * 1000
        former = "former " if number <= count * 0.9 else ""
        yield (number, 2 if number <= OLD else 1, -number, moment,
               sender(who), f"{former}Number {number} about the week",
               f"<{number}@example.org>")


def fill(path, count, senders):
    """Put them and their words into the file."""
    with contextlib.closing(sqlite3.connect(path)) as store, store:
        store.execute("DELETE FROM account")
        store.execute("INSERT INTO account(id, name) VALUES(1, 'home'),"
                      " (2, 'old'), (3, 'none')")
        store.executemany(
            "INSERT INTO message(id, account, body, octets, digest, stored_ms,"
            " sender, recipients, subject, header_id, attachments)"
            " VALUES(?, ?, ?, 3000, zeroblob(32), ?, ?,"
            " 'Me <me@example.org>', ?, ?, 0)", rows(count, senders))
        store.execute(
            "INSERT INTO fulltext(rowid, sender, recipients, copies, subject,"
            " files, body, marks) SELECT id, sender, recipients, '', subject,"
            " '', '', char(57344) || 'm ' || char(57344) || account || ' '"
            " || char(57344) || 's1' FROM message")
        store.execute("INSERT OR REPLACE INTO meta VALUES('indexed', ?)",
                      (count,))


def is_indexed(path, count):
    """Whether the senders are."""
    with contextlib.closing(sqlite3.connect(path)) as store:
        (indexed,) = store.execute(
            "SELECT coalesce(max(value), 0) FROM meta"
            " WHERE key = 'senders_indexed'").fetchone()
    return indexed == count


def ask(path, parameters):
    """A connection of its own, as evpopctl has it; how many were found."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    with contextlib.closing(connection):
        connection.sock.connect(str(path))
        connection.request("GET", "/v1/messages?"
                           + urllib.parse.urlencode(parameters))
        return len(json.load(connection.getresponse())["messages"])


def measure(path, parameters, times):
    """The median and the 99th percentile, in ms, and how many were found."""
    took = []
    for _ in range(times):
        begun = time.monotonic()
        found = ask(path, parameters)
        took.append((time.monotonic() - begun) * 1000)
    took.sort()
    return took[times // 2], took[times * 99 // 100], found


def show(title, path, times, late):
    """A table, a line for each question."""
    print(f"{title:28}{'found':>8}{'median ms':>12}{'99 % ms':>12}")
    for name, parameters in QUESTIONS:
        if parameters.get("since") == "LATE":
            parameters = {**parameters, "since": late}
        median, most, found = measure(path, parameters, times)
        print(f"{name:28}{found:8}{median:12.2f}{most:12.2f}", flush=True)
    print(flush=True)


@contextlib.contextmanager
def searching(path, count):
    """Clients that search all the time for what nobody has sent."""
    over = threading.Event()

    def search():
        while not over.is_set():
            ask(path, {"from": "zz"})

    threads = [threading.Thread(target=search) for _ in range(count)]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in threads:
            one.join()


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--senders", type=int, default=500)
    parser.add_argument("--searchers", type=int, default=6)
    parser.add_argument("--times", type=int, default=10)
    words = parser.parse_args()
    late = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(
        FIRST_MS // 1000 + words.messages - LATE_S))
    evpopd = daemon.Evpopd({name: {**ACCOUNT, "user": name}
                            for name in ("home", "old", "none")})
    try:
        evpopd.start()
        evpopd.halt()
        fill(evpopd.store_file, words.messages, words.senders)
        evpopd.start()
        begun = time.monotonic()
        procs.wait_for(lambda: is_indexed(evpopd.store_file, words.messages),
                       600, "the index")
        print(f"{words.messages} messages of {words.senders} senders, indexed"
              f" in {time.monotonic() - begun:.1f} s\n")
        show("alone", evpopd.socket, words.times, late)
        with searching(evpopd.socket, words.searchers):
            show(f"beside {words.searchers} that search", evpopd.socket,
                 words.times, late)
        evpopd.halt()
    finally:
        evpopd.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
