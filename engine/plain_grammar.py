"""How people write times, by language: what `engine.plain_words` reads answers with.

Only words live here. Everything is written as `plain_words` folds it: lower case, without accents and apostrophes. In a
form `{h}` is an hour, `{n}` a number; both may be digits or words of the language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MORNING, AFTERNOON, EVENING, NIGHT = "morning", "afternoon", "evening", "night"

PERIODS: Mapping[str, frozenset[int]] = {
    "am": frozenset(range(12)),
    "pm": frozenset(range(12, 24)),
    MORNING: frozenset(range(12)),
    AFTERNOON: frozenset(range(12, 21)),
    EVENING: frozenset({*range(17, 24), 0}),
    NIGHT: frozenset({*range(20, 24), *range(7)}),
}
"""Which hours of the day a part of it covers."""


@dataclass(frozen=True)
class Language:
    """What one language says of times."""

    numbers: Mapping[str, int]
    at: str
    """What stands before a clock time; with it a bare number is one."""
    clocks: tuple[tuple[str, int, int], ...]
    """Clock times that need no such word before them: form, minutes added to the hour, sign of `{n}` minutes."""
    clocks_after_at: tuple[tuple[str, int, int], ...] = ()
    """Clock times that do."""
    o_clock: str = ""
    """Says after a number that it is a clock time."""
    perhaps_o_clock: str = ""
    """May say so, or hours of work: taken for a clock time beside a day or a part of the day."""
    fixed: Mapping[str, int] = field(default_factory=dict)
    """Names of clock times → hour."""
    inside: str = ""
    """What stands before a span of time."""
    hours: str = ""
    minutes: str = ""
    half: str = ""
    """“and a half”, after the number or after the hours."""
    spans: Mapping[str, int] = field(default_factory=dict)
    """Spans with a name of their own → minutes."""
    after_span: str = ""
    days: Mapping[str, tuple[int | None, str]] = field(default_factory=dict)
    """Days (0 today, 1 tomorrow) and parts of the day."""


_ENGLISH = Language(
    numbers={
        **{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8},
        **{"nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30},
        **{"forty": 40, "forty five": 45},
    },
    at=(
        r"(?:but )?(?:only |just )?(?:at|from|by|around|about|after|as of|starting|not before|not until|not till|"
        r"(?:no|not) (?:earlier|sooner) than|(?:i )?(?:cant|cannot|can not)(?: come| be there| start| make it)? "
        r"(?:before|until|till))(?: about| around)?"
    ),
    clocks=(
        *(("half past {h}", 30, 0), ("half {h}", 30, 0), ("(?:a )?quarter past {h}", 15, 0)),
        *(("(?:a )?quarter to {h}", -15, 0), ("{n} past {h}", 0, 1), ("{h} thirty", 30, 0), ("{h} fifteen", 15, 0)),
    ),
    o_clock="o ?clock",
    fixed={"(?:12 )?noon|midday": 12, "(?:12 )?midnight": 0},
    inside=r"(?:but )?(?:only )?(?:in|within)(?: about| around| roughly)?",
    hours="hours?|hrs?|h",
    minutes="minutes?|mins?|m",
    half="and a half",
    spans={"half an hour|a half hour|half hour": 30, "(?:an )?hour and a half": 90, "a quarter of an hour": 15}
    | {"three quarters of an hour": 45},
    after_span="from now",
    days={
        "today": (0, ""),
        "tomorrow": (1, ""),
        "tomorrow morning|in the morning tomorrow": (1, MORNING),
        "tomorrow afternoon": (1, AFTERNOON),
        "tomorrow evening|tomorrow night": (1, EVENING),
        "this morning|in the morning": (None, MORNING),
        "this afternoon|in the afternoon": (None, AFTERNOON),
        "tonight|this evening|in the evening": (None, EVENING),
        "at night": (None, NIGHT),
    },
)

_DUTCH = Language(
    numbers={
        **{"een": 1, "twee": 2, "drie": 3, "vier": 4, "vijf": 5, "zes": 6, "zeven": 7, "acht": 8, "negen": 9},
        **{"tien": 10, "elf": 11, "twaalf": 12, "vijftien": 15, "twintig": 20, "dertig": 30, "veertig": 40},
    },
    at=(
        r"(?:maar )?(?:pas |alleen |enkel )?(?:om|vanaf|rond|na|tegen|omstreeks|niet voor|niet eerder dan|"
        r"(?:ik )?kan (?:ik )?niet (?:komen )?(?:voor|eerder dan))(?: ongeveer)?"
    ),
    clocks=(
        *(("half {h}(?: uur)?", -30, 0), ("kwart over {h}(?: uur)?", 15, 0), ("kwart voor {h}(?: uur)?", -15, 0)),
        *(
            ("{n} over half {h}", -30, 1),
            ("{n} voor half {h}", -30, -1),
            ("{n} over {h}", 0, 1),
            ("{n} voor {h}", 0, -1),
        ),
    ),
    perhaps_o_clock="uur|u",
    fixed={"middernacht": 0},
    inside=r"(?:maar )?(?:pas )?(?:over|binnen)(?: ongeveer| zon| circa)?",
    hours="uur|uren|uurtjes?",
    minutes="minuten|minuutjes|minuut|min",
    half="en een half",
    spans={"(?:een )?half ?uur(?:tje)?": 30, "anderhalf uur": 90, "(?:een )?kwartier(?:tje)?": 15, "drie kwartier": 45},
    days={
        "vandaag": (0, ""),
        "morgen": (1, ""),
        "morgenochtend|morgen vroeg|morgenvroeg": (1, MORNING),
        "morgenmiddag": (1, AFTERNOON),
        "morgenavond": (1, EVENING),
        "s ochtends|s morgens|in de ochtend|vanochtend|vanmorgen": (None, MORNING),
        "s middags|in de middag|vanmiddag": (None, AFTERNOON),
        "s avonds|in de avond|vanavond": (None, EVENING),
        "s nachts|in de nacht|vannacht": (None, NIGHT),
    },
)

_SPANISH = Language(
    numbers={
        **{"un": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8},
        **{"nueve": 9, "diez": 10, "once": 11, "doce": 12, "quince": 15, "veinte": 20, "treinta": 30, "cuarenta": 40},
    },
    at=(
        r"(?:pero )?(?:solo |solamente )?(?:a|desde|a partir de|sobre|hacia|despues de|no antes de|no hasta|"
        r"no puedo (?:ir |venir |llegar )?(?:antes de|hasta)) las?"
    ),
    clocks=(("{h} y media", 30, 0), ("{h} y cuarto", 15, 0), ("{h} menos cuarto", -15, 0)),
    clocks_after_at=(("{h} y {n}", 0, 1), ("{h} menos {n}", 0, -1), ("{h} ?h(?:oras)?", 0, 0)),
    fixed={"(?:al )?mediodia": 12, "(?:a )?medianoche": 0},
    inside=r"(?:pero )?(?:solo )?(?:en|dentro de)(?: unas| unos)?",
    hours="horas?|h",
    minutes="minutos?|min",
    half="y media",
    spans={"media hora": 30, "(?:una )?hora y media": 90, "(?:un )?cuarto de hora": 15, "tres cuartos de hora": 45},
    days={
        "hoy": (0, ""),
        "manana": (1, ""),
        "manana por la manana": (1, MORNING),
        "manana por la tarde": (1, AFTERNOON),
        "manana por la noche": (1, EVENING),
        "de la manana|por la manana|esta manana": (None, MORNING),
        "de la tarde|por la tarde|esta tarde": (None, AFTERNOON),
        "de la noche|por la noche|esta noche": (None, EVENING),
        "de la madrugada": (None, NIGHT),
    },
)

_PORTUGUESE = Language(
    numbers={
        **{"uma": 1, "duas": 2, "dois": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8},
        **{"nove": 9, "dez": 10, "onze": 11, "doze": 12, "quinze": 15, "vinte": 20, "trinta": 30},
    },
    at=(
        r"(?:mas )?(?:so |apenas |somente )?(?:as?|a partir das?|desde as?|pelas?|por volta das?|depois das?|"
        r"nao antes das?|nao posso (?:ir |vir )?antes das?)"
    ),
    clocks=(("{h} e meia", 30, 0), ("{h} e um quarto", 15, 0)),
    clocks_after_at=(("{h} e {n}", 0, 1), ("{h} ?h(?:oras)?", 0, 0)),
    fixed={"(?:ao )?meio dia": 12, "(?:a )?meia noite": 0},
    inside=r"(?:mas )?(?:so )?(?:em|dentro de|daqui a)(?: umas)?",
    hours="horas?|h",
    minutes="minutos?|min",
    half="e meia",
    spans={"meia hora": 30, "(?:uma )?hora e meia": 90, "um quarto de hora": 15},
    days={
        "hoje": (0, ""),
        "amanha": (1, ""),
        "amanha de manha": (1, MORNING),
        "amanha a tarde": (1, AFTERNOON),
        "amanha a noite": (1, EVENING),
        "da manha|de manha": (None, MORNING),
        "da tarde|a tarde|hoje a tarde": (None, AFTERNOON),
        "da noite|a noite|hoje a noite": (None, EVENING),
        "da madrugada": (None, NIGHT),
    },
)

_GERMAN = Language(
    numbers={
        **{"ein": 1, "eins": 1, "eine": 1, "einer": 1, "zwei": 2, "drei": 3, "vier": 4, "funf": 5, "sechs": 6},
        **{"sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwolf": 12, "funfzehn": 15, "zwanzig": 20},
        **{"dreissig": 30},
    },
    at=(
        r"(?:aber )?(?:erst |nur )?(?:um|ab|gegen|nach|nicht vor|(?:ich )?kann (?:ich )?nicht vor|"
        r"(?:ich )?kann (?:ich )?(?:erst|nur) (?:um|ab|gegen))"
    ),
    clocks=(
        *(("halb {h}(?: uhr)?", -30, 0), ("viertel nach {h}", 15, 0), ("viertel vor {h}", -15, 0)),
        *(("{n} nach {h}", 0, 1), ("{n} vor {h}", 0, -1), ("{n} vor halb {h}", -30, -1), ("{n} nach halb {h}", -30, 1)),
        ("{h} uhr {n}", 0, 1),
    ),
    o_clock="uhr",
    fixed={"mitternacht": 0},
    inside=r"(?:aber )?(?:erst )?in(?: etwa| ungefahr| circa)?",
    hours="stunden?|std",
    minutes="minuten|min",
    half="einhalb",
    spans={"(?:einer )?halben stunde": 30, "anderthalb stunden|eineinhalb stunden": 90, "zweieinhalb stunden": 150}
    | {"(?:einer )?viertelstunde": 15, "(?:einer )?dreiviertelstunde": 45},
    days={
        "heute": (0, ""),
        "morgen": (1, ""),
        "morgen fruh|morgen vormittag": (1, MORNING),
        "morgen nachmittag": (1, AFTERNOON),
        "morgen abend": (1, EVENING),
        "morgens|am morgen|heute morgen|heute fruh|vormittags": (None, MORNING),
        "nachmittags|am nachmittag|heute nachmittag": (None, AFTERNOON),
        "abends|am abend|heute abend": (None, EVENING),
        "nachts|in der nacht|heute nacht": (None, NIGHT),
    },
)

_FRENCH = Language(
    numbers={
        **{"un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8},
        **{"neuf": 9, "dix": 10, "onze": 11, "douze": 12, "quinze": 15, "vingt": 20, "trente": 30},
    },
    at=(
        r"(?:mais )?(?:seulement )?(?:a|vers|des|a partir de|apres|pas avant|"
        r"je (?:ne )?peux pas (?:venir |arriver )?avant)"
    ),
    clocks=(
        *(("{h} ?h(?:eures?)? et demie?", 30, 0), ("{h} ?h(?:eures?)? et quart", 15, 0)),
        ("{h} ?h(?:eures?)? moins (?:le )?quart", -15, 0),
    ),
    clocks_after_at=(("{h} ?h(?:eures?)?", 0, 0), ("{h} ?h(?:eures?)? {n}", 0, 1)),
    fixed={"(?:a )?midi": 12, "(?:a )?minuit": 0},
    inside=r"(?:mais )?(?:seulement )?(?:dans|dici)(?: environ)?",
    hours="heures?|h",
    minutes="minutes?|min|mn",
    half="et demie",
    spans={"une demi heure": 30, "une heure et demie": 90, "un quart dheure": 15, "trois quarts dheure": 45},
    days={
        "aujourdhui": (0, ""),
        "demain": (1, ""),
        "demain matin": (1, MORNING),
        "demain apres midi": (1, AFTERNOON),
        "demain soir": (1, EVENING),
        "du matin|ce matin": (None, MORNING),
        "de lapres midi|cet apres midi": (None, AFTERNOON),
        "du soir|ce soir": (None, EVENING),
    },
)

LANGUAGES: Mapping[str, Language] = {
    "en": _ENGLISH,
    "nl": _DUTCH,
    "es": _SPANISH,
    "pt": _PORTUGUESE,
    "de": _GERMAN,
    "fr": _FRENCH,
}
