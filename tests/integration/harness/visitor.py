"""A browser without scripts: it keeps cookies, follows redirects, fills forms."""

import html.parser
import http.cookiejar
import ssl
import urllib.error
import urllib.parse
import urllib.request

from . import procs


class _Forms(html.parser.HTMLParser):
    """The first form of a page: where it goes, its fields, its buttons."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.buttons = "", {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag == "form":
            self.action = said.get("action") or ""
        elif tag == "input" and said.get("type") != "submit":
            self.fields[said.get("name")] = said.get("value") or ""
        elif tag in ("button", "input") and "name" in said:
            self.buttons.append((said["name"], said.get("value") or ""))


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by hand."""

    def redirect_request(self, *_):
        return None


class Visitor:
    """Somebody who looks at pages of one site, and types.

    authority   the file of those that the browser trusts
    knows       what to type where a page asks for it: field -> text

    Attributes, of the last page: status, text, url.
    """

    def __init__(self, authority, knows):
        self.knows = knows
        self._trust = ssl.create_default_context(cafile=authority)
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._trust),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(
                http.cookiejar.DefaultCookiePolicy(strict_ns_domain=0))),
            _Stay())
        self.status = self.text = self.url = None

    def _go(self, url, form=None):
        site = urllib.parse.urlsplit(url).netloc
        data = form and urllib.parse.urlencode(form).encode()
        for _ in range(20):
            self.url = url
            if urllib.parse.urlsplit(url).netloc != site:
                # Where an application listens that the site sends back to.
                self.status, self.text = None, ""
                return self
            try:
                answer = self._opener.open(url, data, procs.PATIENCE)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                self.status = answer.status
                self.text = answer.read().decode()
                to = answer.headers.get("Location")
            if not 300 <= self.status < 400:
                return self
            url, data = urllib.parse.urljoin(url, to), None
        raise AssertionError(f"redirects without an end: {url}")

    def open(self, url):
        """Look at a page; what it asks of what is known is typed."""
        self._go(url)
        while self.status is not None and set(_Forms(self.text).fields) & set(
                self.knows) and self.status < 400:
            self.press(None)
        return self

    def press(self, button, **typed):
        """Fill the form, press a button (by its value), and look."""
        forms = _Forms(self.text)
        filled = {name: typed.get(name, self.knows.get(name, value))
                  for name, value in forms.fields.items()}
        pressed = [one for one in forms.buttons if button in (None, one[1])]
        if not pressed:
            raise AssertionError(f"there is no {button!r} in {self.text}")
        return self._go(urllib.parse.urljoin(self.url, forms.action),
                        [*filled.items(), pressed[0]])

    def brought(self):
        """The query of the address at which it has ended, as a dict."""
        return dict(urllib.parse.parse_qsl(
            urllib.parse.urlsplit(self.url).query))
