"""Which IP addresses are in a text? Not those of the machine itself, and no version numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network

from ingest.redaction.finding import Finding
from ingest.redaction.policy import Kind

_V4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_V6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?![\w:]|\.\d)"
)
# "version 1.2.3.4", "section 1.2.3.4", "Chrome/120.0.0.0" (but not "http://120.0.0.1").
_VERSION = re.compile(
    r"(?:\b(?:v|ver|version|release|build|section|chapter|§)\.?[\s:=\"']{0,4}|[^\W\d_]/)\Z", re.I
)
_VERSION_WORD = 16
# Others are hardly ever meant: `ab::cd` is a name in a program before it is an address.
_ROUTED = tuple(map(IPv6Network, ("2000::/3", "fc00::/7", "fe80::/10", "::ffff:0:0/96", "64:ff9b::/96")))


def find(text: str) -> Iterator[Finding]:
    for match in _V6.finditer(text):
        if address := _v6(match[0]):
            yield Finding(*match.span(), Kind.IP, str(address))
    for match in _V4.finditer(text):
        found = _v4(match[0])
        if found and not _VERSION.search(text, max(0, match.start() - _VERSION_WORD), match.start()):
            yield Finding(*match.span(), Kind.IP, str(found))


def _v4(spelled: str) -> IPv4Address | None:
    try:
        address = IPv4Address(spelled)
    except AddressValueError:
        return None
    nobody = address.is_loopback or address.is_unspecified or int(address) >> 24 in (0, 255)
    return None if nobody else address


def _v6(spelled: str) -> IPv6Address | None:
    try:
        address = IPv6Address(spelled)
    except AddressValueError:
        return None
    return address if any(address in network for network in _ROUTED) else None
