"""Mail of all languages: what people see of it, and every word of it found."""

import unittest
import urllib.parse

from harness import daemon, languages, procs, scripted


class LanguagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.letters = [(language, what, octets)
                       for language in languages.LANGUAGES
                       for what, octets in languages.letters(language)]
        last = b"Subject: last\r\n\r\nzzlastzz\r\n"
        cls.server = scripted.ScriptedServer(
            [octets for _, _, octets in cls.letters] + [last])
        cls.enterClassContext(cls.server)
        cls.evpopd = daemon.Evpopd({"all": daemon.account_of(cls.server,
                                                             "all")})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.evpopd.wait_polled()
        procs.wait_for(lambda: cls.found("zzlastzz"), what="the index")
        cls.stored = {int(one["unique_id"][3:]): one
                      for one in cls.evpopd.messages()}

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    @classmethod
    def found(cls, words):
        """The numbers of the messages that a search finds."""
        quoted = urllib.parse.quote(words)
        return {int(one["unique_id"][3:]) for one in
                cls.evpopd.pages(f"/v1/messages?q={quoted}", "messages")}

    def test_envelopes(self):
        for number, (language, what, _) in enumerate(self.letters, 1):
            subject, name, *_ = languages.LANGUAGES[language]
            with self.subTest(what):
                self.assertEqual(self.stored[number]["subject"], subject)
                self.assertEqual(self.stored[number]["sender"],
                                 f"{name} <writer@example.org>")
                self.assertFalse(self.stored[number]["cut"])

    def test_words(self):
        for language, (subject, name, text, word,
                       _) in languages.LANGUAGES.items():
            expected = {number for number, (other, *_)
                        in enumerate(self.letters, 1) if other == language}
            for words in (word, word.upper(), text, subject, name):
                with self.subTest(language, words=words):
                    missing = expected - self.found(words)
                    self.assertFalse(
                        [self.letters[number - 1][1] for number in missing])

    def test_octets(self):
        for number, (_, what, octets) in enumerate(self.letters, 1):
            if number % 7 == 0:
                with self.subTest(what):
                    self.assertEqual(
                        self.evpopd.raw(self.stored[number]["id"]), octets)


if __name__ == "__main__":
    unittest.main()
