"""rspamd as the distribution has it, with one rule of the test's own.

The rule SEEN says, as its options, where rspamd believes that a message came
from.  GTUBE is rspamd's own: what it rejects for a test.
"""

import contextlib
import http.client
import json
import pathlib
import shutil
import subprocess
import tempfile

from . import procs

GTUBE = (b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*"
         b"C.34X")

_CONFIG = """\
options {{
  pidfile = "{folder}/rspamd.pid";
  dynamic_conf = "{folder}/dynamic.json";
  url_tld = "{folder}/tld";
  tempdir = "{folder}";
  hs_cache_dir = "{folder}";
  filters = "";
  disable_hyperscan = true;
  local_addrs = [];
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "info"; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
worker "normal" {{
  bind_socket = "127.0.0.1:{port}";
  mime = true;
  count = 1;
}}
lua = "{folder}/rules.lua";
"""

_RULES = """\
rspamd_config:register_symbol({
  name = 'SEEN', type = 'normal', score = 0.5,
  callback = function(task)
    local ip = task:get_from_ip()
    local from = task:get_from('smtp')
    local rcpt = task:get_recipients('smtp')
    local file = io.open('@FOLDER@/seen', 'a')
    file:write(table.concat({
      ip and ip:is_valid() and ip:to_string() or '',
      task:get_helo() or '', task:get_hostname() or '',
      from and from[1] and from[1].addr or '',
      rcpt and rcpt[1] and rcpt[1].addr or '' }, ' ') .. '\\n')
    file:close()
    return true, 1.0
  end
})
rspamd_config:register_symbol({
  name = 'BULK', type = 'normal', score = 7.0,
  callback = function(task)
    return task:get_subject() == 'Buy now'
  end
})
"""


def available():
    """Whether it is installed."""
    return shutil.which("rspamd") is not None


class Rspamd(procs.InFolder):
    """rspamd on a free port; attributes: url, and port."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-rspamd-"))
        self.folder.chmod(0o777)
        self.port = procs.free_ports(1)[0]
        self._process = None
        (self.folder / "tld").write_text("com\nexample\norg\nnet\n")
        (self.folder / "rules.lua").write_text(
            _RULES.replace("@FOLDER@", str(self.folder)))
        self._config = self.folder / "rspamd.conf"
        self._config.write_text(
            _CONFIG.format(folder=self.folder, port=self.port))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.folder / "out", "ab") as out:
            self._process = subprocess.Popen(
                ["rspamd", "-f", "--insecure", "-c", self._config],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                preexec_fn=procs.die_with_parent())
        procs.wait_for(self._ready, what="rspamd's readiness")
        return self

    def _ready(self):
        if self._process.poll() is not None:
            raise AssertionError(
                "rspamd ended:\n" + (self.folder / "out").read_text() +
                (self.folder / "log").read_text())
        with contextlib.suppress(OSError, http.client.HTTPException,
                                 json.JSONDecodeError):
            connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                    timeout=procs.PATIENCE)
            with contextlib.closing(connection):
                connection.request("GET", "/ping")
                return connection.getresponse().status == 200
        return False

    def halt(self):
        """End it and the processes that it has started."""
        if self._process is not None:
            procs.stop(self._process)
            self._process = None

    def seen(self):
        """Where each message came from: address, HELO, name, from, to."""
        file = self.folder / "seen"
        return ([tuple(line.split(" ")) for line
                 in file.read_text().splitlines()] if file.exists() else [])
