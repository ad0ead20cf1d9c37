"""Any text is a configuration, or has mistakes with places in it; it is never a traceback.

The texts are random ones, the configurations of this repository with a few bytes or lines changed,
and trees of the real keys with values that do not belong there.
"""

import copy
import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import event, example, given
from hypothesis import strategies as st

from cors_gateway.config.load import Loaded, load
from cors_gateway.config.problems import Severity, render_github, render_json, render_text
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.config.render import render
from cors_gateway.differences.compare import compare
from cors_gateway.messages.heads import RequestHead
from cors_gateway.plan import plan
from cors_gateway.planned import Peer
from cors_gateway.process.control import pack_snapshot, unpack_snapshot
from tests.cases.configs import FakeReader
from tests.fuzz.effort import fuzzed

ROOT = Path(__file__).parents[2]
SHIPPED = [
    path.read_bytes()
    for path in (ROOT / "config/gateway.yaml", *sorted(ROOT.glob("examples/*/gateway.yaml")))
]
TREE: dict[str, Any] = {
    "server": {
        "listen": [
            "127.0.0.1:8080",
            {"address": ":8443", "tls": {"certificate": "c.pem", "key": "k.pem"}},
        ],
        "workers": "auto",
        "publicOrigin": "https://www.example.com",
        "trustedProxies": ["10.0.0.0/8", "unix"],
        "limits": {"connections": 10, "target": "8KiB", "content": "none"},
        "timeouts": {"head": "10s", "content": "30s"},
        "drain": {"delay": "0s"},
    },
    "admin": {"listen": "127.0.0.1:9901", "hosts": ["a.example"]},
    "log": {"level": "info", "format": "json", "access": True},
    "corsPolicies": {
        "spa": {
            "allowOrigins": [
                "https://app.example.com",
                "https://*.preview.example.com",
                "http://localhost:*",
            ],
            "allowOriginRegex": ["https://(app|admin)-[0-9]+\\.example\\.com"],
            "allowMethods": ["GET", "PUT"],
            "allowHeaders": ["Content-Type", "X-Requested-With"],
            "exposeHeaders": ["X-Total-Count"],
            "allowCredentials": True,
            "maxAge": 600,
            "missingOrigin": {"from": ["Referer", "Host"]},
        },
    },
    "defaults": {"cors": "spa"},
    "routes": [
        {
            "name": "api",
            "match": {"path": "/api", "host": "api.example.com", "methods": ["GET", "POST"]},
            "upstream": {
                "url": "http://legacy:5000/base",
                "stripPrefix": True,
                "host": "upstream",
                "origin": "drop",
                "timeouts": {"connect": "3s", "tunnel": "1h"},
                "upgrades": ["websocket"],
                "headers": {"set": {"X-Api-Key": "${KEY}"}, "remove": ["X-Debug"]},
                "pool": {"connections": 5, "idle": "15s"},
            },
            "cors": {"allowOrigins": ["https://other.example"]},
            "cookies": {"domain": "remove", "path": "auto", "secure": "add", "sameSite": "None"},
            "redirects": "rewrite",
        },
        {
            "match": {"path": "/site"},
            "files": {"root": "./dist", "fallback": "index.html"},
            "cors": False,
        },
        {"match": {"path": "/"}, "upstream": {"urls": ["http://a:1", "http://b:2"]}},
    ],
    "tests": [
        {"origin": "https://app.example.com", "method": "PUT", "path": "/x", "expect": "allow"}
    ],
}
READER = FakeReader(env={"KEY": "Tr0ub4dor", "LEGACY_API_URL": "http://legacy:5000"})
PIECES = [
    b"\t", b"\n", b"\r", b": ", b":", b"- ", b"-", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"!!python/object:os.system ", b"!!binary ",
    b"<<: *a", b"'", b'"', b"|", b">", b"---\n", b"...\n", b"%YAML 1.1\n", b"# ", b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xc2\x85",
    b"\xe2\x80\xa8", b"\xe2\x80\xae", b"${KEY}", b"${NO}", b"${NO:-x}", b"${NO:?y}", b"${file:/x}", b"$$", b"${", b"?", b"? ", b"null", b"yes", b"0x1f",
    b"1e9", b"-1", b".inf", b"~", b"\\", b"\\x00", b"\xed\xa0\x80", b"      ", b"@", b"`", b"=",
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**70, 0.5, float("inf"), "", " ", "*", "null", "x", "/", "//", "a b", "http://", "http://a:b", "https://",
    "http://user:pw@a/", "http://a?x", "unix:/s", "unix:", "[::1]:80", ":80", "localhost:99999", "10s", "1KiB", "-1s", "1e3s", "none", "auto",
    "https://*", "https://*.com", "https://*.github.io", "http://*:*", "https://app.example.com/", "HTTPS://APP", "https://bücher.example",
    "(", "[", "(a+)+", "https://.*", "a{1000}{1000}", "\\", "\0", "\n", "é", "\ud7ff", "a" * 3000, [], {}, [[]], [None], {"": None},
    ["*"], ["x", "x"], {"x": "y"}, {"path": "/%2e"}, "${NO}", "${NO:-a}", "${file:/none}", "spa", "GET", ["CONNECT"], ["GET "], "rewrite",
    "remove", "keep", "10.0.0.0/8", "0.0.0.0/0", "300.0.0.1", "fe80::1%eth0", "drop", "upstream", "Content-Length", ["Host", "Connection"],
]  # fmt: skip


def paths_in(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        found += paths_in(value, (*path, key))
    return found


PATHS = paths_in(TREE)
KEYS = sorted({str(path[-1]) for path in PATHS if isinstance(path[-1], str)})


@st.composite
def trees(draw: st.DrawFn) -> bytes:
    """Draw the tree with a few values exchanged, removed or put where they do not belong."""
    tree = copy.deepcopy(TREE)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(PATHS))
        node: Any = tree
        try:
            for part in parents:
                node = node[part]
            match draw(st.integers(0, 5)):
                case 0:
                    del node[last]
                case 1 if isinstance(node, dict):
                    node[draw(st.sampled_from(KEYS))] = draw(st.sampled_from(ODD))
                case 2 if isinstance(node, list):
                    node.append(draw(st.sampled_from(ODD)))
                case _:
                    node[last] = draw(st.sampled_from(ODD))
        except (KeyError, IndexError, TypeError):
            continue  # what was changed before has taken the place away
    return yaml.safe_dump(tree, allow_unicode=draw(st.booleans())).encode("utf-8", "surrogatepass")


@st.composite
def changed_texts(draw: st.DrawFn) -> bytes:
    """Draw a configuration of the repository with bytes or lines changed."""
    text = draw(st.sampled_from(SHIPPED))
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            at = draw(st.integers(0, len(text)))
            upto = at + draw(st.integers(0, 6))
            text = text[:at] + draw(st.sampled_from(PIECES) | st.binary(max_size=3)) + text[upto:]
        else:
            lines = text.splitlines(keepends=True)
            at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
            line = lines[at] if draw(st.booleans()) else lines.pop(at)
            lines.insert(to, b"  " * draw(st.integers(0, 2)) + line)
            text = b"".join(lines)
    return text


def loaded(text: bytes | str) -> Loaded:
    return load(text, "f.yaml", READER, is_public_suffix, is_registry_suffix)


BASE = loaded(yaml.safe_dump(TREE))


def assert_understood(text: bytes | str) -> None:
    result = loaded(text)
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    last_line = len(content.decode("utf-8", "replace").splitlines()) + 1
    errors = [each for each in result.problems if each.severity is Severity.ERROR]
    event("errors" if errors else "loaded")
    assert (result.snapshot is None) == bool(errors)
    for problem in result.problems:
        assert problem.position.source == "f.yaml"
        # YAML ends lines in more ways than splitlines() of a damaged text agrees with.
        assert 1 <= problem.position.line <= last_line + content.count(b"\r")
        assert problem.position.column >= 1
        assert problem.what
    said = render_text(result.problems)
    assert said.count("\n") == len(result.problems), "one line for each"
    assert said.replace("\n", "").isprintable(), "nothing that moves a cursor"
    assert "Tr0ub4dor" not in said
    assert len(json.loads(render_json(result.problems))) == len(result.problems)
    assert render_github(result.problems).count("\n") == len(result.problems)
    if result.snapshot is not None:
        assert_usable(result)
        if b"${KEY}" not in content.replace(b"X-Api-Key: ${KEY}", b""):
            # A name or a path is said where it changes, wherever it comes from.
            assert "Tr0ub4dor" not in said_of_changes(result)


def said_of_changes(result: Loaded) -> str:
    assert compare(result, result) == ()
    differences = [*compare(BASE, result), *compare(result, BASE)]
    assert all(each.text.isprintable() for each in differences)
    return "\n".join(each.text for each in differences)


def assert_usable(result: Loaded) -> None:
    """Hold that a configuration that loads is one: it travels, decides, and is written again."""
    assert result.snapshot is not None
    snapshot = unpack_snapshot(pack_snapshot(result.snapshot))
    fields = ((b"Host", b"api.example.com"), (b"Origin", b"https://app.example.com"))
    for target in (b"/", b"/api/x", b"/site"):
        planned = plan(snapshot, RequestHead(b"GET", target, 1, fields), Peer("127.0.0.1"), b"gw")
        assert getattr(planned, "fault", None) is None
    written = render(result)
    assert "Tr0ub4dor" not in written
    again = loaded(written)
    assert again.snapshot is not None, render_text(again.problems)
    assert render(again) == written


def test_the_tree_itself_loads() -> None:
    assert BASE.snapshot is not None, render_text(BASE.problems)
    assert_usable(BASE)


@fuzzed(30)
@given(
    st.binary(max_size=60) | st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map(b"".join)
)
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"\tx: 1")
@example(b"a: &a [*a]")
@example("\ud800")
@example("a: *\ue000")
@example("a: *\u202e")
def test_any_text_is_understood_or_has_mistakes(text: bytes | str) -> None:
    assert_understood(text)


@fuzzed(40)
@given(changed_texts())
def test_a_damaged_configuration_has_mistakes_with_places(text: bytes) -> None:
    assert_understood(text)


@fuzzed(30)
@given(trees())
def test_values_that_do_not_belong_there_are_mistakes_with_places(text: bytes) -> None:
    assert_understood(text)
