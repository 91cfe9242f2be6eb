"""What a message costs of a server without pipelining, on loopback.

popa3d (where it is unpacked, see "./bootstrap help") and maildropd, which
answers each command before it reads the next; both send a reply in pieces, so
that a client that delays its acknowledgements waits 40 ms for each message.
Prints milliseconds for each message, and fails only where mail does: time is
for people to read.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import corpus, daemon, maildropd, popa3d, unpacked

USERS = {"anna": "secret"}


def measure(server, count):
    """Milliseconds for each of so many messages, by --once."""
    server.deliver("anna", [corpus.message(number, 2000)
                            for number in range(count)])
    evpopd = daemon.Evpopd({"anna": daemon.account_of(
        server, "anna", allow_cleartext="yes")})
    try:
        # The first poll learns of the server, and makes the store.
        evpopd.accounts["anna"]["max_messages_per_poll"] = 1
        evpopd.once()
        evpopd.accounts["anna"].pop("max_messages_per_poll")
        began = time.monotonic()
        evpopd.once()
        took = time.monotonic() - began
        stored, = evpopd.rows("SELECT count(*) FROM v_message")
        if stored != (count,):
            raise AssertionError(f"{stored[0]} of {count} are stored")
        return took * 1000 / (count - 1)
    finally:
        evpopd.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=200)
    count = parser.parse_args().messages
    print("| server | messages | ms for each |\n| --- | --- | --- |")
    servers = [("maildropd without PIPELINING",
                lambda: maildropd.MaildropServer(users=USERS,
                                                 pipelining=False))]
    if unpacked.available("popa3d"):
        servers.append((f"popa3d {unpacked.version('popa3d')}",
                        lambda: popa3d.Popa3d(users=USERS)))
    for name, make in servers:
        with make() as server:
            print(f"| {name} | {count} | {measure(server, count):.2f} |",
                  flush=True)


if __name__ == "__main__":
    main()
