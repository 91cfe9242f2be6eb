"""A real Dovecot (2.3 or 2.4), started for a test in a folder of its own.

It runs without privileges: as the user who runs the tests or, when that is
root, as nobody.  Nothing of the system's Dovecot is read or written.
"""

import contextlib
import functools
import grp
import os
import pathlib
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import time

from . import certificates, pop3, procs

HOST = "127.0.0.1"

# Whom Dovecot runs as when the tests run as root.
UNPRIVILEGED_USER = "nobody"

# What both versions of the configuration language have.
_COMMON = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = evpop-test
listen = {listen}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_client_limit = 4000
default_process_limit = 400

ssl = yes
ssl_min_protocol = TLSv1.2
auth_mechanisms = {mechanisms}
auth_failure_delay = 0 secs
auth_cache_size = 0
first_valid_uid = 1
mail_max_userip_connections = 0
mail_fsync = never
pop3_lock_session = {lock_session}

service pop3-login {{
  chroot =
  {restart} = {unlimited}
  process_min_avail = 1
  process_limit = 2
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = {tls_port}
    ssl = yes
  }}
}}
service pop3 {{
  {restart} = 1000
  process_limit = 300
}}
service anvil {{
  chroot =
  # Without it, refused log-ins are not slowed down.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

_OF_2_3 = """\
protocols = pop3
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
mail_location = maildir:~/Maildir
mail_log_prefix = "%s(%u): "
pop3_uidl_format = {uidl_format}
"""

_OF_2_4 = """\
protocols {{
  pop3 = yes
}}
ssl_server_cert_file = {certificate}
ssl_server_key_file = {key}
auth_allow_cleartext = yes
passdb passwd-file {{
  auth_username_format = %{{user}}
  passwd_file_path = {folder}/users/%{{user}}
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {folder}/home/%{{user}}
  }}
}}
mail_driver = maildir
mail_path = ~/Maildir
mail_log_prefix = "%{{service}}(%{{user}}): "
pop3_uidl_format = {uidl_format}
"""

# IMAP beside POP3, for both versions.
_IMAP = """\
{protocols}
service imap-login {{
  chroot =
  {restart} = {unlimited}
  process_limit = 2
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imap_tls_port}
    ssl = yes
  }}
}}
service imap {{
  {restart} = 1000
  process_limit = 300
}}
"""

# The formats of unique-ids that tests ask for, as 2.4 writes them.
_UIDL_FORMATS = {
    "%08Xu%08Xv": "%{uid | hex(8)}%{uidvalidity | hex(8)}",
    "%g": "%{guid}"}


def available(*programs):
    """Whether a Dovecot with POP3, and these parts of it, is installed."""
    return (_program() is not None
            and all(os.path.exists(f"/usr/lib/dovecot/{name}")
                    for name in ("pop3-login", *programs)))


def version():
    """The version of the Dovecot that is installed."""
    return procs.run([_program(), "--version"]).stdout.split()[0]


@functools.lru_cache
def is_2_4():
    """Whether it has the configuration language of 2.4."""
    return [int(part) for part in version().split(".")[:2]] >= [2, 4]


def client_certificates(authority):
    """Configuration: clients may show a certificate of this authority."""
    if is_2_4():
        return (f"ssl_server_ca_file = {authority}\n"
                "ssl_server_request_client_cert = yes\n"
                "ssl_server_require_crl = no\n")
    return (f"ssl_ca = <{authority}\nssl_verify_client_cert = yes\n"
            "ssl_require_crl = no\n")


def lmtp(port):
    """Configuration: mail is taken by LMTP, and at run/lmtp in the folder."""
    protocols = ("protocols {\n  lmtp = yes\n}\n" if is_2_4()
                 else "protocols = pop3 lmtp\n")
    return protocols + (
        f"service lmtp {{\n  inet_listener lmtp {{\n    port = {port}\n  }}\n"
        "  unix_listener lmtp {\n    mode = 0666\n  }\n}\n")


def _running(handles):
    """Those of some pidfds whose process has not ended."""
    if not handles:
        return []
    ended, _, _ = select.select(handles, [], [], 0)
    return [handle for handle in handles if handle not in ended]


def _program():
    return shutil.which("dovecot", path="/usr/sbin:/sbin:/usr/local/sbin:"
                        + os.environ.get("PATH", ""))


class Dovecot(procs.InFolder):
    """Dovecot with plain+STLS and implicit TLS ports, a CA and its own users.

    The context manager starts it and stops it.  Users and mail may be added
    before and while it runs.

    lock_session   one session at a time per maildrop, others get [IN-USE]
    uidl_format    Dovecot's pop3_uidl_format
    certificate    instead of a good one for localhost
    auth_mechanisms ways to log in, besides USER and PASS
    client_ca      a CA file: clients must show a certificate of it
    config         more lines of dovecot.conf
    imap           speak IMAP, too

    Attributes: host, port, tls_port, imap_port, imap_tls_port, ca_file, ca,
    folder, log_file and, while it runs, pid.
    """

    def __init__(self, *, users=None, lock_session=False,
                 uidl_format="%08Xu%08Xv", certificate=None, client_ca=None,
                 listen=HOST, auth_mechanisms="plain login", config="",
                 imap=False):
        account = pwd.getpwuid(os.geteuid())
        if account.pw_uid == 0:
            account = pwd.getpwnam(UNPRIVILEGED_USER)
        self._account = account
        self.host = HOST
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-dovecot-"))
        self.folder.chmod(0o755)
        self.log_file = self.folder / "dovecot.log"
        (self.port, self.tls_port, self.imap_port,
         self.imap_tls_port) = procs.free_ports(4)
        self.imap = imap
        self.pid = None
        self.lock_session = lock_session
        self.uidl_format = uidl_format
        self.listen = listen
        self.client_ca = client_ca
        self.auth_mechanisms = auth_mechanisms
        self.config = config
        self._process = None
        self._passwords = {}
        self._serial = 0
        try:
            self._give_away(self.folder)
            for name in ("run", "state", "home", "users"):
                self._make_folder(self.folder / name)
            self.ca = certificates.CertificateAuthority(self.folder / "ca")
            self.ca_file = self.ca.file
            self.certificate = certificate or self.ca.server()
            for name, password in (users or {}).items():
                self.add_user(name, password)
        except BaseException:
            procs.remove_folder(self.folder)
            raise

    def _give_away(self, path):
        if os.geteuid() == 0:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _make_folder(self, path):
        path.mkdir(mode=0o700)
        self._give_away(path)

    def _write(self, name, octets):
        path = self.folder / name
        path.write_bytes(octets)
        path.chmod(0o600)
        self._give_away(path)
        return path

    def give(self, name, octets):
        """Write a file in its folder that Dovecot may read; its path."""
        parents = (self.folder / name).relative_to(self.folder).parents
        for parent in reversed(list(parents)[:-1]):
            if not (self.folder / parent).exists():
                self._make_folder(self.folder / parent)
        return self._write(name, octets)

    def keep_dialogs(self):
        """From its next start, keep what clients say on the plain port."""
        self._make_folder(self.folder / "dialogs")
        self.config += ("service pop3-login {\n  executable = pop3-login -R "
                        f"{self.folder}/dialogs\n}}\n")

    def client_lines(self):
        """What clients have said in clear text until logged in; once.

        A list of lines for each connection, in their order.
        """
        dialogs = []
        for path in sorted((self.folder / "dialogs").glob("*.in"),
                           key=lambda one: one.stat().st_mtime_ns):
            # Each line is told with its time.
            dialogs.append([line.partition(" ")[2] for line in
                            path.read_text("latin-1").splitlines()])
        for path in (self.folder / "dialogs").iterdir():
            path.unlink()
        return dialogs

    def add_user(self, name, password):
        """Make a user with an empty maildrop, also while Dovecot runs."""
        if set(name + password) & set(":/\n\r"):
            raise ValueError("neither name nor password may hold : / or a "
                             "line end")
        maildir = self.folder / "home" / name / "Maildir"
        self._make_folder(maildir.parent)
        self._make_folder(maildir)
        for part in ("cur", "new", "tmp"):
            self._make_folder(maildir / part)
        self._write_password(name, password)

    def change_password(self, name, password):
        """Give a user another password."""
        self._write_password(name, password)
        if self._process is not None:
            # Dovecot looks for changes once a second.
            time.sleep(1.1)

    def _write_password(self, name, password):
        # A file for each, since Dovecot sees a new file sooner than a change.
        self._passwords[name] = password
        line = f"{name}:{{PLAIN}}{password}\n"
        new = self._write("password.new", line.encode())
        # It looks at whole seconds only, which two changes may share.
        self._serial += 1
        os.utime(new, (1700000000 + self._serial,) * 2)
        new.rename(self.folder / "users" / name)

    def password(self, user):
        """The password of a user."""
        return self._passwords[user]

    def maildir(self, user):
        """The user's Maildir."""
        return self.folder / "home" / user / "Maildir"

    def deliver(self, user, messages):
        """Put messages (bytes) into a maildrop, also while Dovecot runs."""
        maildir = self.maildir(user)
        for octets in messages:
            self._serial += 1
            on_wire = (len(octets) + octets.count(b"\n")
                       - octets.count(b"\r\n"))
            # Dovecot takes sizes from the name and need not read the file.
            name = (f"{1700000000 + self._serial}.M{self._serial}.test,"
                    f"S={len(octets)},W={on_wire}")
            path = maildir / "tmp" / name
            path.write_bytes(octets)
            self._give_away(path)
            path.rename(maildir / "new" / name)

    def forget_unique_ids(self, user):
        """Give every message of a stopped Dovecot's user another unique-id."""
        if self._process is not None:
            raise RuntimeError("Dovecot must be stopped for this")
        for path in self.maildir(user).iterdir():
            if path.name.startswith("dovecot"):
                path.unlink()
        # The unique-id holds the folder's UIDVALIDITY, a time in seconds.
        validity = 1900000000 + self._serial
        self._serial += 1
        path = self.maildir(user) / "dovecot-uidlist"
        path.write_text(f"3 V{validity} N1 G{validity:032x}\n")
        self._give_away(path)

    def messages(self, user):
        """What the server holds: a dict from unique-id to octets."""
        return pop3.messages(self.host, self.port, user, self.password(user))

    def count(self, user):
        """How many messages the server holds."""
        return pop3.count(self.host, self.port, user, self.password(user))

    def log(self):
        """What Dovecot has logged so far."""
        return (self.log_file.read_text(errors="replace")
                if self.log_file.exists() else "")

    def _write_config(self):
        account = self._account
        new = is_2_4()
        text = (_OF_2_4 if new else _OF_2_3) + _COMMON
        if self.imap:
            text += _IMAP
        more = self.config
        if self.client_ca is not None:
            more += client_certificates(self.client_ca)
            more += "auth_ssl_require_client_cert = yes\n"
        key = self._write("server.key", self.certificate.key.read_bytes())
        text = text.format(
            folder=self.folder, listen=self.listen, user=account.pw_name,
            group=grp.getgrgid(account.pw_gid).gr_name, uid=account.pw_uid,
            gid=account.pw_gid, certificate=self.certificate.certificate,
            key=key, port=self.port, tls_port=self.tls_port,
            imap_port=self.imap_port, imap_tls_port=self.imap_tls_port,
            protocols=("protocols {\n  imap = yes\n}" if new
                       else "protocols = pop3 imap"),
            uidl_format=(_UIDL_FORMATS[self.uidl_format] if new
                         else self.uidl_format),
            mechanisms=self.auth_mechanisms,
            restart="restart_request_count" if new else "service_count",
            unlimited="unlimited" if new else "0",
            lock_session="yes" if self.lock_session else "no")
        if new:
            # These must come first.
            text = ("dovecot_config_version = 2.4.0\n"
                    "dovecot_storage_version = 2.4.0\n" + text)
        return self._write("dovecot.conf", (text + more).encode())

    def start(self):
        """Start, and wait until clients are accepted."""
        program = _program()
        if program is None:
            raise RuntimeError("dovecot is not installed")
        config = self._write_config()
        dropped = {}
        if os.geteuid() == 0:
            dropped = {"user": self._account.pw_uid,
                       "group": self._account.pw_gid, "extra_groups": []}
        output = self.folder / "output"
        with open(output, "wb") as out:
            self._process = subprocess.Popen(
                [program, "-F", "-c", config], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, cwd="/", start_new_session=True,
                preexec_fn=procs.die_with_parent(), **dropped)
        self.pid = self._process.pid

        def ready():
            if self._process.poll() is not None:
                raise RuntimeError(
                    f"dovecot ended with {self._process.returncode}: "
                    f"{output.read_text()}{self.log()}")
            return self._greets()

        try:
            procs.wait_for(ready, what="Dovecot's greeting")
        except BaseException:
            self.halt()
            raise
        return self

    def _greets(self):
        try:
            with pop3.connect(self.host, self.port, timeout=5):
                return True
        except (OSError, EOFError):
            return False

    def _children(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(entry.name)
                fields = (entry / "stat").read_text().rpartition(")")[2]
                if int(fields.split()[1]) == self.pid:
                    found.append(pid)
        return found

    def halt(self, abruptly=False):
        """Stop serving, but keep mail, users and ports for start().

        abruptly kills every process of it at once, so that sessions break
        off.
        """
        if self._process is None:
            return
        if abruptly:
            # It starts no more of them meanwhile.
            self._process.send_signal(signal.SIGSTOP)
        children = self._children()
        handles = []
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                handles.append(os.pidfd_open(pid))
        if not abruptly:
            self._process.terminate()
            with contextlib.suppress(procs.Timeout):
                procs.wait_for(lambda: not _running(handles), timeout=0.2)
        # The master takes a second to end that nobody needs to wait for, and
        # its children may outlive it until their clients end.
        self._process.kill()
        self._process.wait()
        for handle in handles:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        # Until then they have sockets that another Dovecot would find.
        procs.wait_for(lambda: not _running(handles),
                       what="the end of Dovecot's processes")
        for handle in handles:
            os.close(handle)
        self._process = None
        self.pid = None
