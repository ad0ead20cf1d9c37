"""Pairs of certificate and key that change while they are served: shown by whole handshakes."""

import os
import shutil
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cors_gateway.process import certificates
from cors_gateway.process.certificates import (
    CertificateError,
    CertificateWatch,
    ListenerCertificate,
)
from cors_gateway.snapshot import ListenerTls
from tests.process.tls_rig import Authority, common_name, wait_until


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def tls_of(pair: tuple[Path, Path]) -> ListenerTls:
    return ListenerTls(str(pair[0]), str(pair[1]))


def replace(pair: tuple[Path, Path], other: tuple[Path, Path]) -> None:
    for old, new in zip(pair, other, strict=True):
        # As certbot does: a file that is whole takes the other's name.
        copy = new.with_suffix(".copy")
        shutil.copy(new, copy)
        copy.rename(old)


def name_of(
    served: ListenerCertificate, context: ssl.SSLContext, name: str | None = "localhost"
) -> str:
    """Shake hands in memory; give the common name that the client was shown."""
    context.check_hostname = name is not None
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname=name)
    server = served.context.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return common_name(client)


def test_what_is_loaded_first_is_served(authority: Authority) -> None:
    served = ListenerCertificate(tls_of(authority.issues("one")))

    assert name_of(served, authority.trusted()) == "one"
    assert served.look_again() is None


@pytest.mark.parametrize("name", ["localhost", None], ids=["by name", "without a name"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("rsa", [False, True], ids=["of the same kind", "of another kind"])
def test_a_pair_that_changes_is_taken(
    authority: Authority, version: ssl.TLSVersion, name: str | None, *, rsa: bool
) -> None:
    pair = authority.issues("one")
    served = ListenerCertificate(tls_of(pair))
    replace(pair, authority.issues("two", rsa=rsa))

    assert name_of(served, authority.trusted(version), name) == "one"
    told = served.look_again()
    assert name_of(served, authority.trusted(version), name) == "two"
    assert told is not None
    assert told[0] == "info"
    assert f"{pair[0]} is taken, it expires on " in told[1]
    assert served.look_again() is None


def test_a_pair_that_is_half_written_is_told_once_and_then_taken(authority: Authority) -> None:
    pair = authority.issues("one")
    served = ListenerCertificate(tls_of(pair))
    other = authority.issues("two")

    shutil.copy(other[0], pair[0])
    said = (
        f"{pair[1]} does not belong to the certificate, the first certificate in that file has "
        "another key, name the key it was issued for; chains begin with the server's own "
        "certificate; the certificate before it serves on"
    )
    assert served.look_again() == ("warning", said)
    assert [served.look_again() for _ in range(3)] == [None] * 3
    assert name_of(served, authority.trusted()) == "one"

    shutil.copy(other[1], pair[1])
    told = served.look_again()
    assert told is not None
    assert told[0] == "info"
    assert name_of(served, authority.trusted()) == "two"


@pytest.mark.parametrize("which", [0, 1], ids=["certificate", "key"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nMIIB"])
def test_each_broken_state_is_told_once(
    authority: Authority, which: int, content: bytes | None
) -> None:
    pair = authority.issues("one")
    served = ListenerCertificate(tls_of(pair))
    whole = pair[which].read_bytes()
    pair[which].unlink()
    if content is not None:
        pair[which].write_bytes(content)

    told = served.look_again()
    assert told is not None
    assert told[0] == "warning"
    assert str(pair[which]) in told[1]
    assert served.look_again() is None
    assert name_of(served, authority.trusted()) == "one"

    pair[which].write_bytes(whole)
    told = served.look_again()
    assert told is not None
    assert told[0] == "info"


def test_a_link_that_leads_elsewhere_is_a_change(authority: Authority, tmp_path: Path) -> None:
    """As Kubernetes does: ``tls.crt`` leads through ``..data``, and only that is exchanged."""
    for name in ("one", "two"):
        folder = tmp_path / f"..{name}"
        folder.mkdir()
        for file, end in zip(authority.issues(name), ("crt", "key"), strict=True):
            file.rename(folder / f"tls.{end}")
            # So that nothing but the file itself tells them apart.
            os.utime(folder / f"tls.{end}", (1, 1))
    data = tmp_path / "..data"
    data.symlink_to("..one")
    pair = (tmp_path / "tls.crt", tmp_path / "tls.key")
    for file in pair:
        file.symlink_to(f"..data/{file.name}")
    served = ListenerCertificate(tls_of(pair))

    (tmp_path / "..data_tmp").symlink_to("..two")
    (tmp_path / "..data_tmp").rename(data)
    told = served.look_again()

    assert told is not None
    assert told[0] == "info"
    assert name_of(served, authority.trusted()) == "two"


def test_a_pair_that_has_expired_is_taken_with_a_warning(authority: Authority) -> None:
    pair = authority.issues("one")
    served = ListenerCertificate(tls_of(pair))
    leaf = authority.ca.issue_cert(
        "localhost",
        not_before=datetime.now(UTC) - timedelta(days=9),
        not_after=datetime.now(UTC) - timedelta(days=2),
    )
    pair[0].write_bytes(leaf.cert_chain_pems[0].bytes())
    pair[1].write_bytes(leaf.private_key_pem.bytes())

    told = served.look_again()
    assert told is not None
    assert told[0] == "warning"
    assert "is not valid now" in told[1]


def test_a_pair_that_cannot_be_served_is_refused_at_the_start(authority: Authority) -> None:
    one, two = authority.issues("one"), authority.issues("two")

    with pytest.raises(CertificateError, match=f"{two[1]} does not belong to the certificate"):
        ListenerCertificate(ListenerTls(str(one[0]), str(two[1])))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_refused_for_its_version(authority: Authority) -> None:
    served = ListenerCertificate(tls_of(authority.issues("one")))
    client = authority.trusted()
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError) as caught:
        name_of(served, client)
    assert caught.value.reason == "UNSUPPORTED_PROTOCOL"


def test_the_watch_tells_of_changes_and_stops(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "INTERVAL", 0.01)
    pairs = [authority.issues("one"), authority.issues("other")]
    told: list[tuple[str, str]] = []
    watch = CertificateWatch(
        [ListenerCertificate(tls_of(pair)) for pair in pairs],
        lambda level, message: told.append((level, message)),
    )
    watch.start()
    replace(pairs[1], authority.issues("two"))
    wait_until(lambda: bool(told) and told[-1][0] == "info")
    assert str(pairs[1][0]) in told[-1][1]

    watch.close()
    count = len(told)
    replace(pairs[0], authority.issues("three"))
    time.sleep(0.2)
    assert len(told) == count
