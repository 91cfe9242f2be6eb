#!/usr/bin/env python3
"""Packages, built and used on a Debian of their own.

usage: debian.py SUITE [unittest argument ...]

Makes two roots of the suite with mmdebstrap.  In one, "./bootstrap package"
builds a copy of these sources; in the other, the packages are installed,
upgraded, removed and purged.  Takes root and a mirror of Debian's: where that
is not to be had, the tests are skipped.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

SOURCES = pathlib.Path(__file__).resolve().parent.parent.parent
MIRROR = os.environ.get("EVPOP_MIRROR", "http://deb.debian.org/debian")
SUITE = "bookworm"
SKIPPED = 77

# A root has its own mounts and processes, which end with what runs in it.
ENTER = """
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""

# What a package manager writes by itself, whatever it installs.
NOISE = re.compile(
    r"/(dev|proc|sys|run|tmp|root|var/cache|var/log|var/lib/dpkg|var/lib/apt"
    r"|var/lib/systemd/(catalog|deb-systemd-helper-\w+)?$|etc/ld\.so\.cache"
    r"|etc/(passwd|group|g?shadow|sub[ug]id)-?$|etc/\.pwd\.lock$)")

MESSAGE = ("From: anna@example.org\r\nSubject: kept\r\n"
           "Message-ID: <kept@example.org>\r\n\r\nStill here.\r\n")


def call(*command, expect=0, timeout=3000, **keywords):
    """What a command says; anything but the expected status is a failure."""
    done = subprocess.run([os.fspath(word) for word in command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=timeout, **keywords)
    if done.returncode != expect:
        raise AssertionError(f"{done.args} returned {done.returncode}:\n"
                             f"{done.stdout[-20000:]}")
    return done.stdout


class Root:
    """A Debian of its own below a folder."""

    def __init__(self, folder, archive):
        self.path = folder
        folder.mkdir()
        call("tar", "-C", folder, "-xf", archive)
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")

    def run(self, command, expect=0, **variables):
        """What a line of shell says there."""
        words = [f"{name}={value}" for name, value in {
            "HOME": "/root", "LC_ALL": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND": "noninteractive",
            **{name: value for name, value in os.environ.items()
               if name in ("http_proxy", "https_proxy", "EVPOP_JOBS")},
            **variables}.items()]
        return call("unshare", "--mount", "--pid", "--fork", "--kill-child",
                    "sh", "-c", ENTER, "sh", self.path, "env", "-i", *words,
                    "sh", "-e", "-c", command, expect=expect)

    def files(self):
        """Each path that is not noise, with what kind of file it is."""
        found = {}
        for folder, folders, names in os.walk(self.path):
            where = "/" + os.path.relpath(folder, self.path)
            where = "" if where == "/." else where
            folders[:] = [name for name in folders
                          if not NOISE.match(f"{where}/{name}")]
            for name in folders + names:
                path = f"{where}/{name}"
                if not NOISE.match(path):
                    status = os.lstat(os.path.join(folder, name))
                    found[path] = (status.st_mode, status.st_uid,
                                   status.st_gid)
        return found

    def mode(self, path):
        """As in "drwx------ evpopd:evpopd"."""
        return self.run(f"stat -c '%A %U:%G' {path}").strip()


def make_archive(path):
    """A fresh Debian as an archive, which roots are made of."""
    call("mmdebstrap", "--variant=minbase", "--mode=root",
         "--dpkgopt=force-unsafe-io", SUITE, path, MIRROR)
    return path


def make_packages(maker):
    """The packages of these sources, built in a fresh root; their folder."""
    maker.run("apt-get -q update")
    clone = maker.path / "srv/evpop"
    shutil.copytree(SOURCES, clone, symlinks=True,
                    ignore=lambda folder, names: [
                        name for name in names if name == "__pycache__" or
                        (name in ("build", ".git") and
                         pathlib.Path(folder) == SOURCES)])
    maker.run("cd /srv/evpop && ./bootstrap package")
    return clone / "build/package"


class DebianTest(unittest.TestCase):
    maxDiff = 10000

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-debian-",
                                                   dir="/var/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        archive = make_archive(cls.folder / "root.tar")
        cls.maker = Root(cls.folder / "maker", archive)
        cls.user = Root(cls.folder / "user", archive)
        cls.user.run("apt-get -q update")
        cls.built = make_packages(cls.maker)
        shutil.copytree(cls.built, cls.user.path / "root/built")

    def debs(self, folder):
        return sorted(path.name for path in folder.glob("*.deb"))

    def test_packages_are_what_policy_wants(self):
        self.assertEqual(
            {name.split("_")[0] for name in self.debs(self.built)
             if "-dbgsym" not in name},
            {"evpopctl", "evpopd", "libevpop-dev", "libevpop-netx-dev",
             "libevpop-netx0", "libevpop0"})
        self.maker.run("apt-get -q -y --no-install-recommends install"
                       " lintian blhc")
        said = self.maker.run(
            "cd /srv/evpop/build/package && lintian --allow-root"
            " --fail-on error,warning --display-info *.changes")
        self.assertNotRegex(said, "(?m)^[EW]:")
        self.assertEqual(
            self.maker.run("blhc --all /srv/evpop/build/package.log"), "")

    def test_another_build_is_the_same(self):
        """From the source package, elsewhere, in another time and place."""
        self.maker.run(
            "umask 027; mkdir -p /opt/other; cd /opt/other;"
            " dpkg-source -x /srv/evpop/build/package/*.dsc source;"
            " cd source; dpkg-buildpackage --no-sign --build-profiles=nocheck"
            " --build=binary", TZ="Pacific/Kiritimati", LC_ALL="C",
            HOME="/nonexistent", DEB_BUILD_OPTIONS="nocheck parallel=2")
        other = self.maker.path / "opt/other"
        self.assertEqual(self.debs(other), self.debs(self.built))
        for name in self.debs(other):
            self.assertEqual((other / name).read_bytes(),
                             (self.built / name).read_bytes(), name)

    def test_source(self):
        """A clone of another day and of other habits gives the same source."""
        self.maker.run("""
            cp -R /srv/evpop /srv/other
            cd /srv/other
            rm -rf build
            find . -type f -exec touch -d 2001-02-03 {} +
            chmod -R g+w,o-r .
            umask 077
            ./bootstrap package --source
            cmp build/package/*.tar.xz /srv/evpop/build/package/*.tar.xz
            cmp build/package/*.dsc /srv/evpop/build/package/*.dsc""")

    def test_library(self):
        """A program is built with the packages for development, and runs."""
        self.maker.run("apt-get -q -y --no-install-recommends install"
                       " /srv/evpop/build/package/libevpop*_*.deb")
        said = self.maker.run(
            "cd /srv/evpop/tests/package;"
            " cc -Werror -o /tmp/consumer consumer.c"
            " $(pkg-config --cflags --libs evpop libevent_core);"
            " /tmp/consumer; ldd /tmp/consumer")
        self.assertIn("consumer: all as promised\n", said)
        self.assertRegex(said, r"libevpop\.so\.0 => /")
        self.maker.run(
            "cd /srv/evpop/tests/package;"
            " cc -Werror -o /tmp/netx consumer_netx.c"
            " $(pkg-config --cflags --libs evpop-netx libevent_core);"
            " /tmp/netx")

    # ---- the life of an installation ----

    def install(self, folder):
        return self.user.run(
            "apt-get -q -y --no-install-recommends"
            " -o Dpkg::Options::=--force-confold install"
            f" {folder}/evpop*_*.deb {folder}/libevpop*0_[0-9]*_*.deb")

    def newer(self):
        """The same packages, as a later version has them."""
        self.user.run("""
            mkdir /root/newer /root/unpacked
            rm /root/built/*-dbgsym_*
            for deb in /root/built/evpop*_*.deb /root/built/libevpop*_*.deb
            do
                folder=/root/unpacked/$(basename $deb)
                dpkg-deb -R $deb $folder
                sed -i 's/^Version: .*/&+newer/
                    s/(= [^)]*/&+newer/' $folder/DEBIAN/control
                test ! -e $folder/etc/evpopd/evpopd.conf ||
                    echo '# newer' >>$folder/etc/evpopd/evpopd.conf
                dpkg-deb -b $folder /root/newer
            done""")

    @staticmethod
    def configure(folder, mail):
        """An account that is not polled, and a message for it."""
        (folder / "anna.conf").write_text(
            "[account anna]\nhost = pop.example.invalid\nuser = anna\n"
            "password_command = echo secret\nenabled = no\n")
        mail.write_text(MESSAGE, newline="")

    def serve(self, command):
        """What a command says while evpopd runs, as its user."""
        return self.user.run(f"""
            systemd-tmpfiles --create evpopd.conf
            setpriv --reuid=evpopd --regid=evpopd --clear-groups \\
                evpopd >/tmp/evpopd.log 2>&1 &
            for try in $(seq 300); do
                ! evpopctl status >/dev/null 2>&1 || break
                test -e /run/evpopd/control.sock && break
                sleep 0.1
            done
            {{ {command}; }} || {{ cat /tmp/evpopd.log; exit 1; }}
            kill $!
            wait $! || {{ cat /tmp/evpopd.log; exit 1; }}""")

    def check_installed(self):
        self.assertEqual(self.user.mode("/var/lib/evpopd"),
                         "drwx------ evpopd:evpopd")
        self.assertEqual(self.user.mode("/etc/evpopd/accounts.d"),
                         "drwxr-xr-x root:root")
        self.assertIn("/var/lib/evpopd:/usr/sbin/nologin",
                      self.user.run("getent passwd evpopd"))
        self.assertIn("correct", self.user.run("evpopd --check"))
        self.assertEqual(self.user.run(
            "systemctl is-enabled evpopd.service evpopd.socket"),
            "enabled\nenabled\n")
        self.assertEqual(self.user.run(
            "systemctl is-enabled evpopd-metrics.socket", expect=1),
            "disabled\n")
        said = self.user.run(
            "systemd-analyze verify --man=no --recursive-errors=one"
            " evpopd.service evpopd.socket evpopd-metrics.service"
            " evpopd-metrics.socket")
        self.assertEqual(said, "")
        self.user.run("""
            cd /usr/share
            test -s bash-completion/completions/evpopctl
            test -s zsh/vendor-completions/_evpopctl
            test -s fish/vendor_completions.d/evpopctl.fish
            test -s evpop/evpopd.rules.yml""")

    def stopped(self):
        """The units that a removal stops, where systemd runs."""
        return self.user.run("""
            mkdir -p /run/systemd/system /tmp/instead
            cat >/tmp/instead/deb-systemd-invoke <<'TEXT'
#!/bin/sh
echo "$@" >>/tmp/stopped
TEXT
            chmod +x /tmp/instead/deb-systemd-invoke
            PATH=/tmp/instead:$PATH /var/lib/dpkg/info/evpopd.prerm remove
            sed 's/^stop //' /tmp/stopped""").split()

    def test_life(self):
        depends = ", ".join(
            call("dpkg-deb", "-f", path, "Depends").strip()
            for path in sorted(self.built.glob("evpop*_*.deb"))
            if "-dbgsym" not in path.name)
        self.newer()
        self.user.run("apt-get -q -y --no-install-recommends satisfy"
                      f" '{depends}'")
        before = self.user.files()

        self.install("/root/built")
        self.check_installed()
        self.configure(self.user.path / "etc/evpopd/accounts.d",
                       self.user.path / "root/mail.eml")
        self.user.run("echo '# mine' >>/etc/evpopd/evpopd.conf")
        self.serve("evpopctl import --account anna /root/mail.eml")

        self.install("/root/newer")
        self.check_installed()
        self.assertIn("# mine", self.user.run("cat /etc/evpopd/evpopd.conf"))
        self.assertEqual(self.serve("evpopctl raw 1"),
                         MESSAGE.replace("\r\n", "\n"))

        self.assertEqual(sorted(self.stopped()), [
            "evpopd-metrics.service", "evpopd-metrics.socket",
            "evpopd.service", "evpopd.socket"])
        self.user.run("apt-get -q -y remove evpopd evpopctl libevpop0")
        self.user.run("test -s /var/lib/evpopd/mail.db &&"
                      " test -s /etc/evpopd/accounts.d/anna.conf &&"
                      " test ! -e /usr/sbin/evpopd")
        self.user.run("apt-get -q -y purge evpopd evpopctl")
        after = self.user.files()
        self.assertEqual(
            [f"{path}: {before.get(path)}, then {after.get(path)}"
             for path in sorted(before.keys() | after.keys())
             if before.get(path) != after.get(path)], [])
        self.assertEqual(self.user.run("dpkg -l | grep evpop || true"), "")
        # Not even what systemd's helpers note of units.
        self.assertEqual(self.user.run(
            "find / -xdev '(' -path /root -o -path /tmp ')' -prune"
            " -o -name '*evpop*' -print"), "")

    # ---- the image ----

    def buildah(self, *words, **keywords):
        return call("buildah", "--storage-driver=vfs",
                    f"--root={self.folder}/images",
                    f"--runroot={self.folder}/images-run", *words, **keywords)

    def image(self):
        """The image, on the root that the packages were built for."""
        base = self.buildah("from", "scratch").strip()
        self.buildah("add", "-q", base, self.folder / "root.tar", "/")
        self.buildah("commit", "-q", "--rm", base, "base")
        self.buildah("build", "--isolation=chroot", "--format=docker",
                     "--build-arg=BASE=localhost/base", "--tag=evpop",
                     "--file", SOURCES / "conf/Containerfile", self.built)
        return json.loads(self.buildah("inspect", "--type=image", "evpop"))[
            "Docker"]["config"]

    def contained(self, container, volume, *command, **keywords):
        return self.buildah("run", "--isolation=chroot", "--volume",
                            f"{volume}:/var/lib/evpopd", container, "--",
                            *command, **keywords)

    def life_of_container(self, config, volume, command):
        """What a command says while a container of its own runs evpopd."""
        container = self.buildah("from", "evpop").strip()
        if not volume.exists():
            # As podman fills a volume that is new.
            mounted = self.buildah("mount", container).strip()
            call("cp", "-a", f"{mounted}/var/lib/evpopd", volume)
            self.buildah("umount", container)
            self.configure(volume / "etc/accounts.d", volume / "mail.eml")
        kind, check = config["Healthcheck"]["Test"]
        self.assertEqual(kind, "CMD-SHELL")
        return self.contained(container, volume, "sh", "-c", f"""
            is_healthy() {{ {check}; }}
            ! is_healthy 2>/dev/null || exit 1
            {' '.join(config['Entrypoint'])} >/tmp/log 2>&1 &
            for try in $(seq 300); do
                is_healthy 2>/dev/null && break
                sleep 0.1
            done
            is_healthy && {command} || {{ cat /tmp/log; exit 1; }}
            kill $! && wait $!""")

    @unittest.skipUnless(shutil.which("buildah"), "buildah is not installed")
    def test_image(self):
        config = self.image()
        self.assertEqual(config["User"], "evpopd")
        self.assertEqual(config["Volumes"], {"/var/lib/evpopd": {}})
        volume = self.folder / "volume"
        self.life_of_container(
            config, volume, "test $(id -u) -ne 0 &&"
            " evpopctl import --account anna /var/lib/evpopd/mail.eml")
        # Another container, the same volume.
        self.assertEqual(
            self.life_of_container(config, volume, "evpopctl raw 1"),
            MESSAGE.replace("\r\n", "\n"))


def obstacle():
    """Why no root can be made here; None where it can."""
    if os.geteuid() != 0:
        return "only root can make roots"
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs",
         "tmpfs", "/mnt"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"nothing can be mounted here: {tried.stderr.strip()}"
    try:
        with urllib.request.urlopen(f"{MIRROR}/dists/{SUITE}/Release",
                                    timeout=60):
            pass
    except OSError as error:
        return f"{MIRROR} is out of reach: {error}"
    return None


if __name__ == "__main__":
    SUITE = sys.argv.pop(1)
    reason = obstacle()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main()
