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
    """The ports of those urls that lead to this computer, sorted, each once. ValueError for what is no url."""
    here = [urlsplit(url) for url in urls if is_loopback(url)]
    return tuple(sorted({parts.port or _PORTS.get(parts.scheme, 80) for parts in here}))


def proxies(environment: Mapping[str, str]) -> tuple[int, ...]:
    """The ports of the proxies here that `environment` names, as curl and apt read it: a scheme may be left out.

    What is no url is passed over: a command that needs no proxy must not fail of it.
    """
    found: set[int] = set()
    for name in _PROXIES:
        url = environment.get(name) or environment.get(name.upper()) or ""
        with suppress(ValueError):
            found.update(ports([url if "://" in url else f"http://{url}"]))
    return tuple(sorted(found))
