"""PEM files of certificates and keys: whether they can be used, and if not, what is wrong.

OpenSSL says only that it did not like something. Here the usual mistakes (the wrong file, DER, a
passphrase, a key of another certificate, a day that has passed) are told apart and worded. Nothing
of a file's content is in a sentence but dates.

Formats: RFC 7468 (PEM) and RFC 5280, section 4.1 (certificates); of the latter only the validity
is read here, because Python tells it of peers' certificates only.
"""

import os
import re
import ssl
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cors_gateway.config.flaws import FileRole, Flaw

__all__ = ["Validity", "find_authority_flaws", "find_pair_flaws", "read_validity"]

MAX_BYTES = 1024 * 1024

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
ENCRYPTED = re.compile(
    r"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE
)

SEQUENCE, UTC_TIME, GENERALIZED_TIME, EXPLICIT_VERSION = 0x30, 0x17, 0x18, 0xA0
# The second is said of a key of another kind: RSA beside ECDSA.
MISMATCHES = frozenset({"KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is valid."""

    begin: datetime
    end: datetime


def find_pair_flaws(certificate: str, key: str, now: datetime) -> list[Flaw]:
    """Say what is wrong with a certificate's file and its key's."""
    flaws: list[Flaw] = []
    chain = _read(certificate, "certificate", flaws)
    private = _read(key, "key", flaws)
    if chain is not None:
        flaws += _certificate_flaws(chain, "certificate")
    if private is not None:
        flaws += _key_flaws(private)
    if chain is None or private is None or flaws:
        return flaws
    flaws += _refusals(certificate, key)
    return flaws + _date_flaws(read_validity(chain), now)


def find_authority_flaws(path: str) -> list[Flaw]:
    """Say what is wrong with a file of authorities' certificates."""
    flaws: list[Flaw] = []
    content = _read(path, "ca", flaws)
    return flaws if content is None else [*flaws, *_certificate_flaws(content, "ca")]


def read_validity(pem: bytes) -> Validity:
    """Read from when to when the first certificate in a PEM text is valid.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    found = CERTIFICATE.search(pem.decode("latin-1"))
    if found is None:
        raise ValueError("no certificate")
    der = ssl.PEM_cert_to_DER_cert(found[0])
    (_, certificate), *_ = _elements(der)
    (_, to_be_signed), *_ = _elements(certificate)
    fields = [field for field in _elements(to_be_signed) if field[0] != EXPLICIT_VERSION]
    # serialNumber, signature, issuer, validity
    _, _, _, (_, validity), *_ = fields
    begin, end = (_parse_time(tag, value) for tag, value in _elements(validity))
    return Validity(begin, end)


def _read(path: str, role: FileRole, flaws: list[Flaw]) -> bytes | None:
    try:
        status = Path(path).stat()
        # Reading a pipe would wait for somebody who writes.
        if stat.S_ISDIR(status.st_mode):
            flaws.append(Flaw(role, "{value} is a directory", "", "name the file in it"))
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            fix = "name a PEM file"
            flaws.append(Flaw(role, "{value} is no regular file of less than 1 MiB", "", fix))
            return None
        return Path(path).read_bytes()
    except FileNotFoundError:
        why, fix = f'looked for at "{path}"', "put the file there, or correct the path"
        flaws.append(Flaw(role, "{value} is not there", why, fix))
    except PermissionError:
        why, fix = "permission denied", f"let user {os.geteuid()} read it"
        flaws.append(Flaw(role, "{value} cannot be read", why, fix))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path is not one that a file can have"
        flaws.append(Flaw(role, "{value} cannot be read", why, "correct the path"))
    return None


def _certificate_flaws(content: bytes, role: FileRole) -> list[Flaw]:
    text = content.decode("latin-1")
    certificates = CERTIFICATE.findall(text)
    if not certificates:
        if KEY.search(text):
            fix = "name the certificate's file"
            return [Flaw(role, "{value} holds a key and no certificate", "", fix)]
        return [_not_pem(content, role, "certificate", "x509")]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata="\n".join(certificates)
        )
        read_validity(content)
    except (TypeError, ValueError, ssl.SSLError):
        why = "a certificate in it cannot be decoded"
        return [Flaw(role, "{value} is damaged", why, "copy the file again")]
    return []


def _key_flaws(content: bytes) -> list[Flaw]:
    text = content.decode("latin-1")
    if ENCRYPTED.search(text):
        why = "nobody is there to type its passphrase"
        fix = "decrypt it: openssl pkey -in FILE -out NEW"
        return [Flaw("key", "{value} is encrypted", why, fix)]
    if KEY.search(text):
        return []
    if CERTIFICATE.search(text):
        fix = "name the key's file"
        return [Flaw("key", "{value} holds a certificate and no key", "", fix)]
    return [_not_pem(content, "key", "private key", "pkey")]


def _not_pem(content: bytes, role: FileRole, kind: str, program: str) -> Flaw:
    if content[:1] == bytes([SEQUENCE]):
        fix = f"convert it: openssl {program} -inform der -in FILE -out NEW"
        return Flaw(role, "{value} is not PEM", "it looks like DER", fix)
    if content.startswith(b"-----BEGIN CERTIFICATE-----"):
        return Flaw(role, "{value} is damaged", "it breaks off", "copy the file again")
    why = "PEM has a line with -----BEGIN"
    return Flaw(role, f"{{value}} holds no {kind}", why, f"name the {kind}'s file")


def _refusals(certificate: str, key: str) -> list[Flaw]:
    """Let OpenSSL say whether it would serve with this pair."""
    try:
        # Without a password OpenSSL would ask the terminal for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason in MISMATCHES:
            why = "the first certificate in that file has another key"
            fix = "name the key it was issued for; chains begin with the server's own certificate"
            return [Flaw("key", "{value} does not belong to the certificate", why, fix)]
        if error.reason and error.reason.startswith(("EE_", "CA_")):
            why = error.reason.lower().replace("_", " ")
            fix = "have one issued with RSA 2048 or ECDSA P-256, and SHA-256"
            return [Flaw("certificate", "{value} is too weak for OpenSSL", why, fix)]
        return [Flaw("key", "{value} is damaged", "it cannot be decoded", "copy the file again")]
    except OSError as error:
        why = error.strerror or "it changed while it was read"
        return [Flaw("certificate", "{value} cannot be read", why, "try again")]
    return []


def _date_flaws(validity: Validity, now: datetime) -> list[Flaw]:
    if now > validity.end:
        why = f"on {validity.end:%Y-%m-%d at %H:%M} UTC"
        what, fix = "{value} has expired", "renew it: {consequence}"
    elif now < validity.begin:
        why = f"it is from {validity.begin:%Y-%m-%d at %H:%M} UTC on"
        what, fix = "{value} is not valid yet", "check the clock: {consequence}"
    else:
        return []
    return [Flaw("certificate", what, why, fix, is_warning=True)]


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Split DER (X.690, section 8.1) into tags and contents.

    Raises:
        ValueError: it is damaged.
    """
    elements = []
    while der:
        if len(der) < 2:
            raise ValueError("DER breaks off")
        tag, length, start = der[0], der[1], 2
        if length > 0x80:
            start += length - 0x80
            length = int.from_bytes(der[2:start])
        if start + length > len(der):
            raise ValueError("DER breaks off")
        elements.append((tag, der[start : start + length]))
        der = der[start + length :]
    return elements


def _parse_time(tag: int, value: bytes) -> datetime:
    text = value.decode("ascii")
    if tag == UTC_TIME:
        # RFC 5280, section 4.1.2.5.1: two digits mean 1950 to 2049.
        text = f"{'19' if text >= '5' else '20'}{text}"
    elif tag != GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
