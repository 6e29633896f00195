"""Where a language model answers, and the key for it: checked before use, the key read only when it is sent."""

import os
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from loop.errors import ConfigError
from loop.support.visible import visible

PATH = "/v1/chat/completions"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


@dataclass(frozen=True)
class Endpoint:
    """An address that is safe to send real texts and a key to: encrypted, or on this machine."""

    secure: bool
    host: str
    port: int | None
    path: str

    @classmethod
    def of(cls, base_url: str) -> Self:
        """Take apart an address, with or without ``/v1`` at its end.

        Raises
        ------
        ConfigError
            If it is neither https nor http on this machine, or has a user, a query or a fragment.
        """
        try:
            parts = urlsplit(base_url)
            host, port = parts.hostname, parts.port
        except ValueError as error:  # a port or an address in brackets that is none
            raise ConfigError(
                "base_url must be an address such as https://host/v1, and is none: correct it."
            ) from error
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ConfigError(
                "base_url must hold no user, password, query or fragment: keep the key in an environment variable and "
                "name that as key_variable."
            )
        if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))):
            raise ConfigError(
                f"base_url must begin with https://, or with http:// on this machine, got {base_url[:60]!r}: "
                "otherwise real texts and the key would be sent unencrypted."
            )
        if not re.fullmatch(r"[!-~]*", parts.path):
            raise ConfigError("base_url must have a path of plain characters, and has others: correct it.")
        path = parts.path.rstrip("/")
        return cls(
            parts.scheme == "https", host, port, path + (PATH.removeprefix("/v1") if path.endswith("/v1") else PATH)
        )

    @property
    def name(self) -> str:
        """Host and port, as they may be shown."""
        return visible(self.host if self.port is None else f"{self.host}:{self.port}")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def check_variable(name: str) -> None:
    """Raise a ConfigError unless a name is that of an environment variable, or empty; it may be a key by mistake."""
    if name and not _VARIABLE.fullmatch(name):
        raise ConfigError(
            "key_variable must be the name of an environment variable, in capitals, such as LLM_KEY; what was given is "
            "none and is not shown, as it may be the key itself: export the key under a name."
        )


def key_of(variable: str) -> str | None:
    """Return the key that an environment variable holds, None if none is named.

    Raises
    ------
    ConfigError
        If the variable is not set, or holds what no header can carry.
    """
    if not variable:
        return None
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigError(f"{variable} must hold the key of the language model, and is not set: export it.")
    if not re.fullmatch(r"[!-~]+", key):
        raise ConfigError(
            f"{variable} must hold a key of plain characters without blanks, and does not: export it anew."
        )
    return key
