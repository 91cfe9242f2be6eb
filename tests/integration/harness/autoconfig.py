"""The files that domains publish for mail programs, served by HTTPS."""

import contextlib
import http.server
import ssl
import threading

_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="{id}">
  <domain>{id}</domain>
  <incomingServer type="imap"><hostname>imap.{id}</hostname><port>993</port>
    <socketType>SSL</socketType><username>x</username></incomingServer>
  <incomingServer type="pop3"><hostname>clear.{id}</hostname><port>110</port>
    <socketType>plain</socketType><username>x</username></incomingServer>
  <incomingServer type="pop3"><hostname>{host}</hostname><port>995</port>
    <socketType>SSL</socketType><username>{user}</username></incomingServer>
</emailProvider></clientConfig>"""


def config(domain, host, user):
    """A file that names a POP3 server with TLS, among others."""
    return _CONFIG.format(id=domain, host=host, user=user)


@contextlib.contextmanager
def web(address, certificate, pages):
    """HTTPS at an address: (host, path) -> text, or a place to go on at."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            key = (self.headers["Host"], self.path)
            asked.append(key)
            page = pages.get(key)
            if page is None:
                self.send_error(404)
            elif page.startswith("http"):
                self.send_response(302)
                self.send_header("Location", page)
                self.end_headers()
            else:
                # Python ends TLS without a word, which is no end of a page.
                self.send_response(200)
                self.send_header("Content-Length", str(len(page.encode())))
                self.end_headers()
                self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # a client that does not trust it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with Server((address, 443), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()
