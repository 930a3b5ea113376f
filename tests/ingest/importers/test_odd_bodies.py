"""Whatever stands in the place of a field, an import is answered for item by item and never breaks."""

import random

import pytest

from ingest import importers
from ingest.redaction.masking import OFF
from tests.ingest.importers import bodies

OF_FORMAT = {
    name: [
        getattr(bodies, body)
        for body in dir(bodies)
        if body.startswith(name.upper()) and isinstance(getattr(bodies, body), list | dict)
    ]
    for name in importers.FORMATS
}
ODD = [
    *(None, True, -1, 1e308, 2**64, 10**30, "", "x\x00y", [], {}, [[]], {"": {}}, [None], [{}], ["a"]),
    *('{"a": 1}', '{"a":', "[1, 2", "1e999", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", -62135596800),
    *({"role": 1, "content": [{"type": "text", "text": None}]}, {"messages": [None, 1, {"role": "user"}]}),
]


def odd(value, chance):
    """The value with something else in some of its places."""
    if chance.random() < 0.07:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {key: odd(each, chance) for key, each in value.items() if chance.random() > 0.04}
    if isinstance(value, list):
        return [odd(each, chance) for each in value] + chance.choices(ODD, k=chance.random() < 0.1)
    return value


@pytest.mark.parametrize("name", importers.FORMATS)
def test_odd_bodies_are_refused_or_taken_item_by_item(name):
    chance = random.Random(name)
    for _ in range(400):
        document = odd(chance.choice(OF_FORMAT[name]), chance)
        items = importers.items_of(document if isinstance(document, list) else [document], name)
        imported = importers.take(name, items, 1_790_000_000_000_000_000, OFF)
        assert imported.accepted | imported.refused.keys() == set(range(len(items)))
