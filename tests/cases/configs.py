"""Documents that have mistakes, and the exact lines that must be said about each.

They are loaded with ``READER`` and the bundled list of public suffixes, under the name ``f.yaml``,
which the lines leave out. A line that ends in ``…`` is a beginning: the words of a policy's
problems belong to ``cors/`` and are tested there; here it counts where they are put.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cors_gateway.config.flaws import Flaw

__all__ = ["INVALID", "READER", "WARNED", "FakeReader", "Row"]


@dataclass(frozen=True)
class FakeReader:
    """An environment and files that are not there."""

    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    flaws: Mapping[str, Sequence[Flaw]] = field(default_factory=dict)
    """What is wrong with files and folders that are named; with any other nothing is."""

    def read_file(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory")
        return self.files[path].decode()

    def locate(self, path: str) -> str:
        return path if path.startswith("/") else f"/conf/{path}"

    def check_pair(self, certificate: str, key: str) -> Sequence[Flaw]:
        return [*self.flaws.get(certificate, ()), *self.flaws.get(key, ())]

    def check_authorities(self, path: str) -> Sequence[Flaw]:
        return self.flaws.get(path, ())

    def check_files(
        self, root: str, fallback: str | None, secrets: Sequence[str]
    ) -> Sequence[Flaw]:
        below = () if fallback is None else self.flaws.get(f"{root}/{fallback}", ())
        held = [path for path in secrets if path.startswith(f"{root}/")]
        told = [Flaw("root", "{value} holds secrets", " ".join(held), "move it")] if held else []
        return [*self.flaws.get(root, ()), *told, *below]


READER = FakeReader(
    env={"EMPTY": "", "SECRET": "Tr0ub4dor", "A": "info", "B": "text"},
    files={"/secret": b"c0rrect-horse\n", "/secret/level": b"info\n", "/binary": b"\xff"},
    flaws={
        "/conf/gone.pem": [
            Flaw("certificate", "{value} is not there", 'looked for at "/conf/gone.pem"', "put it")
        ],
        "/conf/Tr0ub4dor": [
            Flaw("certificate", "{value} is away", 'looked for at "/conf/Tr0ub4dor"', "put it")
        ],
        "/conf/not-built": [
            Flaw("root", "{value} is not there", 'looked for at "/conf/not-built"', "build it")
        ],
        "/conf/Tr0ub4dor/site": [
            Flaw("root", "{value} is away", 'looked for at "/conf/Tr0ub4dor/site"', "put it")
        ],
        "/conf/dist/gone.html": [Flaw("fallback", "{value} is not there", "", "correct it")],
        "/conf/no-ca.pem": [Flaw("ca", "{value} holds no certificate", "", "name another")],
        "/conf/other.key": [Flaw("key", "{value} does not belong", "", "name another")],
        "/conf/old.pem": [
            Flaw("certificate", "{value} has expired", "long ago", "renew it", is_warning=True)
        ],
        "/conf/past.pem": [
            Flaw(
                "certificate",
                "{value} has expired",
                "",
                "renew: {consequence}",
                is_warning=True,
            )
        ],
    },
)


@dataclass(frozen=True)
class Row:
    """A document and what is to be said about it."""

    title: str
    text: str | bytes
    problems: str
    """One line each."""


YAML = (
    Row(
        "an empty file",
        "",
        """\
1:1: the configuration is empty, it needs at least one route, start with routes:
""",
    ),
    Row(
        "only a comment",
        """\
# nothing yet
""",
        """\
1:1: the configuration is empty, it needs at least one route, start with routes:
""",
    ),
    Row(
        "a list at the top",
        """\
- a
- b
""",
        """\
1:1: the configuration is a list, a block of keys is expected, begin with server: or routes:
""",
    ),
    Row(
        "a text at the top",
        """\
routes
""",
        """\
1:1: the configuration is "routes", a block of keys is expected, begin with server: or routes:
""",
    ),
    Row(
        "a number at the top",
        """\
5
""",
        """\
1:1: the configuration is 5, a block of keys is expected, begin with server: or routes:
""",
    ),
    Row(
        "a key twice",
        """\
log: {access: true}
log: {access: false}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
2:1: log: the key "log" again, line 1 has it already, and only one of them could count, remove one of them
""",
    ),
    Row(
        "a key twice in a nested block",
        """\
log:
  level: info
  level: debug
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
3:3: log.level: the key "level" again, line 2 has it already, and only one of them could count, remove one of them
""",
    ),
    Row(
        "a tag",
        """\
log: {level: !!python/name:os.system info}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: the tag "!!python/name:os.system", tags are not used here: they could make a value something else than it looks, remove it; quote text
""",
    ),
    Row(
        "a tag on a block",
        """\
log: !thing {level: info}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:6: log: the tag "!thing", tags are not used here: they could make a value something else than it looks, remove it; quote text
""",
    ),
    Row(
        "a merge key",
        """\
x: &x {level: info}
log: {<<: *x}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:1: x: unknown key x, the keys here are server, admin, log, corsPolicies, defaults, routes, tests
2:7: log: a merge key, merge keys are not in YAML 1.2 and hide what applies, give the policy a name under corsPolicies, or repeat the keys
""",
    ),
    Row(
        "a number as a key",
        """\
5: a
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:1: the key 5 is no text, keys are text, write a name, in quotes
""",
    ),
    Row(
        "nothing as a key",
        """\
log: {~: a}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:7: log: the key ~ is no text, keys are text, write a name, in quotes
""",
    ),
    Row(
        "a list as a key",
        """\
? [a]
: b
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:3: a key that is a list or a block, keys are text, write a name, in quotes
""",
    ),
    Row(
        "an alias of a list as a key",
        """\
log: &log [info]
? *log
: a
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:6: a key that is a list or a block, keys are text, write a name, in quotes
1:6: log: a list is not a block, its keys are level, format, access, write a block of keys below log
""",
    ),
    Row(
        "a control character in a key",
        'log: {"le\\0vel": info}\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
1:7: log: a key with a control character, keys are text, write a name, in quotes
""",
    ),
    Row(
        "a block as a key whose value is a list",
        """\
? {a: b}
: [c]
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:3: a key that is a list or a block, keys are text, write a name, in quotes
""",
    ),
    Row(
        "two documents",
        """\
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
---
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
2:1: a second document begins, a configuration is one document, remove the ---
""",
    ),
    Row(
        "an unknown alias",
        """\
log: {level: *nothing}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: *nothing names nothing, there is no &nothing before it, define it first, or quote text that begins with *
""",
    ),
    Row(
        "an alias inside itself",
        """\
log: &log {level: [*log]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:20: log.level[0]: *log stands inside &log, it would contain itself, write the value out
""",
    ),
    Row(
        "tabs",
        'log:\n\tlevel: info\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
2:1: a tab, YAML indents with spaces only, replace it with spaces
""",
    ),
    Row(
        "a tab after a space",
        'log:\n  level: info\n\taccess: true\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
3:1: a tab, YAML indents with spaces only, replace it with spaces
""",
    ),
    Row(
        "a control character",
        'log: {level: \x01}\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
1:14: character U+0001, YAML does not allow control characters, remove it
""",
    ),
    Row(
        "not UTF-8",
        b'log: {level: \xe9}\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
1:14: byte 0xe9 is not UTF-8, configurations are UTF-8, save it as UTF-8
""",
    ),
    Row(
        "UTF-16",
        b'\xff\xfer\x00o\x00u\x00t\x00e\x00s\x00:\x00 \x00[\x00{\x00m\x00a\x00t\x00c\x00h\x00:\x00 \x00{\x00p\x00a\x00t\x00h\x00:\x00 \x00/\x00}\x00,\x00 \x00u\x00p\x00s\x00t\x00r\x00e\x00a\x00m\x00:\x00 \x00"\x00h\x00t\x00t\x00p\x00:\x00/\x00/\x00a\x00:\x001\x00"\x00,\x00 \x00c\x00o\x00r\x00s\x00:\x00 \x00f\x00a\x00l\x00s\x00e\x00}\x00]\x00\n\x00',
        """\
1:1: byte 0xff is not UTF-8, configurations are UTF-8, save it as UTF-8
""",
    ),
    Row(
        "an open quote",
        """\
log: {level: 'info}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: the text ends inside quotes, a quote was opened here and not closed, close it
""",
    ),
    Row(
        "an open list",
        """\
log: [
""",
        """\
2:1: a value is missing, a [ or { before it was not closed, or closed too early, close it
""",
    ),
    Row(
        "a second colon",
        """\
log: level: info
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:11: a colon too many, a value cannot hold ": ", and a key begins its own line after one that is complete, put the value in quotes, or look for a missing colon or indentation before it
""",
    ),
    Row(
        "a line without a colon",
        """\
log
server: {}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
2:7: a colon too many, a value cannot hold ": ", and a key begins its own line after one that is complete, put the value in quotes, or look for a missing colon or indentation before it
""",
    ),
    Row(
        "a reserved character",
        """\
log: {level: @info}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: a value begins with @, YAML reserves that character, put the value in quotes
""",
    ),
    Row(
        "a bad escape",
        'log: {level: "\\q"}\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
1:15: an unknown escape, a backslash escapes inside double quotes, use single quotes, or double the backslash
""",
    ),
    Row(
        "a key out of place",
        """\
log:
  level: info
 access: true
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
3:2: a key is out of place, keys of one block begin in one column, check the indentation
""",
    ),
    Row(
        "an item out of place",
        """\
routes:
- match: {path: /}
  upstream: http://a:1
 - match: {path: /}
""",
        """\
4:2: a key is out of place, keys of one block begin in one column, check the indentation
""",
    ),
    Row(
        "a substitution without quotes in a flow",
        """\
log: {level: ${LEVEL}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:15: a value is cut short, inside { } and [ ] the braces of ${…} end the value, put ${…} in quotes
""",
    ),
    Row(
        "half a character",
        'log: {level: \ud800}\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
1:14: half a character, it is not Unicode text, remove it
""",
    ),
    Row(
        "a date, a huge number and infinity",
        "server: {limits: {connections: "
        + "9" * 5000
        + '}}\nlog: {level: 2026-11-21, access: .inf}\nroutes: [{match: {path: /}, upstream: "http://a:1", cors: false}]\n',
        """\
1:32: server.limits.connections: "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999…" is not a whole number, write a number from 1 to 1000000
2:14: log.level: "2026-11-21" is no choice for level, write debug, info, warning or error
2:34: log.access: inf is not a boolean, write true or false
""",
    ),
    Row(
        "not a number",
        """\
log: {level: .nan}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: nan is no choice for level, write debug, info, warning or error
""",
    ),
    Row(
        "keys without values",
        """\
server:
log: {level: }
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:1: server: server has no value, write one, or remove the key
2:7: log.level: level has no value, write one, or remove the key
""",
    ),
    Row(
        "items without values",
        """\
server: {trustedProxies: [~, 10.0.0.0/8]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:27: server.trustedProxies[0]: the item has no value, write one, or remove it
""",
    ),
)

KEYS = (
    Row(
        "unknown keys, misspelled",
        """\
sever: {}
server: {listne: ":1", drian: {}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:1: sever: unknown key sever, did you mean server?
2:10: server.listne: unknown key listne, did you mean listen?
2:24: server.drian: unknown key drian, did you mean drain?
""",
    ),
    Row(
        "an unknown key that resembles nothing",
        """\
zzz: 1
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:1: zzz: unknown key zzz, the keys here are server, admin, log, corsPolicies, defaults, routes, tests
""",
    ),
    Row(
        "snake case",
        """\
corsPolicies: {p: {allow_origins: [https://a.example.com], max-age: 5, expose_headers: [X]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:20: corsPolicies.p.allow_origins: unknown key allow_origins, did you mean allowOrigins?
1:60: corsPolicies.p.max-age: unknown key max-age, did you mean maxAge?
1:72: corsPolicies.p.expose_headers: unknown key expose_headers, did you mean exposeHeaders?
""",
    ),
    Row(
        "the words of other gateways",
        """\
corsPolicies: {p: {origins: [https://a.example.com], methods: [GET], exposed_headers: [X], credentials: true}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:20: corsPolicies.p.origins: unknown key origins, did you mean allowOrigins?
1:54: corsPolicies.p.methods: unknown key methods, did you mean allowMethods?
1:70: corsPolicies.p.exposed_headers: unknown key exposed_headers, did you mean exposeHeaders?
1:92: corsPolicies.p.credentials: unknown key credentials, did you mean allowCredentials?
""",
    ),
    Row(
        "a key that belongs elsewhere",
        """\
routes: [{match: {path: /}, upstream: "http://a:1", cors: false, stripPrefix: true}]
""",
        """\
1:66: routes[0].stripPrefix: unknown key stripPrefix, stripPrefix belongs to routes[].upstream, move it there
""",
    ),
    Row(
        "a key that nothing needs",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], allowPrivateNetwork: true}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:59: corsPolicies.p.allowPrivateNetwork: unknown key allowPrivateNetwork, browsers ask their users for permission instead, remove it
""",
    ),
    Row(
        "keys that an API has and a listener too",
        """\
routes: [{match: {path: /}, upstream: "http://a:1", cors: false, tls: {}, timeouts: {}}]
""",
        """\
1:66: routes[0].tls: unknown key tls, of an API it belongs to routes[].upstream, of listeners to server, move it there
1:75: routes[0].timeouts: unknown key timeouts, of an API it belongs to routes[].upstream, of listeners to server, move it there
""",
    ),
)

TYPES = (
    Row(
        "blocks that are none",
        """\
server: [a]
log: 5
corsPolicies: a
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:9: server: a list is not a block, its keys are listen, workers, publicOrigin, trustedProxies, tls, limits, timeouts, drain, write a block of keys below server
2:6: log: 5 is not a block, its keys are level, format, access, write a block of keys below log
3:15: corsPolicies: "a" is not a block, it takes names and values, write a block of keys below corsPolicies
""",
    ),
    Row(
        "lists that are none",
        """\
corsPolicies: {p: {allowOrigins: https://a.example.com, allowMethods: GET, exposeHeaders: {a: b}}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:34: corsPolicies.p.allowOrigins: "https://a.example.com" is not a list, allowOrigins is a list, such as ["https://app.example.com"]
1:71: corsPolicies.p.allowMethods: "GET" is not a list, allowMethods is a list, such as [GET, PUT]
1:91: corsPolicies.p.exposeHeaders: a block is not a list, exposeHeaders is a list, such as [X-Total-Count]
""",
    ),
    Row(
        "booleans that YAML 1.1 had",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], allowCredentials: yes, csrfGuard: on}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:77: corsPolicies.p.allowCredentials: "yes" is not a boolean, write true or false
1:93: corsPolicies.p.csrfGuard: "on" is not a boolean, write true or false
""",
    ),
    Row(
        "numbers where text belongs",
        """\
corsPolicies: {p: {allowOrigins: [5], allowMethods: [1.5, true]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: 5 is not text, YAML reads it as a number, put it in quotes
1:54: corsPolicies.p.allowMethods[0]: 1.5 is not text, YAML reads it as a number, put it in quotes
1:59: corsPolicies.p.allowMethods[1]: true is not text, YAML reads it as true or false, put it in quotes
""",
    ),
    Row(
        "choices that are none",
        """\
log: {level: loud, format: xml}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: "loud" is no choice for level, write debug, info, warning or error
1:28: log.format: "xml" is no choice for format, write auto, json or text
""",
    ),
    Row(
        "durations",
        """\
server: {timeouts: {head: 10, content: fast, write: 1.5s, keepAlive: 0s}, drain: {delay: -1s, timeout: 99999h}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:27: server.timeouts.head: 10 has no unit, it could be seconds or milliseconds, write "10s", or use ms, m, h
1:40: server.timeouts.content: "fast" is not a duration, write a whole number and its unit: 250ms, 10s, 5m, 1h
1:53: server.timeouts.write: "1.5s" is not a duration, write a whole number and its unit: 250ms, 10s, 5m, 1h
1:70: server.timeouts.keepAlive: "0s" is no time to wait, write at least 1ms
1:90: server.drain.delay: "-1s" is not a duration, write a whole number and its unit: 250ms, 10s, 5m, 1h
1:104: server.drain.timeout: "99999h" is too long, a year is the longest, write less
""",
    ),
    Row(
        "sizes",
        """\
server: {limits: {target: 8192, fieldSection: 8KB, content: big}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:27: server.limits.target: 8192 has no unit, sizes are written with one, write "8KiB"
1:47: server.limits.fieldSection: "8KB" is not a size, units are powers of 1024, did you mean "8KiB"?
1:61: server.limits.content: "big" is not a size, units are powers of 1024, write a whole number and B, KiB, MiB or GiB
""",
    ),
    Row(
        "sizes and counts out of bounds",
        """\
server: {limits: {target: 1B, connections: 0, fieldLines: 5, requestsPerConnection: 0}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:27: server.limits.target: "1B" is out of bounds, write 256B to 1MiB
1:44: server.limits.connections: 0 is out of bounds, write a number from 1 to 1000000
1:59: server.limits.fieldLines: 5 is out of bounds, write a number from 10 to 10000
1:85: server.limits.requestsPerConnection: 0 is out of bounds, write a number from 1 to 1000000, or none
""",
    ),
    Row(
        "maxAge",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], maxAge: soon}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:67: corsPolicies.p.maxAge: "soon" is not a duration, write seconds, a duration such as 10m, 0, or -1 for no caching
""",
    ),
    Row(
        "maxAge out of bounds",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], maxAge: -2}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:67: corsPolicies.p.maxAge: -2 is out of bounds, write seconds, a duration such as 10m, 0, or -1 for no caching
""",
    ),
    Row(
        "who may embed in a word that does not exist",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], crossOriginResourcePolicy: cross-site}}
defaults: {cors: p}
routes: [{match: {path: /}, upstream: http://a}]
""",
        """\
1:86: corsPolicies.p.crossOriginResourcePolicy: "cross-site" is no choice for crossOriginResourcePolicy, write same-origin, same-site or cross-origin
""",
    ),
    Row(
        "who may embed without a word",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], crossOriginResourcePolicy: }}
defaults: {cors: p}
routes: [{match: {path: /}, upstream: http://a}]
""",
        """\
1:59: corsPolicies.p.crossOriginResourcePolicy: crossOriginResourcePolicy has no value, write one, or remove the key
""",
    ),
    Row(
        "what a page says of itself",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], Cross-Origin-Embedder-Policy: require-corp}}
defaults: {cors: p}
routes: [{match: {path: /}, upstream: http://a}]
""",
        """\
1:59: corsPolicies.p.Cross-Origin-Embedder-Policy: unknown key Cross-Origin-Embedder-Policy, it belongs to pages, and their own server sends it, remove it
""",
    ),
    Row(
        "maxAge in parts of a second",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], maxAge: 1500ms}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:67: corsPolicies.p.maxAge: "1500ms" is not whole seconds, browsers count seconds, round it
""",
    ),
    Row(
        "workers",
        """\
server: {workers: many}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:19: server.workers: "many" is not a whole number, write a number from 1 to 256, or auto
""",
    ),
    Row(
        "cors",
        """\
routes:
- {match: {path: /}, upstream: "http://a:1", cors: [a]}
- {match: {path: /a}, upstream: "http://a:1", cors: true}
""",
        """\
2:52: routes[0].cors: a list is no policy, write a name of corsPolicies, a block, or false
3:53: routes[1].cors: true is no policy, write a name of corsPolicies, a block, or false
""",
    ),
    Row(
        "missingOrigin",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], missingOrigin: {from: [Cookie]}}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:82: corsPolicies.p.missingOrigin.from[0]: "Cookie" is no choice for from, write X-Original-Origin, Referer or Host
""",
    ),
)

ADDRESSES = (
    Row(
        "listeners without a port",
        """\
server: {listen: localhost}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:18: server.listen: "localhost" has no port, write "localhost:8080"
""",
    ),
    Row(
        "listeners that are a number",
        """\
server: {listen: 8080}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:18: server.listen: 8080 has no colon, it could be a host or a port, write ":8080"
""",
    ),
    Row(
        "listeners that are a number in a list, or no port",
        """\
server: {listen: [8080, 99999, "99999", {address: 8080}, {address: true}]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:19: server.listen[0]: 8080 has no colon, it could be a host or a port, write ":8080"
1:25: server.listen[1]: 99999 has a bad port, write a port from 1 to 65535
1:32: server.listen[2]: "99999" has a bad port, write a port from 1 to 65535
1:51: server.listen[3].address: 8080 has no colon, it could be a host or a port, write ":8080"
1:68: server.listen[4].address: true is not text, YAML reads it as true or false, put it in quotes
""",
    ),
    Row(
        "listeners whose IPv6 address lacks brackets",
        """\
server: {listen: ["[::1:8080", "::1:8080", "::1]:8080", "[::1]8080", "a b"]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:19: server.listen[0]: "[::1:8080" lacks a bracket, did you mean "[::1]:8080"?
1:32: server.listen[1]: "::1:8080" has an IPv6 address without brackets, did you mean "[::1]:8080"?
1:44: server.listen[2]: "::1]:8080" lacks a bracket, did you mean "[::1]:8080"?
1:57: server.listen[3]: "[::1]8080" has a bad host, write a name, an IPv4 address, or an IPv6 address in brackets
1:70: server.listen[4]: "a b" has a bad host, write a name, an IPv4 address, or an IPv6 address in brackets
""",
    ),
    Row(
        "listeners that are a number in quotes",
        """\
server: {listen: "8080"}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:18: server.listen: "8080" has no colon, it could be a host or a port, write ":8080"
""",
    ),
    Row(
        "listeners that are a URL",
        """\
server: {listen: ["http://0.0.0.0:8080/"]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:19: server.listen[0]: "http://0.0.0.0:8080/" is a URL, a listener is an address, did you mean "0.0.0.0:8080"?
""",
    ),
    Row(
        "no listener",
        """\
server: {listen: []}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:18: server.listen: the list is empty, name one listener, or remove the key
""",
    ),
    Row(
        "a listener's block outside a list",
        """\
server: {listen: {address: ":1"}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:10: server.listen: listen is a block, blocks stand in a list, put "- " before it
""",
    ),
    Row(
        "an admin listener that cannot be",
        """\
server: {listen: ":9901"}
admin: {listen: 127.0.0.1:9901, hosts: ["a.example:1"], port: 1}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
2:17: admin.listen: "127.0.0.1:9901" clashes with ":9901", ":9901" takes every address of this port, keep one of them, or choose another port
2:41: admin.hosts[0]: "a.example:1" has a port, requests match by host on every port, write "a.example"
2:57: admin.port: unknown key port, did you mean listen?
""",
    ),
    Row(
        "no admin listener at all",
        """\
admin: true
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:8: admin: true is no choice for admin, write {listen: 127.0.0.1:9901}, or false
""",
    ),
    Row(
        "listeners that clash",
        """\
server:
  listen: [":1", 0.0.0.0:1, 127.0.0.1:1, "[::]:1", "[::1]:1", "[::]:2", {address: 127.0.0.1:2}, 127.0.0.1:3, ":3", unix:/a, unix:/a, LocalHost:4, localhost:4, "[::1]:5", "[0::1]:5", "[::1]:5"]
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
2:18: server.listen[1]: "0.0.0.0:1" is ":1" again, remove one
2:29: server.listen[2]: "127.0.0.1:1" clashes with ":1", ":1" takes every address of this port, keep one of them, or choose another port
2:52: server.listen[4]: "[::1]:1" clashes with "[::]:1", "[::]:1" takes every address of this port, keep one of them, or choose another port
2:83: server.listen[6].address: "127.0.0.1:2" clashes with "[::]:2", "[::]:2" takes every address of this port, keep one of them, or choose another port
2:110: server.listen[8]: ":3" clashes with "127.0.0.1:3", ":3" takes every address of this port, keep one of them, or choose another port
2:125: server.listen[10]: "unix:/a" is there twice, remove one
2:147: server.listen[12]: "localhost:4" is "LocalHost:4" again, remove one
2:171: server.listen[14]: "[0::1]:5" is "[::1]:5" again, remove one
2:183: server.listen[15]: "[::1]:5" is there twice, remove one
""",
    ),
    Row(
        "blocks of listeners, and their tls",
        """\
server:
  listen:
    - {tls: false}
    - {adress: ":1"}
    - {address: ":2", tls: true}
    - {address: ":3", tls: {}}
    - {address: ":4", tls: {certificate: 5, key: ""}}
    - [a]
    - {tls: {certificate: gone.pem, key: k}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
3:7: server.listen[0]: address is missing, write address: host:port
4:8: server.listen[1].adress: unknown key adress, did you mean address?
5:28: server.listen[2].tls: true is no choice for tls, a listener proves itself with a certificate, write {certificate: cert.pem, key: key.pem}, or false
6:28: server.listen[3].tls: certificate is missing, a listener proves itself with a certificate and its key, write certificate: cert.pem
6:28: server.listen[3].tls: key is missing, a listener proves itself with a certificate and its key, write key: key.pem
7:42: server.listen[4].tls.certificate: 5 is not text, YAML reads it as a number, put it in quotes
7:45: server.listen[4].tls.key: key is empty, write the path of the file
8:7: server.listen[5]: listen is a list, text is expected, write a single value
9:7: server.listen[6]: address is missing, write address: host:port
9:27: server.listen[6].tls.certificate: "gone.pem" is not there, looked for at "/conf/gone.pem", put it
""",
    ),
    Row(
        "files of certificates and keys, all at once",
        """\
server:
  listen: [":1", {address: ":2", tls: {certificate: gone.pem, key: /conf/other.key}}]
  tls: {certificate: /conf/gone.pem, key: "-----BEGIN PRIVATE KEY----- Tr0ub4dor"}
routes: [{match: {path: /}, upstream: "a", cors: false}]
""",
        """\
2:53: server.listen[1].tls.certificate: "gone.pem" is not there, looked for at "/conf/gone.pem", put it
2:68: server.listen[1].tls.key: "/conf/other.key" does not belong, name another
3:38: server.tls.key: key is no file's name, what stands here is the content of one, or too long, write the path of the file
4:39: routes[0].upstream: "a" has no scheme, did you mean "http://a"?
""",
    ),
    Row(
        "the text of a key where its file belongs",
        """\
server:
  tls: {certificate: "${file:/secret}", key: "-----BEGIN ${SECRET}"}
  listen: [":1", {address: ":2", tls: {certificate: "${SECRET}", key: "${SECRET}"}}]
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
2:41: server.tls.key: key is no file's name, what stands here is the content of one, or too long, write the path of the file
3:53: server.listen[1].tls.certificate: ${SECRET} is away, looked for at ${SECRET}, put it
""",
    ),
    Row(
        "trusted proxies",
        """\
server: {trustedProxies: [10.0.0.1/8, localhost, "*", 0.0.0.0/0]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:27: server.trustedProxies[0]: "10.0.0.1/8" names two things, its address is not the first of its network, did you mean "10.0.0.0/8"?
1:39: server.trustedProxies[1]: "localhost" is not a network, write it like 10.0.0.0/8 or fd00::/8, or unix for unix sockets
1:50: server.trustedProxies[2]: "*" is not a network, write 0.0.0.0/0 and ::/0 if every peer is really to be trusted
1:55: server.trustedProxies[3]: warning: "0.0.0.0/0" trusts everyone, any client can then forge X-Forwarded-For, -Proto and -Host, name the proxies' networks
""",
    ),
    Row(
        "the public origin",
        """\
server: {publicOrigin: https://Www.example.com/}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:24: server.publicOrigin: "https://Www.example.com/" is no origin, an origin is http(s)://host[:port], did you mean "https://www.example.com"?
""",
    ),
    Row(
        "upstreams",
        """\
routes:
- {match: {path: /0}, upstream: "localhost:5000", cors: false}
- {match: {path: /1}, upstream: "ftp://a", cors: false}
- {match: {path: /2}, upstream: "http://user:pass@a", cors: false}
- {match: {path: /3}, upstream: "http://a/?x=1", cors: false}
- {match: {path: /4}, upstream: "http://a:0", cors: false}
- {match: {path: /5}, upstream: "http://a:99999", cors: false}
- {match: {path: /6}, upstream: "http://", cors: false}
- {match: {path: /7}, upstream: "http://a b", cors: false}
- {match: {path: /8}, upstream: "http://ä.example", cors: false}
- {match: {path: /9}, upstream: "http://300.1.1.1", cors: false}
- {match: {path: /10}, upstream: "http://[::g]", cors: false}
- {match: {path: /11}, upstream: "http://a/../b", cors: false}
- {match: {path: /12}, upstream: "unix://run/a", cors: false}
- {match: {path: /13}, upstream: "unix:a", cors: false}
- {match: {path: /14}, upstream: "", cors: false}
""",
        """\
2:33: routes[0].upstream: "localhost:5000" has no scheme, did you mean "http://localhost:5000"?
3:33: routes[1].upstream: "ftp://a" has a scheme that is no upstream's, write http://host:port, https://host or unix:/path
4:33: routes[2].upstream: the URL holds a user name or password, what stands in a URL shows in logs and status pages, send it with upstream.headers.set, for example Authorization
5:33: routes[3].upstream: "http://a/?x=1" has a query or a fragment, the query is the client's, remove it
6:33: routes[4].upstream: "http://a:0" has a bad port, write a port from 1 to 65535
7:33: routes[5].upstream: "http://a:99999" has a bad port, write a port from 1 to 65535
8:33: routes[6].upstream: "http://" has no host, write a name, an IPv4 address, or an IPv6 address in brackets
9:33: routes[7].upstream: "http://a b" has a bad host, write a name, an IPv4 address, or an IPv6 address in brackets
10:33: routes[8].upstream: "http://ä.example" has a host that is not ASCII, DNS has ASCII names, write "xn--4ca.example"
11:33: routes[9].upstream: "http://300.1.1.1" has a bad IPv4 address, write a name, an IPv4 address, or an IPv6 address in brackets
12:34: routes[10].upstream: "http://[::g]" has a bad IPv6 address, write a name, an IPv4 address, or an IPv6 address in brackets
13:34: routes[11].upstream: "http://a/../b" has a path that is not clear, write it percent-encoded, without //, . and ..
14:34: routes[12].upstream: "unix://run/a" has slashes too many, write "unix:/run/a"
15:34: routes[13].upstream: "unix:a" is no unix socket, write unix:/absolute/path
16:34: routes[14].upstream: "" has no scheme, write http://host:port
""",
    ),
    Row(
        "upstreams whose scheme is not quite one",
        """\
routes:
- {match: {path: /0}, upstream: "https:/localhost:5000", cors: false}
- {match: {path: /1}, upstream: "http:/localhost:5000/a", cors: false}
- {match: {path: /2}, upstream: "http:localhost:5000", cors: false}
- {match: {path: /3}, upstream: "http:/", cors: false}
- {match: {path: /4}, upstream: "http:/user:Tr0ub4dor@a", cors: false}
- {match: {path: /5}, upstream: "http:5000", cors: false}
- {match: {path: /6}, upstream: "htps://localhost:5000/a", cors: false}
- {match: {path: /7}, upstream: "HTTPSS://localhost:5000", cors: false}
- {match: {path: /8}, upstream: "htp://localhost:5000", cors: false}
- {match: {path: /9}, upstream: "htp://", cors: false}
- {match: {path: /a}, upstream: "ws://localhost:5000", cors: false}
- {match: {path: /b}, upstream: "wss://localhost/a", cors: false}
""",
        """\
2:33: routes[0].upstream: "https:/localhost:5000" lacks a slash, did you mean "https://localhost:5000"?
3:33: routes[1].upstream: "http:/localhost:5000/a" lacks a slash, did you mean "http://localhost:5000/a"?
4:33: routes[2].upstream: "http:localhost:5000" lacks two slashes, did you mean "http://localhost:5000"?
5:33: routes[3].upstream: "http:/" lacks a slash, write http://host
6:33: routes[4].upstream: the URL holds a user name or password, what stands in a URL shows in logs and status pages, send it with upstream.headers.set, for example Authorization
7:33: routes[5].upstream: "http:5000" has no scheme, did you mean "http://http:5000"?
8:33: routes[6].upstream: "htps://localhost:5000/a" has a scheme that is no upstream's, did you mean "https://localhost:5000/a"?
9:33: routes[7].upstream: "HTTPSS://localhost:5000" has a scheme that is no upstream's, did you mean "https://localhost:5000"?
10:33: routes[8].upstream: "htp://localhost:5000" has a scheme that is no upstream's, did you mean "http://localhost:5000"?
11:33: routes[9].upstream: "htp://" has a scheme that is no upstream's, write http://host:port, https://host or unix:/path
12:33: routes[10].upstream: "ws://localhost:5000" has a scheme that is no upstream's, WebSocket passes through http, write "http://localhost:5000"
13:33: routes[11].upstream: "wss://localhost/a" has a scheme that is no upstream's, WebSocket passes through https, write "https://localhost/a"
""",
    ),
    Row(
        "IPv6 addresses of APIs and routes that lack brackets",
        """\
routes:
- {match: {path: /0, host: "::1"}, upstream: "http://::1:5000", cors: false}
- {match: {path: /1, host: "[::1"}, upstream: "https://[::1:5000", cors: false}
- {match: {path: /2}, upstream: "http://fe80::1/a", cors: false}
- {match: {path: /3}, upstream: {url: "http://[::1", host: "::1"}, cors: false}
""",
        """\
2:28: routes[0].match.host: "::1" has an IPv6 address without brackets, did you mean "[::1]"?
2:46: routes[0].upstream: "http://::1:5000" has an IPv6 address without brackets, did you mean "http://[::1]:5000"?
3:28: routes[1].match.host: "[::1" lacks a bracket, did you mean "[::1]"?
3:47: routes[1].upstream: "https://[::1:5000" lacks a bracket, did you mean "https://[::1]:5000"?
4:33: routes[2].upstream: "http://fe80::1/a" has an IPv6 address without brackets, did you mean "http://[fe80::1]"?
5:39: routes[3].upstream.url: "http://[::1" lacks a bracket, did you mean "http://[::1]"?
5:60: routes[3].upstream.host: "::1" has an IPv6 address without brackets, did you mean "[::1]"?
""",
    ),
    Row(
        "paths",
        """\
routes:
- {match: {path: "api"}, upstream: "http://a:1", cors: false}
- {match: {path: "/api/*"}, upstream: "http://a:1", cors: false}
- {match: {path: "/a?b"}, upstream: "http://a:1", cors: false}
- {match: {path: "/a b"}, upstream: "http://a:1", cors: false}
- {match: {path: "/a//b"}, upstream: "http://a:1", cors: false}
- {match: {path: "/a/../b"}, upstream: "http://a:1", cors: false}
- {match: {path: "/a%2Fb"}, upstream: "http://a:1", cors: false}
- {match: {path: "/a;b"}, upstream: "http://a:1", cors: false}
- {match: {path: "/ä"}, upstream: "http://a:1", cors: false}
- {match: {path: "https://a.example/b"}, upstream: "http://a:1", cors: false}
- {match: {path: ""}, upstream: "http://a:1", cors: false}
""",
        """\
2:18: routes[0].match.path: "api" does not begin with /, write "/api"
3:18: routes[1].match.path: "/api/*" has a wildcard, a path matches all that is below it, whole segments only, write "/api"
4:18: routes[2].match.path: "/a?b" has a query or a fragment, routes are chosen by path only, remove it
5:18: routes[3].match.path: "/a b" is not percent-encoded, a path is compared as it stands on the wire, encode it: é is %C3%A9
6:18: routes[4].match.path: "/a//b" is ambiguous, servers read //, ;, dot segments and encoded slashes or dots in different ways, write the plain path
7:18: routes[5].match.path: "/a/../b" is ambiguous, servers read //, ;, dot segments and encoded slashes or dots in different ways, write the plain path
8:18: routes[6].match.path: "/a%2Fb" is ambiguous, servers read //, ;, dot segments and encoded slashes or dots in different ways, write the plain path
9:18: routes[7].match.path: "/a;b" is ambiguous, servers read //, ;, dot segments and encoded slashes or dots in different ways, write the plain path
10:18: routes[8].match.path: "/ä" is not percent-encoded, a path is compared as it stands on the wire, encode it: é is %C3%A9
11:18: routes[9].match.path: "https://a.example/b" is a URL, write the path here and the host under match.host
12:18: routes[10].match.path: "" does not begin with /, write "/"
""",
    ),
    Row(
        "hosts",
        """\
routes:
- {match: {path: /, host: "*.example.com"}, upstream: "http://a:1", cors: false}
- {match: {path: /, host: "a.example.com:80"}, upstream: "http://a:1", cors: false}
- {match: {path: /, host: "https://a.example.com/"}, upstream: "http://a:1", cors: false}
- {match: {path: /, host: "a..b"}, upstream: "http://a:1", cors: false}
- {match: {path: /, host: "ä.example"}, upstream: "http://a:1", cors: false}
- {match: {path: /, host: "https://u@b.example.com:80?"}, upstream: "http://a:1", cors: false}
- {match: {path: /, host: "https://"}, upstream: "http://a:1", cors: false}
""",
        """\
2:27: routes[0].match.host: "*.example.com" has a wildcard, a route is for one host or, without the key, for all, write one route for each host
3:27: routes[1].match.host: "a.example.com:80" has a port, requests match by host on every port, write "a.example.com"
4:27: routes[2].match.host: "https://a.example.com/" is a URL, a host is a name or an address, did you mean "a.example.com"?
5:27: routes[3].match.host: "a..b" has a bad host, write a name, an IPv4 address, or an IPv6 address in brackets
6:27: routes[4].match.host: "ä.example" has a host that is not ASCII, DNS has ASCII names, write "xn--4ca.example"
7:27: routes[5].match.host: "https://u@b.example.com:80?" is a URL, a host is a name or an address, did you mean "b.example.com"?
8:27: routes[6].match.host: "https://" is a URL, a host is a name or an address, write the host alone
""",
    ),
    Row(
        "the host an API sees",
        """\
routes:
- {match: {path: /}, upstream: {url: "http://a:1", host: "a b", origin: a.example.com}, cors: false}
- {match: {path: /a}, upstream: {url: "http://a:1", host: "https://b:1/"}, cors: false}
""",
        """\
2:58: routes[0].upstream.host: "a b" has a bad host, write a name, an IPv4 address, or an IPv6 address in brackets
2:73: routes[0].upstream.origin: "a.example.com" is no origin, an origin is scheme://host[:port], did you mean "https://a.example.com"?
3:59: routes[1].upstream.host: "https://b:1/" is a URL, a Host is host or host:port, did you mean "b:1"?
""",
    ),
)

ROUTES = (
    Row(
        "no routes",
        """\
log: {level: info}
""",
        """\
1:1: routes: there is no route, nothing would be served, write routes: and below it - {match: {path: /}, upstream: URL, cors: POLICY}
""",
    ),
    Row(
        "an empty list of routes",
        """\
routes: []
""",
        """\
1:9: routes: there is no route, nothing would be served, write routes: and below it - {match: {path: /}, upstream: URL, cors: POLICY}
""",
    ),
    Row(
        "what a route must have",
        """\
routes:
- {}
- {match: {host: a}, upstream: {}, cors: false}
- {match: {path: /}, upstream: {stripPrefix: true}, cors: false}
""",
        """\
2:3: routes[0].match.path: match.path is missing, a route is chosen by its path, write match: {path: /} to take everything
2:3: routes[0].cors: cors is missing, neither the route nor defaults.cors says who may call it, add cors: with a policy, or cors: false to leave CORS to the API
2:3: routes[0].upstream: upstream is missing, a route leads to an API, or to files, write upstream: http://host:port, or files: {root: ./dist}
3:11: routes[1].match.path: match.path is missing, a route is chosen by its path, write match: {path: /} to take everything
3:32: routes[1].upstream.url: url is missing, a route leads to an API, write url: http://host:port
4:32: routes[2].upstream.url: url is missing, a route leads to an API, write url: http://host:port
""",
    ),
    Row(
        "neither cors nor a default",
        """\
routes:
- {match: {path: /}, upstream: "http://a:1"}
""",
        """\
2:3: routes[0].cors: cors is missing, neither the route nor defaults.cors says who may call it, add cors: with a policy, or cors: false to leave CORS to the API
""",
    ),
    Row(
        "an unknown policy",
        """\
corsPolicies: {spa: {allowOrigins: [https://a.example.com]}}
routes:
- {match: {path: /}, upstream: "http://a:1", cors: spaa}
- {match: {path: /a}, upstream: "http://a:1", cors: spa}
""",
        """\
3:52: routes[0].cors: "spaa" is unknown, no policy under corsPolicies has that name, did you mean spa?
""",
    ),
    Row(
        "an unknown policy where there are none",
        """\
defaults: {cors: spa}
routes: [{match: {path: /}, upstream: "http://a:1"}]
""",
        """\
1:18: defaults.cors: "spa" is unknown, no policy under corsPolicies has that name, write it there, or a block here
""",
    ),
    Row(
        "names that are taken or none",
        """\
routes:
- {name: a, match: {path: /0}, upstream: "http://a:1", cors: false}
- {name: a, match: {path: /1}, upstream: "http://a:1", cors: false}
- {name: a b, match: {path: /2}, upstream: "http://a:1", cors: false}
- {name: '', match: {path: /3}, upstream: "http://a:1", cors: false}
""",
        """\
3:10: routes[1].name: "a" is taken, routes[0] has that name, give it another
4:10: routes[2].name: "a b" is no name, it labels logs and metrics, use up to 64 letters, digits and _ . : / -
5:10: routes[3].name: "" is no name, it labels logs and metrics, use up to 64 letters, digits and _ . : / -
""",
    ),
    Row(
        "the same route twice",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false}
- {match: {path: /a/}, upstream: "http://b:1", cors: false}
""",
        """\
3:11: routes[1].match: the route is unreachable, routes[0] takes all that it matches, remove it, or give it other methods, another host or path
""",
    ),
    Row(
        "a route whose methods are taken",
        """\
routes:
- {match: {path: /a, methods: [GET, PUT]}, upstream: "http://a:1", cors: false}
- {match: {path: /a, methods: [PUT]}, upstream: "http://b:1", cors: false}
""",
        """\
3:11: routes[1].match: the route is unreachable, routes[0] takes PUT on this path, remove it, or give it other methods, another host or path
""",
    ),
    Row(
        "methods",
        """\
routes:
- {match: {path: /a, methods: [get, CONNECT, "A B", é]}, upstream: "http://a:1", cors: false}
- {match: {path: /b, methods: []}, upstream: "http://a:1", cors: false}
- {match: {path: /c, methods: ["*"]}, upstream: "http://a:1", cors: false}
- {match: {path: /d, methods: [BREW, BREW]}, upstream: "http://a:1", cors: false}
""",
        """\
2:32: routes[0].match.methods[0]: "get" is no method, methods are compared with their case, did you mean "GET"?
2:37: routes[0].match.methods[1]: "CONNECT" cannot be routed, the gateway never forwards it, remove it
2:46: routes[0].match.methods[2]: "A B" is no method, it is not a token, write a method
2:53: routes[0].match.methods[3]: "é" is no method, it is not a token, write a method
3:31: routes[1].match.methods: the list is empty, the route could never be chosen, name methods, or remove the key
4:32: routes[2].match.methods[0]: "*" is no method, methods are compared as they are, remove the key methods to take every method
5:31: routes[3].match.methods: no method of the list has an effect, the route could never be chosen, name others, or remove the key methods to take every method
5:32: routes[3].match.methods[0]: warning: "BREW" has no effect, the gateway cannot receive that method, remove it
5:38: routes[3].match.methods[1]: warning: "BREW" has no effect, it stands in the list already, remove it
""",
    ),
    Row(
        "headers to set and remove",
        'routes:\n- match: {path: /}\n  upstream:\n    url: http://a:1\n    headers:\n      set: {Host: a, X-A: "a\\r\\nb", "X B": c, x-c: 1, X-D: " d", Y: a, y: b, Transfer-Encoding: chunked, Content-Length: "5", X-Forwarded-For: a}\n      remove: [Connection, Y, "", Upgrade]\n  cors: false\n',
        """\
6:13: routes[0].upstream.headers.set.Host: "Host" cannot be set or removed, it says which site is called, use upstream.host
6:27: routes[0].upstream.headers.set.X-A: the value has a control character, a line break in it would make another header or another request, remove it
6:37: routes[0].upstream.headers.set["X B"]: "X B" is no header name, it is not a token, use letters, digits and -
6:52: routes[0].upstream.headers.set.x-c: the value is not text, YAML reads it as a number, put it in quotes
6:60: routes[0].upstream.headers.set.X-D: the value begins or ends with white space, white space around a value does not reach the upstream, remove it
6:72: routes[0].upstream.headers.set.y: y is set twice, Y is the same header, remove one
6:78: routes[0].upstream.headers.set.Transfer-Encoding: "Transfer-Encoding" cannot be set or removed, the gateway frames messages by it, remove this line
6:106: routes[0].upstream.headers.set.Content-Length: "Content-Length" cannot be set or removed, the gateway frames messages by it, remove this line
6:127: routes[0].upstream.headers.set.X-Forwarded-For: "X-Forwarded-For" cannot be set or removed, the gateway sets it, name the proxies in front under server.trustedProxies
7:16: routes[0].upstream.headers.remove[0]: "Connection" cannot be set or removed, it belongs to one connection, remove this line
7:28: routes[0].upstream.headers.remove[1]: "Y" is set and removed, setting it replaces the client's already, remove one
7:31: routes[0].upstream.headers.remove[2]: "" is no header name, it is not a token, use letters, digits and -
7:35: routes[0].upstream.headers.remove[3]: "Upgrade" cannot be set or removed, it belongs to one connection, remove this line
""",
    ),
    Row(
        "protocols to switch to",
        """\
routes:
- match: {path: /}
  upstream: {url: "http://a:1", upgrades: [WebSocket, h2c, spdy/3.1, 1, websocket]}
  cors: {allowOrigins: ["https://a.example.com"], requireOrigin: 1}
""",
        """\
3:44: routes[0].upstream.upgrades[0]: "WebSocket" is not supported, websocket is the one protocol that is let through, write websocket
3:55: routes[0].upstream.upgrades[1]: "h2c" cannot be let through, requests inside it would pass by every check, remove it
3:60: routes[0].upstream.upgrades[2]: "spdy/3.1" is not supported, websocket is the one protocol that is let through, remove it
3:70: routes[0].upstream.upgrades[3]: 1 is not text, YAML reads it as a number, put it in quotes
4:66: routes[0].cors.requireOrigin: 1 is not a boolean, write true or false
""",
    ),
    Row(
        "lists of an API that are none",
        """\
routes:
- {match: {path: /a}, upstream: {url: "http://a:1", upgrades: websocket}, cors: false}
- {match: {path: /b}, upstream: {url: "http://a:1", upgrades: false}, cors: false}
- {match: {path: /c}, upstream: {urls: "http://a:1"}, cors: false}
""",
        """\
2:63: routes[0].upstream.upgrades: "websocket" is not a list, upgrades is a list, write [websocket], or [] for none
3:63: routes[1].upstream.upgrades: false is not a list, upgrades is a list, write [websocket], or [] for none
4:40: routes[2].upstream.urls: "http://a:1" is not a list, urls is a list, such as ["http://legacy-1:5000", "http://legacy-2:5000"]
""",
    ),
    Row(
        "several urls that are not one API",
        """\
routes:
- match: {path: /a}
  upstream: {urls: ["http://a:1/x", "https://b:1/x", "http://c:1/y", "http://a:1/x/", "unix:/d"]}
  cors: false
- match: {path: /b}
  upstream: {urls: ["http://a:1", "http://b:1"], host: upstream}
  cors: false
- match: {path: /c}
  upstream: {urls: []}
  cors: false
""",
        """\
3:37: routes[0].upstream.urls[1]: "https://b:1/x" is not called like the first, all urls of an upstream are https, or none is, correct it, or make it a route of its own
3:54: routes[0].upstream.urls[2]: "http://c:1/y" has another path than the first, all urls of an upstream have one path, correct it, or make it a route of its own
3:70: routes[0].upstream.urls[3]: "http://a:1/x/" is there twice, remove one
3:87: routes[0].upstream.urls[4]: "unix:/d" has another path than the first, all urls of an upstream have one path, correct it, or make it a route of its own
6:56: routes[1].upstream.host: "upstream" could be any of several hosts, the urls are of different ones, write the host, or preserve
9:20: routes[2].upstream.urls: the list is empty, name at least one URL
""",
    ),
    Row(
        "TLS of an API",
        """\
routes:
- {match: {path: /a}, cors: false, upstream: {url: http://a, tls: {ca: ca.pem}}}
- {match: {path: /b}, cors: false, upstream: {url: https://a, tls: {certificate: c.pem}}}
- {match: {path: /c}, cors: false, upstream: {url: https://a, tls: {key: k.pem, ca: no-ca.pem}}}
- {match: {path: /d}, cors: false, upstream: {url: https://a, tls: {serverName: "b:443"}}}
- {match: {path: /e}, cors: false, upstream: {url: https://a, tls: {serverName: "*.b"}}}
- {match: {path: /f}, cors: false, upstream: {url: https://a, tls: {certificate: c.pem, key: /conf/other.key}}}
- {match: {path: /g}, cors: false, upstream: {url: https://a, tls: true}}
- {match: {path: /h}, cors: false, upstream: {url: https://a, tls: {serverName: "https://legacy.internal"}}}
- {match: {path: /i}, cors: false, upstream: {url: https://a, tls: {serverName: "https://legacy.internal:443/a"}}}
- {match: {path: /j}, cors: false, upstream: {url: https://a, tls: {serverName: "::1"}}}
- {match: {path: /k}, cors: false, upstream: {url: https://a, tls: {serverName: "a:b"}}}
""",
        """\
2:62: routes[0].upstream.tls: tls has no effect, the API is called without TLS, write https:// in the URL, or remove it
3:68: routes[1].upstream.tls: key is missing, a certificate and its key go together, write key: client-key.pem
4:68: routes[2].upstream.tls: certificate is missing, a certificate and its key go together, write certificate: client-certificate.pem
4:85: routes[2].upstream.tls.ca: "no-ca.pem" holds no certificate, name another
5:81: routes[3].upstream.tls.serverName: "b:443" has a port, a certificate is for a host, remove the port
6:81: routes[4].upstream.tls.serverName: "*.b" has a bad host, write a name, an IPv4 address, or an IPv6 address in brackets
7:94: routes[5].upstream.tls.key: "/conf/other.key" does not belong, name another
8:68: routes[6].upstream.tls: true is not a block, its keys are ca, serverName, certificate, key, write a block of keys below tls
9:81: routes[7].upstream.tls.serverName: "https://legacy.internal" is a URL, a certificate is for a host, did you mean "legacy.internal"?
10:81: routes[8].upstream.tls.serverName: "https://legacy.internal:443/a" is a URL, a certificate is for a host, did you mean "legacy.internal"?
11:81: routes[9].upstream.tls.serverName: "::1" has an IPv6 address without brackets, did you mean "[::1]"?
12:81: routes[10].upstream.tls.serverName: "a:b" has a port, a certificate is for a host, remove the port
""",
    ),
    Row(
        "keys that would switch verification off",
        """\
routes:
- {match: {path: /a}, cors: false, upstream: {url: https://a, tls: {verify: false}}}
- {match: {path: /b}, cors: false, upstream: {url: https://a, tls: {insecureSkipVerify: true}}}
- {match: {path: /c}, cors: false, upstream: {url: https://a, insecure: true}}
- {match: {path: /d}, cors: false, upstream: {url: https://a, tls: {caFile: ca.pem, sni: b}}}
""",
        """\
2:69: routes[0].upstream.tls.verify: unknown key verify, the certificate of an API is always verified, name the authority of its certificate with tls.ca, and its host with tls.serverName
3:69: routes[1].upstream.tls.insecureSkipVerify: unknown key insecureSkipVerify, the certificate of an API is always verified, name the authority of its certificate with tls.ca, and its host with tls.serverName
4:63: routes[2].upstream.insecure: unknown key insecure, the certificate of an API is always verified, name the authority of its certificate with tls.ca, and its host with tls.serverName
5:69: routes[3].upstream.tls.caFile: unknown key caFile, did you mean ca?
5:85: routes[3].upstream.tls.sni: unknown key sni, did you mean serverName?
""",
    ),
    Row(
        "url and urls",
        """\
routes: [{match: {path: /}, upstream: {url: "http://a:1", urls: ["http://a:1"]}, cors: false}]
""",
        """\
1:59: routes[0].upstream.urls: urls is one too many, url is there already, remove one
""",
    ),
)

FILES = (
    Row(
        "cookies for everybody's domains",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false, cookies: {domain: co.uk}}
- {match: {path: /b}, upstream: "http://a:1", cors: false, cookies: {domain: GitHub.io}}
- {match: {path: /c}, upstream: "http://a:1", cors: false, cookies: {domain: example.co.uk}}
""",
        """\
2:78: routes[0].cookies.domain: "co.uk" is a public suffix, anyone can register names below it, and browsers take no cookie for all of them, write a domain of your own, or remove
3:78: routes[1].cookies.domain: "GitHub.io" is a public suffix, anyone can register names below it, and browsers take no cookie for all of them, write a domain of your own, or remove
""",
    ),
    Row(
        "a folder that is not there, and one whose fallback is not",
        """\
routes:
- {match: {path: /a}, files: {root: not-built}, cors: false}
- {match: {path: /b}, files: {root: dist, fallback: gone.html}, cors: false}
- match: {path: /c}
  cors: false
  files:
    root: ./not-built/
    fallback: index.html
""",
        """\
2:37: routes[0].files.root: "not-built" is not there, looked for at "/conf/not-built", build it
3:53: routes[1].files.fallback: "gone.html" is not there, correct it
""",
    ),
    Row(
        "a fallback that leads out of its folder",
        """\
routes:
- {match: {path: /a}, files: {root: dist, fallback: ../index.html}, cors: false}
- {match: {path: /b}, files: {root: dist, fallback: a/../../x.html}, cors: false}
- {match: {path: /c}, files: {root: dist, fallback: /index.html}, cors: false}
- {match: {path: /d}, files: {root: dist, fallback: .}, cors: false}
- {match: {path: /e}, files: {root: dist, fallback: /}, cors: false}
""",
        """\
2:53: routes[0].files.fallback: "../index.html" leads out of root, only what is below it is served, name a file that is below root
3:53: routes[1].files.fallback: "a/../../x.html" leads out of root, only what is below it is served, name a file that is below root
4:53: routes[2].files.fallback: "/index.html" is absolute, it is looked for below root, write "index.html"
5:53: routes[3].files.fallback: "." leads out of root, only what is below it is served, name a file that is below root
6:53: routes[4].files.fallback: "/" is absolute, it is looked for below root, write index.html
""",
    ),
    Row(
        "a fallback whose name is never served",
        """\
routes:
- {match: {path: /a}, files: {root: dist, fallback: .index.html}, cors: false}
- {match: {path: /b}, files: {root: dist, fallback: .git/x.html}, cors: false}
- {match: {path: /c}, files: {root: dist, fallback: ./a/.b/c.html}, cors: false}
""",
        """\
2:53: routes[0].files.fallback: ".index.html" is hidden, names that begin with a dot are never served, name another file
3:53: routes[1].files.fallback: ".git/x.html" is hidden, names that begin with a dot are never served, name another file
4:53: routes[2].files.fallback: "./a/.b/c.html" is hidden, names that begin with a dot are never served, name another file
""",
    ),
    Row(
        "a folder with a secret in it: a key of a listener's or to an API, or a file of a value",
        """\
server:
  listen: [":80", {address: ":443", tls: {certificate: b/cert.pem, key: b/key.pem}}, {address: ":8443", tls: false}]
  tls: {certificate: a/cert.pem, key: a/key.pem}
log: {level: "${file:/secret/level}"}
routes:
- {match: {path: /a}, files: {root: a}, cors: false}
- {match: {path: /b}, files: {root: b}, cors: false}
- {match: {path: /c}, files: {root: c}, cors: false}
- {match: {path: /d}, files: {root: /secret}, cors: false}
- {match: {path: /e}, files: {root: e}, cors: false}
- match: {path: /f}
  cors: false
  upstream:
    url: https://a
    tls: {ca: e/ca.pem, certificate: e/cert.pem, key: c/key.pem}
""",
        """\
6:37: routes[0].files.root: "a" holds secrets, /conf/a/key.pem, move it
7:37: routes[1].files.root: "b" holds secrets, /conf/b/key.pem, move it
8:37: routes[2].files.root: "c" holds secrets, /conf/c/key.pem, move it
9:37: routes[3].files.root: "/secret" holds secrets, /secret/level, move it
""",
    ),
    Row(
        "files beside an upstream, whose own mistakes are told too",
        """\
routes:
- {match: {path: /a}, upstream: http://a:1, files: {root: dist}, cors: false}
- {match: {path: /b}, upstream: {}, files: {root: not-built}, cors: false}
""",
        """\
2:45: routes[0].files: files is one too many, upstream is there already, remove one
3:33: routes[1].upstream.url: url is missing, a route leads to an API, write url: http://host:port
3:37: routes[1].files: files is one too many, upstream is there already, remove one
3:51: routes[1].files.root: "not-built" is not there, looked for at "/conf/not-built", build it
""",
    ),
    Row(
        "health checks that ask nothing, or what cannot be asked",
        """\
routes:
- {match: {path: /a}, upstream: {url: "http://a:1", healthCheck: {}}, cors: false}
- {match: {path: /b}, upstream: {url: "http://a:1", healthCheck: {path: health}}, cors: false}
- {match: {path: /c}, upstream: {url: "http://a:1", healthCheck: {path: "http://a:1/health"}}, cors: false}
- {match: {path: /d}, upstream: {url: "http://a:1", healthCheck: {path: "/é"}}, cors: false}
- {match: {path: /e}, upstream: {url: "http://a:1", healthCheck: {path: "/a#b"}}, cors: false}
- {match: {path: /f}, upstream: {url: "http://a:1", healthCheck: {path: /a, interval: 0s, status: [99, x]}}, cors: false}
- {match: {path: /g}, upstream: {url: "http://a:1", healthCheck: /health}, cors: false}
""",
        """\
2:66: routes[0].upstream.healthCheck.path: path is missing, it says what the API is asked for, write path: /health
3:73: routes[1].upstream.healthCheck.path: "health" does not begin with /, write "/health"
4:73: routes[2].upstream.healthCheck.path: "http://a:1/health" does not begin with /, write the path alone
5:73: routes[3].upstream.healthCheck.path: "/é" is not percent-encoded, it is sent as it stands here, encode it: é is %C3%A9
6:73: routes[4].upstream.healthCheck.path: "/a#b" has a fragment, servers never see it, remove it
7:87: routes[5].upstream.healthCheck.interval: "0s" is no time to wait, write at least 1ms
7:100: routes[5].upstream.healthCheck.status[0]: 99 is out of bounds, write a number from 200 to 599
7:104: routes[5].upstream.healthCheck.status[1]: "x" is not a whole number, write a number from 200 to 599
8:66: routes[6].upstream.healthCheck: "/health" is not a block, its keys are path, interval, timeout, status, write a block of keys below healthCheck
""",
    ),
    Row(
        "files without a folder, and what is no block of files",
        """\
routes:
- {match: {path: /a}, files: {}, cors: false}
- {match: {path: /b}, files: {fallback: index.html}, cors: false}
- {match: {path: /c}, files: ./dist, cors: false}
- {match: {path: /d}, files: {root: "", fallback: ""}, cors: false}
- {match: {path: /e}, files: {root: 5}, cors: false}
- {match: {path: /f}, files: {root: "a\\nb"}, cors: false}
- {match: {path: /g}, files: , cors: false}
""",
        """\
2:30: routes[0].files.root: root is missing, it says which folder is served, write root: ./dist
3:30: routes[1].files.root: root is missing, it says which folder is served, write root: ./dist
4:30: routes[2].files: "./dist" is not a block, its keys are root, fallback, write a block of keys below files
5:31: routes[3].files.root: root is empty, write the path of a folder
5:41: routes[3].files.fallback: fallback is empty, write the path of the file
6:37: routes[4].files.root: 5 is not text, YAML reads it as a number, put it in quotes
7:31: routes[5].files.root: root is no folder's name, write the path of a folder
8:23: routes[6].files: files has no value, write one, or remove the key
""",
    ),
    Row(
        "keys of an API below files",
        """\
routes:
- {match: {path: /a}, files: {root: dist, stripPrefix: true}, cors: false}
- {match: {path: /b}, files: {dir: dist}, cors: false}
- {match: {path: /c}, static: {}, cors: false}
""",
        """\
2:43: routes[0].files.stripPrefix: unknown key stripPrefix, stripPrefix belongs to routes[].upstream, move it there
3:31: routes[1].files.dir: unknown key dir, did you mean root?
4:23: routes[2].static: unknown key static, did you mean files?
""",
    ),
    Row(
        "a folder whose name is a secret",
        """\
routes: [{match: {path: /}, files: {root: "${SECRET}/site", fallback: "../${SECRET}"}, cors: false}]
""",
        """\
1:43: routes[0].files.root: ${SECRET} is away, looked for at ${SECRET}, put it
1:71: routes[0].files.fallback: ${SECRET} leads out of root, only what is below it is served, name a file that is below root
""",
    ),
)

RESPONSE_CHANGES = (
    Row(
        "what a cookie cannot have",
        """\
routes:
- match: {path: /a}
  upstream: "http://a:1"
  cors: false
  cookies:
    domain: "*.example.com"
    path: api
    secure: true
    sameSite: none
    partitioned: remove
    httpOnly: add
  redirects: true
""",
        """\
6:13: routes[0].cookies.domain: "*.example.com" begins with a dot or a wildcard, a cookie's domain stands for all names below it, write "example.com"
7:11: routes[0].cookies.path: "api" does not begin with /, write keep, auto, or "/api"
8:13: routes[0].cookies.secure: true is no choice for secure, write keep, add or remove
9:15: routes[0].cookies.sameSite: "none" is no choice for sameSite, write keep, Lax, Strict or None
10:18: routes[0].cookies.partitioned: "remove" is no choice for partitioned, write keep or add
11:5: routes[0].cookies.httpOnly: unknown key httpOnly, the keys here are domain, path, secure, sameSite, partitioned
12:14: routes[0].redirects: true is no choice for redirects, write keep or rewrite
""",
    ),
    Row(
        "domains that no cookie has",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false, cookies: {domain: "example.com:8080"}}
- {match: {path: /b}, upstream: "http://a:1", cors: false, cookies: {domain: localhost}}
- {match: {path: /c}, upstream: "http://a:1", cors: false, cookies: {domain: 192.0.2.1}}
- {match: {path: /d}, upstream: "http://a:1", cors: false, cookies: {domain: "https://example.com/"}}
- {match: {path: /e}, upstream: "http://a:1", cors: false, cookies: {domain: drop}}
- {match: {path: /f}, upstream: "http://a:1", cors: false, cookies: {domain: "[2001:db8::1]"}}
- {match: {path: /g}, upstream: "http://a:1", cors: false, cookies: {domain: .example.com}}
- {match: {path: /h}, upstream: "http://a:1", cors: false, cookies: {domain: a b.example}}
""",
        """\
2:78: routes[0].cookies.domain: "example.com:8080" has a port, a cookie is for every port of a host, write "example.com"
3:78: routes[1].cookies.domain: "localhost" is no domain of a cookie, browsers take only a name with a dot, write keep, a domain such as example.com, or remove: then it is for one host
4:78: routes[2].cookies.domain: "192.0.2.1" is no domain of a cookie, browsers take only a name with a dot, write keep, a domain such as example.com, or remove: then it is for one host
5:78: routes[3].cookies.domain: "https://example.com/" is a URL, a host is a name or an address, did you mean "example.com"?
6:78: routes[4].cookies.domain: "drop" is no domain of a cookie, browsers take only a name with a dot, write keep, a domain such as example.com, or remove: then it is for one host
7:78: routes[5].cookies.domain: "[2001:db8::1]" is no domain of a cookie, browsers take only a name with a dot, write keep, a domain such as example.com, or remove: then it is for one host
8:78: routes[6].cookies.domain: ".example.com" begins with a dot or a wildcard, a cookie's domain stands for all names below it, write "example.com"
9:78: routes[7].cookies.domain: "a b.example" has a bad host, write a name, an IPv4 address, or an IPv6 address in brackets
""",
    ),
    Row(
        "paths that no cookie has",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false, cookies: {path: "/a;b"}}
- {match: {path: /b}, upstream: "http://a:1", cors: false, cookies: {path: /é}}
- {match: {path: /c}, upstream: "http://a:1", cors: false, cookies: {path: "/a b"}}
- {match: {path: /d}, upstream: "http://a:1", cors: false, cookies: {path: 7}}
- {match: {path: /e}, upstream: "http://a:1", cors: false, cookies: {path: "/a\\r\\nX: y"}}
""",
        """\
2:76: routes[0].cookies.path: "/a;b" is no path of a cookie, it is compared with paths as they stand on the wire, write it percent-encoded
3:76: routes[1].cookies.path: "/é" is no path of a cookie, it is compared with paths as they stand on the wire, write it percent-encoded
4:76: routes[2].cookies.path: "/a b" is no path of a cookie, it is compared with paths as they stand on the wire, write it percent-encoded
5:76: routes[3].cookies.path: 7 is not text, YAML reads it as a number, put it in quotes
6:76: routes[4].cookies.path: "/a\\r\\nX: y" is no path of a cookie, it is compared with paths as they stand on the wire, write it percent-encoded
""",
    ),
    Row(
        "cookies that every browser would refuse",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false, cookies: {sameSite: None, secure: remove}}
- {match: {path: /b}, upstream: "http://a:1", cors: false, cookies: {secure: remove, partitioned: add}}
- {match: {path: /c}, cors: false, cookies: {sameSite: None, partitioned: add, secure: remove}}
""",
        """\
2:94: routes[0].cookies.secure: "remove" contradicts sameSite: None, browsers refuse such a cookie without Secure, write secure: add
3:78: routes[1].cookies.secure: "remove" contradicts partitioned: add, browsers refuse such a cookie without Secure, write secure: add
4:3: routes[2].upstream: upstream is missing, a route leads to an API, or to files, write upstream: http://host:port, or files: {root: ./dist}
4:88: routes[2].cookies.secure: "remove" contradicts sameSite: None, browsers refuse such a cookie without Secure, write secure: add
""",
    ),
    Row(
        "changes that are no block, or nothing",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false, cookies: remove, redirects: }
- {match: {path: /b}, upstream: "http://a:1", cors: false, cookies: }
- {match: {path: /c}, upstream: "http://a:1", cors: false, cookies: {sameSite: null}}
- {match: {path: /d}, upstream: {url: "http://a:1", cookies: {domain: remove}}, cors: false}
""",
        """\
2:69: routes[0].cookies: "remove" is not a block, its keys are domain, path, secure, sameSite, partitioned, write a block of keys below cookies
2:77: routes[0].redirects: redirects has no value, write one, or remove the key
3:60: routes[1].cookies: cookies has no value, write one, or remove the key
4:70: routes[2].cookies.sameSite: sameSite has no value, write one, or remove the key
5:53: routes[3].upstream.cookies: unknown key cookies, cookies belongs to routes[], move it there
""",
    ),
)

POLICIES = (
    Row(
        "everyone with credentials",
        """\
corsPolicies: {p: {allowOrigins: ["*"], allowCredentials: true}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: …
""",
    ),
    Row(
        "no origins",
        """\
corsPolicies: {p: {allowMethods: [GET]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:19: corsPolicies.p.allowOrigins: …
""",
    ),
    Row(
        "origins with a path, a slash, upper case",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com/, https://A.example.com, https://a.example.com:443]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: …
1:59: corsPolicies.p.allowOrigins[1]: …
1:82: corsPolicies.p.allowOrigins[2]: …
""",
    ),
    Row(
        "an unsafe regular expression as a text",
        """\
corsPolicies: {p: {allowOriginRegex: "https://.*.example.com", allowCredentials: true}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:38: corsPolicies.p.allowOriginRegex: …
""",
    ),
    Row(
        "null as an origin",
        """\
corsPolicies: {p: {allowOrigins: [null]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: the item has no value, YAML reads null as nothing, for the origin null there is dangerouslyAllowNullOrigin
""",
    ),
    Row(
        "the text null as an origin",
        """\
corsPolicies: {p: {allowOrigins: ["null"]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: …
""",
    ),
    Row(
        "a plain http origin with credentials",
        """\
corsPolicies: {p: {allowOrigins: [http://a.example.com, "http://localhost:*"], allowCredentials: true}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: …
""",
    ),
    Row(
        "a wildcard over a public suffix",
        """\
corsPolicies: {p: {allowOrigins: ["https://*.github.io"], allowCredentials: true}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: …
""",
    ),
    Row(
        "problems of an inline policy stand in its block",
        """\
routes:
- match: {path: /}
  upstream: http://a:1
  cors:
    allowOrigins:
      - https://a.example.com
      - https://a.example.com/x
""",
        """\
7:9: routes[0].cors.allowOrigins[1]: …
""",
    ),
    Row(
        "indices count what was refused for its type",
        """\
corsPolicies: {p: {allowOrigins: [5, https://a.example.com, ~, https://b.example.com/x]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: 5 is not text, YAML reads it as a number, put it in quotes
1:61: corsPolicies.p.allowOrigins[2]: the item has no value, YAML reads null as nothing, for the origin null there is dangerouslyAllowNullOrigin
1:64: corsPolicies.p.allowOrigins[3]: …
""",
    ),
    Row(
        "a source named twice",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], missingOrigin: {from: [Host, Host]}, allowMethods: [TRACE]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:88: corsPolicies.p.missingOrigin.from[1]: warning: …
1:111: corsPolicies.p.allowMethods[0]: …
""",
    ),
    Row(
        "a name of a policy that was refused is known",
        """\
corsPolicies: {p: 5}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:19: corsPolicies.p: …
""",
    ),
    Row(
        "defaults that were refused are defaults",
        """\
defaults: {cors: [a]}
routes: [{match: {path: /}, upstream: "http://a:1"}]
""",
        """\
1:18: defaults.cors: …
""",
    ),
    Row(
        "urls that were refused are urls",
        """\
routes: [{match: {path: /}, upstream: {urls: ["ftp://a"]}, cors: false}]
""",
        """\
1:47: routes[0].upstream.urls[0]: …
""",
    ),
    Row(
        "problems of defaults",
        """\
defaults: {cors: {allowOrigins: [a]}}
routes: [{match: {path: /}, upstream: "http://a:1"}]
""",
        """\
1:34: defaults.cors.allowOrigins[0]: …
""",
    ),
)

SUBSTITUTIONS = (
    Row(
        "a variable that is not set",
        """\
log: {level: "${NOT_SET}"}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: the variable NOT_SET is not set, it has no default, set it, or write ${NOT_SET:-default}
""",
    ),
    Row(
        "a variable with a message",
        """\
log: {level: "${NOT_SET:?choose a level}"}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: the variable NOT_SET is not set, choose a level, set it, or write ${NOT_SET:-default}
""",
    ),
    Row(
        "an empty variable that must not be",
        """\
log: {level: "${EMPTY:?}"}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: the variable EMPTY is empty, it has no default, set it, or write ${EMPTY:-default}
""",
    ),
    Row(
        "forms that do not exist",
        """\
log: {level: "${A-b}", format: "${}", access: "${A:-${B}}"}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: "${A-b}" is no substitution, the forms are ${NAME}, ${NAME:-default}, ${NAME:?message} and ${file:/path}, write $${ for a literal ${
1:32: log.format: "${}" is no substitution, the forms are ${NAME}, ${NAME:-default}, ${NAME:?message} and ${file:/path}, write $${ for a literal ${
1:47: log.access: "${A:-${B}" is no substitution, the forms are ${NAME}, ${NAME:-default}, ${NAME:?message} and ${file:/path}, write $${ for a literal ${
""",
    ),
    Row(
        "an open brace",
        """\
log: {level: "${A"}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:14: log.level: ${ has no }, a substitution ends with }, write $${ for a literal ${
""",
    ),
    Row(
        "files",
        """\
routes: [{match: {path: /}, upstream: {url: "http://a:1", headers: {set: {A: "${file:/missing}", B: "${file:relative}", C: "${file:/binary}"}}}, cors: false}]
""",
        """\
1:78: routes[0].upstream.headers.set.A: the file /missing cannot be read, No such file or directory, correct the path or the file
1:101: routes[0].upstream.headers.set.B: ${file:relative} has no absolute path, it would depend on where the gateway is started, write ${file:/path}
1:124: routes[0].upstream.headers.set.C: the file /binary cannot be read, it is not UTF-8 text, correct the path or the file
""",
    ),
    Row(
        "secrets are not shown",
        'server: {limits: {connections: "${SECRET}"}, timeouts: {head: "${file:/secret}"}, publicOrigin: "${SECRET}", listen: "${SECRET}"}\nroutes: [{name: "${SECRET}!", match: {path: "${SECRET}"}, upstream: {url: "http://${SECRET}@a", headers: {set: {A: "${SECRET}\\n"}}}, cors: "${SECRET}"}]\n',
        """\
1:32: server.limits.connections: ${SECRET} is not a whole number, write a number from 1 to 1000000
1:63: server.timeouts.head: ${file:/secret} is not a duration, write a whole number and its unit: 250ms, 10s, 5m, 1h
1:97: server.publicOrigin: ${SECRET} is no origin, an origin is http(s)://host[:port], correct it where it is set
1:118: server.listen: ${SECRET} has no port, correct it where it is set
2:17: routes[0].name: ${SECRET} is no name, it labels logs and metrics, use up to 64 letters, digits and _ . : / -
2:45: routes[0].match.path: ${SECRET} does not begin with /, correct it where it is set
2:75: routes[0].upstream.url: the URL holds a user name or password, what stands in a URL shows in logs and status pages, send it with upstream.headers.set, for example Authorization
2:116: routes[0].upstream.headers.set.A: the value has a control character, a line break in it would make another header or another request, remove it
2:140: routes[0].cors: ${SECRET} is unknown, no policy under corsPolicies has that name, write it there, or a block here
""",
    ),
    Row(
        "secrets in a policy are not shown",
        """\
corsPolicies: {p: {allowOrigins: ["https://${SECRET}/"], allowOriginRegex: ".*${SECRET}", allowHeaders: ["${SECRET} x"], maxAge: "${SECRET}"}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:35: corsPolicies.p.allowOrigins[0]: …
1:76: corsPolicies.p.allowOriginRegex: warning: …
1:106: corsPolicies.p.allowHeaders[0]: …
1:130: corsPolicies.p.maxAge: …
""",
    ),
)

TESTS = (
    Row(
        "what a test must have",
        """\
tests:
- {}
- {path: a, expect: maybe, method: "a b", headers: {"a b": c}}
- {path: /, expect: allow, credentials: maybe}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
2:3: tests[0].path: path is missing, a test needs it, write path: /
2:3: tests[0].expect: expect is missing, a test needs it, write expect: allow or expect: deny
3:10: tests[1].path: "a" does not begin with /, a test names a path of the gateway, begin with /
3:21: tests[1].expect: "maybe" is no choice for expect, write allow or deny
3:36: tests[1].method: "a b" is no method, it is not a token, write one
3:60: tests[1].headers["a b"]: a b is no header name, it is not a token, write one
4:41: tests[2].credentials: "maybe" is not a boolean, write true or false
""",
    ),
)

WARNINGS = (
    Row(
        "changes to what no file brings",
        """\
routes: [{match: {path: /}, files: {root: dist}, cors: false, cookies: {secure: add}, redirects: rewrite}]
""",
        """\
1:63: routes[0].cookies: warning: cookies has no effect, files bring no cookies that could be changed, remove it
1:87: routes[0].redirects: warning: redirects has no effect, files bring no redirects that could be changed, remove it
""",
    ),
    Row(
        "cookies that do not change",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false, cookies: {}}
- {match: {path: /b}, upstream: "http://a:1", cors: false, cookies: {secure: keep}}
- {match: {path: /c}, upstream: "http://a:1", cors: false, cookies: {path: auto}}
- {match: {path: /}, upstream: {url: "http://a:1", stripPrefix: true}, cors: false, cookies: {path: auto}}
- {match: {path: /d}, upstream: {url: "http://a:1/d", stripPrefix: true}, cors: false, cookies: {path: auto}}
- {match: {path: /e}, upstream: {url: "http://a:1", stripPrefix: true}, cors: false, cookies: {path: auto}}
- {match: {path: /f}, upstream: {url: "http://a:1/v1"}, cors: false, cookies: {path: auto}}
""",
        """\
2:60: routes[0].cookies: warning: cookies has no effect, it changes nothing, say what is to change, or remove it
3:60: routes[1].cookies: warning: cookies has no effect, it changes nothing, say what is to change, or remove it
4:76: routes[2].cookies.path: warning: "auto" has no effect, a cookie's path is the same for the API and its clients, write stripPrefix: true below upstream, or remove it
5:101: routes[3].cookies.path: warning: "auto" has no effect, a cookie's path is the same for the API and its clients, write stripPrefix: true below upstream, or remove it
6:104: routes[4].cookies.path: warning: "auto" has no effect, a cookie's path is the same for the API and its clients, write stripPrefix: true below upstream, or remove it
""",
    ),
    Row(
        "cookies that do not change where they are not Secure",
        """\
routes:
- {match: {path: /a}, upstream: "http://a:1", cors: false, cookies: {sameSite: None, partitioned: add}}
- {match: {path: /b}, upstream: "http://a:1", cors: false, cookies: {sameSite: None, secure: add}}
- {match: {path: /c}, upstream: "http://a:1", cors: false, cookies: {sameSite: Lax, secure: remove}}
""",
        """\
2:80: routes[0].cookies.sameSite: warning: "None" has no effect on cookies without Secure, browsers would refuse them, write secure: add beside it
2:99: routes[0].cookies.partitioned: warning: "add" has no effect on cookies without Secure, browsers would refuse them, write secure: add beside it
""",
    ),
    Row(
        "a policy that nothing uses",
        """\
corsPolicies: {spa: {allowOrigins: [https://a.example.com]}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:16: corsPolicies.spa: warning: spa has no effect, no route and not defaults.cors names it, remove it, or refer to it
""",
    ),
    Row(
        "a route whose methods are taken in part",
        """\
routes:
- {match: {path: /a, methods: [GET, PUT]}, upstream: "http://a:1", cors: false}
- {match: {path: /a, methods: [PUT, POST]}, upstream: "http://b:1", cors: false}
""",
        """\
3:31: routes[1].match.methods: warning: PUT never gets here, routes[0] takes it on this path, remove it from one of them
""",
    ),
    Row(
        "methods that change nothing",
        """\
routes:
- {match: {path: /a, methods: [GET, GET, BREW]}, upstream: "http://a:1", cors: false}
""",
        """\
2:37: routes[0].match.methods[1]: warning: "GET" has no effect, it stands in the list already, remove it
2:42: routes[0].match.methods[2]: warning: "BREW" has no effect, the gateway cannot receive that method, remove it
""",
    ),
    Row(
        "everyone is trusted",
        """\
server: {trustedProxies: ["::/0"]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:27: server.trustedProxies[0]: warning: "::/0" trusts everyone, any client can then forge X-Forwarded-For, -Proto and -Host, name the proxies' networks
""",
    ),
    Row(
        "a certificate that has expired",
        """\
server: {tls: {certificate: old.pem, key: k.pem}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:29: server.tls.certificate: warning: "old.pem" has expired, long ago, renew it
""",
    ),
    Row(
        "whoever sees a certificate that has expired may refuse it",
        """\
server: {tls: {certificate: past.pem, key: k.pem}}
routes:
- match: {path: /}
  upstream: {url: "https://a", tls: {certificate: past.pem, key: k.pem}}
  cors: false
""",
        """\
1:29: server.tls.certificate: warning: "past.pem" has expired, renew: clients refuse it
4:51: routes[0].upstream.tls.certificate: warning: "past.pem" has expired, renew: the API may refuse it
""",
    ),
    Row(
        "a certificate that nothing uses",
        """\
server: {tls: {certificate: c.pem, key: k.pem}, listen: ["unix:/a", {address: ":1", tls: false}]}
routes: [{match: {path: /}, upstream: "http://a:1", cors: false}]
""",
        """\
1:10: server.tls: warning: tls has no effect, every listener is a unix socket or has a tls of its own, remove it, or give a unix socket a block with tls
""",
    ),
    Row(
        "a maxAge from another proxy",
        """\
corsPolicies: {p: {allowOrigins: [https://a.example.com], maxAge: 1728000}}
routes: [{match: {path: /}, upstream: "http://a:1", cors: p}]
""",
        """\
1:67: corsPolicies.p.maxAge: warning: …
""",
    ),
)

INVALID: tuple[Row, ...] = (
    *YAML,
    *KEYS,
    *TYPES,
    *ADDRESSES,
    *ROUTES,
    *FILES,
    *RESPONSE_CHANGES,
    *POLICIES,
    *SUBSTITUTIONS,
    *TESTS,
)
"""Rows with at least one error."""

WARNED: tuple[Row, ...] = WARNINGS
"""Rows that load, with warnings."""
