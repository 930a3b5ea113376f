"""Every span is shown exactly once, wherever its parent is."""

from __future__ import annotations

from reviewapp.traces import spantree
from reviewapp.traces.spantree import Row


def row(span_id: str, parent_id: str = "", start: int = 0, end: int | None = 10, status: str = "ok") -> Row:
    return Row(span_id, parent_id, span_id, 1, start, end, status, "")


def shape(*rows: Row, most: int = 100) -> list[tuple[str, int]]:
    return [(node.row.span_id, node.depth) for node in spantree.grow(rows, most).nodes]


def test_children_stand_below_their_parent_in_order_of_start():
    rows = row("b", "root", start=5), row("a", "root", start=1), row("leaf", "a", start=2), row("root")
    assert shape(*rows) == [("root", 0), ("a", 1), ("leaf", 2), ("b", 1)]


def test_a_missing_parent_makes_a_root_that_says_so():
    tree = spantree.grow([row("a", "gone", start=1), row("b")], 10)
    assert [(node.row.span_id, node.orphan) for node in tree.nodes] == [("b", False), ("a", True)]


def test_a_circle_is_entered_once():
    assert shape(row("a", "b", start=1), row("b", "a", start=2), row("self", "self", start=3)) == [
        ("a", 0),
        ("b", 1),
        ("self", 0),
    ]


def test_a_deep_chain_needs_no_recursion():
    rows = [row(str(n), str(n - 1) if n else "") for n in range(5_000)]
    tree = spantree.grow(rows, 5_000)
    assert tree.nodes[-1].depth == spantree.DEEPEST
    assert tree.hidden == 0


def test_bars_stand_where_the_span_ran():
    # The trace lasts 100: from 0 to 100; the child runs from 25 to 75, the open one until the end.
    tree = spantree.grow([row("r", end=100), row("c", "r", 25, 75), row("open", "r", 50, None)], 10)
    assert [(node.x, node.width, node.milliseconds) for node in tree.nodes] == [
        (0, 100, 0.0001),
        (25, 50, 0.00005),
        (50, 50, None),
    ]


def test_the_rest_is_counted():
    tree = spantree.grow([row(str(n), status="error" if n == 4 else "ok") for n in range(5)], 2)
    assert (len(tree.nodes), tree.total, tree.hidden, tree.errors) == (2, 5, 3, 1)


def test_no_spans_no_tree():
    assert spantree.grow([], 10).nodes == ()
