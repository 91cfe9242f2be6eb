"""A real pop3d of GNU Mailutils, on mbox files.

It marks messages as read in the mbox file, and shows these marks: Status,
X-UID, X-IMAPbase.
"""

import re

from . import corpus, procs, unpacked

_CONFIG = """\
mailbox {{ mail-spool {folder}/mail; }}
auth {{
  authorization system;
  authentication pam;
}}
pam {{ service pop3; }}
logging {{ syslog no; }}
login-delay 0;
tls {{
  ssl-certificate-file {certificate};
  ssl-key-file {key};
}}
tls-file-checks {{ key-file none; cert-file none; }}
mode daemon;
foreground yes;
max-children 100;
pidfile {folder}/run/pop3d.pid;
server 127.0.0.1:{port} {{ tls-mode ondemand; }}
server 127.0.0.1:{tls_port} {{ tls-mode connection; }}
"""


def _as_it_keeps(octets):
    """A message of which it does not change more than lines of its own."""
    if not re.match(rb"[!-9;-~]+:", octets):
        # It loses the first lines of what does not begin with a header.
        return b"Subject: none\r\n\r\n" + octets
    octets = corpus.as_received(octets)
    if not octets.partition(b"\r\n\r\n")[2]:
        # To a message without a body it adds an empty line when it is marked.
        return octets.rstrip(b"\r\n") + b"\r\n\r\nbody\r\n"
    return octets


class Mailutils(unpacked.Mbox, unpacked.Server):
    """See unpacked.Server."""

    name = "mailutils"
    tls = ("stls", "implicit")
    adds = ("X-UIDL", "X-UID", "X-IMAPbase", "Status")

    def deliver(self, user, messages):
        super().deliver(user, map(_as_it_keeps, messages))

    def _start(self):
        self.port, self.tls_port = procs.free_ports(2)
        config = self.folder / "etc/mailutils.conf"
        config.write_text(_CONFIG.format(
            folder=self.folder, port=self.port, tls_port=self.tls_port,
            key=self.certificate.key,
            certificate=self.certificate.certificate))
        self.launch(self.root / "usr/sbin/pop3d", "--no-site-config",
                    f"--config-file={config}")
