"""A real perdition, which hands each session on to a Dovecot after PASS."""

from . import corpus, dovecot, unpacked


class Perdition(unpacked.Server):
    """See unpacked.Server; the maildrops are those of `behind`, a Dovecot."""

    name = "perdition"
    tls = ("stls", "implicit")

    def __init__(self, users=None):
        super().__init__(users)
        self.behind = dovecot.Dovecot(users=users)

    def paths(self):
        return {"/etc/perdition": self.folder / "etc", **super().paths()}

    def _start(self):
        self.behind.start()
        self.port = self._serve("POP3", "tls_listen")
        self.tls_port = self._serve("POP3S", "ssl_listen")

    def _serve(self, protocol, ssl_mode):
        return self.accept(
            self.root / "usr/sbin" / f"perdition.{protocol.lower()}",
            "--inetd_mode", "--protocol", protocol,
            "--config_file", "/dev/null",
            "--outgoing_server", f"{self.behind.host}:{self.behind.port}",
            "--map_library", "", "--no_bind_banner", "--no_lookup",
            "--ssl_mode", ssl_mode, "--ssl_ca_file", self.ca_file,
            "--ssl_cert_file", self.certificate.certificate,
            "--ssl_key_file", self.certificate.key)

    def deliver(self, user, messages):
        """Put messages (bytes) into a maildrop, also while it is served."""
        self.delivered[user] += map(corpus.as_received, messages)
        self.behind.deliver(user, messages)

    def halt(self):
        super().halt()
        self.behind.halt()

    def stop(self):
        super().stop()
        self.behind.stop()
