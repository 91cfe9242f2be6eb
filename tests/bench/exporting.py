"""How fast `evpopctl export --maildir` writes, beside `cp -r` of the same.

A store fetches mail from maildropd over loopback; then, in turns, the daemon's
mail is exported into a new Maildir, and that Maildir is copied, each made
durable.  The best of the rounds counts.  Prints messages for each second; fails
only where mail does: time is for people to read.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon, maildropd


def export(evpopd, out, count):
    """Messages for each second."""
    os.sync()
    began = time.monotonic()
    said = json.loads(evpopd.ctl("--json", "export", "--maildir", out,
                                 timeout=600).stdout)
    took = time.monotonic() - began
    if said["exported"] != count:
        raise AssertionError(f"{said} of {count}")
    return count / took


def copy(source, out, count):
    """The same by cp; its end is durable, too."""
    os.sync()
    began = time.monotonic()
    subprocess.run(["cp", "-r", source, out], check=True)
    subprocess.run(["sync", "-f", out], check=True)
    return count / (time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=50)
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=1)
    words = parser.parse_args()
    rates = {"evpopctl export --maildir": [], "cp -r": []}
    with maildropd.MaildropServer(synthetic=[
            ("user", "secret", 1, words.messages, words.size)]) as server:
        evpopd = daemon.Evpopd({"user1": daemon.account_of(
            server, "user1", password="secret")})
        try:
            evpopd.once(timeout=600)
            evpopd.accounts["user1"]["interval"] = "1d"
            evpopd.start()
            for number in range(words.rounds):
                # ext4 is slow to use again what was just removed.
                out = evpopd.folder / f"out{number}"
                copied = evpopd.folder / f"copied{number}"
                rates["evpopctl export --maildir"].append(
                    export(evpopd, out, words.messages))
                rates["cp -r"].append(copy(out, copied, words.messages))
            evpopd.halt()
        finally:
            evpopd.remove()
    print(f"{words.messages} messages of about {words.size} octets\n\n"
          "| written by | messages/s: best | of all rounds |\n"
          "| --- | --- | --- |")
    for name, seen in rates.items():
        each = ", ".join(f"{rate:.0f}" for rate in seen)
        print(f"| {name} | {max(seen):.0f} | {each} |")


if __name__ == "__main__":
    main()
