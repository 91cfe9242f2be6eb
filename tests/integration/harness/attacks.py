"""What a hostile POP3 server, or one who stands before it, does to a client.

Each of ATTACKS is one thing that it does, and what the client is to make of
it.  An attack is served to whoever comes, for as long as they stay.
"""

import base64
import contextlib
import dataclasses
import itertools
import multiprocessing
import signal
import time

from . import scripted

KIB, MIB = 1 << 10, 1 << 20

_PHASES = ("connect", "handshake", "greeting", "login", "command", "body",
           "quit")


def _deadlines(phase, session):
    return {**{f"timeout_{one}": phase for one in _PHASES},
            "timeout_session": session}


# Of an account that is attacked: what shall be overdue is short, and what ends
# otherwise has time, on however slow a machine.
PHASE_OVERDUE = _deadlines("500ms", "60s")
SESSION_OVERDUE = _deadlines("60s", "2s")
NOT_OVERDUE = _deadlines("60s", "90s")


def deadlines(outcomes, text):
    """Those that an attack with such an end is given."""
    if "timeout" not in outcomes:
        return NOT_OVERDUE
    return SESSION_OVERDUE if "session was not over" in text else PHASE_OVERDUE


# A listing may take 64 MiB (EVPOP_LIMIT_LISTING_OCTETS), and what comes of it;
# for all else there is the memory of bodies, and buffers.
LISTING = 96
SMALL = 20

ATTACKS = []
MESSAGE = b"Message-ID: <1@h>\r\nSubject: one\r\n\r\nbody\r\n"
# In text: what no terminal, log or table may be given.
EVIL = (b"\x1b[2J\x1b]0;owned\x07\x9b31m\xc2\x9b31m\x00\x7f\r"
        b"\xe2\x80\xae=cmd|' /C calc'!A0")


@dataclasses.dataclass
class Attack:
    """One thing that a server does.

    what       in words
    outcomes   classes of failure that a poll may end in, "ok" among them
    text       a regular expression that matches what is said of it
    answers    of a ScriptedServer
    keys       of the account
    mib        so much more memory may it take
    """

    what: str
    outcomes: list
    text: str
    answers: dict
    keys: dict
    mib: int

    @contextlib.contextmanager
    def server(self):
        """Who does it: a process of its own, so that its work is not ours."""
        server = scripted.ScriptedServer([MESSAGE], self.answers)
        own = multiprocessing.get_context("fork").Process(
            target=_serve, args=(server,), daemon=True)
        own.start()
        server.close()
        try:
            yield server
        finally:
            own.kill()
            own.join()

    def account(self, server):
        """The keys of an account that is attacked by it."""
        keys = {"host": server.host, "port": server.port, "tls": "none",
                "user": "user", "password": "secret", "interval": "1h",
                **self.keys}
        if "proxy" in keys:
            keys["proxy"] += f"://{server.host}:{server.port}"
        return keys

    def served_by(self, _):
        """The same, whatever authority there is."""
        return self


def _serve(server):
    with server:
        while True:
            signal.pause()


def attack(what, outcomes, text, answers, *, mib=SMALL, **keys):
    """Add one."""
    ATTACKS.append(Attack(what, outcomes.split("|"), text, answers,
                          {**deadlines(outcomes, text), **keys}, mib))


def flood(block, first=b""):
    """An answer: this without end, as fast as it is taken."""
    block *= max(1, 64 * KIB // len(block))

    def answer(connection, line):
        connection.sendall(first)
        while True:
            connection.sendall(block)
    return answer


def numbered(form, first=b"+OK\r\n", step=2000):
    """An answer: lines that count, without end."""
    def answer(connection, line):
        connection.sendall(first)
        for start in itertools.count(1, step):
            connection.sendall(b"".join(
                form(number) for number in range(start, start + step)))
    return answer


def trickle(piece, first=b"", pause=0.1):
    """An answer: a piece and a pause, without end."""
    def answer(connection, line):
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            time.sleep(pause)
    return answer


def dump(octets):
    """An answer: this, and then silence until the client leaves."""
    return scripted.fall_silent(octets)


def never(connection, line):
    """An answer that is none."""
    while connection.recv(4096):
        pass
    return False


REFUSED = b"-ERR not here\r\n"

# ---- greeting ----

attack("greeting: nothing", "timeout", "greet", {"": never})
attack("greeting: endless line", "limit", "endless line", {
    "": flood(b"x", b"+OK ")})
attack("greeting: one octet at a time", "timeout", "greet", {
    "": trickle(b"x", b"+OK ")})
attack("greeting: NULs", "limit", "endless line", {"": flood(b"\0")})
attack("greeting: empty lines", "protocol", "not a POP3 server", {"": flood(b"\r\n")})
attack("greeting: 200,000 <", "limit", "endless line", {
    "": dump(b"+OK " + b"<" * 200000 + b"\r\n")})
attack("greeting: of SMTP", "protocol", "220 mail ESMTP", {"": b"220 mail ESMTP\r\n"})
attack("greeting: of HTTP", "protocol", "HTTP/1.1", {
    "": dump(b"HTTP/1.1 200 OK\r\n\r\n<html>")})
attack("greeting: refusal with escapes", "refused",
       r"^\?\[2J\?\]0;owned\?", {"": dump(b"-ERR " + EVIL + b"\r\n")})
attack("greeting: and a flood behind it", "protocol", "without being asked", {
    "": flood(b"+OK\r\n")})

# ---- capabilities ----

attack("CAPA: endless, all the same", "limit", "CAPA has more than 256", {
    "CAPA": flood(b"X-THING\r\n", b"+OK\r\n")})
attack("CAPA: endless, all different", "limit", "CAPA has more than 256", {
    "CAPA": numbered(lambda number: b"X-%d\r\n" % number)})
attack("CAPA: endless line", "limit", "endless line", {
    "CAPA": flood(b"x", b"+OK\r\n")})
attack("CAPA: a line at a time", "timeout", "session was not over", {
    "CAPA": trickle(b"X-THING\r\n", b"+OK\r\n")})
attack("CAPA: mechanisms, numbers and escapes", "ok", "", {
    "CAPA": b"+OK\r\nSASL " + b" ".join(
        b"M%d" % number for number in range(300))
    + b"\r\nLOGIN-DELAY 99999999999999999999\r\nEXPIRE 4294967296 USER\r\n"
    b"IMPLEMENTATION " + EVIL.replace(b"\r", b"") + b"\r\nUSER\r\nUIDL\r\n"
    b"UTF8 USER\r\n.\r\n"})
attack("CAPA: UIDL and TOP withdrawn behind the log-in", "ok", "", {
    "UIDL": b"-ERR\r\n"})

# ---- log-in ----


def sasl(words, **answers):
    """Answers of one who offers these mechanisms alone."""
    return {"CAPA": b"+OK\r\nSASL " + words + b"\r\nUIDL\r\n.\r\n",
            "USER": b"-ERR no\r\n", **answers}


def rounds(challenge):
    """An answer to AUTH: challenges without end, one for each answer."""
    def answer(connection, line):
        stream = connection.makefile("rb")
        connection.sendall(challenge)
        for _ in stream:
            connection.sendall(challenge)
        return False
    return answer


def scram(iterations):
    """An answer to AUTH SCRAM-SHA-256: work for the client."""
    def answer(connection, line):
        stream = connection.makefile("rb")
        words = line.split()
        if len(words) < 3:
            connection.sendall(b"+ \r\n")
            first = stream.readline()
        else:
            first = words[2].encode()
        nonce = base64.b64decode(first).decode().partition("r=")[2]
        connection.sendall(b"+ " + base64.b64encode(
            f"r={nonce}ab,s=c2FsdA==,i={iterations}".encode()) + b"\r\n")
        stream.readline()
        connection.sendall(b"-ERR no\r\n")
        return True
    return answer


attack("log-in: no answer to PASS", "timeout", "log-in was not", {"PASS": never})
attack("log-in: refusal of 8 KiB of escapes", "limit", "endless line", {"PASS": dump(b"-ERR " + EVIL * 300 + b"\r\n")})
attack("log-in: refusal with escapes", "auth", r"\[2J\?\]0;owned", {
    "PASS": b"-ERR [AUTH] " + EVIL + b"\r\n"})
attack("log-in: endless line for PASS", "limit", "endless line", {
    "PASS": flood(b"x", b"+OK ")})
attack("log-in: challenges without end", "limit", "one challenge after", sasl(
    b"LOGIN", AUTH=rounds(b"+ VXNlcm5hbWU6\r\n")), auth="login")
attack("log-in: endless challenge", "limit", "endless line", sasl(
    b"CRAM-MD5", AUTH=flood(b"QUFB", b"+ ")), auth="cram-md5")
attack("log-in: challenge of 8,000 octets", "timeout", "log-in was not",
       sasl(b"CRAM-MD5", AUTH=dump(b"+ " + b"QUFB" * 2000 + b"\r\n")),
       auth="cram-md5")
attack("log-in: challenge that is not base64", "limit", "is not base64", sasl(
    b"CRAM-MD5", AUTH=rounds(b"+ \x1b[2J***\r\n")), auth="cram-md5")
attack("log-in: a challenge's octet at a time", "timeout", "log-in was not", sasl(
    b"CRAM-MD5", AUTH=trickle(b"Q", b"+ ")), auth="cram-md5")
attack("log-in: SCRAM of 4294967295 rounds", "auth", "iterations", sasl(
    b"SCRAM-SHA-256", AUTH=scram(4294967295)), auth="scram-sha-256")
attack("log-in: SCRAM of 600,000 rounds", "auth", "no", sasl(
    b"SCRAM-SHA-256", AUTH=scram(600000)), auth="scram-sha-256")
attack("log-in: hangs up, always", "io", "closed the connection", {
    "PASS": scripted.hang_up})

# ---- listing ----

attack("STAT: beyond all numbers", "ok", "", {
    "STAT": b"+OK 99999999999999999999 99999999999999999999999\r\n"})
attack("LIST: of EiB", "ok", "", {
    "LIST": b"+OK\r\n1 18446744073709551615\r\n.\r\n"})
attack("UIDL: endless", "limit", "memory_limit", {"UIDL": numbered(
    lambda number: b"%d %070d\r\n" % (number, number))}, mib=LISTING)
attack("UIDL: endless, short", "limit", "memory_limit", {"UIDL": numbered(
    lambda number: b"%d %x\r\n" % (number, number), step=8000)}, mib=LISTING)
attack("UIDL: endless line", "limit", "endless line", {
    "UIDL": flood(b"x", b"+OK\r\n")})
attack("UIDL: a line at a time", "timeout", "session was not over", {
    "UIDL": trickle(b"1 a\r\n", b"+OK\r\n")})
attack("UIDL: escapes and octets of all kinds", "ok", "", {
    "UIDL": b"+OK\r\n1 " + EVIL.replace(b"\r", b"") + b"\r\n.\r\n"})
attack("UIDL: numbers beyond 32 bits", "refused", "gave none", {
    "UIDL": b"+OK\r\n4294967296 a\r\n0 b\r\n4294967295 c\r\n-1 d\r\n.\r\n"})
attack("UIDL: status line endless", "limit", "endless line", {
    "UIDL": flood(b"x", b"+OK ")})
attack("LIST: endless, no UIDL", "limit", "memory_limit", {
    "UIDL": REFUSED, "TOP": REFUSED, "LIST": numbered(
        lambda number: b"%d 1000\r\n" % number, step=8000)}, mib=LISTING)

# ---- bodies ----

attack("RETR: silence", "timeout", "RETR was not answered", {"RETR": never})
attack("RETR: silence amid the body", "timeout", "silent for 500 ms", {
    "RETR": dump(b"+OK\r\nSubject: half\r\n")})
attack("RETR: a line at a time, without end", "timeout", "session was not over", {
    "RETR": trickle(b"x\r\n", b"+OK\r\n\r\n")})
attack("RETR: endless body", "timeout", "session was not over", {
    "RETR": trickle(b"A line of a body without end.\r\n" * 2000, b"+OK\r\n",
                    0.005)})
attack("RETR: endless line", "timeout", "session was not over", {
    "RETR": trickle(b"x" * 65536, b"+OK\r\n", 0.005)})
attack("RETR: endless header", "timeout", "session was not over", {
    "RETR": trickle(b"X-Line: of a header.\r\n" * 2000, b"+OK\r\n", 0.005)})
attack("RETR: endless NULs", "timeout", "session was not over", {
    "RETR": trickle(b"\0" * 65536, b"+OK\r\n", 0.005)})
attack("RETR: endless dots", "timeout", "session was not over", {
    "RETR": trickle(b"..\r\n.\r.\n" * 8000, b"+OK\r\n", 0.005)})
attack("RETR: larger than is taken", "limit", "larger than the limit of 2097152", {
    "RETR": trickle(b"A line of a body without end.\r\n" * 2000, b"+OK\r\n",
                    0.005)}, max_message_size="1M")
attack("RETR: status line endless", "limit", "endless line", {
    "RETR": flood(b"x", b"+OK ")})
attack("RETR: hangs up amid the body", "io", "closed the connection", {
    "RETR": scripted.break_off(b"+OK\r\nSubject: half\r\n")})
attack("RETR: a flood of replies behind it", "ok|protocol", "", {
    "RETR": flood(b"+OK\r\n", b"+OK\r\n" + MESSAGE + b".\r\n")})
attack("RETR: an empty body for a size", "incomplete", "server is not well",
       {"RETR": b"+OK\r\n.\r\n", "LIST": b"+OK 1 100000\r\n"})
attack("RETR: an empty body, and a listing for its size", "protocol", "asked", {
    "RETR": b"+OK\r\n.\r\n", "LIST": b"+OK\r\n1 100000\r\n.\r\n"})
attack("TOP: endless", "limit", "answer to TOP is larger", {
    "UIDL": REFUSED, "TOP": flood(b"X-Line: of a header.\r\n", b"+OK\r\n")})

# ---- the end ----

attack("DELE: endless line", "limit", "endless line", {
    "DELE": flood(b"x", b"+OK ")}, keep="delete")
attack("DELE: silence", "timeout", "DELE was not answered", {"DELE": never}, keep="delete")
attack("QUIT: silence", "timeout", "QUIT was not answered", {"QUIT": never}, keep="delete")
attack("QUIT: endless line", "limit", "endless line", {
    "QUIT": flood(b"x", b"+OK ")}, keep="delete")
attack("QUIT: one octet at a time", "timeout", "QUIT was not answered", {
    "QUIT": trickle(b"x", b"+OK ")}, keep="delete")
attack("QUIT: a flood behind it", "ok", "", {
    "QUIT": flood(b"x\r\n", b"+OK\r\n")}, keep="delete")
