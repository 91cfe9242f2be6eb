"""Mail of all languages: what people see of it, and every word of it found."""

import unittest

from harness import languages, searched


class LanguagesTest(searched.SearchedMail):
    letters = [(language, what, octets) for language in languages.LANGUAGES
               for what, octets in languages.letters(language)]

    @classmethod
    def octets_of_all(cls):
        return [octets for _, _, octets in cls.letters]

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
