"""The recipes of evpop-delivery(7), as somebody copies them from the page.

Each configuration is one that evpopd takes.  Those that need nothing but this
machine deliver, with the paths and addresses of the test in the places of the
recipe's.
"""

import grp
import hashlib
import json
import mailbox
import os
import pathlib
import pwd
import re
import stat
import unittest

from harness import (corpus, daemon, dovecot, imap, maildropd, procs,
                     rspamd, webhook)

PAGE = pathlib.Path(__file__).resolve().parents[2] / "daemon" / \
    "evpop-delivery.7"

# What each of the page's recipes is about, at the least.
RECIPES = ("Gmail by its API", "Gmail by IMAP", "Dovecot by LMTP", "A Maildir for mutt",
           "A help desk by a command", "A help desk by HTTP",
           "Spam by rspamd")


def blocks():
    """The literal blocks of the recipes, by heading."""
    found, heading = {}, None
    text = PAGE.read_text().partition("\n.Sh RECIPES\n")[2]
    for part in re.split(r"(?m)^\.Bd -literal.*\n", text.partition(
            "\n.Sh ")[0]):
        block, end, rest = part.partition("\n.Ed\n")
        if heading is not None and end:
            found[heading].append(block.replace("\\&", "").replace(
                "\\e", "\\") + "\n")
        for one in re.findall(r"(?m)^\.Ss (.*)$", rest if end else part):
            heading = one
            found[heading] = []
    return found


def configurations(recipe):
    """Those of the recipe's blocks that go into evpopd.conf."""
    return [block for block in blocks()[recipe]
            if block.startswith(("[daemon]", "[target ", "[account "))]


def sections(text):
    """The sections of a configuration: name -> keys."""
    made = {}
    for line in text.splitlines():
        if line.startswith("["):
            keys = made.setdefault(line.strip("[]"), {})
        elif "=" in line:
            key, _, value = line.partition("=")
            keys[key.strip()] = value.strip()
    return made


class RecipesTest(unittest.TestCase):
    def setUp(self):
        self.evpopd = daemon.Evpopd()
        self.addCleanup(self.evpopd.remove)
        self.secret = self.evpopd.folder / "secret"
        self.secret.touch(0o600)
        self.secret.write_text("whsec_" + "QUJD" * 10 + "QQ==\n")
        self.key = self.evpopd.folder / "evpopd.key"

    def here(self, text):
        """With files of this machine in the places of the recipe's."""
        text = re.sub(r"/etc/evpopd/\S+\.secret", str(self.secret), text)
        text = text.replace("/etc/evpopd/evpopd.key", str(self.key))
        return text.replace("/home/anna/Mail", str(self.evpopd.folder))

    def take(self, text):
        """Have the daemon configured as a recipe says; returns the targets."""
        for name, keys in sections(self.here(text)).items():
            kind, _, name = name.partition(" ")
            if kind == "daemon":
                self.evpopd.daemon.update(keys)
                continue
            (self.evpopd.targets if kind == "target"
             else self.evpopd.accounts)[name] = keys
        return list(self.evpopd.targets)

    def test_each_is_a_configuration(self):
        count = 0
        self.evpopd.ctl("key", "generate", self.key)
        for recipe in RECIPES:
            with self.subTest(recipe):
                self.evpopd.targets, self.evpopd.accounts = {}, {}
                for text in configurations(recipe):
                    self.take(text)
                    count += 1
                self.assertTrue(self.evpopd.targets)
                for keys in self.evpopd.accounts.values():
                    keys.setdefault("password_file", self.secret)
                self.evpopd.accounts["all"] = {
                    "host": "pop.example.net", "user": "all@example.net",
                    "password_file": self.secret,
                    "deliver": ", ".join(self.evpopd.targets)}
                self.evpopd.write_config()
                done = self.evpopd.run("--check")
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(count, len(RECIPES))

    # Those that run here

    def deliver(self, recipe, number, count=3, **keys):
        """Mail of one account goes by the recipe's target of this number."""
        server = self.enterContext(maildropd.MaildropServer(
            users={"shop@example.net": "secret"}, tls=False))
        mail = corpus.messages(count, seed=165)
        server.deliver("shop@example.net", mail)
        name = self.take(configurations(recipe)[number])[0]
        self.evpopd.targets = {name: {**self.evpopd.targets[name], **keys}}
        self.evpopd.accounts = {"shop": daemon.account_of(
            server, "shop@example.net", deliver=name)}
        self.evpopd.start()
        self.addCleanup(self.evpopd.halt)
        procs.wait_for(lambda: self.evpopd.get(
            f"/v1/targets/{name}")["delivered"] == count, daemon.PATIENCE,
            "the deliveries")
        self.evpopd.ctl("doctor", name)
        return mail

    @unittest.skipUnless(dovecot.available("imap"), "Dovecot is not installed")
    def test_gmail_by_imap(self):
        """A Dovecot in Gmail's place: mail is there, and unread."""
        with dovecot.Dovecot(users={"anna@gmail.com": "secret"},
                             imap=True) as server:
            self.secret.write_text("secret\n")
            mail = self.deliver(
                "Gmail by IMAP", 0, host="localhost",
                port=server.imap_tls_port, tls_ca=server.ca_file)
            found = imap.messages(server, "anna@gmail.com")
            self.assertEqual(sorted(one.body for one in found), sorted(mail))
            for one in found:
                self.assertNotIn("\\Seen", one.flags)

    @unittest.skipUnless(dovecot.available("lmtp"), "Dovecot is not installed")
    def test_dovecot_by_lmtp(self):
        """With the lines for Dovecot that the page has."""
        lines, = (block for block in blocks()["Dovecot by LMTP"]
                  if block.startswith("service lmtp"))
        user = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid((user if user.pw_uid != 0 else pwd.getpwnam(
            dovecot.UNPRIVILEGED_USER)).pw_gid).gr_name
        protocols = ("protocols {\n  lmtp = yes\n}\n" if dovecot.is_2_4()
                     else "protocols = pop3 lmtp\n")
        with dovecot.Dovecot(
                users={"shop@example.net": "secret"},
                config=protocols + lines.replace(
                    "group = evpopd", f"group = {group}")) as server:
            mail = self.deliver("Dovecot by LMTP", 0, socket=(
                server.folder / "run" / "lmtp-evpopd"))
            found = server.messages("shop@example.net").values()
            self.assertEqual(
                sorted(octets.partition(b"X-Evpop-Id: ")[2].partition(
                    b"\r\n")[2] for octets in found), sorted(mail))

    def test_a_maildir_for_mutt(self):
        mail = self.deliver("A Maildir for mutt", 0)
        folder = mailbox.Maildir(self.evpopd.folder / "shop", create=False)
        self.assertEqual(
            sorted(folder.get_bytes(key) for key in folder.keys()),
            sorted(one.replace(b"\r\n", b"\n") for one in mail))
        for one in (self.evpopd.folder / "shop" / "new").iterdir():
            self.assertEqual(stat.S_IMODE(one.stat().st_mode), 0o660)

    @unittest.skipUnless(rspamd.available(), "rspamd is not installed")
    def test_spam_by_rspamd(self):
        judge = rspamd.Rspamd().start()
        self.addCleanup(judge.stop)
        server = self.enterContext(maildropd.MaildropServer(
            users={"shop": "secret"}, tls=False))
        server.deliver("shop", [
            b"From: <a@example.org>\r\nSubject: %s\r\n\r\n%s\r\n" % mail
            for mail in ((b"Plain", b"words"), (b"Test", rspamd.GTUBE))])
        self.take(configurations("Spam by rspamd")[0])
        self.evpopd.targets["mutt"]["rspamd"] = judge.url
        self.evpopd.accounts = {"shop": daemon.account_of(
            server, "shop", deliver="mutt")}
        self.evpopd.start()
        self.addCleanup(self.evpopd.halt)
        procs.wait_for(lambda: self.evpopd.rows(
            "SELECT count(*) FROM v_outbox WHERE state = 'delivered'")
            == [(2,)], daemon.PATIENCE, "the deliveries")
        for folder, subject in (("", "Plain"), (".Junk", "Test")):
            one, = mailbox.Maildir(self.evpopd.folder / "shop" / folder,
                                   create=False)
            self.assertEqual(one["Subject"], subject)

    def test_a_help_desk_by_http(self):
        """Signed so that the page's own lines believe it."""
        made = procs.run(["sh", "-c", re.search(
            r"echo whsec_\S+ rand -base64 32\)", PAGE.read_text())[0]],
            daemon.PATIENCE).stdout
        self.secret.write_text(made)
        is_signed = webhook.published_check()
        desk = self.enterContext(webhook.Receiver())
        self.deliver("A help desk by HTTP", 0, url=desk.url,
                     allow_private="yes", tls_ca=desk.ca_file)
        self.assertEqual(len({headers["webhook-id"]
                              for headers, _ in desk.taken()}), 3)
        for headers, body in desk.taken():
            self.assertEqual(json.loads(body)["data"]["account"], "shop")
            self.assertTrue(is_signed(made.strip(), headers, body))
            self.assertFalse(is_signed(made.strip(), headers, body + b" "))

    def test_help_desks_by_a_command(self):
        """Called as the page says; a script takes the place of each."""
        for number, words in enumerate((
                "--queue support --action correspond "
                "--url https://rt.example.org/",
                "/var/www/osticket/api/pipe.php",
                "-m /etc/evpopd/procmailrc")):
            with self.subTest(words):
                text = configurations("A help desk by a command")[number]
                self.setUp()
                taken = self.evpopd.folder / "taken"
                taken.mkdir()
                script = self.evpopd.folder / "script"
                script.write_text(
                    "#!/bin/sh\n"
                    f"echo \"$@\" >{taken}/arguments\n"
                    f"exec cat >{taken}/$EVPOP_ID\n")
                script.chmod(0o755)
                self.assertIn(words, text)
                mail = self.deliver(
                    "A help desk by a command", number,
                    command=f"{script} {words}")
                self.assertEqual((taken / "arguments").read_text(),
                                 words + "\n")
                got = [one.read_bytes() for one in taken.iterdir()
                       if one.name != "arguments"]
                self.assertEqual(
                    sorted(hashlib.sha256(one.partition(b"\n")[2]).digest()
                           for one in got),
                    sorted(hashlib.sha256(one.replace(
                        b"\r\n", b"\n")).digest() for one in mail))
                self.evpopd.halt()


if __name__ == "__main__":
    unittest.main()
