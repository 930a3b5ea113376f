"""Which words are marked as shared, and what share of the answer stands in a passage."""

from __future__ import annotations

import time

from ingest import overlap
from ingest.reading import Document, Reading
from ingest.trace_checks.grounding import grounding
from ingest.trace_checks.subject import Subject


def share(answer: str, *passages: str) -> overlap.Shared:
    return overlap.share(answer, passages)


def marked(passage: str, shared: overlap.Shared, index: int = 0) -> list[str]:
    return [passage[start:end] for start, end in shared.in_passages[index]]


def test_a_shared_run_is_found_in_both_texts_whatever_its_case():
    passage = "Unless repaired, You can have your money back."
    shared = share("Yes, you can have your money back today.", passage)
    assert shared.of_word == (None, 0, 0, 0, 0, 0, 0, None)
    # money, back, today tell something; two of them stand there.
    assert shared.shares == (2 / 3,)
    assert marked(passage, shared) == ["You can have your money back"]


def test_a_sign_before_a_number_belongs_to_no_word_before_it():
    assert share("€5 is due today", "That is €5.").of_word == (0, None, None, None)
    assert share("Pay today: €5", "That is €5.").of_word == (None, None, 0)


def test_numbers_are_looked_for_as_far_as_one_reads():
    far = "x " * overlap.LOOKED_THROUGH + "600 km"
    assert not any(share("600 km", far).in_passages[0])
    before = time.process_time()
    share("€5 " * 60_000, *["€5 " * 60_000] * 3)
    assert time.process_time() - before < 2


def test_short_runs_are_chance():
    shared = share("it is of the essence", "one of the few")
    assert shared.shares == (0.0,) and shared.in_passages == ((),)
    assert share("the return window is open", "our return window").shares == (2 / 3,)


def test_each_word_belongs_to_the_passage_with_the_longest_run():
    shared = share(
        "refunds arrive within five days", "arrive within a week", "refunds arrive within five days or so"
    )
    assert shared.of_word == (1, 1, 1, 1, 1)
    # refunds, arrive, five, days; "within" is a small word.
    assert shared.shares == (1 / 4, 1.0)


def test_a_passage_marks_only_what_the_answer_says():
    passage = "Arrive within five days. Cards arrive within ten days."
    shared = share("It will arrive within five days", passage)
    assert marked(passage, shared) == ["Arrive within five days", "arrive within"]


def test_scripts_without_spaces_are_compared_by_character():
    shared = share("退货期限为三十天", "商品的退货期限为十四天")
    assert shared.of_word[:5] == (0, 0, 0, 0, 0)
    assert 0 < shared.shares[0] < 1


def test_nothing_is_shared_with_nothing():
    assert share("", "some text").shares == (None,)
    assert share("some text").shares == ()
    assert share("some text", "").in_passages == ((),)


def test_numbers_that_stand_in_both_are_marked_and_counted_in_whatever_order_the_words_stand():
    passage = "5 mm lugs, good for 600 km with one third road."
    shared = share("The lugs are 5 mm deep and last 600 km or so.", passage)
    assert marked(passage, shared) == ["5 mm", "600"]
    # lugs, 5, 600 of these and deep, last
    assert shared.shares == (3 / 5,)


def test_a_price_is_the_same_however_it_is_written_and_no_other():
    passage = "148,90 EUR from 1,000 pieces"
    assert marked(passage, share("It costs €148.90.", passage)) == ["148,90"]
    assert marked(passage, share("Order 1000.", passage)) == ["1,000"]
    assert share("It costs €148.", passage).in_passages == ((),)


def test_one_digit_is_chance_without_the_word_beside_it():
    assert share("between 3 and 4", "chapter 3 of 4").in_passages == ((),)
    assert marked("Fenix 7 Pro", share("my fenix 7", "Fenix 7 Pro")) == ["Fenix 7"]


def test_dates_and_names_in_another_order_are_marked():
    passage = "Offer ends March 12, 2024, says Garmin. Use code SUMMER24."
    shared = share("With summer24 until 12 March 2024 from Garmin", passage)
    assert marked(passage, shared) == ["March", "12", "2024", "Garmin", "SUMMER24"]


def test_a_capital_that_begins_a_sentence_in_both_is_no_name():
    assert share("Orders ship soon.", "Orders are many.").in_passages == ((),)
    assert share("Orders ship soon.", "Orders are many.").shares == (1 / 3,)
    passage = "we sell Garmin"
    assert marked(passage, share("Garmin makes it.", passage)) == ["Garmin"]


def test_german_nouns_are_no_names():
    answer = "Sie erhalten die Erstattung innerhalb von 14 Tagen nach Eingang der Ware in unserem Lager."
    passage = "Die Ware geht an das Lager der UPS; 14 Tage."
    assert marked(passage, share(answer, passage)) == ["14"]


def test_where_something_is_marked_the_share_is_not_nothing():
    passage = "you can do that with it, 30 days, UK, the Ace"
    for answer in ("you can do that with it", "30", "UK", "see the Ace", "5", "then 30 of 40"):
        shared = share(answer, passage)
        assert not shared.in_passages[0] or shared.shares[0]


def test_the_share_is_what_the_check_of_grounding_counts_where_no_number_is_said():
    document = "Returns are accepted within a month; the card is refunded."
    answer = "You may return shoes and jackets within one month, refunding takes longer over holidays."
    reading = Reading(input="?", output=answer, documents=(Document(id="a", text=document),))
    told = grounding(Subject(reading), {"numbers": False, "least_share": 0.0})
    assert told is not None and told.explanation.startswith(f"{share(answer, document).shares[0]:.0%} of")


def test_hostile_repetition_costs_no_more_than_length():
    begun = time.process_time()
    share("again " * 20_000, *["again " * 20_000] * 5)
    assert time.process_time() - begun < 20
