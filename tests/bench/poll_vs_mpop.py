"""evpopd --once beside mpop, on one Dovecot, in one run.

Both fetch the same maildrop over TLS: evpopd into its store, mpop into a
Maildir.  They take turns, and medians are compared, so that only the ratio
matters; it fails where evpopd is slower.  Use a release build.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import corpus, daemon, dovecot, procs

_MPOP = """\
account default
host localhost
port {port}
user anna
password secret
auth user
tls on
tls_starttls off
tls_trust_file {ca}
keep on
uidls_file {folder}/uidls
delivery maildir {folder}/Maildir
"""


def timed(command, environment=None):
    """Seconds, CPU seconds and peak memory of a command that must succeed."""
    started = time.monotonic()
    process = subprocess.Popen([os.fspath(word) for word in command],
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=environment)
    with procs.PeakRss(process.pid) as peak:
        said = process.stderr.read().decode(errors="replace")
        process.stderr.close()
        _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise AssertionError(f"{command} ended with {process.returncode}:\n"
                             f"{said}")
    return took, usage.ru_utime + usage.ru_stime, peak.bytes


def run_mpop(server, count):
    """One run of mpop into an empty Maildir."""
    with procs.temporary_folder() as folder:
        for name in ("cur", "new", "tmp"):
            (folder / "Maildir" / name).mkdir(parents=True)
        config = folder / "mpoprc"
        config.touch(0o600)
        config.write_text(_MPOP.format(port=server.tls_port,
                                       ca=server.ca_file, folder=folder))
        figures = timed(["mpop", "-q", "-C", config])
        found = len(list((folder / "Maildir" / "new").iterdir()))
        if found != count:
            raise AssertionError(f"mpop delivered {found} of {count}")
    return figures


def run_evpopd(server, count):
    """One run of evpopd --once into an empty store."""
    evpopd = daemon.Evpopd({"anna": daemon.account_of(server, "anna",
                                                      tls="implicit")})
    try:
        evpopd.write_config()
        figures = timed(evpopd.command_line("--once"))
        found, = evpopd.rows("SELECT count(*) FROM v_message")
        if found != (count,):
            raise AssertionError(f"evpopd stored {found} of {count}")
    finally:
        evpopd.remove()
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--octets", type=int, default=25_000_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    if shutil.which("mpop") is None or not dovecot.available():
        print("skipped: mpop and Dovecot are needed")
        return 0
    build = daemon.cache_value("CMAKE_BUILD_TYPE")
    figures = {"mpop": [], "evpopd": []}
    with dovecot.Dovecot(users={"anna": "secret"}) as server:
        server.deliver("anna", corpus.messages(arguments.messages,
                                               arguments.octets))
        server.messages("anna")
        for number in range(arguments.runs * 2):
            # Each goes first every other time.
            name = ("mpop", "evpopd")[(number + number // 2) % 2]
            run = run_mpop if name == "mpop" else run_evpopd
            figures[name].append(run(server, arguments.messages))
    print(f"{arguments.messages} messages, {arguments.octets / 1e6:.0f} MB, "
          f"median of {arguments.runs}; build type {build}")
    median = {}
    for name, runs in figures.items():
        median[name], cpu, memory = (statistics.median(column)
                                     for column in zip(*runs))
        print(f"{name:7} {median[name]:6.2f} s  CPU {cpu:5.2f} s  "
              f"peak {memory / 1e6:5.1f} MB   "
              f"({', '.join(f'{took:.2f}' for took, *_ in runs)})")
    ratio = median["evpopd"] / median["mpop"]
    print(f"evpopd takes {ratio:.2f} of mpop's time")
    if daemon.sanitized() or build == "Debug":
        print("not judged: this is no release build")
        return 0
    return 0 if ratio <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
