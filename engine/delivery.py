"""What an attempt to deliver an effect means for it. One layer retries, and it is this one."""

from collections.abc import Callable
from datetime import datetime, timedelta

from engine.effects import Effect, EffectState, Look, Receipt
from engine.ports import Refused
from engine.timeline import Entry

PAUSES = tuple(timedelta(seconds=s) for s in (2, 5, 10, 20, 40, 80, 160))
"""Pauses between attempts while the outside is away; then the last, until GIVE_UP."""
GIVE_UP = timedelta(hours=24)
"""After so long an effect has failed: what it says is no longer true."""
ALARM_AFTER = 4
"""Attempts after which people are told, about a minute."""
URGENT = 2
"""What has at most this urgency does not queue behind the others where a channel lets only so many through."""
MOST_DOUBTFUL = 3
"""Sends whose answers were lost: each may have arrived, and a person must not be paged without end. That irrops itself
died during a send is not counted: what it had claimed was mostly not sent yet, and a call that is lost harms."""


def sent(effect: Effect, receipt: Receipt, now: datetime) -> Effect:
    """It happened."""
    return _free(effect, state=EffectState.SENT, receipt=receipt, sent_at=now, uncertain=False, doubtful=0, error="")


def refused(effect: Effect, why: Refused, now: datetime) -> Effect:
    """The outside said no: nothing happened. Later again, or never where it is permanent."""
    if why.permanent:
        return failed(effect, str(why))
    wait = why.sooner if why.sooner is not None and effect.urgency <= URGENT else why.retry_after
    pause = timedelta(seconds=wait) if wait is not None else _pause(effect)
    return _again(effect, str(why), pause, now, uncertain=effect.uncertain)


def lost(effect: Effect, why: str, now: datetime, *, began: bool = True) -> Effect:
    """No answer: it may have happened. Looked up before it is sent again. `began`: it was sent, not only looked for."""
    doubted = effect.model_copy(update={"doubtful": effect.doubtful + began})
    return _again(doubted, why, _pause(effect), now, uncertain=True)


def not_there(effect: Effect) -> Effect:
    """It was looked for and is not there: none of the sends before has arrived."""
    return effect.model_copy(update={"uncertain": False, "doubtful": 0})


def not_found_out(effect: Effect, why: str) -> Effect:
    """Nobody can look whether it happened: a person decides, or it is sent once more, up to MOST_DOUBTFUL times."""
    if effect.if_unknown == "ask":
        return undecided(effect, why)
    if effect.doubtful >= MOST_DOUBTFUL:
        return failed(effect, f"it may have arrived {effect.doubtful} times: {effect.error or why}")
    return effect


def undecided(effect: Effect, why: str) -> Effect:
    """It can't be found out and must not happen twice: a person decides."""
    return _free(effect, state=EffectState.UNKNOWN, error=why)


def superseded(effect: Effect) -> Effect:
    """It was looked for and did not happen, and a newer one has taken its place."""
    return _free(effect, state=EffectState.CANCELLED, uncertain=False, error="a newer one has taken its place")


def failed(effect: Effect, why: str) -> Effect:
    return _free(effect, state=EffectState.FAILED, error=why)


def in_trouble(effect: Effect, find: Callable[[str], Effect | None]) -> bool:
    """Whether so many attempts have failed that nobody should wait for it: its own, or those of what it builds on.

    The attempt that is under way has not failed yet. `find` gives an effect by its key.
    """
    if effect.attempts - (effect.state is EffectState.SENDING) >= ALARM_AFTER:
        return True
    base = find(effect.needs) if effect.needs else None
    if base is None or base.state.settled:
        return base is not None and base.state is EffectState.UNKNOWN
    return in_trouble(base, find)


def _pause(effect: Effect) -> timedelta:
    return PAUSES[min(max(effect.attempts, 1), len(PAUSES)) - 1]


def _again(effect: Effect, why: str, pause: timedelta, now: datetime, *, uncertain: bool) -> Effect:
    if now + pause > effect.queued_at + GIVE_UP:
        gave_up = f"given up after {effect.attempts} attempts: {why}"
        if uncertain and effect.if_unknown == "ask":
            return undecided(effect, gave_up)
        return failed(effect, gave_up)
    return _free(effect, state=EffectState.QUEUED, not_before=now + pause, uncertain=uncertain, error=why)


def _free(effect: Effect, **changes: object) -> Effect:
    return effect.model_copy(update={"lease_until": None, "lease_owner": "", **changes})


_KINDS = {
    EffectState.SENT: ("EffectSent", "sent"),
    EffectState.FAILED: ("EffectFailed", "failed"),
    EffectState.UNKNOWN: ("EffectUnknown", "may have happened or not"),
}


def entries(effect: Effect, now: datetime, *, sandbox: bool) -> tuple[Entry, ...]:
    """The timeline entry of a settled effect; none while it is still under way, or belongs to no incident."""
    if effect.incident is None or effect.state not in _KINDS or isinstance(effect.message, Look):
        return ()  # what a look found is told by the watch
    kind, words = _KINDS[effect.state]
    name = effect.key.split("/", 1)[1]
    where = f"{effect.channel} (sandbox)" if sandbox else effect.channel
    text = f"{name} {words} on {where}" + (f": {effect.error}" if effect.error else "")
    facts = {"effect": effect.key, "kind": effect.message.kind, "channel": effect.channel, "attempts": effect.attempts}
    if effect.receipt and effect.receipt.url:
        facts["url"] = effect.receipt.url
    return (
        Entry(
            incident=effect.incident,
            at=now,
            kind=kind,
            text=text,
            step=effect.step,
            facts=facts,
            key=f"{effect.state}/{effect.key}",
        ),
    )
