"""TLS as no well-meant server speaks it, on connections of a test's.

Python's ssl module has no word for a renegotiation, a key update or a ticket
without being asked; OpenSSL's library has, and is called directly.
"""

import ctypes
import ctypes.util

_SSL = ctypes.CDLL(ctypes.util.find_library("ssl"))
_PEM = 1
_MAX_VERSION = 124
TLS_1_2, TLS_1_3 = 0x0303, 0x0304

for _name, _result, _arguments in (
        ("TLS_server_method", "p", ""), ("SSL_CTX_new", "p", "p"),
        ("SSL_CTX_free", "", "p"), ("SSL_CTX_ctrl", "l", "pilp"),
        ("SSL_CTX_use_certificate_chain_file", "i", "ps"),
        ("SSL_CTX_use_PrivateKey_file", "i", "psi"),
        ("SSL_new", "p", "p"), ("SSL_free", "", "p"),
        ("SSL_set_fd", "i", "pi"), ("SSL_accept", "i", "p"),
        ("SSL_write", "i", "psi"), ("SSL_read", "i", "ppi"),
        ("SSL_do_handshake", "i", "p"), ("SSL_key_update", "i", "pi"),
        ("SSL_renegotiate", "i", "p"), ("SSL_new_session_ticket", "i", "p")):
    _types = {"p": ctypes.c_void_p, "i": ctypes.c_int, "l": ctypes.c_long,
              "s": ctypes.c_char_p, "": None}
    _function = getattr(_SSL, _name)
    _function.restype = _types[_result]
    _function.argtypes = [_types[one] for one in _arguments]


class Channel:
    """TLS of a server's on a connected socket, behind its handshake."""

    def __init__(self, connection, certificate, version=TLS_1_3):
        self._ctx = _SSL.SSL_CTX_new(_SSL.TLS_server_method())
        _SSL.SSL_CTX_ctrl(self._ctx, _MAX_VERSION, version, None)
        if (_SSL.SSL_CTX_use_certificate_chain_file(
                self._ctx, bytes(certificate.certificate)) != 1
                or _SSL.SSL_CTX_use_PrivateKey_file(
                    self._ctx, bytes(certificate.key), _PEM) != 1):
            raise AssertionError("OpenSSL does not take the certificate")
        self._ssl = _SSL.SSL_new(self._ctx)
        _SSL.SSL_set_fd(self._ssl, connection.fileno())
        self._taken = b""
        self._expect(_SSL.SSL_accept(self._ssl))

    @staticmethod
    def _expect(done):
        if done <= 0:
            raise ConnectionError("the client has left")

    def close(self):
        """Forget it; the socket stays."""
        _SSL.SSL_free(self._ssl)
        _SSL.SSL_CTX_free(self._ctx)

    def write(self, octets):
        """Send all of it."""
        self._expect(_SSL.SSL_write(self._ssl, octets, len(octets)))

    def line(self):
        """A line of the client's."""
        buffer = ctypes.create_string_buffer(4096)
        while b"\n" not in self._taken:
            done = _SSL.SSL_read(self._ssl, buffer, len(buffer))
            self._expect(done)
            self._taken += buffer.raw[:done]
        line, _, self._taken = self._taken.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def update_key(self):
        """Send a key update that asks for one (RFC 8446 section 4.6.3)."""
        self._expect(_SSL.SSL_key_update(self._ssl, 1))
        self._expect(_SSL.SSL_do_handshake(self._ssl))

    def send_ticket(self):
        """Send one more session ticket."""
        self._expect(_SSL.SSL_new_session_ticket(self._ssl))
        self._expect(_SSL.SSL_do_handshake(self._ssl))

    def renegotiate(self):
        """Ask for another handshake (TLS 1.2)."""
        self._expect(_SSL.SSL_renegotiate(self._ssl))
        self._expect(_SSL.SSL_do_handshake(self._ssl))
