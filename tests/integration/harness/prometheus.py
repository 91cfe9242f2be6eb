"""Prometheus, its promtool, and the strict reader of its client library.

The package is not installed, since it would serve: "./bootstrap test" unpacks
it below build/servers.  The reader is python3-prometheus-client.
"""

import subprocess

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
