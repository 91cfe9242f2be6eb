"""What other programs' files can say, and what becomes of each word of it."""

import re
import unittest

from harness import daemon
from harness.home import Home


class WordsTest(unittest.TestCase):
    def setUp(self):
        self.evpopd = self.enterContext(daemon.Evpopd())
        self.home = Home(self.evpopd)

    def test_fetchmail(self):
        path = self.home.write(".fetchmailrc", """\
poll a.example.org proto apop no dns user x@y is joe bob here
  pass 'q"' preconnect "ssh -f x" no sslcertck smtphost lm/2400 lmtp
poll b.example.org proto imap user y pass y
poll "c.example.org" port 1110 no uidl user joe here is "u v" there
  pass "tab\\tx\\065\\0101" sslproto '' mda "/usr/bin/procmail -d %T" odd
poll d.example.org protocol pop3 username me keep
poll e.example.org proto pop3 user e pass "a\\n[hook]\\non_message=x"
poll f.example.org proto pop3 user f pass f ssl keep sslfingerprint "A:B" nokeep
  smtphost relay/2525,localhost fetchall sslcertpath /etc/ssl/certs
set idfile ~/ids
""")
        self.home.write("ids", "x@y@A.example.org 1 2\nx@y@b.example.org 3\n"
                        "z\nu v@c.example.org a@b\n")
        self.home.write(".netrc", "machine d.example.org\n"
                        "  login me password n\n")
        done = self.home.imports("fetchmail", "-n")
        self.assertIn("[account a.example.org]\nhost = a.example.org\n"
                      "user = x@y\ntls = stls\nauth = apop\n"
                      "password = q\"\ndeliver_to = joe\n"
                      "deliver = fetchmail-lmtp\nkeep = until-delivered\n",
                      done.stdout)
        self.assertIn("host = lm\nport = 2400\n", done.stdout)
        self.assertIn("user = u v\ntls = none\nallow_cleartext = yes\n"
                      "password = tab\tx5A\n", done.stdout)
        self.assertIn('command = /usr/bin/procmail -d "$EVPOP_RECIPIENT"\n',
                      done.stdout)
        self.assertIn("password = n\n", done.stdout)
        self.assertNotIn("[hook]", done.stdout)
        self.assertIn("--host=relay --port=2525 ", done.stdout)
        self.assertRegex(done.stdout, r"(?s)\[account f.example.org\].*"
                         r"tls = implicit.*deliver_to = home@relay\n.*"
                         r"keep = until-delivered")
        self.assertNotIn("sslcertpath", done.stderr)
        for words in ("y at b.example.org: evpopd does not speak imap",
                      "f.example.org: the fingerprint A:B",
                      "fetchall: evpopd fetches each message once",
                      "preconnect", "no sslcertck", "one recipient",
                      f'{path}:5: "odd" is not known', "msmtp",
                      "e.example.org: password: no value can have"):
            self.assertIn(words, done.stderr)
        self.assertIn("a.example.org: x@y at a.example.org, 1 unique-id in "
                      f"{self.home.folder}/ids", done.stderr)

    def test_getmail(self):
        self.home.write(".getmail/rc", """\
[retriever]
type = MultidropPOP3Retriever
server = a.example.org
username = x:/y@example.org
password = pw
use_apop = true
ssl_ciphers = HIGH:!aNULL
envelope_recipient = x-envelope-to:1
delete_dup_msgids = false
[destination]
type = MultiDestination
destinations = ('[one]', "~/box", '~/dir/', '[two]', '[three]')
[one]
type = MDA_external
path = /usr/bin/deliver
user = joe
arguments = ("-f", "%(sender)", "it's", "-a %(local)")
[two]
type = MDA_lmtp
host = /run/lmtp
override = joe@example.org
fallback = jim@example.org
[unused]
type = MDA_lmtp
host = /run/other
[three]
type = MDA_qmaillocal
[filter-spam]
type = Filter_external
[options]
delete = yes
delete_bigger_than = 5000
max_bytes_per_session = 1000
received = false
delivered_to = true
verbose = 0
netrc_file = ~/.other
""")
        self.home.write(".getmail/oldmail-a.example.org-110-x-y@example.org",
                   "a-b\0001700000000\nc\0001\nmalformed\n\0001\n")
        self.home.write(".getmail/imap", "[retriever]\nserver = b\n"
                        "type = SimpleIMAPRetriever\nusername = u\n")
        done = self.home.imports("getmail", "-n")
        self.assertIn("[account rc]\nhost = a.example.org\n"
                      "user = x:/y@example.org\ntls = none\n"
                      "allow_cleartext = yes\nauth = apop\npassword = pw\n"
                      "deliver = getmail-pipe, getmail-mbox, "
                      "getmail-maildir, getmail-lmtp\n", done.stdout)
        self.assertIn("command = /usr/bin/deliver -f {sender} 'it'\\''s' "
                      "'-a %(local)'\n", done.stdout)
        self.assertIn("socket = /run/lmtp\n", done.stdout)
        self.assertIn("deliver_to = joe@example.org\nkeep = until-delivered\n"
                      "delete_above = 5000\n", done.stdout)
        for words in ("SimpleIMAPRetriever", "one recipient", "%(local)",
                      "MDA_qmaillocal", "[filter-spam]",
                      "max_bytes_per_session", "2 unique-ids",
                      "ssl_ciphers = HIGH:!aNULL in [retriever] is not",
                      "envelope_recipient = x-envelope-to:1 in [retriever]",
                      "fallback = jim@example.org in [two] is not",
                      "delivered_to = true in [options] is not",
                      "user = joe in [one] is not",
                      "netrc_file = ~/.other in [options] is not"):
            self.assertIn(words, done.stderr)
        self.assertEqual(done.stderr.count("is not carried over"), 6)
        # A "/" of an id was written as "-": both count as seen.
        self.home.imports("getmail", "-o", self.home.folder / "out")
        self.assertEqual(
            self.evpopd.rows("SELECT CAST(unique_id AS TEXT) FROM uid"
                             " ORDER BY 1"), [("a-b",), ("a/b",), ("c",)])

    def test_fdm(self):
        self.home.write(".fdm.conf", """\
$db = "~/.fdm.duplicate-db"
set maximum-size 100 MB
set timeout 2 minutes
set verify-certificates
action 'inbox' maildir "%h/.maildir/%a"
action "copy" { mbox "%h/copy" pipe "cat >/dev/null" }
action "month" maildir "%h/.maildir/%t-%m-%[year2]"
account "isp" pop3s server "a.example.org" user "joe" pass "x"
cache $db expire 1 month
account "work" pop3 server "b.example.org" user "joe" pass "y" starttls
    new-only cache "%h/work" keep
account "shop" pop3s server "c.example.org" user "z" pass "z"
account "news" pop3s server "d.example.org" user "z" pass "z"
match "^From:.*x" in headers action "inbox"
match account "work" actions { "inbox" "copy" } continue
match accounts { "sh*" "none" } action maildir "%h/shop"
match account "news" action "month"
match all action "inbox"
""")
        self.home.write("work", "3 a b\n")
        done = self.home.imports("fdm", "-n")
        for account, target in (("isp", f"{self.home.folder}/.maildir/isp"),
                                ("shop", f"{self.home.folder}/shop"),
                                ("work", f"{self.home.folder}/.maildir/work"),
                                ("work", f"{self.home.folder}/copy"),
                                ("work", "cat >/dev/null")):
            name, = re.findall(
                r"\[target (\S+)\]\ntype = \S+\n(?:path|command) = "
                + re.escape(target) + "\n", done.stdout)
            deliver, = re.findall(
                rf"(?s)\[account {account}\].*?deliver = (.*?)\n", done.stdout)
            self.assertIn(name, deliver.split(", "))
        self.assertEqual(done.stdout.count("max_message_size = 100M\n"), 4)
        self.assertEqual(done.stdout.count("timeout_body = 120s\n"), 4)
        for words in ("work: joe at b.example.org, 1 unique-id",
                      "isp, shop, news: it has no cache",
                      f"news: {self.home.folder}/.maildir/%t-%m-%[year2]: "
                      "evpopd puts in",
                      'isp, work, shop, news: the rules ("match")'):
            self.assertIn(words, done.stderr)
        self.assertNotIn("verif", done.stderr)


if __name__ == "__main__":
    unittest.main()
