"""Texts for Slack: nothing calls a whole channel by accident, nothing is cut open, nothing gets lost."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.effects import Button
from engine.ports import Refused
from integrations.slack import blocks


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("R&D <now>", "R&amp;D &lt;now&gt;"),
        ("already R&amp;D", "already R&amp;D"),
        ("<!channel> <!here|x> <!everyone>", "&lt;!channel&gt; &lt;!here|x&gt; &lt;!everyone&gt;"),
        ("<!subteam^S123>", "&lt;!subteam^S123&gt;"),
        ("<javascript:x|Approve>", "&lt;javascript:x|Approve&gt;"),
        ("<@U012AB3CD> in <#C012AB3CD|ops>", "<@U012AB3CD> in <#C012AB3CD|ops>"),
        ("<https://example.org/a?b=1&c=2|Help & care>", "<https://example.org/a?b=1&c=2|Help & care>"),
        ("See https://example.org/a?b=1&c=2.", "See <https://example.org/a?b=1&amp;c=2>."),
        ("(https://example.org/help)", "(<https://example.org/help>)"),
        ("<!here> R&D: https://example.org & <b>", "&lt;!here&gt; R&amp;D: <https://example.org> &amp; &lt;b&gt;"),
        ("*bold* _it_ `code`", "*bold* _it_ `code`"),
    ],
)
def test_mrkdwn(written: str, sent: str):
    assert blocks.mrkdwn(written) == sent


@given(st.text(alphabet=st.sampled_from("<>!@#&;|^ abUC1:/.\nhtps"), max_size=80))
def test_no_text_can_call_a_channel(text: str):
    sent = blocks.mrkdwn(text)
    assert not re.search(r"<!(?!date\^)", sent)
    assert blocks.mrkdwn("<!channel>" + text).startswith("&lt;!channel&gt;")


@given(st.text(alphabet=st.sampled_from("abc &<>\n"), max_size=400), st.integers(20, 60))
def test_pieces_keep_every_word(text: str, limit: int):
    escaped = blocks.mrkdwn(text)
    cut = list(blocks.pieces(escaped, limit))
    assert all(len(piece) <= limit for piece in cut)
    assert re.sub(r"\s", "", html.unescape("".join(cut))) == re.sub(r"\s", "", text)


def test_a_link_is_not_cut_open():
    link = "<https://example.org/x|two words>"
    cut = list(blocks.pieces("a" * 90 + link + "b" * 50, 100))
    assert cut == ["a" * 90, f"{link}{'b' * 50}"]


def test_an_entity_is_not_cut_open():
    assert next(blocks.pieces("a" * 97 + "&amp;" + "b" * 10, 100)) == "a" * 97


def test_a_message_longer_than_slack_takes_is_refused_for_good():
    with pytest.raises(Refused, match="Slack takes 50") as refused:
        blocks.message("x" * 3000 * 51)
    assert refused.value.permanent
    assert len(blocks.message("x" * 3000 * 49, (Button(label="Yes", action="answer"),))) == 50


def test_more_buttons_than_slack_takes_are_refused_for_good():
    buttons = [Button(label="Yes", action="answer", value=str(number)) for number in range(26)]
    with pytest.raises(Refused) as refused:
        blocks.message("Hello", buttons)
    assert refused.value.permanent


def test_each_button_has_an_id_of_its_own():
    buttons = (Button(label="Yes", action="answer", value="i|yes"), Button(label="No", action="answer", value="i|no"))
    _, actions = blocks.message("Hello", buttons)
    ids = [element["action_id"] for element in actions["elements"]]
    assert ids == ["answer:0", "answer:1"]
    assert all(blocks.BUTTON.fullmatch(each) for each in ids)


@given(st.text(max_size=400))
def test_marks_fit(key: str):
    assert len(blocks.block_mark(key)) <= 255
    assert len(blocks.purpose_mark(key)) <= 60
    assert blocks.block_mark(key) != blocks.block_mark(key + "x")
