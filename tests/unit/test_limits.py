"""How long a text is, and whether it fits."""

import json
import unicodedata

import pytest
import yaml

import integrations
from engine import x_text
from engine.limits import fits, measure, segments
from engine.ports import TextLimit

CHARACTERS = TextLimit(count=5, unit="characters", source="test")
GRAPHEMES = TextLimit(count=3, unit="graphemes", bytes=40, source="test")
X = TextLimit(count=280, unit="x_weighted", source="test")
MASTODON = TextLimit(count=500, unit="mastodon", source="test")
SMS = TextLimit(count=10, unit="sms_segments", source="test")
FAMILY = "👨‍👩‍👧‍👦"


def test_a_family_is_one_grapheme_and_seven_characters():
    assert measure(FAMILY, GRAPHEMES) == 1
    assert measure(FAMILY, CHARACTERS) == 7


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abc", 3),
        ("e\u0301", 1),
        ("\r\n", 1),
        ("é\r\né", 3),
        ("🇳🇱🇪🇸", 2),
        ("👍🏽", 1),
        ("한국", 2),
        ("ñandú", 5),
        ("\u2068AMS\u2069", 5),
        ("“—€”", 4),
        ("שּׁלום", 4),
        ("1\ufe0f\u20e3", 1),
    ],
)
def test_graphemes_are_what_a_reader_counts(text, count):
    assert measure(text, GRAPHEMES) == count


def test_a_text_fits_up_to_its_limit():
    assert fits("12345", CHARACTERS) == (5, 5, True, "characters")
    assert fits("123456", CHARACTERS) == (6, 5, False, "characters")


def test_bytes_count_where_the_channel_counts_them():
    assert fits(FAMILY, GRAPHEMES).ok
    assert fits(FAMILY * 2, GRAPHEMES) == (50, 40, False, "bytes")
    assert fits(FAMILY * 4, GRAPHEMES) == (4, 3, False, "graphemes")


def test_without_a_limit_everything_fits():
    assert fits("x" * 10_000, None).ok


def test_an_unknown_unit_is_refused():
    with pytest.raises(
        ValueError, match="'furlongs' is no unit of length; known are characters, graphemes, x_weighted"
    ):
        measure("x", TextLimit(count=1, unit="furlongs", source="test"))


def test_the_limit_says_how_much_is_used():
    assert str(fits("123456", CHARACTERS)) == "6 of 5 characters"
    assert str(fits("故人", X)) == "4 of 280 weighted"
    assert str(fits("x" * 200, SMS)) == "2 of 10 sms segments"


# ---------------------------------------------------------------- X


def pieces(text, emoji=True):
    """A text as X counts it: each piece, whether it is a link, its weight."""
    text, at = unicodedata.normalize("NFC", text), 0
    for start, end in [*x_text.links(text), (len(text), len(text))]:
        spans = [match.span() for match in x_text.EMOJI.finditer(text, at, start)] if emoji else []
        while at < start:
            size = next((to - begin for begin, to in spans if begin == at), 1)
            yield text[at : at + size], False, x_text.weigh(text[at : at + size])
            at += size
        if end > start:
            yield text[start:end], True, x_text.URL_LENGTH
        at = end


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


def counted(text, emoji):
    """What twitter-text's `parseTweet` returns."""
    total, valid, end, at = 0, True, 0, 0
    for piece, _, weight in pieces(text, emoji):
        total, at = total + weight, at + utf16(piece)
        valid = valid and not set(piece) & set(x_text.INVALID)
        if valid and total <= 280:
            end = at
    if emoji:
        assert x_text.weigh(text) == total, "counted whole it is as much as counted piece by piece"
    return {
        "weightedLength": total,
        "valid": valid and 0 < total <= 280,
        "permillage": total * 1000 // 280,
        "displayRangeStart": 0,
        "displayRangeEnd": max(utf16(text) - 1, 0),
        "validRangeStart": 0,
        "validRangeEnd": end - 1 + utf16(text) - utf16(unicodedata.normalize("NFC", text)),
    }


def first_configuration(text):
    """twitter-text's v1.json: 140 characters, each of weight 1, links 23."""
    return 0 < sum(weight if link else len(piece) for piece, link, weight in pieces(text)) <= 140


VECTORS = {
    "tweets": first_configuration,
    "usernames": lambda text: bool(x_text.HANDLE.fullmatch(text)),
    "lists": lambda text: bool(x_text.LIST.fullmatch(text)),
    "hashtags": lambda text: bool(x_text.HASHTAG.fullmatch(text)),
    "urls": x_text.is_url,
    "urls_without_protocol": lambda text: x_text.is_url(text, bare=True),
    "WeightedTweetsCounterTest": lambda text: counted(text, emoji=False),
    "WeightedTweetsWithDiscountedEmojiCounterTest": lambda text: counted(text, emoji=True),
    "UnicodeDirectionalMarkerCounterTest": lambda text: counted(text, emoji=True),
}


def test_all_of_twitter_texts_validation_cases_pass(shared):
    cases = yaml.safe_load((shared / "data/textlimits/twitter-text-validate.yml").read_text())["tests"]
    assert sum(map(len, cases.values())) == 97
    wrong = [
        (group, case["description"], found, case["expected"])
        for group, group_cases in cases.items()
        for case in group_cases
        if (found := VECTORS[group](case["text"])) != case["expected"]
    ]
    assert not wrong


def test_the_weights_are_those_of_twitter_texts_configuration(shared):
    config = json.loads((shared / "data/textlimits/twitter-text-config-v3.json").read_text())
    assert integrations.limits(integrations.Config())["x"].count == config["maxWeightedTweetLength"]
    assert config["transformedURLLength"] == x_text.URL_LENGTH
    for spread in config["ranges"]:
        for code in (spread["start"], spread["end"]):
            assert x_text.weigh(chr(code) + "\ufe0e") - x_text.HEAVY == spread["weight"] / config["scale"], hex(code)
    for code in (4352, 8206, 8207, 8224, 8241, 8248, 0x6545):
        assert x_text.weigh(chr(code)) == config["defaultWeight"] / config["scale"], hex(code)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://t.co/abc123/more", ["https://t.co/abc123"]),
        ("write to help@airline.example or anna@klm.com", []),
        ("(klm.nl/x_(y)_z).", ["klm.nl/x_(y)_z"]),
        ("http://例え.com/x と example.com。", ["http://例え.com/x", "example.com"]),
        ("example.comのページ", ["example.com"]),
        ("this.Please read. e.g. that... 14.30", []),
        ("-example.com _example.com my_site.com http://klm.bar_baz.com", ["http://klm.bar"]),
        ("no.such-tld-here and www.a-b.co.uk?x=1&y=2,", ["www.a-b.co.uk?x=1&y=2"]),
        ("http://پاکستان.پاکستان/ and #example.com", ["http://پاکستان.پاکستان/"]),
        ("https://airline.example/status", []),
    ],
)
def test_links_are_found_as_x_finds_them(text, found):
    assert [text[start:end] for start, end in x_text.links(text)] == found


def test_a_link_counts_23_however_long_it_is():
    assert measure("See https://www.klm.com/" + "x" * 300, X) == 4 + 23
    assert measure("See t.co", X) == 4 + 23


def test_a_registered_sign_is_a_letter_and_a_flag_an_emoji():
    assert measure("©®™", X) == 1 + 1 + 2
    assert measure("🇳🇱🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", X) == 4


# ---------------------------------------------------------------- Mastodon


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("https://www.klm.com/" + "x" * 300, 23),
        ("www.klm.com", 11),
        ("https://www.klm.com/wiki/日本語_(x)", 23),
        ("@alice@example.com hello", 6 + 6),
        ("hello @alice", 12),
        ("mail alice@example.com", 22),
        (FAMILY + "é", 2),
    ],
)
def test_mastodon_counts_graphemes_short_links_and_names_without_servers(text, count):
    assert measure(text, MASTODON) == count


# ---------------------------------------------------------------- SMS


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2),
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 305, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("[x] {y} \\ ~ | ^", "GSM-7", 23, 1),
        ("àèéìòù ÄÖÑÜ ñ ß ¿¡ Ç", "GSM-7", 20, 1),
        ("á" * 70, "UCS-2", 70, 1),
        ("á" * 71, "UCS-2", 71, 2),
        ("á" * 134, "UCS-2", 134, 2),
        ("á" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("á" * 66 + "😀" + "á" * 65, "UCS-2", 133, 2),
        ("á" * 66 + "😀" + "á" * 66, "UCS-2", 134, 3),
        ("ç", "UCS-2", 1, 1),
    ],
)
def test_an_sms_is_counted_in_the_parts_that_are_paid_for(text, encoding, units, count):
    found = segments(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, count)
    assert measure(text, SMS) == count


# ---------------------------------------------------------------- the channels' own limits


def test_blueskys_limit_is_that_of_its_lexicon(shared):
    lexicon = json.loads((shared / "data/textlimits/bluesky-app.bsky.feed.post.limits.json").read_text())
    found = integrations.limits(integrations.Config())["bluesky"]
    assert found.unit == "graphemes"
    assert found.count == lexicon["text"]["maxGraphemes"]
    assert found.bytes == lexicon["text"]["maxLength"]


def test_our_limits_agree_with_those_that_others_publish(shared):
    """Of the eleven channels in the list we speak on five."""
    published = {
        entry["channel"]: entry for entry in json.loads((shared / "data/textlimits/channel_limits.json").read_text())
    }
    ours = integrations.limits(integrations.Config())
    assert len(published) == 11
    same = {"x": "x_free", "bluesky": "bluesky", "mastodon": "mastodon", "facebook": "facebook"}
    units = {"x": "x_weighted", "bluesky": "graphemes", "mastodon": "mastodon", "facebook": "characters"}
    for channel, name in same.items():
        assert (ours[channel].count, ours[channel].unit) == (published[name]["limit"], units[channel]), channel
    assert ours["bluesky"].bytes == published["bluesky"]["also"]["bytes_utf8"]
    assert published["x_free"]["url_counts"] == published["mastodon"]["url_counts"] == x_text.URL_LENGTH
    for letter, alphabet in (("a", "gsm7"), ("á", "ucs2")):
        alone, part = published["sms"][alphabet]["single"], published["sms"][alphabet]["multi"]
        assert [segments(letter * count).segments for count in (alone, alone + 1, 2 * part, 2 * part + 1)] == [
            1,
            2,
            2,
            3,
        ]
