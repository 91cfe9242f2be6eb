"""Certificates for tests, made with the openssl command.

Keys are on P-256, so that making and using them is quick.  The usual server
certificate is good for localhost, 127.0.0.1 and ::1; the others are each bad
in one way, and good in all others.
"""

import dataclasses
import datetime
import hashlib
import pathlib

from . import procs

_LOCAL_NAMES = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")

_CA_CONFIG = """\
[ca]
default_ca = test
[test]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = policy
unique_subject = no
copy_extensions = none
[policy]
commonName = supplied
"""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate with its key, in two PEM files."""

    certificate: pathlib.Path
    key: pathlib.Path

    def sha256(self):
        """The SHA-256 of the certificate (DER), in lower-case hex."""
        out = procs.run(["openssl", "x509", "-in", self.certificate, "-noout",
                         "-fingerprint", "-sha256"]).stdout
        return out.strip().split("=")[1].replace(":", "").lower()

    def key_sha256(self):
        """The SHA-256 of the SubjectPublicKeyInfo (DER), in hex."""
        public = procs.run(["openssl", "x509", "-in", self.certificate,
                            "-noout", "-pubkey"]).stdout
        der = procs.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                        input=public.encode(), text=False).stdout
        return hashlib.sha256(der).hexdigest()


class CertificateAuthority:
    """A certificate authority in a folder of its own.

    Attributes: `file`, its certificate in PEM, which clients are to trust.
    """

    def __init__(self, folder, name="evpop test authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "ca.pem"
        self._key = self.folder / "ca.key"
        self._config = self.folder / "ca.cnf"
        self._config.write_text(_CA_CONFIG.format(folder=self.folder))
        (self.folder / "index.txt").write_text("")
        _make_key(self._key)
        procs.run(["openssl", "req", "-x509", "-new", "-key", self._key,
                   "-out", self.file, "-days", "3650", "-subj", f"/CN={name}",
                   "-addext", "basicConstraints=critical,CA:TRUE",
                   "-addext", "keyUsage=critical,keyCertSign,cRLSign"])

    def server(self, label="server", names=_LOCAL_NAMES):
        """A certificate for servers with these subject alternative names."""
        return self._issue(label, names, "serverAuth")

    def client(self, label="client", rsa=False):
        """A certificate that a client identifies itself with."""
        return self._issue(label, (f"DNS:{label}.example.net",), "clientAuth",
                           rsa=rsa)

    def wrong_name(self, label="wrong-name"):
        """Good for another host only."""
        return self._issue(label, ("DNS:other.example.net",), "serverAuth")

    def without_names(self, label="without-names"):
        """Without any subject alternative name; its CN says localhost."""
        return self._issue(label, (), "serverAuth", common_name="localhost")

    def expired(self, label="expired"):
        """Ended yesterday."""
        return self._issue(label, _LOCAL_NAMES, "serverAuth", -30, -1)

    def ending(self, days, label="ending"):
        """Good, and ends in so many days."""
        return self._issue(label, _LOCAL_NAMES, "serverAuth", -30, days)

    def not_yet_valid(self, label="not-yet-valid"):
        """Begins tomorrow."""
        return self._issue(label, _LOCAL_NAMES, "serverAuth", 1, 30)

    def self_signed(self, label="self-signed"):
        """For the right names, but signed by its own key."""
        made = self._paths(label)
        _make_key(made.key)
        procs.run(["openssl", "req", "-x509", "-new", "-key", made.key,
                   "-out", made.certificate, "-days", "30",
                   "-subj", "/CN=localhost", "-addext",
                   "subjectAltName=" + ",".join(_LOCAL_NAMES)])
        return made

    def _paths(self, label):
        return Certificate(self.folder / f"{label}.pem",
                           self.folder / f"{label}.key")

    def _issue(self, label, names, purpose, first_day=-1, last_day=365,
               common_name=None, rsa=False):
        made = self._paths(label)
        request = self.folder / f"{label}.csr"
        extensions = self.folder / f"{label}.ext"
        lines = ["basicConstraints=critical,CA:FALSE",
                 "subjectKeyIdentifier=hash",
                 "authorityKeyIdentifier=keyid",
                 f"extendedKeyUsage={purpose}"]
        if names:
            lines.append("subjectAltName=" + ",".join(names))
        extensions.write_text("\n".join(lines) + "\n")
        _make_key(made.key, rsa)
        procs.run(["openssl", "req", "-new", "-key", made.key, "-out", request,
                   "-subj", f"/CN={common_name or label}"])
        procs.run(["openssl", "ca", "-batch", "-notext", "-config",
                   self._config, "-cert", self.file, "-keyfile", self._key,
                   "-in", request, "-out", made.certificate, "-extfile",
                   extensions, "-startdate", _day(first_day), "-enddate",
                   _day(last_day)])
        return made


def _make_key(path, rsa=False):
    kind = (["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if rsa else
            ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    procs.run(["openssl", "genpkey", "-algorithm", *kind, "-out", path])


def _day(offset):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(days=offset)).strftime("%Y%m%d%H%M%SZ")
