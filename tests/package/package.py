#!/usr/bin/env python3
"""What is installed, and that a stranger can use it.

usage: package.py CONFIGURATION [unittest argument ...]

Installs the build into a folder of its own.  CONFIGURATION is the JSON that
CMake writes of where things belong.
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

HERE = pathlib.Path(__file__).resolve().parent
WHERE = {}

# By the names that the vendor gave them.
NETX_HEADERS = ("nx_api.h", "nx_pop3_client.h", "nxd_pop3_client.h",
                "tx_api.h")

# systemd-analyze rates from 0 to 100 tenths; up to 20 it says "OK".
MOST_EXPOSURE = 12


def run(*command, expect=0, **keywords):
    """What a command says; anything but the expected status is a failure."""
    done = subprocess.run([os.fspath(word) for word in command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=300, **keywords)
    if done.returncode != expect:
        raise AssertionError(f"{done.args} returned {done.returncode}:\n"
                             f"{done.stdout}")
    return done.stdout


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = pathlib.Path(tempfile.mkdtemp(prefix="evpop-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.stage)
        cls.install()

    @classmethod
    def install(cls):
        run(WHERE["cmake"], "--install", WHERE["build"],
            env={**os.environ, "DESTDIR": str(cls.stage)})

    def staged(self, *parts):
        """Where something that belongs to PARTS lies now."""
        return self.stage / pathlib.Path(*parts).relative_to("/")

    def installed(self):
        return {"/" + path.relative_to(self.stage).as_posix()
                for path in self.stage.rglob("*") if not path.is_dir()}

    def folder(self, name):
        folder = self.stage / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        self.addCleanup(shutil.rmtree, self.stage / "work", True)
        return folder


def has_netx():
    """Whether the build has the NetX POP3 client's calls."""
    return WHERE["netx"] == "ON"


class FilesTest(PackageTest):
    def files_of_netx(self):
        version, library = WHERE["version"], WHERE["library"]
        return {
            f"{library}/libevpop-netx.a", f"{library}/libevpop-netx.so",
            f"{library}/libevpop-netx.so.{version.split('.')[0]}",
            f"{library}/libevpop-netx.so.{version}",
            f"{library}/pkgconfig/evpop-netx.pc",
            f"{WHERE['include']}/evpop/netx.h",
            f"{WHERE['manuals']}/man3/evpop_netx.3",
        } | {f"{WHERE['include']}/evpop-netx/{name}" for name in NETX_HEADERS
        } | {f"{library}/cmake/evpop/evpop-netx-{name}.cmake" for name in
             ("targets", f"targets-{WHERE['configured'].lower()}")}

    def test_every_file_has_its_place(self):
        version = WHERE["version"]
        prefix, library = WHERE["prefix"], WHERE["library"]
        expected = {
            f"{WHERE['bin']}/evpopctl", f"{WHERE['sbin']}/evpopd",
            f"{library}/libevpop.a", f"{library}/libevpop.so",
            f"{library}/libevpop.so.{version.split('.')[0]}",
            f"{library}/libevpop.so.{version}",
            f"{library}/pkgconfig/evpop.pc",
            f"{WHERE['manuals']}/man1/evpopctl.1",
            f"{WHERE['manuals']}/man5/evpopd.conf.5",
            f"{WHERE['manuals']}/man7/evpop-delivery.7",
            f"{WHERE['manuals']}/man7/evpop-oauth.7",
            f"{WHERE['manuals']}/man7/evpop-security.7",
            f"{WHERE['manuals']}/man8/evpopd.8",
            f"{WHERE['configuration']}/evpopd.conf",
            f"{WHERE['documents']}/examples/evpopd.conf",
            f"{WHERE['units']}/evpopd.service",
            f"{WHERE['units']}/evpopd.socket",
            f"{WHERE['units']}/evpopd-metrics.service",
            f"{WHERE['units']}/evpopd-metrics.socket",
            f"{WHERE['data']}/evpop/evpopd.rules.yml",
            f"{WHERE['data']}/evpop/evpopd-dashboard.json",
            f"{WHERE['data']}/evpop/openapi.json",
            f"{WHERE['data']}/bash-completion/completions/evpopctl",
            f"{WHERE['data']}/zsh/vendor-completions/_evpopctl",
            f"{WHERE['data']}/fish/vendor_completions.d/evpopctl.fish",
            f"{prefix}/lib/sysusers.d/evpopd.conf",
            f"{prefix}/lib/tmpfiles.d/evpopd.conf",
        } | {f"{WHERE['include']}/evpop/{name}" for name in WHERE["headers"]}
        expected |= {f"{WHERE['manuals']}/man3/evpop_{name}.3" for name in
                     ("auth", "client", "easy", "error", "proto", "sync",
                      "telemetry")}
        expected |= {f"{library}/cmake/evpop/evpop-{name}.cmake" for name in
                     ("config", "config-version", "targets",
                      f"targets-{WHERE['configured'].lower()}")}
        if has_netx():
            expected |= self.files_of_netx()
        self.assertEqual(self.installed(), expected)
        self.assertTrue(
            self.staged(WHERE["configuration"], "accounts.d").is_dir())

    def test_programs_run(self):
        for program in (f"{WHERE['sbin']}/evpopd", f"{WHERE['bin']}/evpopctl"):
            said = run(self.staged(program), "--version")
            self.assertIn(WHERE["version"], said)

    def test_sample_is_correct(self):
        sample = self.staged(WHERE["configuration"], "evpopd.conf")
        said = run(self.staged(WHERE["sbin"], "evpopd"), "--check", "-c",
                   sample)
        self.assertIn("correct", said)

    def test_changed_configuration_stays(self):
        sample = self.staged(WHERE["configuration"], "evpopd.conf")
        before = sample.read_text(encoding="utf-8")
        sample.write_text("# mine\n", encoding="utf-8")
        self.install()
        self.assertEqual(sample.read_text(encoding="utf-8"), "# mine\n")
        self.assertEqual(
            self.staged(WHERE["documents"], "examples",
                        "evpopd.conf").read_text(encoding="utf-8"), before)
        sample.write_text(before, encoding="utf-8")

    def exported(self):
        """What the library gives away, as NAME@@VERSION."""
        said = run("nm", "-D", "--defined-only",
                   self.staged(WHERE["library"], "libevpop.so"))
        return [line.split()[-1] for line in said.splitlines()]

    def test_only_public_names(self):
        names = [name.partition("@@") for name in self.exported()]
        self.assertEqual({version for _, _, version in names},
                         {"", "EVPOP_0.1"})
        self.assertEqual([name for name, _, version in names if not version],
                         ["EVPOP_0.1"])
        self.assertEqual([name for name, _, version in names if version
                          and not name.startswith("evpop_")], [])

    def test_every_declared_function_is_there(self):
        there = {name.partition("@@")[0] for name in self.exported()}
        declared = set()
        for name in WHERE["headers"]:
            text = self.staged(WHERE["include"], "evpop", name).read_text()
            declared |= set(re.findall(
                r"EVPOP_API[^;{]*?\b(evpop_\w+)\(", text))
        self.assertGreater(len(declared), 50)
        self.assertEqual(declared - there, set())


class ConsumerTest(PackageTest):
    def pkg_config(self, *arguments):
        said = run("pkg-config", *arguments, env={
            **os.environ, "PKG_CONFIG_SYSROOT_DIR": str(self.stage),
            "PKG_CONFIG_PATH":
                str(self.staged(WHERE["library"], "pkgconfig"))})
        return said.split()

    def start(self, program):
        self.assertEqual(run(program, env={
            **os.environ,
            "LD_LIBRARY_PATH": str(self.staged(WHERE["library"]))}),
            "consumer: all as promised\n")

    def consume(self, compiler, source, flags, libraries, name):
        """Build a program against what is installed, and run it."""
        program = self.folder(name) / name
        event = run("pkg-config", "--cflags", "--libs",
                    "libevent_core").split()
        run(*compiler, "-pedantic-errors", "-Wall", "-Wextra", "-Werror",
            *flags, "-o", program, HERE / source, *libraries, *event)
        self.start(program)
        return run("readelf", "-d", program)

    def test_c(self):
        linked = self.consume(
            (WHERE["cc"], "-std=c11"), "consumer.c",
            self.pkg_config("--cflags", "evpop"),
            self.pkg_config("--libs", "evpop"), "c")
        self.assertIn("libevpop.so." + WHERE["version"].split(".")[0], linked)

    def test_cxx(self):
        self.consume((WHERE["cxx"], "-std=c++11"), "consumer.cc",
                     self.pkg_config("--cflags", "evpop"),
                     self.pkg_config("--libs", "evpop"), "cxx")

    def test_static(self):
        """The archive, and what the package says that it stands on."""
        libraries = self.pkg_config("--static", "--libs-only-l", "evpop")
        self.assertIn("-lssl", libraries)
        libraries.remove("-levpop")
        linked = self.consume(
            (WHERE["cc"], "-std=c11"), "consumer.c",
            self.pkg_config("--cflags", "evpop"),
            [self.staged(WHERE["library"], "libevpop.a"), *libraries],
            "static")
        self.assertNotIn("libevpop.so", linked)

    def cmake(self, name, source, component="", target="evpop", ok=True):
        """Build a program by the CMake package, and run it."""
        folder = self.folder(name)
        for one in HERE.glob("consumer*"):
            shutil.copy(one, folder)
        (folder / "CMakeLists.txt").write_text(f"""
cmake_minimum_required(VERSION 3.18)
project(consumer C CXX)
find_package(evpop {WHERE["version"]} REQUIRED {component})
find_package(PkgConfig REQUIRED)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent_core)
add_executable(consumer {source})
target_link_libraries(consumer evpop::{target} PkgConfig::EVENT)
""")
        run(WHERE["cmake"], "-S", folder, "-B", folder / "build",
            f"-DCMAKE_PREFIX_PATH={self.staged(WHERE['prefix'])}",
            f"-DCMAKE_C_COMPILER={WHERE['cc']}",
            f"-DCMAKE_CXX_COMPILER={WHERE['cxx']}", expect=0 if ok else 1)
        if not ok:
            return
        run(WHERE["cmake"], "--build", folder / "build")
        self.start(folder / "build" / "consumer")

    def test_cmake(self):
        self.cmake("cmake-c", "consumer.c")
        self.cmake("cmake-cxx", "consumer.cc")

    def test_cmake_static(self):
        self.cmake("cmake-static", "consumer.c", "COMPONENTS static", "static")

    def test_cmake_netx(self):
        self.cmake("cmake-netx", "consumer_netx.c", "COMPONENTS netx", "netx",
                   ok=has_netx())

    def test_cmake_of_what_is_not_there(self):
        self.cmake("cmake-none", "consumer.c", "COMPONENTS imap", ok=False)

    def test_version(self):
        self.assertEqual(self.pkg_config("--modversion", "evpop"),
                         [WHERE["version"]])


class SystemdTest(PackageTest):
    def units(self):
        """Copies of the units whose program is the staged one."""
        folder = self.folder("units")
        for name in ("evpopd.service", "evpopd.socket",
                     "evpopd-metrics.service", "evpopd-metrics.socket"):
            text = self.staged(WHERE["units"], name).read_text()
            text = text.replace(f"ExecStart={WHERE['sbin']}/evpopd",
                                "ExecStart=" + str(self.staged(
                                    WHERE["sbin"], "evpopd")))
            (folder / name).write_text(text)
        return folder

    def test_units_are_correct(self):
        folder = self.units()
        said = run("systemd-analyze", "verify", "--man=no",
                   "--recursive-errors=one", folder / "evpopd.service",
                   folder / "evpopd.socket",
                   folder / "evpopd-metrics.service",
                   folder / "evpopd-metrics.socket",
                   env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"})
        self.assertEqual(said, "")

    def test_the_service_waits_for_the_right_time(self):
        unit = (self.units() / "evpopd.service").read_text()
        after = re.findall(r"(?m)^After=(.*)$", unit)
        self.assertIn("time-sync.target", " ".join(after).split())
        # It would wait for nobody, and pull in what is not wanted.
        self.assertNotRegex(unit, r"(?m)^(Wants|Requires)=.*time-sync")

    def test_a_wrong_unit_is_found(self):
        folder = self.units()
        unit = folder / "evpopd.service"
        unit.write_text(unit.read_text() + "\n[Service]\nNonsense=yes\n")
        said = run("systemd-analyze", "verify", "--man=no", unit,
                   env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"})
        self.assertIn("Nonsense", said)

    def test_services_are_confined(self):
        installed = {pathlib.Path(name).name for name in self.installed()
                     if name.endswith(".service")}
        services = sorted(self.units().glob("*.service"))
        self.assertEqual({unit.name for unit in services}, installed)
        for unit in services:
            with self.subTest(unit=unit.name):
                said = run("systemd-analyze", "security", "--offline=true",
                           "--no-pager", f"--threshold={MOST_EXPOSURE}", unit)
                level = re.search(r"Overall exposure level.*: ([0-9.]+)", said)
                print(f"{unit.name}: exposure {level[1]}", file=sys.stderr)
                self.assertLessEqual(float(level[1]) * 10, MOST_EXPOSURE)

    def test_user_and_folders(self):
        root = self.folder("root")
        for kind in ("sysusers", "tmpfiles"):
            where = root / f"usr/lib/{kind}.d"
            where.mkdir(parents=True)
            shutil.copy(self.staged(WHERE["prefix"], "lib", f"{kind}.d",
                                    "evpopd.conf"), where)
        (root / "etc").mkdir()
        run("systemd-sysusers", f"--root={root}", "evpopd.conf")
        users = (root / "etc/passwd").read_text()
        self.assertRegex(users, r"(?m)^evpopd:.*:/var/lib/evpopd:"
                                r"/usr/sbin/nologin$")
        self.assertRegex((root / "etc/group").read_text(), r"(?m)^evpopd:")
        if os.geteuid() != 0:
            return  # only root gives folders to others
        run("systemd-tmpfiles", "--create", f"--root={root}", "evpopd.conf")
        number = int(users.split("evpopd:")[1].split(":")[1])
        for path, mode in (("run/evpopd", 0o755), ("var/lib/evpopd", 0o700)):
            status = (root / path).stat()
            self.assertEqual(status.st_mode & 0o7777, mode)
            self.assertEqual(status.st_uid, number)


if __name__ == "__main__":
    WHERE.update(json.loads(pathlib.Path(sys.argv.pop(1)).read_text()))
    unittest.main()
