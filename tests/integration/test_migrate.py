"""Accounts come over from other programs, and nothing is fetched twice.

Each of these programs is run itself, against a real server, and what it left in
its home is imported.
"""

import json
import os
import shutil
import stat
import unittest

from harness import corpus, daemon, dovecot, procs
from harness.home import Home

MAIL = [corpus.as_received(one) for one in corpus.messages(12, seed=171)]
LATER = [corpus.as_received(one) for one in corpus.messages(3, seed=172)]


NOBODY = 65534


def has(*programs):
    return all(shutil.which(one) for one in programs)


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class MigrateTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(dovecot.Dovecot(
            users={"anna": "secret", "bert": "p;w#d \"x"}))
        self.evpopd = self.enterContext(daemon.Evpopd())
        self.included = self.evpopd.folder / "accounts.d"
        self.included.mkdir()
        home = Home(self.evpopd)
        self.home, self.write, self.imports = (home.folder, home.write,
                                               home.imports)
        self.ca_file = self.home / "ca.pem"
        # A daemon that runs is confined to what it was started with.
        self.evpopd.daemon.update(
            include="accounts.d/*.conf",
            confine_read=self.home)
        for part in ("cur", "new", "tmp"):
            (self.home / "Mail" / "in" / part).mkdir(parents=True)
        shutil.copy(self.server.ca_file, self.ca_file)
        self.evpopd.restart()
        self.server.deliver("anna", MAIL)
        self.server.deliver("bert", MAIL[:5])

    def old(self, *words, code=0):
        """Run the other program at home; some refuse to be root's."""
        as_user = {}
        if os.geteuid() == 0:
            self.evpopd.folder.chmod(0o711)
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
            as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        done = procs.run(words, procs.PATIENCE, check=False, cwd=self.home,
                         **as_user, env={"HOME": str(self.home), "USER": "joe",
                              "LOGNAME": "joe", "PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, code, (words, done))
        return done

    def delivered(self, folder="Mail/in"):
        return [path for part in ("cur", "new")
                for path in (self.home / folder / part).iterdir()]

    def nothing_twice(self, names, folder="Mail/in", users=("anna",)):
        """The first poll fetches nothing, and the next one what is new."""
        before = len(self.delivered(folder))
        for name in names:
            shown = self.evpopd.account(name)
            self.assertEqual(shown["state"], "paused")
            self.assertEqual(self.evpopd.get(
                f"/v1/accounts/{name}/plan?limit=1")["counts"]["fetch"], 0)
        # The folders of new targets are open to it after a restart.
        self.evpopd.restart()
        for name in names:
            self.evpopd.wait_account(
                name, lambda one: one["paused_since"] is not None)
        self.evpopd.ctl("resume", *names)
        for name in names:
            shown = self.evpopd.wait_polled(name)
            self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(self.evpopd.messages(), [])
        for user in users:
            self.server.deliver(user, LATER)
        for name in names:
            self.assertEqual(self.evpopd.poll(name)["session"]["fetched"],
                             len(LATER))
        procs.wait_for(
            lambda: len(self.delivered(folder)) == before
            + len(LATER) * len(users), procs.PATIENCE, "delivery")

    # ---- mpop ----

    def mpoprc(self, more="", name=".mpoprc"):
        return self.write(name, f"""\
# mail
defaults
tls on
tls_trust_file {self.ca_file}
auth user
delivery maildir ~/Mail/in

account isp
host localhost
port {self.server.tls_port}
tls_starttls off
user anna
password "secret"
keep on
{more}
account other : isp
user bert
password p;w#d "x
""")

    @unittest.skipUnless(has("mpop"), "mpop is not installed")
    def test_mpop(self):
        path = self.mpoprc("skipsize 100m\n")
        self.old("mpop", "-a")
        self.assertEqual(len(self.delivered()), len(MAIL) + 5)
        said = self.imports("mpop").stdout
        self.assertIn(f"mpop: 2 accounts in {path}", said)
        self.assertIn(f"isp: anna at localhost, {len(MAIL)} unique-ids in "
                      f"{self.home}/.mpop_uidls/anna_at_localhost", said)
        self.assertIn("other: bert at localhost, 5 unique-ids", said)
        self.assertIn("resume isp other", said)
        self.assertEqual(sorted(one.name for one in self.included.iterdir()),
                         ["isp.conf", "mpop-maildir.conf", "other.conf"])
        for one in self.included.iterdir():
            self.assertEqual(stat.S_IMODE(one.stat().st_mode), 0o600)
        shown = self.evpopd.account("isp")
        self.assertEqual((shown["keep"], shown["deliver"], shown["auth"]),
                         ("forever", ["mpop-maildir"], ["USER"]))
        self.nothing_twice(["isp", "other"], users=("anna", "bert"))
        self.assertEqual(self.server.count("anna"), len(MAIL) + len(LATER))
        # mpop reads what it left as well as before, and again it comes over:
        # only what is new there.
        self.server.deliver("anna", MAIL[:2])
        self.old("mpop", "isp")
        said = self.imports("mpop").stdout
        self.assertIn("is configured already", said)
        self.assertEqual(self.evpopd.poll("isp")["session"]["fetched"], 0)

    @unittest.skipUnless(has("mpop"), "mpop is not installed")
    def test_mpop_without_keep(self):
        """What mpop has not deleted yet stays; what comes later goes."""
        self.mpoprc()
        self.old("mpop", "isp")
        path = self.write(".mpoprc", self.mpoprc().read_text().replace(
            "keep on", "keep off"))
        self.imports("mpop", path, "-A", "isp")
        self.assertEqual(self.evpopd.account("isp")["keep"],
                         "until-delivered")
        self.nothing_twice(["isp"])
        procs.wait_for(lambda: self.server.count("anna") == len(MAIL),
                       procs.PATIENCE, "deletion of what was delivered")

    @unittest.skipUnless(has("mpop"), "mpop is not installed")
    def test_mpop_resume(self):
        """What is new since is fetched at once, and nothing else."""
        self.mpoprc()
        self.old("mpop", "isp")
        self.server.deliver("anna", LATER)
        said = self.imports("mpop", "-A", "isp", "--resume").stdout
        self.assertIn(f"{len(LATER)} to fetch", said)
        self.assertNotIn("paused", said)
        self.evpopd.wait_polled("isp")
        self.assertEqual(len(self.evpopd.messages()), len(LATER))

    @unittest.skipUnless(has("mpop"), "mpop is not installed")
    def test_mpop_command(self):
        """In quotes, as in mpop's own example; with an account by default."""
        self.mpoprc(f"delivery mda \"cat >>'{self.home}/x y'; echo >>$HOME/n\"")
        with open(self.home / ".mpoprc", "a") as file:
            file.write("account default : isp\n")
        self.old("mpop")
        self.assertEqual((self.home / "n").read_text(), "\n" * len(MAIL))
        said = self.imports("mpop", "-n")
        self.assertIn(f"command = cat >>'{self.home}/x y';"
                      f" echo >>{self.home}/n\n", said.stdout)
        self.assertIn("mpop: 2 accounts in", said.stderr)
        self.assertIn("isp, other: the command", said.stderr)
        self.assertNotIn("default", said.stderr)

    def test_more_ids_than_go_at_once(self):
        self.mpoprc()
        ids = [f"{number:040d}" for number in range(6000)]
        self.write(".mpop_uidls/anna_at_localhost",
                   f" {len(ids)} localhost anna\n"
                   + "".join(f"{one} 1700000000\n" for one in ids))
        self.imports("mpop", "-A", "isp", "-o", self.home / "out")
        self.assertEqual(self.evpopd.rows(
            "SELECT CAST(unique_id AS TEXT) FROM uid WHERE state = 2"
            " ORDER BY 1"), [(one,) for one in ids])

    def test_ids_that_are_none(self):
        """The whole request is refused, and what is known stays."""
        self.evpopd.accounts["isp"] = daemon.account_of(self.server, "anna")
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.evpopd.wait_polled("isp")
        known = self.evpopd.rows("SELECT CAST(unique_id AS TEXT), state"
                                 " FROM uid ORDER BY 1")
        self.assertEqual(len(known), len(MAIL))
        for body in (b"a\n b\n", b"a\0b", b"a\n" + b"x" * 256):
            self.assertEqual(self.evpopd.request(
                "POST", "/v1/accounts/isp/seen", content=body)[0], 400)
        status, _, answer = self.evpopd.request(
            "POST", "/v1/accounts/isp/seen", content="\r\n".join(
                [known[0][0], "", "new one", "x" * 255, "new one"]).encode())
        self.assertEqual((status, json.loads(answer)), (200, {
            "account": "isp", "added": 2, "known": 2}))
        self.assertEqual(self.evpopd.rows(
            "SELECT CAST(unique_id AS TEXT), state FROM uid"
            " WHERE state = 0 ORDER BY 1"), known)

    def test_a_store_without_a_daemon(self):
        """Before its first start, and when it is down; not beside it."""
        self.mpoprc("socket x\n")
        self.write(".mpop_uidls/anna_at_localhost",
                   " 2 localhost anna\na\nb\n")
        words = ["import", "mpop", "--home", self.home, "-A", "isp", "-c",
                 self.evpopd.config_file]
        beside = procs.run([self.evpopd.ctl_program, "--store",
                            self.evpopd.store_file, *words], check=False)
        self.assertEqual(beside.returncode, 75, beside)
        self.assertEqual(list(self.included.iterdir()), [])
        self.evpopd.halt()
        for path in self.evpopd.folder.glob("mail.db*"):
            path.unlink()
        owner = NOBODY if os.geteuid() == 0 else os.geteuid()
        if os.geteuid() == 0:
            self.evpopd.let_others_run()
            os.chown(self.evpopd.folder, NOBODY, NOBODY)
        done = procs.run([self.evpopd.ctl_program, "--store",
                          self.evpopd.store_file, *words])
        self.assertIn("resume isp", done.stdout)
        for path in self.evpopd.folder.glob("mail.db*"):
            self.assertEqual(path.stat().st_uid, owner)
        self.assertEqual(self.evpopd.rows(
            "SELECT count(*) FROM uid JOIN account ON account.id = uid.account"
            " WHERE name = 'isp' AND state = 2 AND paused_ms > 0"), [(2,)])
        self.evpopd.start()
        self.evpopd.wait_account(
            "isp", lambda one: one["paused_since"] is not None)

    def test_mpop_dry_run_and_output(self):
        path = self.mpoprc("filter /usr/bin/spam\nkillsize 5k\n"
                           "proxy_host ::1\nproxy_port 9050\ntimeout 30\n"
                           "tls_fingerprint AA:BB\nodd thing\n")
        self.write(".mpop_uidls/anna_at_localhost",
                   "# comment\n 2 localhost anna\na b\n#1 1700000000\n"
                   " 1 localhost bert\nb\n")
        done = self.imports("mpop", "-n")
        self.assertIn("[target mpop-maildir]\ntype = maildir\n"
                      f"path = {self.home}/Mail/in\n", done.stdout)
        self.assertIn("password = p;w#d \"x\n", done.stdout)
        self.assertIn("proxy = socks5://[::1]:9050\n", done.stdout)
        self.assertIn("timeout_command = 30s\n", done.stdout)
        self.assertIn("max_message_size = 5K\n", done.stdout)
        for words in ("filter /usr/bin/spam", "killsize 5k", "AA:BB",
                      f"{path}:21: \"odd\" is not known"):
            self.assertIn(words, done.stdout)
            self.assertIn(words, done.stderr)
        self.assertIn("2 unique-ids", done.stderr)
        self.assertEqual(list(self.included.iterdir()), [])
        self.assertEqual(self.evpopd.get("/v1/accounts")["accounts"], [])
        # The file is whole: the daemon takes it as it is.
        out = self.home / "evpop.conf"
        self.imports("mpop", "-o", out)
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o600)
        self.assertEqual(
            [line for line in out.read_text().splitlines()
             if not line.startswith("#")],
            [line for line in done.stdout.splitlines()
             if not line.startswith("#")])
        shutil.copy(out, self.included / "all.conf")
        self.assertEqual(procs.run([
            self.evpopd.program, "--check", "-c", self.evpopd.config_file,
        ], check=False).returncode, 0)
        self.assertEqual(self.evpopd.rows(
            "SELECT account.name, CAST(unique_id AS TEXT), uid.state FROM uid"
            " JOIN account ON account.id = uid.account ORDER BY 1, 2"),
            [("isp", "#1", 2), ("isp", "a b", 2)])

    # ---- fetchmail ----

    def fetchmailrc(self, more="", name=".fetchmailrc"):
        return self.write(name, f"""\
# mail
set daemon 300
set no bouncemail
defaults proto POP3 uidl
  timeout 60
poll isp via localhost service {self.server.tls_port};
  user "anna" there has password "se\\x63ret" is joe here
    options ssl sslproto tls1.2+, sslcertfile {self.ca_file}
    keep mda "cat > '{self.home}'/Mail/in/new/$$.$(date +%N)"
    {more}
  user 'bert' there with pass 'p;w#d "x' is bertha here ssl
    sslcertfile {self.ca_file} keep
    mda "cat > '{self.home}'/Mail/in/new/$$.$(date +%N)"
skip old.example.com proto pop3 user jones pass x
""")

    @unittest.skipUnless(has("fetchmail"), "fetchmail is not installed")
    def test_fetchmail(self):
        path = self.fetchmailrc("limit 1000000 fetchlimit 500")
        # Not as a daemon, and once.
        self.old("fetchmail", "-d0", "-N", "--pidfile", self.home / "pid",
                 "isp")
        self.assertEqual(len(self.delivered()), len(MAIL) + 5)
        said = self.imports("fetchmail").stdout
        self.assertIn(f"fetchmail: 3 accounts in {path}", said)
        self.assertIn(f"isp-anna: anna at localhost, {len(MAIL)} unique-ids "
                      f"in {self.home}/.fetchids", said)
        self.assertIn("isp-bert: bert at localhost, 5 unique-ids", said)
        text = (self.included / "isp-anna.conf").read_text()
        for line in ("interval = 300s", "keep = forever", "tls = implicit",
                     "max_message_size = 1000000", "deliver_to = joe",
                     "max_messages_per_poll = 500", "password = secret",
                     "timeout_command = 60s"):
            self.assertIn(line + "\n", text)
        self.assertEqual(self.evpopd.account("old.example.com")["state"],
                         "disabled")
        self.nothing_twice(["isp-anna", "isp-bert"], users=("anna", "bert"))

    def test_fetchmail_of_which_nothing_is_polled(self):
        self.write(".fetchmailrc",
                   "skip old.example.com proto pop3 user jones pass x\n")
        self.assertNotIn("resume", self.imports("fetchmail").stdout)

    # ---- getmail ----

    def getmailrc(self, name, user, password, more=""):
        return self.write(f".config/getmail/{name}", f"""\
# mail
[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port: {self.server.tls_port}
username = {user}
{password}
ca_certs = {self.ca_file}
[destination]
type = Maildir
path = ~/Mail/in/
[options]
read_all = false
max_message_size = 10485760
{more}
""")

    @unittest.skipUnless(has("getmail"), "getmail6 is not installed")
    def test_getmail(self):
        self.getmailrc("isp", "anna",
                       'password_command = ("echo",\n  "secret")',
                       "delete_after = 14")
        self.getmailrc("other", "bert", 'password = p;w#d "x')
        self.old("getmail", "-r", "isp", "-r", "other")
        self.assertEqual(len(self.delivered()), len(MAIL) + 5)
        done = self.imports("getmail")
        folder = self.home / ".config/getmail"
        self.assertIn(f"getmail: 2 accounts in {folder}", done.stdout)
        self.assertIn(f"isp: anna at localhost, {len(MAIL)} unique-ids in "
                      f"{folder}/oldmail-localhost-{self.server.tls_port}"
                      "-anna\n", done.stdout)
        shown = self.evpopd.account("isp")
        self.assertEqual((shown["keep"], shown["deliver"]),
                         ("14d", ["getmail-maildir"]))
        self.assertIn("password_command = echo secret\n",
                      (self.included / "isp.conf").read_text())
        self.nothing_twice(["isp", "other"], users=("anna", "bert"))

    # ---- fdm ----

    @unittest.skipUnless(has("fdm"), "fdm is not installed")
    def test_fdm(self):
        path = self.write(".fdm.conf", f"""\
# mail
$folder = "{self.home}/Mail/in"
set lock-file "{self.home}/lock"
set maximum-size 20M
set lock-types fcntl
action "in" maildir "${{folder}}"
action "trash" drop
account "isp" pop3s server "localhost" port {self.server.tls_port}
    user "anna" pass "se\\cret" new-only cache "{self.home}/cache.anna" keep
account "other" pop3s server "localhost" port {self.server.tls_port}
    user "bert" pass "p;w#d \\"x" new-only cache "{self.home}/cache.bert" keep
account "news" disabled imap server "news" user "u" pass "p"
match "^Subject: nothing" in headers action "trash"
match all action "in"
""")
        self.old("fdm", "-f", path, "fetch")
        self.assertEqual(len(self.delivered()), len(MAIL) + 5)
        # Dovecot's certificate is of an authority that only this test knows.
        out = self.home / "out.conf"
        said = self.imports("fdm", "-n")
        for words in ("news: it is no account of a POP3 server",
                      "the rules", f"{len(MAIL)} unique-ids in "
                      f"{self.home}/cache.anna", "5 unique-ids"):
            self.assertIn(words, said.stderr)
        self.assertIn(f"path = {self.home}/Mail/in\n", said.stdout)
        self.assertIn("max_message_size = 20M\n", said.stdout)
        self.imports("fdm", "-o", out)
        (self.included / "fdm.conf").touch(0o600)
        (self.included / "fdm.conf").write_text(out.read_text().replace(
            "tls = implicit",
            f"tls = implicit\ntls_ca = {self.ca_file}"))
        self.evpopd.ctl("reload")
        for name in ("isp", "other"):
            self.evpopd.wait_account(
                name, lambda one: one["paused_since"] is not None)
            self.evpopd.ctl("poll", "--dry-run", name)
        self.nothing_twice(["isp", "other"], users=("anna", "bert"))

    def test_what_is_refused(self):
        self.assertIn("no configuration of mpop",
                      self.imports("mpop", code=66).stderr)
        path = self.write("rc", "account a : b\nhost h\n")
        self.assertIn("rc:1: there is no account \"b\"",
                      self.imports("mpop", path, code=65).stderr)
        path.write_text("defaults\ntls on\n")
        self.assertIn("has no account",
                      self.imports("mpop", path, code=65).stderr)
        self.imports("mpop", path, path, code=64)
        # A configuration that the daemon would not take leaves nothing.
        path.write_text("account a\nhost -bad-\nuser u\npassword x\n"
                        "delivery maildir /x\n")
        self.imports("mpop", path, code=78)
        self.assertEqual(list(self.included.iterdir()), [])
        # Nor does an account of that name at another maildrop lose its ids.
        self.evpopd.accounts["isp"] = daemon.account_of(
            self.server, "bert", enabled="no")
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.mpoprc()
        said = self.imports("mpop", "-A", "isp").stdout
        self.assertIn("isp-2: anna at localhost", said)


if __name__ == "__main__":
    unittest.main()
