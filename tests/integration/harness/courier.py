"""A real courier-pop, with its authdaemond and a userdb."""

from . import procs, unpacked

_AUTHDAEMON = """\
authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=2
authdaemonvar={folder}/run/courier/authdaemon
DEBUG_LOGIN=0
DEFAULTOPTIONS=""
LOGGEROPTS=""
"""


class Courier(unpacked.Maildir, unpacked.Server):
    """See unpacked.Server."""

    name = "courier"
    mechanisms = ("user", "plain", "login", "cram-md5")
    tls = ("stls", "implicit")

    def paths(self):
        return {"/etc/courier": self.folder / "etc",
                "/usr/lib/courier": self.root / "usr/lib/courier",
                "/usr/lib/courier-authlib":
                    self.root / "usr/lib/courier-authlib",
                **super().paths()}

    def _secret(self, kind, password):
        return self.command(self.root / "usr/sbin/userdbpw", kind,
                            input=password + "\n", stdin=None).stdout.strip()

    def _write_users(self):
        """What makeuserdb makes of a userdb."""
        found = {"userdb.dat": "", "userdbshadow.dat": ""}
        for user, password in self._passwords.items():
            found["userdb.dat"] += (f"{user}\tuid=1|gid=1"
                                    f"|home={self.folder}/home/{user}|_=\n")
            found["userdbshadow.dat"] += (
                f"{user}\tsystempw={self._secret('-md5', password)}"
                f"|hmac-md5pw={self._secret('-hmac-md5', password)}\n")
        for name, lines in found.items():
            self.command(
                self.root / "usr/lib/courier/courier-authlib/makedatprog",
                "-", self.folder / "etc" / f"{name}.tmp",
                self.folder / "etc" / name, input=lines + ".\n", stdin=None)
            (self.folder / "etc" / name).chmod(0o600)

    def _start(self):
        (self.folder / "etc/authdaemonrc").write_text(
            _AUTHDAEMON.format(folder=self.folder))
        sockets = self.folder / "run/courier/authdaemon"
        sockets.mkdir(parents=True, exist_ok=True)
        self._write_users()
        library = self.root / "usr/lib/courier"
        self.launch(library / "courier-authlib/authdaemond")
        procs.wait_for((sockets / "socket").exists,
                       what="authdaemond's socket")
        both = self.folder / "etc" / "server.pem"
        both.write_bytes(self.certificate.key.read_bytes()
                         + self.certificate.certificate.read_bytes())
        both.chmod(0o600)
        ways = {"POP3AUTH": "PLAIN LOGIN CRAM-MD5", "POP3_STARTTLS": "YES",
                "POP3AUTH_TLS": "PLAIN LOGIN CRAM-MD5",
                "TLS_CERTFILE": both, "TLS_VERIFYPEER": "NONE",
                "COURIERTLS": self.root / "usr/bin/couriertls"}
        program = [library / "courier/courierpop3login",
                   library / "courier/courierpop3d", "Maildir"]
        self.port = self.accept(*program, **ways)
        self.tls_port = self.accept(
            self.root / "usr/bin/couriertls", "-server", "-tcpd", *program,
            **{**ways, "POP3_STARTTLS": "NO", "POP3_TLS": "1"})
