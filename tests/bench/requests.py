"""What the client asks of the allocator for each message that it fetches.

In the steady state a message costs none: the client's requests are used again.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon, maildropd, procs

# What is left is the queue's growth to its greatest length.
MOST = 0.01
# As bench_requests fetches before it counts.
WARM = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10000)
    count = parser.parse_args().messages
    with maildropd.MaildropServer(tls=False, synthetic=[
            ("steady", "secret", 1, count + WARM, 1000)]) as server:
        done = procs.run([daemon.build_folder() / "tests" / "bench" /
                          "bench_requests", str(count), str(server.port)],
                         timeout=60)
        sent = server.stats()["messages_sent"]
    measured = json.loads(done.stdout)
    each = measured["allocations"] / count
    print(f"{count} messages by the client, pipelined: {each:.3f} "
          f"allocations each, {count / measured['seconds']:.0f} a second")
    if sent != count + WARM:
        sys.exit(f"the server sent {sent} messages")
    if each > MOST:
        sys.exit(f"more than {MOST} for each")


if __name__ == "__main__":
    main()
