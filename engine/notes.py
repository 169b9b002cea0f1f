"""What people write in their own words: made fit to be kept and passed on."""

import re

LONGEST = 2000
"""Characters of one person's note."""

_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
"""Line breaks, control characters, and halves of characters that no database and no channel takes."""


def plain(text: str) -> str:
    """Bring a text onto one line, without what can't be stored or shown."""
    return " ".join(_UNFIT.sub(" ", text).split())


_NOTHING = frozenset(
    {
        *("-", "no", "none", "nothing", "nothing is open", "nothing open"),
        *("nee", "niets", "geen", "er staat niets open", "niets open"),
        *("nada", "ninguno", "no queda nada", "no queda nada abierto"),
    }
)


def says_nothing(text: str) -> bool:
    """Tell whether somebody writes in English, Dutch or Spanish that there is nothing to tell."""
    return plain(text).strip(" .!").lower() in _NOTHING
