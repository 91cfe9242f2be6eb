"""What sealing costs: polls of evpopd, sealed beside plain, in turns.

Each run is a new store that fetches all mail of some accounts from maildropd
over loopback, and ends when everything is durable and, where it is not sealed,
indexed.  The best of the rounds counts.  Prints messages for each second of
time and of processor; fails only where mail does: time is for people to read.
"""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon, maildropd

KINDS = ("plain", "sealed", "plain, zstd", "sealed, zstd")


def measure(server, words, kind):
    """(messages for each second, microseconds of processor for each)."""
    names = [f"user{number}" for number in range(1, words.accounts + 1)]
    evpopd = daemon.Evpopd({name: daemon.account_of(server, name,
                                                    password="secret")
                            for name in names})
    try:
        if "zstd" in kind:
            evpopd.store["compress"] = "zstd"
        if kind.startswith("sealed"):
            holder = evpopd.folder / "holder.key"
            evpopd.daemon["key_file"] = evpopd.folder / "evpopd.key"
            evpopd.ctl("key", "generate", evpopd.folder / "evpopd.key")
            evpopd.store["seal_to"] = evpopd.ctl(
                "key", "generate", holder).stdout.strip()
        evpopd.write_config()
        before = os.times()
        began = time.monotonic()
        evpopd.once(timeout=600)
        took = time.monotonic() - began
        after = os.times()
        stored, = evpopd.rows("SELECT count(*) FROM v_message")
        count = words.accounts * words.messages
        if stored != (count,):
            raise AssertionError(f"{stored[0]} of {count} are stored")
        used = (after.children_user + after.children_system
                - before.children_user - before.children_system)
        return count / took, used * 1e6 / count
    finally:
        evpopd.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=4)
    parser.add_argument("--messages", type=int, default=50)
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=1)
    words = parser.parse_args()
    best = {}
    with maildropd.MaildropServer(synthetic=[
            ("user", "secret", words.accounts, words.messages,
             words.size)]) as server:
        for _ in range(words.rounds):
            for kind in KINDS:
                rate, cost = measure(server, words, kind)
                fastest, least = best.get(kind, (0, cost))
                best[kind] = max(rate, fastest), min(cost, least)
    print(f"{words.accounts} accounts of {words.messages} messages of about "
          f"{words.size} octets\n\n"
          "| store | messages/s | µs of processor for each |\n"
          "| --- | --- | --- |")
    for kind, (rate, cost) in best.items():
        print(f"| {kind} | {rate:.0f} | {cost:.0f} |")


if __name__ == "__main__":
    main()
