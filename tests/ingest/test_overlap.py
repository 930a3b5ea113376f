"""Which words are marked as shared, and what share of the answer they are."""

from __future__ import annotations

import time

from ingest import overlap


def share(answer: str, *passages: str) -> overlap.Shared:
    return overlap.share(overlap.words(answer), passages)


def marked(passage: str, shared: overlap.Shared, index: int = 0) -> list[str]:
    return [passage[start:end] for start, end in shared.in_passages[index]]


def test_a_shared_run_is_found_in_both_texts_whatever_its_case():
    passage = "Unless repaired, You can have your money back."
    shared = share("Yes, you can have your money back today.", passage)
    # yes | you can have your money back | today: six of eight words.
    assert shared.of_word == (None, 0, 0, 0, 0, 0, 0, None)
    assert shared.shares == (6 / 8,)
    assert marked(passage, shared) == ["You can have your money back"]


def test_short_runs_are_chance():
    assert share("it is of the essence", "one of the few").shares == (0.0,)
    assert share("the return window is open", "our return window").shares == (2 / 5,)


def test_each_word_belongs_to_the_passage_with_the_longest_run():
    shared = share(
        "refunds arrive within five days", "arrive within a week", "refunds arrive within five days or so"
    )
    assert shared.of_word == (1, 1, 1, 1, 1)
    assert shared.shares == (2 / 5, 1.0)


def test_a_passage_marks_only_what_the_answer_says():
    passage = "Arrive within five days. Cards arrive within ten days."
    shared = share("It will arrive within five days", passage)
    assert marked(passage, shared) == ["Arrive within five days", "arrive within"]


def test_scripts_without_spaces_are_compared_by_character():
    shared = share("退货期限为三十天", "商品的退货期限为十四天")
    assert shared.of_word[:5] == (0, 0, 0, 0, 0)
    assert 0 < shared.shares[0] < 1


def test_nothing_is_shared_with_nothing():
    assert share("", "some text").shares == (0.0,)
    assert share("some text").shares == ()
    assert share("some text", "").in_passages == ((),)


def test_hostile_repetition_costs_no_more_than_length():
    begun = time.process_time()
    share("again " * 20_000, *["again " * 20_000] * 5)
    assert time.process_time() - begun < 20
