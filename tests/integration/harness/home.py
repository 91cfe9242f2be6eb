"""The home of somebody who comes from another program."""


class Home:
    def __init__(self, evpopd):
        self._evpopd = evpopd
        self.folder = evpopd.folder / "home"
        self.folder.mkdir(0o700)

    def write(self, name, text):
        """A file that is nobody else's."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def imports(self, *words, code=0):
        """What evpopctl makes of it."""
        return self._evpopd.ctl("import", *words, "--home", self.folder, "-c",
                                self._evpopd.config_file, code=code)
