"""Posting: the effects by which a statement goes out, stands corrected, or is taken away again."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from engine.effects import Amend, Effect, EffectState, Message, Post, Withdraw
from engine.public import NOTICE, gone, is_notice, places, post_of
from engine.statements import Statement, Wordings

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot


def posts(
    snapshot: "Snapshot",
    statement: Statement,
    titles: Mapping[str, str] = {},
    components: Mapping[str, str] = {},
) -> tuple[Effect, ...]:
    """One effect for each channel, language and part of a thread. `titles` are by language; else the incident's own.

    A correction takes the place of what stands there, where the channel can; else it answers it. A post that is still
    queued when a newer statement reaches the same channel and language is replaced by that one: an old word after a
    new one would mislead.
    """
    return tuple(
        effect for text in statement.texts for effect in _thread(snapshot, statement, text, titles, components)
    )


def post_key(statement: Statement, text: Wordings, part: int = 1) -> str:
    """Key of the effect that posts one part of a text."""
    first = f"{statement.key}/{text.channel}/{text.language}"
    return first if part == 1 else f"{first}/{part}"


def _thread(
    snapshot: "Snapshot",
    statement: Statement,
    text: Wordings,
    titles: Mapping[str, str],
    components: Mapping[str, str],
) -> Iterator[Effect]:
    incident, house = snapshot.incident, snapshot.house
    begun = snapshot.effect(post_key(statement, text)) is not None  # what it corrects was settled then
    standing = places(snapshot).get((text.channel, text.language), ()) if statement.corrects and not begun else ()
    before = next((effect.key for effect in standing if not _going(snapshot, effect)), None)
    amend = before is not None and house.takes(text.channel, "amend") and not _another(snapshot, text)
    needs = before or (incident.key("room") if text.channel == house.chat else None)
    for number, words in enumerate(text.parts, 1):
        post = Post(
            incident=incident.ref,
            title=titles.get(text.language, incident.title),
            message=statement.message,
            language=text.language,
            text=words,
            severity=incident.severity,
            status=incident.status,
            statement=statement.key,
            drafted_at=statement.drafted_at,
            next_update_at=statement.next_update_at,
            drill=incident.drill,
            part=number,
            parts=len(text.parts),
            corrects=statement.corrects,
            components=dict(components),
        )
        message: Message = Amend(post=post) if amend and number == 1 else post
        yield _effect(snapshot, statement, text, post_key(statement, text, number), message, needs, number)
        needs = post_key(statement, text, number)
    if amend:
        yield from (_withdrawn(snapshot, statement, text.channel, one, "corrected") for one in standing[1:])


def _going(snapshot: "Snapshot", posted: Effect) -> bool:
    """Whether a post is no longer there, or is being taken away: nothing can be put in its place."""
    stays = (EffectState.FAILED, EffectState.CANCELLED)
    leaving = {one.needs for one in snapshot.effects if isinstance(one.message, Withdraw) and one.state not in stays}
    return gone(snapshot, posted) or posted.key in leaving


def _another(snapshot: "Snapshot", text: Wordings) -> bool:
    """Whether a newer post than what stands there may be out: a correction goes on top of both."""
    here = (one for one in snapshot.effects if one.channel == text.channel)
    may_be = (one for one in here if one.uncertain or one.state in (EffectState.SENDING, EffectState.UNKNOWN))
    return any(post.language == text.language for one in may_be if (post := post_of(one)))


def _effect(
    snapshot: "Snapshot",
    statement: Statement,
    text: Wordings,
    key: str,
    message: Message,
    needs: str | None,
    part: int,
) -> Effect:
    incident = snapshot.incident
    place: list[object] = ["post", text.channel, text.language]
    place += [NOTICE] * is_notice(statement.message) + [part] * (part > 1)
    return Effect(
        key=key,
        incident=incident.number,
        step=statement.step,
        channel=text.channel,
        message=message,
        needs=needs,
        urgency=1,
        if_unknown="ask" if isinstance(message, Post) else "send_again",  # an amendment done twice is done once
        replaces=incident.key(*place),
        queued_at=snapshot.now,
        not_before=snapshot.now,
    )


def withdrawals(
    snapshot: "Snapshot", statement: Statement, sent: tuple[Effect, ...], reason: str
) -> tuple[Effect, ...]:
    """Take away what was posted of a statement, on each channel that can; `sent` are the effects that posted it."""
    return tuple(
        _withdrawn(snapshot, statement, effect.channel, effect, reason)
        for effect in sent
        if snapshot.house.takes(effect.channel, "withdraw")
    )


def _withdrawn(snapshot: "Snapshot", statement: Statement, channel: str, posted: Effect, reason: str) -> Effect:
    message = posted.message.post if isinstance(posted.message, Amend) else posted.message
    language = message.language if isinstance(message, Post) else ""
    return Effect(
        key=f"{posted.key}/withdrawn",
        incident=snapshot.incident.number,
        channel=channel,
        message=Withdraw(statement=statement.key, language=language, reason=reason),
        needs=posted.key,
        urgency=1,
        queued_at=snapshot.now,
        not_before=snapshot.now,
    )
