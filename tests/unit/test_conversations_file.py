"""Conversations from CSV: as spreadsheets write it, all lines or none, and the same line twice is one."""

from datetime import UTC, datetime

import pytest

from engine.conversations_file import ConversationsFileError, read

HEAD = "channel,id,customer,text,received_at\n"


def test_reads_a_file():
    raw = HEAD + 'x,42,@jo,"Stuck, with kids\nand no hotel",2026-11-22T05:10+01:00\n'
    (one,) = read(raw)
    assert (one.channel, one.id, one.customer) == ("x", "42", "@jo")
    assert one.text == "Stuck, with kids\nand no hotel"
    assert one.received_at == datetime(2026, 11, 22, 4, 10, tzinfo=UTC)


def test_reads_what_a_european_spreadsheet_saves():
    raw = "\ufeffChannel;Text;Received_at;Public\r\nFacebook;Vertraagd;2026-11-22T04:10Z;YES\r\n;;;\r\n".encode()
    (one,) = read(raw)
    assert (one.channel, one.text, one.public) == ("facebook", "Vertraagd", True)


def test_a_line_without_id_gets_the_same_one_every_time():
    raw = "channel,text,received_at\nx,Help,2026-11-22T04:10Z\nx,Help,2026-11-22T04:11Z\n"
    first, second = read(raw)
    assert first.id != second.id
    assert [one.id for one in read(raw)] == [first.id, second.id]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("", "1: the first line lacks channel, text, received_at"),
        ("channel,text,received_at,name\n", "1: the first line has unknown columns 'name'"),
        ("channel,text,text,received_at\n", "1: the first line has text twice"),
        (HEAD + "x,1,@jo,Hello,2026-11-22T04:10\n", "2: received_at: write the time with its zone"),
        (HEAD + "x,1,@jo,Hello,\n", "2: received_at is empty"),
        (HEAD + "x,1,@jo,Hello, there,2026-11-22T04:10Z\n", "2: 6 columns instead of 5"),
        (HEAD + "x,1,@jo,,2026-11-22T04:10Z\n", "2: text: a text of 1"),
        (HEAD + 'x,1,@jo,"a\nb",2026-11-22T04:10Z\nx y,2,,Hi,2026-11-22T04:10Z\n', "4: channel: write the channel"),
        (HEAD + 'x,1,@jo,"Hello,2026-11-22T04:10Z\n', "2: unexpected end of data"),
    ],
)
def test_says_the_line_and_the_remedy(raw: str, said: str):
    with pytest.raises(ConversationsFileError) as caught:
        read(raw, "in.csv")
    assert str(caught.value).startswith(f"in.csv:{said}")


def test_not_utf8_is_named():
    with pytest.raises(ConversationsFileError, match=r"in\.csv:2: not UTF-8"):
        read(HEAD.encode() + "x,1,,Größe,2026-11-22T04:10Z".encode("latin-1"), "in.csv")


def test_one_wrong_line_refuses_all_and_ten_are_shown():
    lines = "".join(f"x,{n},,Hi,never\n" for n in range(25))
    with pytest.raises(ConversationsFileError) as caught:
        read(HEAD + "x,a,,Hi,2026-11-22T04:10Z\n" + lines)
    assert len(str(caught.value).splitlines()) == 11
    assert str(caught.value).endswith("and 15 more lines")


def test_mistakes_do_not_repeat_what_the_customer_wrote():
    with pytest.raises(ConversationsFileError) as caught:
        read(HEAD + "x,1,jo,My name is Jansen,soon\n")
    assert "Jansen" not in str(caught.value)
