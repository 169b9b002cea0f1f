"""An incident from end to end, with a clock set by hand."""

from tests.scenarios.conftest import Scene


def test_the_first_hour_of_an_it_outage(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    assert len(desk.slack.all("room")) == 1
    assert desk.slack.all("invite")
    desk.pass_time(minutes=60)
    for e in desk.desk.timeline(ref): print(e.at.strftime("%H:%M:%S"), e.kind, e.text)
    assert desk.timeline(ref).has("QueueOpened")
