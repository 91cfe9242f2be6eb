"""What a hostile server does below POP3: in TLS, and before it a proxy."""

import dataclasses
import itertools

from . import attacks, scripted, tls_server
from .attacks import (MIB, SMALL, deadlines, dump, flood, never,
                      trickle)

FOLLOWED = b"+OK\r\n"
CHAIN = "chain"


@dataclasses.dataclass
class TlsAttack(attacks.Attack):
    """One thing that a server does in TLS: `play` gets a channel.

    certificate  a name of those that certificates.CertificateAuthority makes,
                 or CHAIN: a good one with many behind it
    """

    play: object = None
    certificate: str = "server"
    version: int = tls_server.TLS_1_3

    def served_by(self, authority):
        """The same with a certificate of this authority."""
        if self.certificate == CHAIN:
            made = long_chain(authority)
        else:
            made = getattr(authority, self.certificate)()

        def answer(connection, line):
            channel = tls_server.Channel(connection, made, self.version)
            try:
                self.play(channel)
            finally:
                channel.close()
            return False

        return dataclasses.replace(
            self, answers={"": answer},
            keys={"tls_ca": authority.file, **self.keys})


def long_chain(authority):
    """A certificate with megabytes of others behind it."""
    good = authority.server("chain")
    own = good.certificate.read_text()
    good.certificate.write_text(own + own * (3 * MIB // len(own)))
    return good


ATTACKS = []


def raw(what, outcomes, text, answer, **keys):
    """Add one that is no TLS although it should be."""
    ATTACKS.append(attacks.Attack(
        what, outcomes.split("|"), text, {"": answer},
        {**deadlines(outcomes, text), "tls": "implicit", "host": "localhost", **keys}, SMALL))


def tls(what, outcomes, text, play, certificate="server",
        version=tls_server.TLS_1_3, mib=SMALL, **keys):
    """Add one."""
    ATTACKS.append(TlsAttack(
        what, outcomes.split("|"), text, {},
        {**deadlines(outcomes, text), "tls": "implicit", "host": "localhost", **keys}, mib,
        play, certificate, version))


def stls(what, outcomes, text, answer, **keys):
    """Add one of a server that is asked for STLS."""
    ATTACKS.append(attacks.Attack(
        what, outcomes.split("|"), text, {"STLS": answer},
        {**deadlines(outcomes, text), "tls": "stls", "host": "localhost", **keys}, SMALL))


# ---- before and amid the handshake ----

raw("TLS: silence", "timeout", "handshake was not finished", never)
raw("TLS: clear text without end", "tls", "hello", flood(b"+OK hello\r\n"))
raw("TLS: a record's octet at a time", "timeout", "handshake",
    trickle(b"\x16\x03\x03\x40\x00\x02\x00\x40\x00", b"", 0.05))
raw("TLS: records that announce 16 MiB", "tls", "excessive",
    flood(b"\x16\x03\x03\x40\x00\x02\xff\xff\xff" + b"\0" * 16380))
raw("TLS: warnings without end", "tls", "too many warn alerts",
    flood(b"\x15\x03\x03\x00\x02\x01\x5a"))
raw("TLS: changes of cipher without end", "tls", "TLS handshake",
    flood(b"\x14\x03\x03\x00\x01\x01"))
raw("TLS: alert", "tls", "", dump(b"\x15\x03\x03\x00\x02\x02\x28"))
raw("TLS: hangs up", "io", "broke the connection|closed", scripted.hang_up)
stls("STLS: octets behind the answer", "protocol", "tampering",
     dump(b"+OK\r\n+OK injected\r\n"))
stls("STLS: struck out", "tls", "nothing was sent in clear text",
     b"-ERR unknown command\r\n")
stls("STLS: clear text goes on", "protocol", "tampering", flood(b"+OK go on\r\n"))
stls("STLS: silence behind it", "timeout", "handshake", dump(b"+OK\r\n"))

# ---- certificates ----


def greet(channel):
    channel.write(FOLLOWED)
    while True:
        channel.line()


for _name in ("expired", "not_yet_valid", "wrong_name", "self_signed",
              "without_names"):
    tls(f"TLS: certificate {_name.replace('_', ' ')}", "tls", "certificate",
        greet, certificate=_name)
tls("TLS: chain of 3 MiB", "tls", "excessive message size", greet, certificate=CHAIN)

# ---- behind the handshake ----


def without_end(what, first=FOLLOWED):
    """Do this to a channel for ever, once the client has said something."""
    def play(channel):
        channel.write(first)
        for _ in itertools.count():
            what(channel)
    return play


tls("TLS: key updates without end", "timeout", "CAPA was not answered",
    without_end(lambda channel: channel.update_key()), timeout_session="5s")
tls("TLS: session tickets without end", "timeout", "CAPA was not",
    without_end(lambda channel: channel.send_ticket()))
tls("TLS: renegotiation", "timeout", "CAPA was not answered",
    without_end(lambda channel: channel.renegotiate()),
    version=tls_server.TLS_1_2)
tls("TLS: records of one octet", "limit", "endless line",
    without_end(lambda channel: channel.write(b"x"), b"+OK "))

# ---- proxies ----


def proxied(what, outcomes, text, kind, answer):
    """Add one of a proxy."""
    ATTACKS.append(attacks.Attack(
        what, outcomes.split("|"), text, {"": answer},
        {**deadlines(outcomes, text), "tls": "none", "allow_cleartext": "yes",
         "host": "pop.example.test", "proxy": kind}, SMALL))


proxied("SOCKS: silence", "timeout", "proxy", "socks5", never)
proxied("SOCKS: noise without end", "io|protocol", "proxy", "socks5",
        flood(b"\xff"))
proxied("SOCKS: an octet at a time", "io", "before it was asked", "socks5",
        trickle(b"\0", b"\x05\0\x05", 0.3))
proxied("SOCKS: of HTTP", "io|protocol", "proxy", "socks5",
        dump(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
proxied("SOCKS: a name of 255 octets, and more", "protocol|io|limit", "",
        "socks5", flood(b"x", b"\x05\0\x05\0\0\x03\xff"))
proxied("HTTP proxy: silence", "timeout", "proxy", "http", never)
proxied("HTTP proxy: endless status line", "io|protocol|limit", "proxy",
        "http", flood(b"x", b"HTTP/1.1 200 "))
proxied("HTTP proxy: endless fields", "io|protocol|limit", "proxy", "http",
        flood(b"X-Field: of an answer\r\n", b"HTTP/1.1 200 OK\r\n"))
proxied("HTTP proxy: an octet at a time", "timeout", "proxy", "http",
        trickle(b"x", b"HTTP/1.1 200 "))
proxied("HTTP proxy: answers in between without end", "io|protocol|limit|"
        "timeout", "proxy", "http", flood(b"HTTP/1.1 100 Continue\r\n\r\n"))
proxied("HTTP proxy: refusal with escapes", "io", r"proxy", "http",
        dump(b"HTTP/1.1 403 " + attacks.EVIL.replace(b"\r", b"")
             + b"\r\n\r\n"))
proxied("HTTP proxy: a flood behind its answer", "protocol", "", "http",
        flood(b"+OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"))
