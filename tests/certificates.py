"""Certificates for tests, made by the `openssl` program: it can date them back, and no key lies in the project."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_DATABASE = """
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM files."""

    path: Path
    key: Path

    def serving(self) -> ssl.SSLContext:
        """The context of a server that presents it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key)
        return context


def make_certificate(
    folder: Path,
    names: str = "IP:127.0.0.1",
    *,
    authority: Certificate | None = None,
    days: tuple[str, str] | None = None,
) -> Certificate:
    """Make a certificate for `names` (`DNS:…` or `IP:…`), signed by `authority` or by itself.

    Args:
        days: first and last moment as `YYYYMMDDHHMMSSZ`; None for a day from now.
    """
    folder.mkdir()
    (folder / "config").write_text(_DATABASE)
    (folder / "index").touch()
    (folder / "serial").write_text("01")
    key, request, path = folder / "key.pem", folder / "request.pem", folder / "certificate.pem"
    _openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key.name,
             "-subj", "/CN=a test", "-addext", f"subjectAltName={names}", "-out", request.name)  # fmt: skip
    signed = ("-selfsign",) if authority is None else ("-cert", str(authority.path))
    signing_key = key if authority is None else authority.key
    dates = ("-days", "1") if days is None else ("-startdate", days[0], "-enddate", days[1])
    _openssl(folder, "ca", "-batch", "-notext", "-config", "config", *signed, "-keyfile", str(signing_key),
             "-in", request.name, "-out", path.name, *dates)  # fmt: skip
    return Certificate(path, key)


def make_authority(folder: Path) -> Certificate:
    """Make an authority that can sign others."""
    folder.mkdir()
    key, path = folder / "key.pem", folder / "certificate.pem"
    _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
             "-keyout", key.name, "-subj", "/CN=a test's authority", "-out", path.name)  # fmt: skip
    return Certificate(path, key)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
