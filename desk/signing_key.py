"""The house's Ed25519 key, by which packs are signed: made once, read, and told apart by its fingerprint."""

import contextlib
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine.incident import NotAllowed

if TYPE_CHECKING:
    from desk.settings import Settings


class KeyFileError(NotAllowed):
    """A key file that can't be used. Says what is wrong with it."""


def key_file(settings: "Settings") -> Path:
    """Where the private key is, or is to be."""
    return settings.signing_key or settings.home / "signing_key.pem"


def signing_key(settings: "Settings") -> Ed25519PrivateKey:
    """Read the private key; one that no setting names is made on first use. Raises KeyFileError, OSError."""
    file = key_file(settings)
    if not file.exists() and not settings.signing_key:
        _make(file)
    return _private(file)


def house_key(settings: "Settings") -> Ed25519PublicKey | None:
    """The public half of the house's key; None where there is none yet. Makes nothing. Raises KeyFileError."""
    file = key_file(settings)
    return _private(file).public_key() if file.exists() else None


def public_key(text: bytes, what: str) -> Ed25519PublicKey:
    """Read a public key in PEM. `what` names it in the sentence of a KeyFileError."""
    try:
        key = serialization.load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{what} is no public key; it is a PEM file that begins with BEGIN PUBLIC KEY.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{what} is no Ed25519 key; packs are signed with Ed25519.")
    return key


def pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the key as DER (SubjectPublicKeyInfo, RFC 8410), as OpenSSL writes it: `SHA256:3fa4…`."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{sha256(der).hexdigest()}"


def _private(file: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError:
        raise KeyFileError(
            f"{file} is not there; put the signing key there, or leave IRROPS_SIGNING_KEY out."
        ) from None
    except TypeError:  # what the library raises when a key wants a passphrase
        raise KeyFileError(
            f"{file} is locked with a passphrase; store the key without one, for irrops alone."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(
            f"{file} is no private key in PEM; `openssl genpkey -algorithm ed25519` makes one."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{file} is no Ed25519 key; `openssl genpkey -algorithm ed25519` makes one.")
    return key


def _make(file: Path) -> None:
    """Make a key that only its owner can read. Of several processes at once the first one's key is the one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}.{os.urandom(4).hex()}")  # threads of one process race too
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(private)
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
    finally:
        fresh.unlink(missing_ok=True)
