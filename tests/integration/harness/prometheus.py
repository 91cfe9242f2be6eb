"""Prometheus, its promtool, and the strict reader of its client library.

The package is not installed, since it would serve: "./bootstrap test" unpacks
it below build/servers.  The reader is python3-prometheus-client.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request

from . import procs, unpacked

try:
    from prometheus_client.openmetrics import parser as openmetrics
except ImportError:
    openmetrics = None


def available():
    """Whether all of it is there."""
    return unpacked.available("prometheus") and openmetrics is not None


def program(name):
    """The path of prometheus or promtool."""
    return unpacked.folder() / "prometheus" / "usr" / "bin" / name


def promtool(*words, text=None, code=0):
    """Run promtool; what it says, once it ends as expected."""
    done = subprocess.run([program("promtool"), *words], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=procs.PATIENCE, check=False)
    if done.returncode != code:
        raise AssertionError(f"promtool {words} ended with "
                             f"{done.returncode}:\n{done.stdout}")
    return done.stdout


class Figures:
    """What a strict reader makes of OpenMetrics text; ValueError where it
    breaks a rule.

    families   name -> family
    """

    def __init__(self, text):
        self.families = {}
        for family in openmetrics.text_string_to_metric_families(text):
            self.families[family.name] = family
        self._samples = {}
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                if key in self._samples:
                    raise ValueError(f"{key} is there twice")
                self._samples[key] = sample.value

    def __getitem__(self, key):
        """figures["name"], or figures["name", "label", "value", ...]."""
        name, *labels = (key,) if isinstance(key, str) else key
        pairs = zip(labels[::2], labels[1::2])
        return self._samples[name, tuple(sorted(pairs))]

    def get(self, *key):
        """The same, or None."""
        try:
            return self[key]
        except KeyError:
            return None

    def labels(self, name, label):
        """The values of a label of all samples of a name, in their order."""
        return [dict(labels)[label] for sample, labels in self._samples
                if sample == name]


class Bridge:
    """A port of this machine that leads to a Unix socket, as evpopd(8) says:
    systemd's socket proxy, started by the first connection.
    """

    PROXY = "/lib/systemd/systemd-socket-proxyd"

    def __init__(self, socket):
        self.socket = socket
        self.port, = procs.free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self._process = None

    @classmethod
    def available(cls):
        """Whether systemd is there."""
        return (os.access(cls.PROXY, os.X_OK)
                and shutil.which("systemd-socket-activate") is not None)

    def __enter__(self):
        self._process = subprocess.Popen(
            ["systemd-socket-activate", "-l", self.address, self.PROXY,
             os.fspath(self.socket)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=procs.die_with_parent(signal.SIGKILL))
        procs.wait_for(lambda: procs.accepts("127.0.0.1", self.port),
                       what="the bridge")
        return self

    def __exit__(self, *_):
        procs.stop(self._process)


class Prometheus(procs.InFolder):
    """A server that scrapes evpopd at these addresses, by these rules; all of
    it every second.
    """

    def __init__(self, addresses, rules):
        self.folder = pathlib.Path(
            tempfile.mkdtemp(prefix="evpop-prometheus-"))
        self.port, = procs.free_ports(1)
        (self.folder / "rules.yml").write_text(rules)
        # YAML is JSON, too.
        (self.folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{
                "job_name": "evpopd",
                "static_configs": [{"targets": list(addresses)}]}]}))
        self._process = None

    def remember(self, text):
        """As if it had seen this before: OpenMetrics with times."""
        (self.folder / "history").write_text(text)
        promtool("tsdb", "create-blocks-from", "openmetrics",
                 self.folder / "history", self.folder / "data")

    def start(self):
        """Serve, and wait until it is ready."""
        log = open(self.folder / "log", "ab")
        with log:
            self._process = subprocess.Popen(
                [program("prometheus"), "--config.file=prometheus.yml",
                 f"--web.listen-address=127.0.0.1:{self.port}",
                 "--storage.tsdb.path=data"], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=procs.die_with_parent(signal.SIGKILL))
        procs.wait_for(self._ready, what="Prometheus")
        return self

    def _ready(self):
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "log").read_text())
        try:
            return self.get("/-/ready") is not None
        except OSError:
            return False

    def halt(self):
        """End it."""
        if self._process is not None:
            procs.stop(self._process)
            self._process = None

    def get(self, path):
        """The octets of an answer."""
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}",
                timeout=procs.PATIENCE) as answer:
            return answer.read()

    def query(self, text):
        """The samples of an expression now: [(labels, value)]."""
        answer = json.loads(self.get(
            "/api/v1/query?query=" + urllib.parse.quote(text)))
        return [(one["metric"], float(one["value"][1]))
                for one in answer["data"]["result"]]

    def alerts(self):
        """The alerts that fire: [labels]."""
        answer = json.loads(self.get("/api/v1/alerts"))
        return [one["labels"] for one in answer["data"]["alerts"]
                if one["state"] == "firing"]
