"""Small helpers around processes: folders, deadlines, commands, memory."""

import contextlib
import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

# Nothing that ends at all takes so many seconds, on however busy a machine.
PATIENCE = 120.0

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class Timeout(AssertionError):
    """Something that a test waited for did not happen in time."""


class CommandFailed(AssertionError):
    """A command ended otherwise than the test needs."""


@contextlib.contextmanager
def temporary_folder(prefix="evpop-test-"):
    """A folder that is gone afterwards, with all that is in it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        remove_folder(folder)


def remove_folder(folder):
    """Remove a folder that a dying process may still be writing to."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.02)
    shutil.rmtree(folder)


def wait_for(condition, timeout=PATIENCE, what="the condition", interval=0.02):
    """Call condition() until it returns something true, and return that.

    Raises Timeout, naming what was waited for, after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Timeout(f"{what} did not come about within {timeout} s")
        time.sleep(interval)


def run(command, timeout=PATIENCE, check=True, **keywords):
    """Run a command with a deadline; its output is kept as text.

    A failure (with check) or an overrun raises CommandFailed or Timeout with
    all that the command said.  The whole process group is killed on overrun.
    """
    keywords.setdefault("text", True)
    keywords.setdefault("stdin", subprocess.DEVNULL)
    if "input" in keywords:
        del keywords["stdin"]
    given = keywords.pop("input", None)
    if given is not None:
        keywords["stdin"] = subprocess.PIPE
    command = [os.fspath(word) for word in command]
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True,
                          **keywords) as process:
        try:
            out, err = process.communicate(given, timeout=timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise Timeout(f"{command} ran longer than {timeout} s\n"
                          f"stdout: {out}\nstderr: {err}") from None
    if check and process.returncode != 0:
        raise CommandFailed(f"{command} returned {process.returncode}\n"
                            f"stdout: {out}\nstderr: {err}")
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def die_with_parent(number=signal.SIGTERM):
    """A preexec_fn: the child gets a signal when its parent has ended.

    The kernel means the thread that started the child, so start children from
    a thread that lives as long as they shall.
    """
    parent = os.getpid()

    def ask():
        if _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
            os._exit(127)
        if os.getppid() != parent:
            os._exit(127)

    return ask


def stop(process, timeout=PATIENCE):
    """End a Popen child: SIGTERM, and SIGKILL if that is not enough.

    Returns its exit status; the child is always reaped.
    """
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def _status_kib(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise ValueError(f"process {pid} has no {key}: has it ended?")


def peak_rss(pid):
    """The most memory, in bytes, that a running process has had resident."""
    return _status_kib(pid, "VmHWM") * 1024


def current_rss(pid):
    """The memory, in bytes, that a running process has resident."""
    return _status_kib(pid, "VmRSS") * 1024


def reset_peak_rss(pid):
    """Let peak_rss count from now on, where this user may: what is in /proc of
    a process that dumps no core is root's."""
    with contextlib.suppress(PermissionError):
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


class InFolder:
    """A server in a folder of its own; who makes one has start() and halt()."""

    def stop(self):
        """Stop, and leave nothing behind."""
        try:
            self.halt()
        finally:
            remove_folder(self.folder)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            remove_folder(self.folder)
            raise

    def __exit__(self, *_):
        self.stop()


class PeakRss(threading.Thread):
    """Watches a process's peak memory, for one that will have ended.

    with PeakRss(pid) as peak: ...; afterwards peak.bytes is the peak seen.
    """

    def __init__(self, pid, interval=0.02):
        super().__init__(daemon=True)
        self.pid = pid
        self.interval = interval
        self.bytes = 0
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(self.interval):
            try:
                self.bytes = max(self.bytes, peak_rss(self.pid))
            except (OSError, ValueError):
                return

    def __enter__(self):
        with contextlib.suppress(OSError, ValueError):
            self.bytes = peak_rss(self.pid)
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()


def _first_ephemeral_port():
    try:
        return int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
                   .read_text().split()[0])
    except (OSError, ValueError):
        return 32768


def free_ports(count, host="127.0.0.1"):
    """Ports that nobody listens on at this moment, all different.

    Clients are given none of them while nobody listens: they are below the
    ports that the kernel picks by itself.
    """
    below = _first_ephemeral_port()
    sockets = []
    try:
        while len(sockets) < count:
            wanted = random.randrange(10240, below) if below > 12000 else 0
            with contextlib.suppress(OSError):
                sockets.append(socket.create_server((host, wanted)))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def accepts(host, port, timeout=1.0):
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError:
        return False
    return True
