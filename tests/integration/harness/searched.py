"""Mail that a daemon has fetched and indexed, for tests of what is found."""

import unittest
import urllib.parse

from . import daemon, procs, scripted


class SearchedMail(unittest.TestCase):
    """The octets of octets_of_all(), each a message; numbers from 1."""

    @classmethod
    def octets_of_all(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        last = b"Subject: last\r\n\r\nzzlastzz\r\n"
        cls.server = scripted.ScriptedServer([*cls.octets_of_all(), last])
        cls.enterClassContext(cls.server)
        cls.evpopd = daemon.Evpopd({"all": daemon.account_of(cls.server,
                                                             "all")})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.addClassCleanup(cls.evpopd.halt)
        cls.evpopd.wait_polled()
        procs.wait_for(lambda: cls.found("zzlastzz"), what="the index")
        cls.stored = {int(one["unique_id"][3:]): one
                      for one in cls.evpopd.messages()}

    @classmethod
    def found(cls, words):
        """The numbers of the messages that a search finds."""
        quoted = urllib.parse.quote(words)
        return {int(one["unique_id"][3:]) for one in
                cls.evpopd.pages(f"/v1/messages?q={quoted}", "messages")}
