"""Where a file is fetched from and what it must be, checked before anything is asked of the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ecr_engine.data.fetch.corpus import RemoteFile
from ecr_engine.errors import UsageError

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Address:
    """A file's place on the network.

    Attributes:
        key: its settings are `fetch.KEY_url` and `fetch.KEY_sha256`.
        url: an http or https address.
        sha256: 64 hexadecimal digits, or empty if nothing is known of the content.
    """

    key: str
    url: str
    sha256: str

    @property
    def shown(self) -> str:
        """The address without a name and password."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def url_setting(self) -> str:
        """The settings key of the address."""
        return f"fetch.{self.key}_url"

    @property
    def hash_setting(self) -> str:
        """The settings key of the hash."""
        return f"fetch.{self.key}_sha256"


def address_of(file: RemoteFile, settings: Mapping[str, object]) -> Address:
    """The address of a file.

    Args:
        file: the file.
        settings: the section `fetch`, as a mapping.

    Raises:
        UsageError: the address or its hash can't be right, or it is an http address without a hash.
    """
    address = Address(
        key=file.key,
        url=str(settings[f"{file.key}_url"]).strip(),
        sha256=str(settings[f"{file.key}_sha256"]).strip().lower(),
    )
    if address.sha256 and not _SHA256.fullmatch(address.sha256):
        raise UsageError(
            f"{address.hash_setting} is no SHA-256: it has 64 hexadecimal digits",
            at=f"{address.hash_setting}={address.sha256}",
            fix=f"sha256sum FILE prints it; --set {address.hash_setting}= says that it is not known",
        )
    try:
        urlsplit(address.url)
    except ValueError as error:
        raise _no_web_address(address.url_setting, address.url) from error
    return address


def check_scheme(address: Address) -> None:
    """Refuses what is no web address, and one over which anybody could change the file unseen.

    Raises:
        UsageError: the address is not https, nor http with a hash.
    """
    parts = urlsplit(address.url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise _no_web_address(address.url_setting, address.shown)
    if parts.scheme == "http" and not address.sha256:
        raise UsageError(
            "an http address needs the SHA-256 of its file: anybody on the way could change it",
            at=f"{address.url_setting}={address.shown}",
            fix=f"give an https address, or --set {address.hash_setting}=HASH",
        )


def _no_web_address(setting: str, url: str) -> UsageError:
    return UsageError(
        f"{setting} is no web address",
        at=f"{setting}={url}",
        fix="give one that begins with https://, or a file: --from FILE",
    )
