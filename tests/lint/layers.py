#!/usr/bin/env python3
"""Who may include whom.

usage: layers.py [ROOT]

The library is made of layers, base <- core <- auth <- net <- session <- netx,
and the daemon of folders that know as few of each other as they can, and the leaves of
lib/base.  Outside libraries are used in the folders made for them and nowhere
else.  No files know each other in a circle, and no struct is open to more than
two of them (rooms.py).
"""

import pathlib
import re
import sys

import rooms
import sources

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)

# Layers of the library, lowest first, with the public headers of each.
LAYERS = (
    ("lib/base", ()),
    ("lib/core", ("error.h", "proto.h")),
    ("lib/auth", ("auth.h",)),
    ("lib/net", ("client.h", "telemetry.h")),
    ("lib/session", ("sync.h", "easy.h")),
    ("lib/netx", ("netx.h",)),
)
ALL_HEADERS = "evpop.h"

# What a folder of the daemon may know besides itself and the library's public
# headers.  A name that ends in a slash is a whole folder.
DAEMON = {
    "log": (),
    "notify": (),
    "confine": (),
    "failpoint": (),
    "metrics": ("notify/",),
    "config": ("log/", "secret/exposure.h"),
    "secret": ("log/",),
    "store": ("log/", "notify/", "confine/filter.h", "failpoint/failpoint.h", "secret/sealing.h",
              "secret/sealed_fields.h", "secret/sealed_form.h"),
    "poll": ("log/", "notify/", "failpoint/failpoint.h", "config/", "secret/", "oauth/oauth.h",
             "store/store.h"),
    "http": (),
    "oauth": ("log/", "config/", "secret/", "http/", "store/store.h", "store/token.h"),
    # Streams and log-ins of the library serve LMTP and IMAP as well.
    "deliver": ("log/", "notify/", "failpoint/failpoint.h", "config/", "secret/", "http/", "oauth/oauth.h",
                "store/store.h", "store/outbox.h", "store/mail/header.h", "store/mail/date.h",
                "store/mail/envelope.h", "control/field.h", "control/when.h"),
    "control": ("log/", "notify/", "metrics/", "confine/confine.h", "config/", "poll/", "hook/hook.h",
                "hook/report.h", "store/store.h", "store/question.h",
                "deliver/deliver.h", "oauth/oauth.h",
                "store/outbox.h",
                "store/backup.h", "store/import.h", "store/keeping.h", "store/reading.h", "store/reseal.h",
                "secret/sealed_form.h"),
    "hook": ("log/", "notify/", "config/", "deliver/deliver.h", "secret/child.h", "secret/line.h",
             "poll/poller.h", "poll/state.h", "control/field.h",
             "control/when.h"),
    # Text that the API and the command understand alike; no state behind it.
    # Sealed mail is opened and read by the command: the store cannot.
    "ctl": ("config/config.h", "config/provider.h", "config/target.h", "poll/credentials.h",
            "control/when.h", "control/field.h", "control/mail.h",
            "notify/notify.h", "notify/tally.h", "secret/key.h",
            "secret/line.h", "secret/secret.h", "secret/sealed.h",
            "secret/sealed_fields.h", "secret/sealed_form.h",
            "secret/sealing.h", "secret/starter.h", "secret/typed.h",
            "store/query.h", "store/scan.h", "store/index/fold.h",
            "store/index/sieve.h", "store/index/conversation.h",
            "store/mail/"),
}

# What the library keeps to itself, but for who speaks other protocols.
DELIVER_LIBRARY = ("lib/net/stream.h", "lib/net/dial.h", "lib/net/tls.h", "lib/net/proxy.h",
                   "lib/auth/exchange.h", "lib/net/choice.h", "lib/net/resolve.h",
                   "lib/net/address.h", "lib/net/derive.h", "lib/net/destination.h",
                   "lib/net/loop.h", "lib/core/reply.h")
HTTP_LIBRARY = ("lib/net/resolve.h", "lib/net/address.h")

# And for who asks the name service.
CTL_LIBRARY = ("lib/net/destination.h",)

# Outside libraries, and where alone they appear.  Tests are free.
LIBRARIES = (
    (r"event2/|event\.h$|ev[a-z]+\.h$", "lib/net", "lib/session",
     "daemon"),
    (r"openssl/", "lib/net", "lib/auth", "daemon/store/digest.c",
     "daemon/secret/wiping.c"),
    (r"stringprep", "lib/auth"),
    (r"idn2", "lib/net"),
    (r"sqlite3", "daemon/store/sql/sqlite.c", "daemon/store/sql/functions.c"),
    (r"sodium", "daemon/secret", "daemon/store/digest.c"),
    (r"zstd", "daemon/store", "daemon/secret/sealed_form.c"),
    (r"gumbo", "daemon/store/mail"),
    (r"iconv", "daemon/store/mail"),
    (r"uni(case|norm|str|ctype)\.h", "lib/base", "lib/auth",
     "daemon/store"),
    (r"jansson", "daemon/control", "daemon/ctl", "daemon/hook", "daemon/deliver", "daemon/oauth"),
    (r"curl/", "daemon/ctl", "daemon/http"),
    (r"expat\.h$", "daemon/ctl"),
    (r"systemd/", "daemon/log", "daemon/supervisor.c"),
)

# The one file of lib/base that knows the time; the core may not ask it.
CLOCK = "lib/base/clock"

# The one that asks the kernel for memory; it does no I/O.
GUARDED = "lib/base/guarded"

# The core does no I/O and knows no time: bytes in, events and bytes out.
CORE_FORBIDDEN = re.compile(
    r"errno\.h|time\.h|unistd\.h|poll\.h|fcntl\.h|signal\.h|pthread\.h|netdb\.h"
    r"|(sys/(?!queue\.h|types\.h)|net/|netinet/|arpa/|event2/|openssl/)")


def beneath(path, folder):
    return path == folder or path.startswith(folder + "/")


def layer_of(path):
    """The index of the library's layer that a file belongs to, or None."""
    for index, (folder, public) in enumerate(LAYERS):
        if beneath(path, folder):
            return index
        if path in [f"include/evpop/{name}" for name in public]:
            return index
    return None


def library_breach(path, target):
    """Why a file of the library may not include another of the project."""
    if path == "include/evpop/" + ALL_HEADERS:
        if beneath(target, "include/evpop"):
            return None
        return "the header of all headers includes public ones only"
    mine, other = layer_of(path), layer_of(target)
    if other is None:
        return "no layer of the library"
    if other > mine:
        return f"{LAYERS[other][0]} is above {LAYERS[mine][0]}"
    if beneath(path, "lib/core") and target == CLOCK + ".h":
        return "the core has no I/O, no clock and no errno"
    if path.startswith("include/") and not target.startswith("include/"):
        return "a public header includes public ones only"
    return None


def daemon_breach(path, target):
    """The same for a file of the daemon."""
    if beneath(target, "include/evpop") or beneath(target, "lib/base"):
        return None
    if beneath(path, "daemon/deliver") and target in DELIVER_LIBRARY:
        return None
    if beneath(path, "daemon/ctl") and target in CTL_LIBRARY:
        return None
    if beneath(path, "daemon/http") and target in HTTP_LIBRARY:
        return None
    if not beneath(target, "daemon"):
        return ("the daemon uses the library by its public headers and the "
                "leaves of lib/base")
    parts = path.split("/")
    if len(parts) == 2:
        return None  # main and what it is made of wire everything
    folder, known = parts[1], target[len("daemon/"):]
    if folder not in DAEMON:
        return f"nothing is said of daemon/{folder}: add it to the rules"
    if known.startswith(folder + "/"):
        return None
    for allowed in DAEMON[folder]:
        if known == allowed or (allowed.endswith("/")
                                and known.startswith(allowed)):
            return None
    return f"daemon/{folder} may not know it"


def outside_breach(path, name):
    """Why a header that is not the project's may not be included there."""
    if (beneath(path, "lib/core")
            or (beneath(path, "lib/base")
                and path not in (CLOCK + ".c", CLOCK + ".h",
                                 GUARDED + ".c"))
            or path in ("include/evpop/error.h", "include/evpop/proto.h")):
        if CORE_FORBIDDEN.match(name):
            return "the core has no I/O, no clock and no errno"
    for pattern, *places in LIBRARIES:
        if re.match(pattern, name) and not any(beneath(path, place)
                                               for place in places):
            return "only " + " and ".join(places) + " may"
    return None


def breach(path, quoted, name):
    """Why this include is wrong, or None."""
    if name.startswith("evpop/"):
        target = "include/" + name
    elif quoted:
        if "/" not in name or name.startswith("."):
            return "includes go by path from the project's root"
        target = name
    else:
        return outside_breach(path, name)
    if quoted and name.startswith("evpop/"):
        return "public headers are included in angle brackets"
    if beneath(path, "lib") or beneath(path, "include"):
        return library_breach(path, target)
    return daemon_breach(path, target)


def check(root):
    """All breaches below a root, as lines, and how many includes there are."""
    root = pathlib.Path(root)
    breaches, checked = [], 0
    for file in sources.walk(root, ".c", ".h"):
        path = file.relative_to(root).as_posix()
        if beneath(path, "tests"):
            continue
        text = file.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            checked += 1
            reason = breach(path, match[1] == '"', match[2])
            if reason is not None:
                line = text.count("\n", 0, match.start()) + 1
                breaches.append(f"{path}:{line}: {match[2]}: {reason}")
    return breaches, checked


def main():
    """All that a root's files may not know of each other."""
    root = sys.argv[1] if sys.argv[1:] else "."
    breaches, checked = check(root)
    return sources.end(breaches + rooms.check(root)[0], checked, "includes")


if __name__ == "__main__":
    sys.exit(main())
