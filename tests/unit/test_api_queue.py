"""The queue over HTTP, on a hand-written store of conversations and a fixed clock."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from desk.api_queue import BATCH, router
from desk.auth import digest
from engine import triage
from engine.incident import NotAllowed
from engine.people import Person
from engine.triage import Conversation, ConversationStatus, NotFound, Queue, QueueFigures
from engine.urgency import read_word_lists
from state.store import Stale
from state.tokens import Token

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
LISTS = read_word_lists(Path(__file__).resolve().parents[2] / "templates" / "triage")
QUEUE = Queue(incident=1, opened_at=NOW, answer_within_s=3600, solve_within_s=86400)


class Remembered:
    """Conversations in memory, as `engine.triage.Conversations` asks for them."""

    def __init__(self) -> None:
        self.all: dict[int, Conversation] = {}
        self.lock = Lock()
        self.disturb: list[Conversation] = []
        """Written by somebody else just before the next put."""

    def add(self, conversations: Sequence[Conversation]) -> list[bool]:
        new = []
        for one in conversations:
            known = {(there.incident, there.key) for there in self.all.values()}
            new.append((one.incident, one.key) not in known)
            if new[-1]:
                number = len(self.all) + 1
                self.all[number] = one.model_copy(update={"id": number, "version": 1})
        return new

    def next_for(
        self,
        incident: int,
        languages: Collection[str],
        rights: Collection[str],
        agent: str,
        now: datetime,
        team: str = "",
        another: bool = False,
    ) -> Conversation | None:
        with self.lock:
            here = [one for one in self.all.values() if one.incident == incident]
            held = [one for one in here if one.agent == agent and one.status is ConversationStatus.CLAIMED]
            held = [one for one in held if not triage.lapsed(one, now)]
            if held and not another:
                return held[0]
            waits = ConversationStatus.REFERRED if team else ConversationStatus.OPEN
            free = [
                one
                for one in here
                if (one.status is waits or triage.lapsed(one, now))
                and one.referred_to == team
                and (not languages or one.language in ("", *languages))
                and ("public" if one.public else "private") in rights
            ]
            if not free:
                return None
            first = min(free, key=lambda one: triage.order(one, now))
            return self.put(triage.claim(first, agent, now))

    def get(self, id: int) -> Conversation | None:
        return self.all.get(id)

    def put(self, conversation: Conversation) -> Conversation:
        assert conversation.id
        if self.disturb:
            other = self.disturb.pop()
            self.all[other.id or 0] = other.model_copy(update={"version": other.version + 1})
        if self.all[conversation.id].version != conversation.version:
            raise Stale("Conversation has changed meanwhile")
        self.all[conversation.id] = conversation.model_copy(update={"version": conversation.version + 1})
        return self.all[conversation.id]

    def figures(self, incident: int, now: datetime) -> QueueFigures:
        return triage.figures([one for one in self.all.values() if one.incident == incident], QUEUE, now)

    def search(
        self,
        incident: int,
        status: ConversationStatus | None = None,
        agent: str = "",
        customer: str = "",
        language: str = "",
        after: int = 0,
        limit: int = 50,
    ) -> list[Conversation]:
        found = [
            one
            for one in self.all.values()
            if one.incident == incident
            and (status is None or one.status is status)
            and (not agent or one.agent == agent)
            and customer.lower() in one.customer.lower()
            and (not language or one.language == language)
            and (one.id or 0) > after
        ]
        return found[:limit]


class SetClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class OneDesk:
    """A desk with one incident, three agents and nothing else."""

    def __init__(self) -> None:
        self.conversations = Remembered()
        self.clock = SetClock()
        self.word_lists = LISTS
        self.queue: Queue | None = QUEUE
        self.volunteers: set[str] = set()
        self.people = {
            "ana": Person(
                key="ana", name="Ana", department="social", languages=("en", "es"), answers=("private", "public")
            ),
            "ben": Person(key="ben", name="Ben", department="social", languages=("en",), answers=("private",)),
            "new": Person(key="new", name="New", department="ticketing", languages=(), answers=("private",)),
        }

    def incident_queue(self, number: int) -> Queue | None:
        return self.queue if number == 1 else None

    def person(self, key: str) -> Person | None:
        return self.people.get(key)

    def called_in(self, incident: int, person: str) -> bool:
        return person in self.volunteers


class Client:
    """Requests to the application, in process."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(self, path: str, **more: object) -> httpx.Response:
        return asyncio.run(self._send("GET", path, more))

    def post(self, path: str, **more: object) -> httpx.Response:
        return asyncio.run(self._send("POST", path, more))

    async def _send(self, method: str, path: str, more: dict) -> httpx.Response:
        headers = {"Authorization": "Bearer for-agents", **more.pop("headers", {})}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://irrops") as client:
            return await client.request(method, path, headers=headers, **more)


TOKENS = {
    digest("for-agents"): Token("inbox", "agent", NOW),
    digest("for-walls"): Token("wall", "reader", NOW),
}


@pytest.fixture
def desk() -> OneDesk:
    return OneDesk()


@pytest.fixture
def client(desk: OneDesk) -> Client:
    app = FastAPI()
    app.state.desk = desk
    app.state.token_of = TOKENS.get
    app.include_router(router())

    def say(status: int):
        async def answer(request: Request, error: Exception) -> JSONResponse:
            return JSONResponse({"detail": str(error)}, status)

        return answer

    app.add_exception_handler(NotAllowed, say(409))
    app.add_exception_handler(NotFound, say(404))
    return Client(app)


def message(id: str = "1", text: str = "You cancelled my flight, what now?", **more: object) -> dict[str, object]:
    return {"channel": "x", "id": id, "customer": "@jo", "text": text, "language": "en", **more}


def hand_in(client: Client, *messages: dict[str, object]):
    return client.post("/incidents/INC-1/conversations", json=list(messages))


def take(client: Client, agent: str = "ana", **more: object):
    return client.post("/incidents/INC-1/conversations/next", json={"agent": agent, **more})


def test_handing_in_twice_is_once(client: Client, desk: OneDesk):
    first = hand_in(client, message("1"), message("2"), message("1"))
    assert (first.status_code, first.json()["received"], first.json()["new"]) == (201, 3, 2)
    assert [one["new"] for one in first.json()["conversations"]] == [True, True, False]
    assert hand_in(client, message("2")).json()["new"] == 0
    assert len(desk.conversations.all) == 2


def test_one_conversation_needs_no_list(client: Client):
    assert client.post("/incidents/inc-1/conversations", json=message()).json()["new"] == 1


def test_csv_is_taken(client: Client, desk: OneDesk):
    raw = "channel,id,text,received_at\nemail,7,Waar is mijn koffer en hoe krijg ik die?,2026-11-22T04:00Z\n"
    got = client.post("/incidents/1/conversations", content=raw, headers={"Content-Type": "text/csv; charset=utf-8"})
    assert got.json()["new"] == 1
    one = desk.conversations.all[1]
    assert (one.language, one.urgency, one.answer_by) == ("nl", 3, NOW + timedelta(minutes=50))


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"{", "application/json", 422, "not JSON"),
        (b"[]", "application/json", 422, "1 to 1000"),
        (b'[{"channel": "x"}]', "application/json", 422, "0.id: Field required"),
        (b'{"channel":"x","id":"1","text":"a","urgency":1}', "application/json", 422, "urgency"),
        (b"[" * 100_000, "application/json", 422, "not JSON"),
        (b"<x/>", "application/xml", 415, "text/csv"),
        (b"channel,text\n", "text/csv", 422, "lacks received_at"),
    ],
)
def test_bad_input_gets_a_sentence(client: Client, body: bytes, kind: str, status: int, said: str):
    got = client.post("/incidents/INC-1/conversations", content=body, headers={"Content-Type": kind})
    assert got.status_code == status
    assert said in got.json()["detail"]


def test_one_wrong_message_refuses_the_batch(client: Client, desk: OneDesk):
    got = hand_in(client, message("1"), message("2", received_at="2026-11-22T04:10"))
    assert got.status_code == 422
    assert "1.received_at" in got.json()["detail"]
    assert not desk.conversations.all


def test_a_batch_has_its_limit(client: Client):
    assert hand_in(client, *(message(str(n)) for n in range(BATCH + 1))).status_code == 413


def test_a_full_batch_is_taken(client: Client):
    assert hand_in(client, *(message(str(n)) for n in range(BATCH))).json()["new"] == BATCH


def test_the_most_urgent_comes_out_first_and_each_goes_to_one(client: Client):
    hand_in(client, message("wifi", "The wifi was bad"), message("family", "We are stranded with a baby"))
    assert take(client, "ana").json()["key"] == "x/family"
    assert take(client, "ben").json()["key"] == "x/wifi"
    assert take(client, "ben", another=True).status_code == 204


def test_a_double_click_takes_no_second_one(client: Client):
    hand_in(client, message("1"), message("2"))
    assert take(client).json()["id"] == take(client).json()["id"]
    assert take(client, another=True).json()["id"] == 2


def test_language_and_rights_are_those_of_the_people_file(client: Client):
    hand_in(client, message("es", "Hola", language="es"), message("pub", "Hi", public=True))
    assert take(client, "ben").status_code == 204
    assert take(client, "ana", languages=["en"]).json()["key"] == "x/pub"
    assert take(client, "ben", any_language=True).json()["key"] == "x/es"


def volunteer(desk: OneDesk, **more: object) -> None:
    desk.people["vic"] = Person(key="vic", name="Vic Vos", department="ticketing", languages=("en",), **more)
    desk.volunteers.add("vic")


def test_whoever_was_called_in_answers_private_messages_only(client: Client, desk: OneDesk):
    volunteer(desk)
    hand_in(client, message("pub", "We are stranded with a baby", public=True), message("priv", "The wifi was bad"))
    assert take(client, "vic").json()["key"] == "x/priv"
    assert take(client, "vic", another=True).status_code == 204
    refused = take(client, "vic", only="public", another=True)
    assert refused.status_code == 409
    assert "Vic Vos may answer private messages, not the public feed" in refused.json()["detail"]
    desk.volunteers.clear()
    assert take(client, "vic", another=True).status_code == 204, "nobody has called them"


@pytest.mark.parametrize("more", [{"signed_off": ("public",)}, {"answers": ("public",)}])
def test_once_signed_off_private_messages_still_come_first(client: Client, desk: OneDesk, more: dict):
    volunteer(desk, **more)
    hand_in(client, message("pub", "We are stranded with a baby", public=True), message("priv", "The wifi was bad"))
    assert take(client, "vic").json()["key"] == "x/priv"
    assert take(client, "vic", another=True).json()["key"] == "x/pub"
    assert take(client, "ana").status_code == 204


def test_the_team_takes_what_is_urgent_wherever_it_was_written(client: Client):
    hand_in(client, message("pub", "We are stranded with a baby", public=True), message("priv", "The wifi was bad"))
    assert take(client, "ana").json()["key"] == "x/pub"


def test_anybody_may_ask_for_one_kind_only(client: Client):
    hand_in(client, message("pub", "We are stranded with a baby", public=True), message("priv", "The wifi was bad"))
    assert take(client, "ana", only="private").json()["key"] == "x/priv"
    assert take(client, "ana", only="public", another=True).json()["key"] == "x/pub"


def test_a_right_that_was_taken_back_is_gone_for_what_is_in_hand_too(client: Client, desk: OneDesk):
    volunteer(desk, signed_off=("public",))
    hand_in(client, message("pub", public=True))
    id = take(client, "vic").json()["id"]
    volunteer(desk)
    for verb in ("answer", "solve"):
        refused = client.post(f"/conversations/{id}/{verb}", json={"agent": "vic"})
        assert (refused.status_code, "not the public feed" in refused.json()["detail"]) == (409, True)
    assert client.post(f"/conversations/{id}/release", json={"agent": "vic"}).json()["status"] == "open"
    assert client.post(f"/conversations/{take(client).json()['id']}/answer", json={"agent": "ana"}).status_code == 200


def test_an_agent_without_language_or_name_is_told(client: Client):
    assert "any_language" in take(client, "new").json()["detail"]
    assert "people file" in take(client, "stranger").json()["detail"]
    assert "speaks en" in take(client, "ben", languages=["nl"]).json()["detail"]


def test_answer_refer_take_and_solve(client: Client, desk: OneDesk):
    hand_in(client, message("1", "Where is my suitcase?"))
    id = take(client).json()["id"]
    assert client.post(f"/conversations/{id}/answer", json={"agent": "ben"}).status_code == 409
    assert client.post(f"/conversations/{id}/answer", json={"agent": "ana"}).json()["status"] == "answered"
    referred = client.post(f"/conversations/{id}/refer", json={"agent": "ana", "to": "baggage"}).json()
    assert (referred["status"], referred["referred_to"]) == ("referred", "baggage")
    assert take(client, "ben").status_code == 204
    assert take(client, "ben", team="baggage").json()["id"] == id
    assert client.post(f"/conversations/{id}/release", json={"agent": "ben"}).json()["status"] == "referred"
    assert client.post(f"/conversations/{id}/solve", json={"agent": "ben"}).json()["status"] == "solved"
    assert desk.conversations.all[id].answered_at == NOW


def test_a_repeat_writes_nothing(client: Client, desk: OneDesk):
    hand_in(client, message())
    take(client)
    first = client.post("/conversations/1/answer", json={"agent": "ana"}).json()
    desk.clock.at += timedelta(minutes=3)
    assert client.post("/conversations/1/answer", json={"agent": "ana"}).json() == first


def test_who_was_overtaken_is_decided_anew(client: Client, desk: OneDesk):
    hand_in(client, message())
    take(client)
    held = desk.conversations.all[1]
    desk.conversations.disturb = [held.model_copy(update={"urgency": 1})]
    assert client.post("/conversations/1/answer", json={"agent": "ana"}).json()["urgency"] == 1
    desk.conversations.disturb = [triage.solve(desk.conversations.all[1], "ben", NOW)]
    assert client.post("/conversations/1/refer", json={"agent": "ana", "to": "baggage"}).status_code == 409


def test_a_silent_agent_loses_it(client: Client, desk: OneDesk):
    hand_in(client, message())
    take(client, "ana")
    desk.clock.at += timedelta(minutes=16)
    assert take(client, "ben").json()["agent"] == "ben"
    assert client.post("/conversations/1/answer", json={"agent": "ana"}).status_code == 409


def test_the_standing_of_the_queue(client: Client):
    hand_in(client, message("1", received_at="2026-11-22T02:00:00Z"), message("2"))
    got = client.get("/incidents/INC-1/queue").json()
    assert (got["incident"], got["figures"]["open"], got["figures"]["late_answers"]) == ("INC-1", 2, 1)
    assert got["queue"]["answer_within_s"] == 3600


def test_finding_a_customer(client: Client):
    hand_in(client, message("1", customer="@Jo"), message("2", customer="@sam"))
    found = client.get("/incidents/INC-1/conversations", params={"customer": "SAM", "status": "open"}).json()
    assert [one["id"] for one in found] == [2]
    assert client.get("/incidents/INC-1/conversations", params={"after": 1}).json() == found


@pytest.mark.parametrize("path", ["/incidents/INC-2/queue", "/conversations/9"])
def test_what_is_not_there_is_404(client: Client, path: str):
    assert client.get(path).status_code == 404


def test_a_closed_queue_takes_nothing(client: Client, desk: OneDesk):
    desk.queue = QUEUE.model_copy(update={"closed_at": NOW})
    assert hand_in(client, message()).status_code == 409


def test_figures_for_readers_customers_words_for_agents(client: Client):
    wall = {"Authorization": "Bearer for-walls"}
    assert client.get("/incidents/INC-1/queue", headers=wall).status_code == 200
    assert client.get("/incidents/INC-1/conversations", headers=wall).status_code == 403
    assert client.get("/conversations/1", headers={"Authorization": ""}).status_code == 401


def test_the_document_describes_the_body(client: Client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths["/incidents/{ref}/conversations"]["post"]["requestBody"]["content"]) == {
        "application/json",
        "text/csv",
    }
