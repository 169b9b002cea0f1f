"""What an attempt to deliver means: how long to wait, and when it is enough."""

from datetime import timedelta

import pytest

from engine.delivery import MOST_DOUBTFUL, URGENT, lost, not_found_out, not_there, refused, sent
from engine.effects import Effect, EffectState, Receipt, Text
from engine.ports import Refused
from tests.unit.volunteers import NIGHT


def effect(**more: object) -> Effect:
    fields = {"key": "INC-7-x/a", "incident": 7, "channel": "sms", "message": Text(text="Hello")}
    sending = {"queued_at": NIGHT, "not_before": NIGHT, "state": EffectState.SENDING, "attempts": 1}
    return Effect.model_validate({**fields, **sending, **more})


@pytest.mark.parametrize(("urgency", "seconds"), [(0, 0), (URGENT, 0), (URGENT + 1, 500), (5, 500)])
def test_the_urgent_ask_again_sooner_where_the_channel_lets_them(urgency: int, seconds: int) -> None:
    why = Refused("the limit is reached", permanent=False, retry_after=500, sooner=0)
    assert refused(effect(urgency=urgency), why, NIGHT).not_before - NIGHT == timedelta(seconds=seconds)


def test_what_the_outside_itself_asks_to_wait_the_urgent_wait_too() -> None:
    why = Refused("asks us to wait", permanent=False, retry_after=30)
    assert refused(effect(urgency=0), why, NIGHT).not_before - NIGHT == timedelta(seconds=30)


def test_sends_whose_answers_were_lost_are_counted_and_looks_are_not() -> None:
    once = lost(effect(), "no answer", NIGHT)
    assert (once.doubtful, once.uncertain, once.state) == (1, True, EffectState.QUEUED)
    assert lost(once, "no answer to the look", NIGHT, began=False).doubtful == 1
    assert lost(once, "no answer", NIGHT).doubtful == 2


def test_after_three_doubtful_sends_it_is_not_sent_once_more() -> None:
    for count in range(MOST_DOUBTFUL):
        assert not_found_out(effect(doubtful=count, uncertain=True), "keeps no history").state is EffectState.SENDING
    enough = not_found_out(effect(doubtful=MOST_DOUBTFUL, error="no answer"), "keeps no history")
    assert (enough.state, enough.error) == (EffectState.FAILED, "it may have arrived 3 times: no answer")


def test_a_public_statement_waits_for_a_person_after_the_first() -> None:
    once = not_found_out(effect(doubtful=1, if_unknown="ask"), "keeps no history")
    assert once.state is EffectState.UNKNOWN


def test_what_is_not_there_or_has_arrived_is_no_longer_doubtful() -> None:
    assert not_there(effect(doubtful=2, uncertain=True)).doubtful == 0
    assert sent(effect(doubtful=2, uncertain=True), Receipt(id="1"), NIGHT).doubtful == 0
