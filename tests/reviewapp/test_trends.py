"""What stands at the right end of a chart's lines can be read, however near the lines are."""

from __future__ import annotations

from itertools import pairwise

from reviewapp.trends import LINE_HEIGHT, Datum, trend


def line(*values: float | None) -> list[Datum]:
    return [Datum(f"W{place}", value) for place, value in enumerate(values)]


def test_names_stand_where_their_lines_end() -> None:
    chart = trend([line(0.2, 0.9), line(0.8, 0.1)], names=["one", "other"])
    assert [end.label for end in chart.ends] == ["one", "other"]
    assert [end.y for end in chart.ends] == [series.marks[-1].y for series in chart.series]


def test_names_that_would_stand_on_each_other_move_apart() -> None:
    chart = trend([line(0.02, 0.01), line(0.9, 0.0)], names=["one", "other"], level=(0.005, "people"))
    ys = [end.y for end in chart.ends]
    assert len(ys) == 3
    assert all(below - above >= LINE_HEIGHT for above, below in pairwise(ys))
    assert ys[-1] <= chart.height


def test_a_line_without_points_has_no_name() -> None:
    chart = trend([line(0.2, 0.3), line(None, None)], names=["one", "other"])
    assert [end.label for end in chart.ends] == ["one"]


def test_nothing_is_drawn_across_a_change_of_the_instrument() -> None:
    points = [Datum(f"W{place}", 0.5, 0.4, 0.6, breaks=place == 2) for place in range(5)]
    (series,) = trend([points]).series
    assert [len(path.split()) for path in series.paths] == [2, 3]
    assert [len(band.split()) for band in series.bands] == [4, 6]
    assert len(series.marks) == 5


def test_of_more_places_than_have_room_those_that_are_named_have_their_n() -> None:
    few, many = trend([line(*[0.5] * 16)]).places, trend([line(*[0.5] * 53)]).places
    assert all(place.is_counted for place in few) and not all(place.is_labelled for place in few)
    assert [place.is_counted for place in many] == [place.is_labelled for place in many]
    assert sum(place.is_labelled for place in many) == 9


def test_a_phone_has_room_for_ten_short_ns_and_not_for_ten_long_ones() -> None:
    for n, is_tight in ((99, False), (1234, True)):
        assert trend([[Datum(f"W{place}", 0.5, n=n) for place in range(10)]]).is_tight is is_tight
