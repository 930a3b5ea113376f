"""The last question and the final answer, and everything else around them."""

from __future__ import annotations

from ingest.reading import Message, Reading, ToolCall
from reviewapp.traces.conversation import flat_facts, tell


def told(*messages: Message, **fields: str):
    return tell(Reading(conversation=messages, **fields))


def test_turns_find_their_places():
    story = told(
        Message("system", "Be kind."),
        Message("user", "Hello"),
        Message("assistant", "Hi"),
        Message("user", "Where is my parcel?"),
        Message("assistant", "Let me look.", (ToolCall("get_order", {"id": 1}),)),
        Message("tool", '{"state": "on its way", "days": 2}'),
        Message("assistant", "It comes in two days."),
    )
    assert story.system == "Be kind."
    assert [message.text for message in story.earlier] == ["Hello", "Hi"]
    assert (story.question, story.answer) == ("Where is my parcel?", "It comes in two days.")
    assert [message.text for message in story.steps] == ["Let me look."]
    (tool,) = story.tools
    assert (tool.name, tool.arguments, tool.facts) == (
        "get_order",
        {"id": 1},
        (("State", "on its way"), ("Days", "2")),
    )


def test_an_answer_in_json_is_told_once():
    story = told(Message("user", "Q"), Message("assistant", '{"a": 1}', other=({"a": 1}, {"type": "image"})))
    assert (story.answer, story.other) == ('{"a": 1}', ({"type": "image"},))


def test_input_and_output_stand_in_where_no_messages_came():
    story = told(input="Q", output="A")
    assert (story.question, story.answer) == ("Q", "A")


def test_an_unanswered_call_and_a_result_without_a_call_are_kept():
    story = told(
        Message("user", "Q"), Message("tool", "plain words"), Message("assistant", "", (ToolCall("f", None),))
    )
    assert [(tool.name, tool.answered, tool.result) for tool in story.tools] == [
        ("tool", True, "plain words"),
        ("f", False, None),
    ]


def test_nothing_said_is_nothing_told():
    story = told()
    assert (story.question, story.answer, story.tools, story.system) == ("", "", (), "")


def test_only_small_flat_objects_become_facts():
    assert flat_facts({"is_open": True, "note": None}) == (("Is open", "yes"), ("Note", "none"))
    assert flat_facts({"deep": {"a": 1}}) == ()
    assert flat_facts({"long": "x" * 500}) == ()
    assert flat_facts({str(n): n for n in range(50)}) == ()
    assert flat_facts([1]) == flat_facts({}) == ()
