"""Urls that lead to this computer itself, and what machines call the same place."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

HOST_AS_SEEN_BY_MACHINES = "10.0.2.2"
"""Where a machine of the local cloud finds what phoenix serves on the loopback interface of this computer."""
_PORTS = {"http": 80, "https": 443}
_PROXIES = ("http_proxy", "https_proxy")


def is_loopback(url: str) -> bool:
    """Whether the url leads to this computer."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def machine_url(url: str) -> str:
    """`url` as machines of the local cloud reach it: this computer has another address there."""
    if not is_loopback(url):
        return url
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{HOST_AS_SEEN_BY_MACHINES}{port}"))


def ports(urls: Iterable[str]) -> tuple[int, ...]:
    """The ports of those urls that lead to 127.0.0.1, sorted, each once; what is no url with a port is passed over."""
    found: set[int] = set()
    for url in urls:
        with suppress(ValueError):
            parts = urlsplit(url)
            if parts.scheme in _PORTS and parts.hostname in ("127.0.0.1", "localhost"):
                found.add(parts.port or _PORTS[parts.scheme])
    return tuple(sorted(found))


def proxies(environment: Mapping[str, str]) -> tuple[int, ...]:
    """The ports of the proxies here that `environment` names, as curl and apt read it: a scheme may be left out.

    A command that needs no proxy does not fail of one that is none.
    """
    named = [environment.get(name) or environment.get(name.upper()) or "" for name in _PROXIES]
    return ports(url if "://" in url else f"http://{url}" for url in named)
