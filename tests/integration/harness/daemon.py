"""evpopd and evpopctl as built, started for a test in a folder of their own.

Evpopd writes a configuration, runs the daemon in the foreground and talks to
it over its control socket, by HTTP of its own and by evpopctl.  Stopping it
checks that it ended well: exit code 0, and no word of a sanitizer's.
"""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile

from . import procs

# What sanitizers and failed assertions write.
_COMPLAINTS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
               "runtime error:", "Assertion `", "stack smashing")

PATIENCE = procs.PATIENCE


def build_folder():
    """The build folder whose programs are tested."""
    build = os.environ.get("EVPOP_BUILD_DIR")
    if build is None:
        raise RuntimeError("set EVPOP_BUILD_DIR to the build folder")
    return pathlib.Path(build)


def cache_value(name):
    """A value of the build's CMake cache, "" where it has none."""
    for line in (build_folder() / "CMakeCache.txt").read_text().splitlines():
        key, _, value = line.partition("=")
        if key.partition(":")[0] == name:
            return value
    return ""


def sanitized():
    """Whether the build has a sanitizer in it."""
    return cache_value("EVPOP_SANITIZE") != ""


def account_of(server, user, tls="none", **keys):
    """The keys of an account: `user` of a Dovecot or MaildropServer.

    tls is "none", "stls" or "implicit"; a key given as None is left out.
    """
    made = {"host": "localhost" if tls != "none" else server.host,
            "port": server.tls_port if tls == "implicit" else server.port,
            "tls": tls, "user": user, "interval": "1h",
            "password": server.password(user)}
    if tls != "none":
        made["tls_ca"] = server.ca_file
    made.update(keys)
    return {key: value for key, value in made.items() if value is not None}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self._path = os.fspath(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        # While a crowd fills the queue, a deadline would make that an error.
        self.sock.connect(self._path)
        self.sock.settimeout(self.timeout)


class Refused(AssertionError):
    """The control API answered with an error that the test did not expect."""

    def __init__(self, status, error):
        super().__init__(f"{status}: {error}")
        self.status = status
        self.error = error


class Evpopd:
    """evpopd with a configuration, a store and a socket in its own folder.

    accounts   name -> keys (see account_of); may change until written
    targets    name -> keys
    daemon, store, control, hook   more keys of these sections
    environment       more variables
    under             words of a command to run it under

    The context manager starts it and stops it, or kills it when the test has
    failed already.  Attributes: folder, config_file, store_file, socket,
    log_file and, while it runs, pid.
    """

    def __init__(self, accounts=None, *, daemon=None, store=None,
                 control=None, hook=None, targets=None, environment=None,
                 under=()):
        self.accounts = dict(accounts or {})
        self.targets = dict(targets or {})
        self.daemon = dict(daemon or {})
        self.store = dict(store or {})
        self.control = dict(control or {})
        self.hook = dict(hook or {})
        self.environment = dict(environment or {})
        self.under = list(under)
        self.program = build_folder() / "daemon" / "evpopd"
        self.ctl_program = build_folder() / "daemon" / "ctl" / "evpopctl"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-daemon-"))
        self.config_file = self.folder / "evpopd.conf"
        self.store_file = self.folder / "mail.db"
        self.socket = self.folder / "control.sock"
        self.log_file = self.folder / "log"
        self.pid = None
        self._process = None
        self._connection = None

    @classmethod
    def client(cls, path):
        """Only what asks: one who knows nothing but the socket's path."""
        made = cls.__new__(cls)
        made.socket, made._connection = path, None
        return made

    def let_others_run(self):
        """Have both programs where other users reach them.

        The build may be in a folder that is closed to them, as /root is.
        """
        self.folder.chmod(0o711)
        self.program = shutil.copy(self.program, self.folder)
        self.ctl_program = shutil.copy(self.ctl_program, self.folder)
        for program in self.program, self.ctl_program:
            os.chmod(program, 0o755)

    # Configuration

    def config_text(self):
        """The configuration as it would be written now."""
        sections = [("daemon", self.daemon), ("store", {
            "path": self.store_file, **self.store}), ("control", {
                "socket": self.socket, **self.control}), ("hook", self.hook)]
        sections += [(f"target {name}", keys)
                     for name, keys in self.targets.items()]
        sections += [(f"account {name}", keys)
                     for name, keys in self.accounts.items()]
        return "".join(
            f"[{name}]\n" + "".join(f"{key} = {value}\n"
                                    for key, value in keys.items()) + "\n"
            for name, keys in sections)

    def seal_to(self, public):
        """Have new mail sealed to this key, from the next start on."""
        self.daemon["key_file"] = self.folder / "evpopd.key"
        self.ctl("key", "generate", self.daemon["key_file"])
        self.store["seal_to"] = public

    def write_config(self, text=None):
        """Write the configuration, readable for nobody else."""
        self.config_file.touch(0o600)
        self.config_file.write_text(
            self.config_text() if text is None else text)

    def command_line(self, *options):
        """The command that starts it."""
        words = [*self.under, self.program, "-c", self.config_file, *options]
        return [os.fspath(word) for word in words]

    def _environment(self):
        return {**os.environ, **{key: os.fspath(value) for key, value
                                 in self.environment.items()}}

    # Life

    def start(self, *options, wait=True):
        """Write the configuration, start, wait until the socket answers."""
        self.write_config()
        with open(self.log_file, "ab") as log:
            self._process = subprocess.Popen(
                self.command_line(*options), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd="/", env=self._environment(),
                preexec_fn=procs.die_with_parent(signal.SIGKILL))
        self.pid = self._process.pid
        if wait:
            procs.wait_for(self._ready, PATIENCE, "evpopd's readiness")
        return self

    def _ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"evpopd ended with "
                                 f"{self._process.returncode}:\n{self.log()}")
        # One that an earlier run has left is replaced at any moment.
        try:
            self.get("/v1/status")
        except (FileNotFoundError, ConnectionError):
            return False
        return True

    def signal(self, number):
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self):
        """End it at once, as a crash would."""
        self.disconnect()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.pid = None

    def has_ended(self):
        """Whether a daemon that was started has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def halt(self, timeout=PATIENCE):
        """SIGTERM, and see that it ends well; the folder stays."""
        self.disconnect()
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self.ended(timeout)
        except procs.Timeout:
            self.kill()
            raise

    def ended(self, timeout=PATIENCE, code=0):
        """Wait until it has ended by itself, and see that it ended well."""
        self.disconnect()
        procs.wait_for(lambda: self._process.poll() is not None, timeout,
                       f"evpopd's end\n{self.log()}")
        got = self._process.returncode
        self._process = None
        self.pid = None
        log = self.log()
        if got != code or any(one in log for one in _COMPLAINTS):
            raise AssertionError(f"evpopd ended with {got}:\n{log}")
        if self.socket.exists():
            raise AssertionError("evpopd left its socket")

    def restart(self):
        """Stop it well and start it again on the same store."""
        self.halt()
        return self.start()

    def remove(self):
        """Leave nothing behind."""
        self.kill()
        procs.remove_folder(self.folder)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.halt()
            else:
                print(f"--- log of evpopd\n{self.log()}---")
        finally:
            self.remove()

    def log(self):
        """All that it has logged so far."""
        return (self.log_file.read_text(errors="replace")
                if self.log_file.exists() else "")

    def wait_logged(self, words, times=1):
        """Wait until it has logged these words, or so many times."""
        procs.wait_for(lambda: self.log().count(words) >= times, PATIENCE,
                       f"{words!r} in the log")

    # Runs that end by themselves

    def run(self, *options, timeout=PATIENCE):
        """Run evpopd with these options to its end; returns what it said."""
        done = procs.run(self.command_line(*options), timeout, check=False,
                         cwd="/", env=self._environment())
        if any(one in done.stderr for one in _COMPLAINTS):
            raise AssertionError(f"evpopd {options}:\n{done.stderr}")
        return done

    def once(self, code=0, timeout=PATIENCE):
        """evpopd --once with the configuration of now; what it said."""
        self.write_config()
        done = self.run("--once", timeout=timeout)
        if done.returncode != code:
            raise AssertionError(
                f"--once ended with {done.returncode}:\n{done.stderr}")
        return done

    # Control

    def disconnect(self):
        """Close the connection that is kept."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def request(self, method, path, headers=None, content=None):
        """A request on a connection that is kept: (status, headers, body)."""
        # The daemon closes one that is idle when another is wanted.
        kept = (self._connection is not None
                and method in ("GET", "HEAD"))
        if self._connection is None:
            self._connection = _UnixConnection(self.socket)
        try:
            self._connection.request(method, path, content,
                                     headers or {})
            answer = self._connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except ConnectionError:
            self.disconnect()
            if kept:
                return self.request(method, path, headers)
            raise
        except (OSError, http.client.HTTPException):
            self.disconnect()
            raise

    @contextlib.contextmanager
    def stream(self, path, headers=None):
        """An answer that is read bit by bit, on a connection of its own."""
        connection = _UnixConnection(self.socket)
        try:
            connection.request("GET", path, headers=headers or {})
            with connection.getresponse() as answer:
                yield answer
        finally:
            connection.close()

    def _json(self, method, path, said=None):
        content = None if said is None else json.dumps(said)
        status, _, body = self.request(method, path, content=content)
        answer = json.loads(body)
        if status >= 400:
            raise Refused(status, answer["error"])
        return answer

    def get(self, path):
        """What GET answers, as JSON; Refused where it is an error."""
        return self._json("GET", path)

    def post(self, path, said=None):
        """What POST answers, likewise; what is said to it goes as JSON."""
        return self._json("POST", path, said)

    def delete(self, path):
        """What DELETE answers, likewise."""
        return self._json("DELETE", path)

    def ctl(self, *words, code=0, timeout=PATIENCE, **keywords):
        """Run evpopctl; its output, once the exit code is as expected."""
        done = procs.run([self.ctl_program, "-s", self.socket, *words],
                         timeout, check=False, **keywords)
        if done.returncode != code:
            raise AssertionError(
                f"evpopctl {words} ended with {done.returncode}:\n"
                f"{done.stdout}{done.stderr}")
        return done

    def ctl_json(self, *words):
        """What evpopctl --json prints."""
        return json.loads(self.ctl("--json", *words).stdout)

    # Accounts

    def account(self, name):
        """An account as the API shows it."""
        return self.get(f"/v1/accounts/{name}")

    def wait_account(self, name, condition, what="the account's change",
                     timeout=PATIENCE):
        """Wait for condition(account); returns the account."""
        last = {}

        def holds():
            last.update(self.account(name))
            return condition(last)

        try:
            procs.wait_for(holds, timeout, what)
        except procs.Timeout as error:
            raise procs.Timeout(f"{error}: {last}") from None
        return last

    def wait_polled(self, *names, timeout=PATIENCE):
        """Wait until these accounts (or all) have been polled and rest.

        Returns the last one as the API shows it.
        """
        shown = None
        for name in names or self.accounts:
            shown = self.wait_account(
                name, lambda one: one["last_finished"] is not None and
                one["state"] not in ("polling", "queued"),
                f"the end of {name}'s poll", timeout)
        return shown

    def wait_health(self, status, timeout=PATIENCE):
        """Wait until the store's status is this ("ok", "busy")."""
        procs.wait_for(
            lambda: self.get("/v1/status")["store"]["status"] == status,
            timeout, f"the store's being {status}")

    def poll(self, name, timeout=PATIENCE):
        """Poll now, and wait until it is over; the account afterwards."""
        self.wait_rest(name, timeout)
        # It is queued before that is answered.
        self.post(f"/v1/accounts/{name}/poll")
        return self.wait_rest(name, timeout)

    def wait_rest(self, name, timeout=PATIENCE):
        """Wait until an account is not polled; the account afterwards."""
        return self.wait_account(
            name, lambda one: one["state"] not in ("polling", "queued"),
            f"the end of {name}'s poll", timeout)

    def change(self, name, **keys):
        """Reload with other keys for an account, which is polled at once.

        Returns what came of that poll.
        """
        last = self.wait_polled(name)["last_finished"]
        self.accounts[name].update(keys)
        self.write_config()
        self.post("/v1/reload")
        return self.wait_account(
            name, lambda one: one["last_finished"] != last and
            one["state"] not in ("polling", "queued"))["session"]

    def pages(self, path, name, limit=1000):
        """All elements of a list, through its cursors."""
        found = []
        sign = "&" if "?" in path else "?"
        cursor = ""
        while True:
            page = self.get(f"{path}{sign}limit={limit}{cursor}")
            found += page[name]
            if "next_cursor" not in page:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def messages(self, account=None):
        """All stored messages, newest first."""
        more = "" if account is None else f"?account={account}"
        return self.pages("/v1/messages" + more, "messages")

    def raw(self, number):
        """The octets of a message."""
        status, headers, body = self.request("GET",
                                             f"/v1/messages/{number}/raw")
        if status != 200:
            raise Refused(status, body)
        if headers["Content-Type"] != "message/rfc822":
            raise AssertionError(headers["Content-Type"])
        return body

    def bodies(self, account=None):
        """Unique-id -> octets of all stored messages; each once."""
        found = {}
        for message in self.messages(account):
            if message["unique_id"] in found:
                raise AssertionError(f"{message['unique_id']} is there twice")
            found[message["unique_id"]] = self.raw(message["id"])
        return found

    # Without the daemon

    @contextlib.contextmanager
    def database(self, write=False):
        """The store, opened by SQLite; to write only while evpopd is down."""
        mode = "rw" if write else "ro"
        connection = sqlite3.connect(f"file:{self.store_file}?mode={mode}",
                                     uri=True)
        try:
            yield connection
            connection.commit()
        finally:
            connection.close()

    def rows(self, query, *values):
        """Rows of a query on the store."""
        with self.database() as connection:
            return connection.execute(query, values).fetchall()

    def age(self, unique_ids, hours):
        """Let it be that much longer ago that these were stored."""
        with self.database(write=True) as store:
            for unique_id in unique_ids:
                done = store.execute(
                    "UPDATE uid SET stored_ms = stored_ms - ? WHERE"
                    " CAST(unique_id AS TEXT) = ?",
                    (hours * 3600 * 1000, unique_id))
                assert done.rowcount == 1, unique_id

    def peak_rss(self):
        """The most memory that it has had resident so far."""
        return procs.peak_rss(self.pid)
