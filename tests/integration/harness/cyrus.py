"""A real Cyrus with POP3, IMAP and LMTP, started by Cyrus' own master."""

import glob
import os
import smtplib

from . import procs, unpacked

# Who may deliver over the network.
LMTP_ADMIN = "postman"

_IMAPD = """\
configdirectory: {folder}/lib
partition-default: {folder}/spool
defaultpartition: default
proc_path: {folder}/run/proc
mboxname_lockpath: {folder}/run/lock
idlesocket: {folder}/run/idle
notifysocket: {folder}/run/notify
lmtpsocket: {folder}/run/lmtp
temp_path: {folder}/tmp
servername: localhost
cyrus_user: cyrus
cyrus_group: mail
admins: admin
lmtp_admins: {lmtp_admin}
autocreate_quota: 0
autocreate_post: yes
allowplaintext: yes
allowstarttls: 1
failedloginpause: 0
popminpoll: 0
poptimeout: 10
popuseacl: 0
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {folder}/etc/sasldb2
sasl_mech_list: {mechanisms}
tls_server_cert: {certificate}
tls_server_key: {key}
tls_client_ca_dir: {folder}/etc
tls_session_timeout: 0
syslog_prefix: test
"""

_CYRUS = """\
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {folder}/etc/imapd.conf -r"
}}
SERVICES {{
  pop3 cmd="{bin}/pop3d -C {folder}/etc/imapd.conf" listen="127.0.0.1:{port}" prefork=1
  pop3s cmd="{bin}/pop3d -s -C {folder}/etc/imapd.conf" listen="127.0.0.1:{tls_port}" prefork=0
{imap}  lmtp cmd="{bin}/lmtpd -C {folder}/etc/imapd.conf" listen="127.0.0.1:{lmtp_port}" prefork=0
  lmtpunix cmd="{bin}/lmtpd -a -C {folder}/etc/imapd.conf" listen="{folder}/run/lmtp" prefork=0
}}
EVENTS {{
}}
"""

# Not unpacked where only POP3 is.
_IMAP = """\
  imap cmd="{bin}/imapd -C {folder}/etc/imapd.conf" listen="127.0.0.1:{imap_port}" prefork=1
  imaps cmd="{bin}/imapd -s -C {folder}/etc/imapd.conf" listen="127.0.0.1:{imap_tls_port}" prefork=0
"""


class Cyrus(unpacked.Server):
    """See unpacked.Server.

    It takes mail by LMTP at run/lmtp in its folder and, of the user who is
    called as LMTP_ADMIN, at lmtp_port; it speaks IMAP at imap_port and
    imap_tls_port.
    """

    name = "cyrus"
    mechanisms = ("user", "plain", "login", "cram-md5", "scram-sha-1",
                  "scram-sha-256")
    tls = ("stls", "implicit")
    # Delivery by LMTP adds a few lines, such as Received.
    faithful = False

    def paths(self):
        return {"/usr/lib/cyrus": self.root / "usr/lib/cyrus",
                "/etc/imapd.conf": self.folder / "etc/imapd.conf",
                "/etc/cyrus.conf": self.folder / "etc/cyrus.conf",
                **super().paths()}

    @staticmethod
    def has_imap():
        """Whether its IMAP server is unpacked, too."""
        return (unpacked.folder() / "cyrus/usr/lib/cyrus/bin/imapd").exists()

    def environment(self, **more):
        # Some modules of SASL may be installed, and others unpacked.
        places = sorted(glob.glob(f"{self.root}/usr/lib/*/sasl2")
                        + glob.glob("/usr/lib/*/sasl2"))
        return super().environment(SASL_PATH=":".join(places), **more)

    def _start(self):
        for name in ("lib", "spool", "tmp", "run/proc", "run/lock"):
            (self.folder / name).mkdir(exist_ok=True)
        for name in ("db", "proc", "log", "msg", "ptclient", "socket", "user",
                     "quota", "sieve", "backup", "md5", "lock"):
            (self.folder / "lib" / name).mkdir(exist_ok=True)
        (self.port, self.tls_port, self.lmtp_port, self.imap_port,
         self.imap_tls_port) = procs.free_ports(5)
        binaries = self.root / "usr/lib/cyrus/bin"
        (self.folder / "etc/imapd.conf").write_text(_IMAPD.format(
            folder=self.folder, lmtp_admin=LMTP_ADMIN, mechanisms=" ".join(
                one.upper() for one in self.mechanisms if one != "user"),
            certificate=self.certificate.certificate,
            key=self.certificate.key))
        (self.folder / "etc/cyrus.conf").write_text(_CYRUS.format(
            folder=self.folder, bin=binaries, port=self.port,
            tls_port=self.tls_port, lmtp_port=self.lmtp_port,
            imap=_IMAP.format(folder=self.folder, bin=binaries,
                              imap_port=self.imap_port,
                              imap_tls_port=self.imap_tls_port)
            if self.has_imap() else ""))
        for user, password in self._passwords.items():
            self.command(self.root / "usr/sbin/saslpasswd2", "-p", "-c", "-u", "localhost", "-f",
                         self.folder / "etc/sasldb2", user,
                         input=password, stdin=None)
        self.launch(binaries / "master", "-D", "-C",
                    self.folder / "etc/imapd.conf", "-M",
                    self.folder / "etc/cyrus.conf", "-p",
                    self.folder / "run/master.pid")

    def deliver(self, user, messages):
        """Put messages (bytes) into a maildrop, also while it is served."""
        with smtplib.LMTP(os.fspath(self.folder / "run/lmtp")) as lmtp:
            for octets in messages:
                try:
                    lmtp.sendmail("sender@example.org", user, octets)
                except smtplib.SMTPDataError:
                    # It takes no header that is not quite right.
                    lmtp.sendmail("sender@example.org", user,
                                  b"Subject: refused\r\n\r\n" + octets)
