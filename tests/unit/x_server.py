"""A stand-in for X's API v2 that keeps posts: over HTTP, with checked signatures, t.co links, pages and refusals.

There is no program of others to test against. What it does is from docs.x.com, and from answers that people have put
into public issues (iembot 163, node-twitter-api-v2 469).
"""

import html
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from oauthlib.oauth1 import RequestValidator, ResourceEndpoint

from tests.unit.faulty_http import Call, FaultyServer, Reply, served

KEYS = {
    "consumer_key": "nobodysConsumerKey00000",
    "consumer_secret": "nobodysConsumerSecretOfForty0000000000000000",
    "access_token": "370773112-nobodysAccessToken000000000",
    "access_token_secret": "nobodysAccessTokenSecret000000000000000",
}
USER = "370773112"
PROBLEMS = "https://api.twitter.com/2/problems"
LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)]|\b[a-z0-9-]+\.(?:com|aero)\b(?:/[^\s<>]*[^\s<>.,;:!?)])?")


def forbidden(detail: str, **more: Any) -> Reply:
    return Reply(403, {"title": "Forbidden", "status": 403, "detail": detail, "type": "about:blank", **more})


DUPLICATE = forbidden("You are not allowed to create a Tweet with duplicate content.")
READ_ONLY = forbidden(
    "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.",
    type=f"{PROBLEMS}/oauth1-permissions",
)
APP_ONLY = forbidden(
    "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported authentication types "
    "are [OAuth 1.0a User Context, OAuth 2.0 User Context].",
    title="Unsupported Authentication",
    type=f"{PROBLEMS}/unsupported-authentication",
)
NOT_ENROLLED = forbidden(
    "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter "
    "developer App that is attached to a Project.",
    title="Client Forbidden",
    client_id="28571331",
    reason="client-not-enrolled",
    type=f"{PROBLEMS}/client-forbidden",
)
NO_REPLY = forbidden(
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author "
    "of the post you are replying to."
)
NOT_VISIBLE = forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
CREDITS = Reply(
    402,
    {
        "account_id": 1846,
        "title": "CreditsDepleted",
        "detail": "Your enrolled account [1846] does not have any credits to fulfill this request.",
        "type": f"{PROBLEMS}/credits",
    },
)
USAGE_CAP = Reply(
    429,
    {
        "account_id": 1846,
        "product_name": "standard-basic",
        "title": "UsageCapExceeded",
        "period": "Monthly",
        "scope": "Product",
        "detail": "Usage cap exceeded: Monthly product cap",
        "type": f"{PROBLEMS}/usage-capped",
    },
)
UNAUTHORIZED = Reply(401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})


class XServer(FaultyServer):
    """One account. `posts` are those that stand, by id; `made` counts every post that was ever made."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.access = "read-write"
        self.refuses_duplicates = True
        self.lag = timedelta(0)
        """How long the lists take to show a new post."""
        self.known_as: list[str] = []
        """Further addresses that calls may be signed for: those of proxies before us."""
        self._next = 1_900_000_000_000_000_000
        self._keys = _Keys()
        self._signatures = ResourceEndpoint(self._keys)

    # ------------------------------------------------ by hand

    def texts(self) -> list[str]:
        """What stands, oldest first, as it was written."""
        return [post["raw"] for post in self.posts.values()]

    def put(self, text: str, at: datetime | None = None, answers: str = "", quotes: str = "") -> str:
        """Make a post; returns its id."""
        self._next += 4096
        post = {"id": str(self._next), "raw": text, "at": at or datetime.now(UTC), "answers": answers, "quotes": quotes}
        post["links"] = {link: f"https://t.co/{secrets.token_hex(5)}" for link in LINK.findall(text)}
        post["versions"] = [post["id"]]
        self.posts[post["id"]] = post
        self.made += 1
        return str(post["id"])

    def remove(self, id: str) -> None:
        """Delete a post with all its versions."""
        for version in self.posts[id]["versions"]:
            self.posts.pop(version, None)

    def edit(self, id: str, text: str) -> str:
        """Edit by hand: a new id, and the old one keeps the old words."""
        old = self.posts[id]
        new = self.put(text, old["at"], old["answers"], old["quotes"])
        versions = [*old["versions"], new]
        for version in versions:
            self.posts[version]["versions"] = versions
        self.made -= 1
        return new

    # ------------------------------------------------ over HTTP

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization", "").startswith("Bearer "):
            return APP_ONLY
        if not any(self._signed(call, base) for base in [self.url, *self.known_as]):
            return UNAUTHORIZED
        found = self._route(call)
        return found._replace(headers={"x-access-level": self.access, **found.headers})

    def _signed(self, call: Call, base: str) -> bool:
        headers = {name.title(): value for name, value in call.headers.items()}
        good, request = self._signatures.validate_protected_resource_request(
            base + call.target, call.method, None, headers
        )
        if good:
            self._keys.used.add(request.nonce)
        return bool(good)

    def _route(self, call: Call) -> Reply:
        match call.method, call.path.strip("/").split("/"):
            case "GET", ["2", "users", "me"]:
                return Reply(200, {"data": {"id": USER, "name": "Example Air", "username": "example_air"}})
            case "POST", ["2", "tweets"]:
                return self._create(json.loads(call.body))
            case "GET", ["2", "tweets", id]:
                return Reply(200, {"data": self._shown(self.posts[id])} if id in self.posts else missing(id))
            case "DELETE", ["2", "tweets", id]:
                if id not in self.posts:
                    return Reply(404, missing(id))
                self.remove(id)
                return Reply(200, {"data": {"deleted": True}})
            case "GET", ["2", "users", user, "tweets"] if user == USER:
                return self._timeline(call.query)
        return Reply(404, {"errors": [{"message": "Sorry, that page does not exist", "code": 34}]})

    def _create(self, given: dict[str, Any]) -> Reply:
        if self.access == "read":
            return READ_ONLY
        answers = given.get("reply", {}).get("in_reply_to_tweet_id", "")
        quotes = given.get("quote_tweet_id", "")
        if (answers or quotes) and (answers or quotes) not in self.posts:
            return NOT_VISIBLE
        twin = any((post["raw"], post["answers"]) == (given["text"], answers) for post in self.posts.values())
        if twin and self.refuses_duplicates:
            return DUPLICATE
        id = self.put(given["text"], answers=answers, quotes=quotes)
        return Reply(
            201, {"data": {"id": id, "text": self._shown(self.posts[id])["text"], "edit_history_tweet_ids": [id]}}
        )

    def _timeline(self, query: dict[str, str]) -> Reply:
        since = datetime.strptime(query["start_time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        excluded = query.get("exclude", "").split(",")
        size = int(query.get("max_results", 10))
        if not 5 <= size <= 100:
            return Reply(
                400, {"title": "Invalid Request", "detail": "max_results", "type": f"{PROBLEMS}/invalid-request"}
            )
        ours = [
            post
            for post in reversed(self.posts.values())
            if since <= post["at"] <= datetime.now(UTC) - self.lag
            and post["id"] == post["versions"][-1]
            and not ("replies" in excluded and post["answers"])
        ]
        at = int(query.get("pagination_token", "p0").removeprefix("p"))
        page, rest = ours[at : at + size], len(ours) > at + size
        meta = {"result_count": len(page), **({"next_token": f"p{at + size}"} if rest else {})}
        return Reply(200, {**({"data": [self._shown(post) for post in page]} if page else {}), "meta": meta})

    def _shown(self, post: dict[str, Any]) -> dict[str, Any]:
        """A post as X shows it: links shortened, three letters escaped, a quoted post linked at the end."""
        raw, links = post["raw"], dict(post["links"])
        if post["quotes"]:
            target = f"https://twitter.com/example_air/status/{post['quotes']}"
            raw, links[target] = f"{raw} {target}", "https://t.co/quoted0000"
        text = html.escape(raw, quote=False)
        urls = []
        for link, short in links.items():
            text = text.replace(html.escape(link, quote=False), short)
            full = link if link.startswith("http") else f"http://{link}"
            urls.append({"url": short, "expanded_url": full, "display_url": full.split("//")[1][:26]})
        referred = [{"type": "replied_to", "id": post["answers"]}] if post["answers"] else []
        referred += [{"type": "quoted", "id": post["quotes"]}] if post["quotes"] else []
        shown = {"id": post["id"], "text": text, "edit_history_tweet_ids": post["versions"]}
        shown["created_at"] = f"{post['at']:%Y-%m-%dT%H:%M:%S}.000Z"
        return (
            shown
            | ({"entities": {"urls": urls}} if urls else {})
            | ({"referenced_tweets": referred} if referred else {})
        )


def missing(id: str) -> dict[str, Any]:
    """What X says, within a 200, of a post that is not there."""
    problem = {"value": id, "resource_id": id, "parameter": "id", "resource_type": "tweet", "title": "Not Found Error"}
    detail = f"Could not find tweet with id: [{id}]."
    return {"errors": [{**problem, "detail": detail, "type": f"{PROBLEMS}/resource-not-found"}]}


class _Keys(RequestValidator):
    """Knows the one account's keys; takes a signature once, and for five minutes."""

    enforce_ssl = False
    client_key_length = access_token_length = nonce_length = (8, 80)
    dummy_client, dummy_access_token = "dummy-client", "dummy-token"
    safe_characters = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")

    def __init__(self) -> None:
        super().__init__()
        self.used: set[str] = set()

    def validate_timestamp_and_nonce(self, client_key: str, timestamp: str, nonce: str, *_: Any, **__: Any) -> bool:
        return nonce not in self.used and abs(datetime.now(UTC).timestamp() - int(timestamp)) < 300

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == KEYS["consumer_key"]

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token == KEYS["access_token"]

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return KEYS["consumer_secret"]

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return KEYS["access_token_secret"]


@contextmanager
def x_server() -> Iterator[XServer]:
    """Run one."""
    server = XServer()
    with served(server):
        yield server
