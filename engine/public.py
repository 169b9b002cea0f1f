"""What the public sees now: which text stands on each channel in each language, since when, and what is wrong there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.effects import CHANGED, GONE, Amend, Effect, EffectState, Post

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot
    from engine.statements import Statement

Place = tuple[str, str]
"""Channel and language."""

NOTICE = "rights"
"""First word of the messages that stand beside the news: neither takes the other's place."""

ON_ITS_WAY = (EffectState.QUEUED, EffectState.SENDING)


@dataclass(frozen=True)
class Seen:
    """One channel in one language."""

    channel: str
    language: str
    state: str
    """`live`; `gone`: deleted there by hand; `changed`: other words stand there; `withdrawn`; `nothing`: never."""
    statement: str = ""
    """Reference of the statement that stands there, as ST-3."""
    message: str = ""
    parts: tuple[str, ...] = ()
    """The text as it was published, a part for each post of a thread."""
    urls: tuple[str, ...] = ()
    since: datetime | None = None
    age: timedelta | None = None
    looked_at: datetime | None = None
    """When it was last looked at; None where the channel can't be looked at, or was not yet."""
    found: str = ""
    """What stands there in place of the text, where it was changed and can be read."""
    behind: str = ""
    """Why a newer statement is not out here: `ST-4 failed: …`, `ST-4 is on its way`. Empty: this is the newest."""

    @property
    def well(self) -> bool:
        return self.state in ("live", "withdrawn") and not self.behind


def post_of(effect: Effect) -> Post | None:
    """The post that an effect makes, or puts in the place of another; None for anything else."""
    message = effect.message
    if isinstance(message, Amend):
        return message.post
    return message if isinstance(message, Post) else None


def is_notice(message: str) -> bool:
    """Tell whether a message stands beside the news, as that on passengers' rights does."""
    return message.split("_")[0] == NOTICE


def places(snapshot: "Snapshot", *, notices: bool = False) -> dict[Place, tuple[Effect, ...]]:
    """Channel and language → the effects that posted what stands there: one for each part of a thread, in order.

    Of the news, or of the notices beside it.
    """
    found: dict[Place, list[Effect]] = {}
    for effect in snapshot.posts:
        post = post_of(effect)
        if post and is_notice(post.message) == notices:
            found.setdefault((effect.channel, post.language), []).append(effect)
    return {place: tuple(sorted(effects, key=_part)) for place, effects in found.items()}


def _part(effect: Effect) -> int:
    post = post_of(effect)
    return post.part if post else 0


def look_key(posted: Effect) -> str:
    """Key of the effect that looks at a post."""
    return f"{posted.key}/look"


def seen(snapshot: "Snapshot", posted: Effect) -> str:
    """What the last look at a post found: `same`, `changed`, `gone`; empty where nobody has looked."""
    look = snapshot.looks.get(posted.key)
    return str(look.receipt.facts.get("seen", "")) if look and look.receipt else ""


def gone(snapshot: "Snapshot", posted: Effect) -> bool:
    """Whether a post was no longer there at the last look."""
    return seen(snapshot, posted) == GONE


def public(snapshot: "Snapshot") -> tuple[Seen, ...]:
    """Say for each channel and language that something was said on, or is to be, what stands there now."""
    return _public(snapshot, notices=False) + _public(snapshot, notices=True)


def _public(snapshot: "Snapshot", *, notices: bool) -> tuple[Seen, ...]:
    by_key = {one.key: one for one in snapshot.statements if is_notice(one.message) == notices}
    standing, waiting = places(snapshot, notices=notices), _waiting(snapshot, notices=notices)
    newest = _newest(standing, by_key)
    meant = {(t.channel, t.language) for one in by_key.values() if one.approved_at for t in one.texts}
    everywhere = sorted({*standing, *waiting, *meant})
    return tuple(
        _seen(snapshot, place, standing.get(place, ()), waiting.get(place), newest.get(place[1]), by_key)
        for place in everywhere
    )


def _waiting(snapshot: "Snapshot", *, notices: bool) -> dict[Place, Effect]:
    """Channel and language → the newest post that is not out."""
    found: dict[Place, Effect] = {}
    stuck = (*ON_ITS_WAY, EffectState.FAILED, EffectState.UNKNOWN)
    for effect in sorted(snapshot.effects, key=lambda effect: effect.queued_at):
        post = post_of(effect)
        if post and post.part == 1 and is_notice(post.message) == notices and effect.state in stuck:
            found[effect.channel, post.language] = effect
    return found


def _newest(standing: dict[Place, tuple[Effect, ...]], by_key: dict[str, "Statement"]) -> dict[str, "Statement"]:
    """Language → the newest statement that stands anywhere in it."""
    found: dict[str, Statement] = {}
    for (_, language), effects in standing.items():
        statement = _statement(effects[0], by_key)
        there = found.get(language)
        if statement and not statement.withdrawn_at and (there is None or statement.drafted_at > there.drafted_at):
            found[language] = statement
    return found


def _statement(effect: Effect, by_key: dict[str, "Statement"]) -> "Statement | None":
    post = post_of(effect)
    return by_key.get(post.statement) if post else None


def _seen(
    snapshot: "Snapshot",
    place: Place,
    effects: tuple[Effect, ...],
    waiting: Effect | None,
    newest: "Statement | None",
    by_key: dict[str, "Statement"],
) -> Seen:
    channel, language = place
    statement = _statement(effects[0], by_key) if effects else None
    behind = _behind(snapshot, place, statement, effects, waiting, newest, by_key)
    if not effects:
        withdrawn = any(
            one.withdrawn_at and place in {(t.channel, t.language) for t in one.texts} for one in by_key.values()
        )
        return Seen(channel, language, "withdrawn" if withdrawn else "nothing", behind=behind)
    found = {seen(snapshot, effect): effect for effect in effects}
    state = next((what for what in (GONE, CHANGED) if what in found), "live")
    looks = [look for effect in effects if (look := snapshot.looks.get(effect.key)) and look.receipt]
    stands = looks[0].receipt.facts.get("text", "") if state == CHANGED and looks and looks[0].receipt else ""
    since = effects[0].sent_at
    return Seen(
        channel=channel,
        language=language,
        state=state,
        statement=statement.ref if statement else "",
        message=statement.message if statement else "",
        parts=tuple(post.text for effect in effects if (post := post_of(effect))),
        urls=tuple(effect.receipt.url for effect in effects if effect.receipt and effect.receipt.url),
        since=since,
        age=snapshot.now - since if since else None,
        looked_at=min((look.sent_at for look in looks if look.sent_at), default=None),
        found=str(stands),
        behind=behind,
    )


def _behind(
    snapshot: "Snapshot",
    place: Place,
    statement: "Statement | None",
    effects: tuple[Effect, ...],
    waiting: Effect | None,
    newest: "Statement | None",
    by_key: dict[str, "Statement"],
) -> str:
    if waiting and (not effects or waiting.queued_at > effects[0].queued_at):
        late = _statement(waiting, by_key)
        ref = late.ref if late else "a newer one"
        if waiting.state in ON_ITS_WAY:
            return f"{ref} is on its way" + (f" ({waiting.error})" if waiting.error else "")
        how = "failed" if waiting.state is EffectState.FAILED else "may be out or not"
        return f"{ref} {how}: {waiting.error}"
    if statement and statement.withdrawn_at:
        return f"{statement.ref} was withdrawn, and can't be taken away here: correct it"
    wanted = newest and place in {(text.channel, text.language) for text in newest.texts}
    if newest and wanted and (statement is None or statement.drafted_at < newest.drafted_at):
        return f"{newest.ref} stands elsewhere, not here"
    return ""
