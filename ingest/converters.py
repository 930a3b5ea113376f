"""Which parts of an address may hold any text at all?"""

from __future__ import annotations

from django.urls import register_converter


class AnyText:
    """A sender's own id: slashes and line ends too, which `path` would refuse when making the address."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AnyText, "any")
