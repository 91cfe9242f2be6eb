"""A real pop3d of GNU Mailutils, on mbox files.

It marks messages as read in the mbox file, and shows these marks: Status,
X-UID, X-IMAPbase.
"""

import re

from . import procs, unpacked

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


class Mailutils(unpacked.Mbox, unpacked.Server):
    """See unpacked.Server."""

    name = "mailutils"
    tls = ("stls", "implicit")
    # A message without a body may get an empty line more.
    faithful = False
    adds = ("X-UIDL", "X-UID", "X-IMAPbase", "Status")

    def deliver(self, user, messages):
        # It loses the first lines of what does not begin with a header.
        super().deliver(user, [
            octets if re.match(rb"[!-9;-~]+:", octets)
            else b"Subject: none\r\n\r\n" + octets for octets in messages])

    def _start(self):
        self.port, self.tls_port = procs.free_ports(2)
        config = self.folder / "etc/mailutils.conf"
        config.write_text(_CONFIG.format(
            folder=self.folder, port=self.port, tls_port=self.tls_port,
            key=self.certificate.key,
            certificate=self.certificate.certificate))
        self.launch(self.root / "usr/sbin/pop3d", "--no-site-config",
                    f"--config-file={config}")
