"""Two thousand sessions at once on one loop, and what they take of memory.

Plain sessions must stay below 64 MB; with TLS, what they take beyond as many
idle connections of OpenSSL's alone must.  That all are there at once, the
server confirms while none of them may go on.

A session that is paused keeps what it has read and not given out, so a second
figure tells of messages larger than what is read at once; it is no condition.
Nor is the last one, of what a plain session is beyond such a buffer.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon, maildropd, procs

MOST = 64_000_000
LARGE = 100_000


def allow_descriptors(count):
    """Let this process and its children have so many; root may raise it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        hard = count
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def beyond_buffers(count):
    """Octets that each of so many plain sessions takes: (all, without buffer).

    The buffer is what a paused session keeps of what it has read, here the
    whole of a small message; what it holds of commands and lines counts.
    """
    with maildropd.MaildropServer(
            tls=False, synthetic=[("user", "secret", count, 1, 0)]) as server:
        measured = run_sessions(server, count, [server.port])
    whole = (measured["held"] - measured["before"]) / count
    return whole, whole - measured["octets"] / count


def program(name):
    """A program of this folder, as built."""
    return daemon.build_folder() / "tests" / "bench" / name


def run_sessions(server, count, words):
    """Run the sessions; what they measured, once the server has seen all."""
    before = server.stats()
    with subprocess.Popen(
            [str(word) for word in (program("bench_sessions"), count, *words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=procs.die_with_parent()) as process:
        held = process.stdout.readline()
        if held != f"held {count}\n":
            raise AssertionError(f"the sessions ended: {held}")
        during = server.stats()
        logins = during["logins"] - before["logins"]
        begun = during["messages_sent"] - before["messages_sent"]
        if during["connections_open"] != count or logins != count:
            raise AssertionError(f"not all are there at once: {during}")
        process.stdin.write("go on\n")
        process.stdin.flush()
        measured = json.loads(process.stdout.readline())
    if process.returncode != 0:
        raise AssertionError(f"bench_sessions ended with {process.returncode}")
    after = server.stats()
    if after["messages_sent"] - before["messages_sent"] != count:
        raise AssertionError(f"not all fetched: {after}")
    return measured


def megabytes(octets):
    """For people."""
    return f"{octets / 1e6:.1f} MB"


def show(name, measured, count):
    """One line of figures."""
    print(f"{name}: peak {megabytes(measured['peak'])}, at first "
          f"{megabytes(measured['before'])}, held "
          f"{megabytes(measured['held'])}, "
          f"{(measured['peak'] - measured['before']) / count / 1e3:.1f} kB "
          f"each", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--size", type=int, default=8000,
                        help="octets of a message, about")
    arguments = parser.parse_args()
    count = arguments.count
    allow_descriptors(count + 200)
    with maildropd.MaildropServer(
            synthetic=[("user", "secret", count, 1, arguments.size)]) as server:
        plain = run_sessions(server, count, [server.port])
        show(f"{count} sessions, plain", plain, count)
        idle = json.loads(procs.run(
            [program("bench_idle_tls"), str(count), str(server.tls_port),
             server.ca_file], timeout=120).stdout)
        show(f"{count} idle connections of OpenSSL's", idle, count)
        tls = run_sessions(server, count, [server.tls_port, server.ca_file])
        show(f"{count} sessions, TLS", tls, count)
    with maildropd.MaildropServer(
            synthetic=[("user", "secret", count, 1, LARGE)]) as server:
        show(f"{count} sessions, plain, paused within messages of "
             f"{LARGE // 1000} kB",
             run_sessions(server, count, [server.port]), count)
    whole, without = beyond_buffers(count)
    print(f"a live plain session: {whole:,.0f} octets, {without:,.0f} beyond "
          f"the message of {whole - without:,.0f} octets that its pause keeps")
    beyond = tls["peak"] - (idle["peak"] - idle["before"])
    print(f"TLS, without what OpenSSL takes for itself: {megabytes(beyond)}")
    if plain["peak"] >= MOST or beyond >= MOST:
        sys.exit(f"more than {megabytes(MOST)}")


if __name__ == "__main__":
    main()
