"""Requests to this machine go past every proxy; other requests go as the user's settings say.

`past_proxies` gives the environment in which the learner's own clients do so too: httpx (and so
the `openai` client) reads it when a client is made, urllib and requests for each request.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
SCHEMES = ("http", "https", "all")


def host_of(url: str) -> str:
    """The URL's host, or "" where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_local(url: str) -> bool:
    """Whether the URL's host is this machine, by name or by address."""
    host = host_of(url)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified  # 0.0.0.0 reaches this machine too


def shown(url: str) -> str:
    """The URL without what may be a secret: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "..."
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def in_use() -> list[str]:
    """The variables that name a proxy, without their values, which may hold a password."""
    return [name for name, value in os.environ.items() if _scheme(name) in SCHEMES and value]


def past_proxies(*urls: str) -> dict[str, str | None]:
    """The variables to set (or, where None, to unset) so that requests to this machine, and to
    those of `urls` that are on it, go past any proxy.

    Proxies that no client can be made with are unset; `unusable` names them.
    """
    values: dict[str, str | None] = {}
    if not getproxies_environment():
        # The settings of macOS and Windows count only while no variable is set, NO_PROXY included.
        system = getproxies()
        values |= {
            f"{scheme}_proxy": system[scheme]
            for scheme in SCHEMES
            if scheme in system and _makes_clients(system[scheme])
        }
    bad = unusable()
    values |= dict.fromkeys(bad)
    hosts = [*LOCAL_HOSTS, *(host_of(url) for url in urls if is_local(url))]
    lower, upper = os.environ.get("no_proxy"), os.environ.get("NO_PROXY")
    # Where only one is set, the other one must repeat it: programs differ in which they read first.
    for name, own in (("no_proxy", (lower, upper)), ("NO_PROXY", (upper, lower))):
        listed = next((text for text in own if text is not None), "")
        values[name] = _with_hosts("" if "no" in map(_scheme, bad) else listed, hosts)
    return values


def unusable() -> list[str]:
    """The variables that keep httpx from making any client, even one for this machine.

    Such are a SOCKS proxy without the package socksio, a scheme or a port that it does not know,
    and an exception that it cannot parse.
    """
    if not getproxies_environment() or _makes_clients():
        return []
    bad = [name for name in in_use() if not _makes_clients(os.environ[name])]
    without = {name: os.environ.pop(name) for name in bad}
    try:
        if not _makes_clients():
            bad += [name for name in os.environ if _scheme(name) == "no"]
    finally:
        os.environ.update(without)
    return bad


def _makes_clients(proxy: str | None = None) -> bool:
    """Whether httpx makes a client with this proxy, or, without one, with the environment's."""
    import httpx
    import openai

    if proxy is not None and "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        for client in (openai.DefaultHttpxClient, httpx.Client):  # two versions of httpx
            client(proxy=proxy, trust_env=proxy is None).close()
    except Exception:  # each version has its own errors, with no common base
        return False
    return True


def _with_hosts(listed: str, hosts: Iterable[str]) -> str:
    """The list of exceptions with these hosts in it."""
    if listed == "*":  # urllib knows this word only where it stands alone
        return listed
    there = [entry.strip() for entry in listed.split(",") if entry.strip()]
    return ",".join(dict.fromkeys([*there, *hosts]))


def _scheme(variable: str) -> str:
    """`http` of HTTP_PROXY in any case, `no` of NO_PROXY; "" for another variable."""
    scheme, _, rest = variable.lower().partition("_")
    return scheme if rest == "proxy" else ""
