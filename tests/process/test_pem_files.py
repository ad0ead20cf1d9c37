"""What is wrong with files of certificates and keys; and never a byte of what is in them."""

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.config.flaws import Flaw
from cors_gateway.process.pem_files import find_authority_flaws, find_pair_flaws, read_validity
from tests.process.tls_rig import Authority

NOW = datetime.now(UTC)


class Pair:
    """A pair that fits, to be spoiled."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.certificate, self.key = authority.issues("server")

    def flaws(self, now: datetime = NOW) -> list[Flaw]:
        return find_pair_flaws(str(self.certificate), str(self.key), now)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(Authority(tmp_path))


def make_der(file: Path) -> None:
    file.write_bytes(ssl.PEM_cert_to_DER_cert(file.read_text().partition("\n-----BEGIN")[0] + "\n"))


def encrypt(file: Path, kind: PrivateFormat) -> None:
    key = load_pem_private_key(file.read_bytes(), None)
    file.write_bytes(key.private_bytes(Encoding.PEM, kind, BestAvailableEncryption(b"x")))


def damage(file: Path) -> None:
    lines = file.read_text().splitlines()
    lines[1] = "Q" * len(lines[1])
    file.write_text("\n".join(lines) + "\n")


def become_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def become_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def test_a_pair_that_fits_has_no_flaw(pair: Pair) -> None:
    assert pair.flaws() == []


def test_both_may_stand_in_one_file(pair: Pair) -> None:
    pair.key.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    pair.certificate = pair.key

    assert pair.flaws() == []


@pytest.mark.parametrize(
    "spoil, said",
    [
        pytest.param(lambda p: p.certificate.unlink(), "certificate: {value} is not there, looked for at", id="no certificate"),
        pytest.param(lambda p: p.key.unlink(), "key: {value} is not there, looked for at", id="no key"),
        pytest.param(lambda p: become_folder(p.key), "key: {value} is a directory", id="a folder"),
        pytest.param(lambda p: become_pipe(p.key), "key: {value} is no regular file", id="a pipe that nobody writes"),
        pytest.param(lambda p: p.key.write_bytes(b"x" * 2_000_000), "key: {value} is no regular file of less than", id="too large"),
        pytest.param(lambda p: make_der(p.certificate), "certificate: {value} is not PEM, it looks like DER, convert it: openssl x509", id="DER"),
        pytest.param(lambda p: p.certificate.write_text("hello"), "certificate: {value} holds no certificate", id="a text"),
        pytest.param(lambda p: p.certificate.write_text(""), "certificate: {value} holds no certificate", id="an empty file"),
        pytest.param(lambda p: p.certificate.write_bytes(p.certificate.read_bytes()[:300]), "certificate: {value} is damaged, it breaks off", id="half a certificate"),
        pytest.param(lambda p: damage(p.certificate), "certificate: {value} is damaged", id="a damaged certificate"),
        pytest.param(lambda p: damage(p.key), "key: {value} is damaged", id="a damaged key"),
        pytest.param(lambda p: p.key.write_text("hello"), "key: {value} holds no private key", id="a key that is none"),
        pytest.param(lambda p: encrypt(p.key, PrivateFormat.PKCS8), "key: {value} is encrypted", id="an encrypted key"),
        pytest.param(lambda p: encrypt(p.key, PrivateFormat.TraditionalOpenSSL), "key: {value} is encrypted", id="a key encrypted as of old"),
        pytest.param(lambda p: p.key.write_bytes(p.authority.issues("b")[1].read_bytes()), "key: {value} does not belong to the certificate", id="another's key"),
        pytest.param(lambda p: p.key.write_bytes(p.authority.issues("b", rsa=True)[1].read_bytes()), "key: {value} does not belong to the certificate", id="another's key of another kind"),
        pytest.param(lambda p: setattr(p, "key", p.certificate), "key: {value} holds a certificate and no key", id="twice the certificate"),
        pytest.param(lambda p: setattr(p, "certificate", p.key), "certificate: {value} holds a key and no certificate", id="twice the key"),
        pytest.param(lambda p: setattr(p, "key", Path("/a\0b")), "key: {value} cannot be read", id="a path that cannot be"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_apart(pair: Pair, spoil: Callable[[Pair], None], said: str) -> None:
    spoil(pair)

    (flaw,) = pair.flaws()
    told = f"{flaw.role}: {flaw.what}, {flaw.why}"
    assert f"{told}, {flaw.fix}".startswith(said)
    assert not flaw.is_warning


def test_both_files_are_looked_at(pair: Pair) -> None:
    pair.certificate.unlink()
    pair.key.unlink()

    assert [flaw.role for flaw in pair.flaws()] == ["certificate", "key"]


def test_a_chain_that_begins_with_the_authority_does_not_fit(pair: Pair) -> None:
    pair.certificate.write_bytes(
        pair.authority.ca_file.read_bytes() + pair.certificate.read_bytes()
    )

    (flaw,) = pair.flaws()
    assert "chains begin with the server's own certificate" in flaw.fix


@pytest.mark.parametrize(
    "days, what",
    [
        pytest.param(400_000, "{value} has expired", id="too late"),
        pytest.param(-20_000, "{value} is not valid yet", id="too early"),
    ],
)
def test_a_day_outside_is_a_warning(pair: Pair, days: int, what: str) -> None:
    (flaw,) = pair.flaws(NOW + timedelta(days=days))

    assert (flaw.role, flaw.what, flaw.is_warning) == ("certificate", what, True)


@pytest.mark.parametrize("year", [1999, 2030, 2049, 2050, 2999])
def test_the_days_are_read_as_they_were_written(pair: Pair, year: int) -> None:
    """Up to 2049 a year has two digits in a certificate."""
    end = datetime(year, 3, 4, 5, 6, 7, tzinfo=UTC)
    begin = end - timedelta(days=400)
    leaf = pair.authority.ca.issue_cert("localhost", not_before=begin, not_after=end)

    validity = read_validity(leaf.cert_chain_pems[0].bytes())
    assert (validity.begin, validity.end) == (begin, end)


def test_authorities_are_certificates_too(pair: Pair) -> None:
    assert find_authority_flaws(str(pair.authority.ca_file)) == []
    (flaw,) = find_authority_flaws(str(pair.key))
    assert (flaw.role, flaw.what) == ("ca", "{value} holds a key and no certificate")
    (flaw,) = find_authority_flaws(str(pair.key.with_suffix(".gone")))
    assert flaw.what == "{value} is not there"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_break_the_reading(der: bytes) -> None:
    with pytest.raises(ValueError):
        read_validity(ssl.DER_cert_to_PEM_cert(der).encode())
