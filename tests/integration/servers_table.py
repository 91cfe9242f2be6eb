"""Prints a table of what polls of real servers cost, in markdown.

For each server, 50 messages are fetched by evpopd, once by `--once` and once
by a daemon; then it is polled again.  Round trips are those between client and
server, after the greeting, in clear text on loopback.

    EVPOP_BUILD_DIR=build/release python3 tests/integration/servers_table.py
"""

import sys

from harness import corpus, servers

_HEAD = """\
| server | by | messages | byte-identical | first poll, s | round trips \
| second poll, s | round trips |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def measure(kind, once):
    """The cells of a row."""
    with kind(users={servers.USER: servers.PASSWORD}) as server:
        server.deliver(servers.USER, corpus.messages(servers.FIRST, seed=1))
        with servers.Driver(server, once) as driver:
            driver.poll()
            driver.poll()
            failed = [row[4] for row in driver.history() if row[0] != "ok"]
            if failed:
                raise AssertionError(failed[0])
            found, expected = (
                sorted(map(server.plain, one)) for one in
                (driver.bodies(), server.presented(servers.USER)))
            cells = [len(found), "yes" if found == expected else "NO"]
            for poll in driver.polls[:2]:
                cells += [f"{poll.seconds:.2f}", poll.round_trips]
            return cells


def main():
    """A row for each server and way; those that fail are counted."""
    failed = 0
    print(_HEAD)
    for kind in servers.EVERY:
        if not servers.available(kind):
            print(f"| {kind.name} | | not here | | | | | |")
            continue
        for once in (True, False):
            try:
                cells = measure(kind, once)
            except AssertionError as error:
                failed += 1
                reason = str(error).strip().splitlines()[-1]
                cells = [f"FAILED: {reason}"] + [""] * 5
            print("|", " | ".join(map(str, [
                servers.version(kind), "--once" if once else "daemon",
                *cells])), "|", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
