"""A real popa3d, which reads mbox files and knows USER and PASS only."""

from . import unpacked


class Popa3d(unpacked.Mbox, unpacked.Server):
    """See unpacked.Server."""

    name = "popa3d"

    def paths(self):
        return {"/var/mail": self.folder / "mail", **super().paths()}

    def _start(self):
        self.port = self.accept(self.root / "usr/sbin/popa3d")
