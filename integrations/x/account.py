"""One account at X: its posts by API v2, signed by OAuth 1.0a. The only place that knows the client.

tweepy, the usual client, has X's address fixed in its code (no test against a counterpart, no proxy of one's own), sets
no time limit and is not made for oauthlib 4. `oauthlib` signs, `httpx` sends: neither tries anything again.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from oauthlib.oauth1 import Client as Signer

from engine.ports import CannotTell, Lost, Refused
from integrations.calls import Answer, call, open_client
from integrations.x import Settings
from integrations.x.errors import is_kind, meaning, problem
from integrations.x.text import read, referred

FIELDS = "created_at,entities,note_tweet,referenced_tweets,edit_history_tweet_ids"
PAGE, MOST_PAGES = 100, 10
"""Posts a page, the most X gives, and how far back we look: https://docs.x.com/x-api/users/get-posts."""


@dataclass(frozen=True)
class Seen:
    """A post as X has it. `answers` is the id of what it replies to or quotes; `latest` that of its newest version."""

    id: str
    text: str
    answers: str
    latest: str


class Account:
    """Safe for several threads."""

    def __init__(self, settings: Settings) -> None:
        self._user = ""
        self._client = open_client("X", settings.api_url, settings.timeout_s, auth=_Signed(settings))

    def post(self, text: str, answers: str = "", quote: bool = False) -> str:
        """Post once; returns the id. Raises Refused or Lost: https://docs.x.com/x-api/posts/create-post."""
        body: dict[str, Any] = {"text": text}
        if answers:
            body |= {"quote_tweet_id": answers} if quote else {"reply": {"in_reply_to_tweet_id": answers}}
        answer = call(self._client, "X", "POST", "/2/tweets", json=body)
        if answer.status not in (200, 201):
            raise meaning(answer, "post")
        made = _within(answer, "data", "id")
        if not made:
            raise Lost("X's answer to a post can't be understood.")
        return str(made)

    def get(self, id: str) -> Seen | None:
        """Read a post; None where there is none. X says so within a 200. Raises Refused."""
        answer = self._read("look up a post", f"/2/tweets/{id}", {"tweet.fields": FIELDS})
        return None if _is_missing(answer) else _seen([_within(answer, "data")])[0]

    def delete(self, id: str) -> None:
        """Delete a post with all its versions; one that is gone is done. Raises Refused or Lost.

        https://docs.x.com/x-api/posts/delete-post and https://docs.x.com/x-api/fundamentals/edit-posts.
        """
        answer = call(self._client, "X", "DELETE", f"/2/tweets/{id}")
        if answer.status == 200 and answer.body is not None:
            if _within(answer, "data", "deleted") is True or self.get(id) is None:
                return
            raise Refused("X has not deleted the post; it still stands there.", permanent=False)
        if answer.status == 404 and answer.body is not None and self.get(id) is None:
            return
        raise meaning(answer, "delete a post")

    def own(self, since: datetime, replies: bool) -> Iterator[Seen]:
        """The account's own posts since an instant, newest first. Raises Refused, and CannotTell beyond 1,000."""
        params: dict[str, str | int] = {
            "max_results": PAGE,
            "start_time": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tweet.fields": FIELDS,
            "exclude": "retweets" if replies else "replies,retweets",
        }
        for _ in range(MOST_PAGES):
            answer = self._read("read our posts", f"/2/users/{self.user()}/tweets", params)
            yield from _seen([] if _within(answer, "meta", "result_count") == 0 else _within(answer, "data"))
            onward = _within(answer, "meta", "next_token")
            if not onward:
                return
            params["pagination_token"] = str(onward)
        raise CannotTell(f"The account on X has made over {PAGE * MOST_PAGES} posts since; look there and decide.")

    def user(self) -> str:
        """The account's id, asked once."""
        if not self._user:
            self._user, _ = self.me()
        return self._user

    def me(self) -> tuple[str, str]:
        """The account's id, and what the token may do: `read`, `read-write` or more. Raises Refused."""
        answer = self._read("see whose keys these are", "/2/users/me", {})
        who = _within(answer, "data", "id")
        if not who:
            raise Refused("X's answer to who we are can't be understood.", permanent=False)
        return str(who), answer.headers.get("x-access-level", "")

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _read(self, doing: str, path: str, params: dict[str, Any]) -> Answer:
        """Read something. Nothing changes there, so that what is lost is only refused for now."""
        try:
            answer = call(self._client, "X", "GET", path, params=params)
            if _is_missing(answer) or (answer.status == 200 and answer.body and "errors" not in answer.body):
                return answer
            partly = answer.status == 200 and bool(answer.body)
            raise meaning(answer._replace(status=403) if partly else answer, doing)
        except Lost as error:
            raise Refused(str(error), permanent=False) from None


def _is_missing(answer: Answer) -> bool:
    return answer.status in (200, 404) and is_kind(problem(answer.body), "resource-not-found")


def _within(answer: Answer, *names: str) -> Any:
    """What is at a path within the answer; None where the path ends before."""
    found: Any = answer.body
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _seen(found: Any) -> list[Seen]:
    """Read a list of posts. Raises Refused for what is none."""
    try:
        return [_post(each) for each in found]
    except (KeyError, TypeError, AttributeError):
        raise Refused("X's answer about posts can't be understood.", permanent=False) from None


def _post(found: dict[str, Any]) -> Seen:
    answers = [str(other["id"]) for other in referred(found) if other.get("type") in ("replied_to", "quoted")]
    versions = found.get("edit_history_tweet_ids") or [found["id"]]
    return Seen(str(found["id"]), read(found), answers[0] if answers else "", str(versions[-1]))


class _Signed(httpx.Auth):
    """OAuth 1.0a User Context: https://docs.x.com/fundamentals/authentication/oauth-1-0a. A JSON body is not signed."""

    def __init__(self, settings: Settings) -> None:
        own = (settings.consumer_key, settings.consumer_secret, settings.access_token, settings.access_token_secret)
        self._signer = Signer(*(key.get_secret_value().strip() if key else "" for key in own))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        _, headers, _ = self._signer.sign(str(request.url), request.method)  # type: ignore[arg-type]
        request.headers["Authorization"] = headers["Authorization"]
        yield request
