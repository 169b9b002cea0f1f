"""A stand-in for a page at Facebook's Graph API that keeps posts: over HTTP, with tokens, proofs, pages and refusals.

There is no program of others to test against. What it does is from developers.facebook.com: the guides to pages, to
errors, to rate limits and to batches.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.unit.faulty_http import Call, FaultyServer, Reply, served

PAGE_ID = "104212345678901"
TOKEN = "EAANobodysPageToken000000000000000"
SECRET = "nobodysappsecret0000000000000000"
SCOPES = ["pages_show_list", "pages_read_engagement", "pages_manage_posts", "public_profile"]
VERSION = "/v23.0"


def refusal(code: int, subcode: int = 0, message: str = "why", status: int = 400, **more: Any) -> Reply:
    """An error as the Graph API gives it."""
    found = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "EJplcsCHuLu", **more}
    return Reply(status, {"error": {**found, **({"error_subcode": subcode} if subcode else {})}})


EXPIRED = refusal(190, 463, "Error validating access token: Session has expired on Tuesday.", 401)
INVALID = refusal(190, 467, "Error validating access token: The session was invalidated.", 401)
UNKNOWN = refusal(1, message="An unknown error occurred", status=500)
AWAY = refusal(2, message="Service temporarily unavailable", status=503, is_transient=True)
MANY = refusal(4, message="(#4) Application request limit reached", status=403, is_transient=True)
BLOCKED = refusal(368, message="The action attempted has been deemed abusive or is otherwise disallowed")
DUPLICATE = refusal(506, 1455006, "Duplicate status message")


def missing(method: str, id: str) -> Reply:
    """What Facebook says of what is not there, or not for this token to see."""
    said = (
        f"Unsupported {method.lower()} request. Object with ID '{id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation"
    )
    return refusal(100, 33, said, type="GraphMethodException")


class FacebookServer(FaultyServer):
    """One page. `posts` are those that stand, by id; `made` counts every post that was ever made."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.me = PAGE_ID
        self.scopes = list(SCOPES)
        self.expires_at = 0
        self.tells_of_tokens = True
        self.wants_proof = False
        self.refuses_duplicates = False
        """Facebook refuses the same text just after itself, now and then; nothing may build on it."""

    @property
    def api_url(self) -> str:
        return self.url + VERSION

    # ------------------------------------------------ by hand

    def texts(self) -> list[str]:
        """What stands, oldest first."""
        return [post["message"] for post in self.posts.values()]

    def put(self, text: str, at: datetime | None = None) -> str:
        """Make a post; returns its id."""
        self.made += 1
        id = f"{PAGE_ID}_{122000000000000 + self.made}"
        self.posts[id] = {"id": id, "message": text.strip(), "at": at or datetime.now(UTC), "is_published": True}
        return id

    # ------------------------------------------------ over HTTP

    def answer(self, call: Call) -> Reply:
        form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(190, message="Invalid OAuth access token - Cannot parse access token", status=401)
        proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
        given = {**call.query, **form}.get("appsecret_proof", "")
        if given and given != proof:
            return refusal(100, message="Invalid appsecret_proof provided in the API argument")
        if self.wants_proof and not given:
            return refusal(100, message="API calls from the server require an appsecret_proof argument")
        if not call.path.startswith(VERSION):
            return refusal(2500, message="Unknown path components")
        return self._route(call, call.path.removeprefix(VERSION).strip("/").split("/"), form)

    def _route(self, call: Call, path: list[str], form: dict[str, str]) -> Reply:
        match call.method, path:
            case "GET", ["me"]:
                return Reply(200, {"id": self.me, "name": "Example Air"})
            case "POST", [""] if "batch" in form:
                return Reply(200, [self._batched(one) for one in json.loads(form["batch"])])
            case "POST", [page, "feed"] if page == self.me == PAGE_ID:
                return self._create(form)
            case "GET", [page, "posts"] if page == self.me == PAGE_ID:
                return self._list(call.query)
            case method, [id] if id in self.posts and self.me == PAGE_ID:
                return self._one(method, id, form)
        return missing(call.method, path[0])

    def _create(self, form: dict[str, str]) -> Reply:
        if "pages_manage_posts" not in self.scopes:
            said = "(#200) If posting to a page, requires both pages_read_engagement and pages_manage_posts"
            return refusal(200, message=said, status=403)
        if self.refuses_duplicates and form["message"].strip() in self.texts()[-1:]:
            return DUPLICATE
        return Reply(200, {"id": self.put(form["message"])})

    def _one(self, method: str, id: str, form: dict[str, str]) -> Reply:
        if method == "GET":
            return Reply(200, _shown(self.posts[id]))
        if method == "POST":
            self.posts[id]["message"] = form["message"].strip()
        else:
            del self.posts[id]
        return Reply(200, {"success": True})

    def _list(self, query: dict[str, str]) -> Reply:
        if "pages_read_engagement" not in self.scopes:
            said = "(#10) This endpoint requires the 'pages_read_engagement' permission"
            return refusal(10, message=said, status=403)
        since = datetime.fromtimestamp(int(query["since"]), UTC)
        found = [post for post in reversed(self.posts.values()) if post["at"] >= since and post["is_published"]]
        at, size = int(query.get("after", "0")), int(query.get("limit", "25"))
        body: dict[str, Any] = {"data": [_shown(post) for post in found[at : at + size]]}
        if len(found) > at + size:
            onward = {**query, "access_token": TOKEN, "after": str(at + size)}
            body["paging"] = {"next": f"https://graph.facebook.com{VERSION}/{PAGE_ID}/posts?{urlencode(onward)}"}
        return Reply(200, body)

    def _batched(self, one: dict[str, str]) -> dict[str, Any]:
        if not self.tells_of_tokens or one["relative_url"] != f"debug_token?input_token={TOKEN}":
            return {"code": 400, "headers": [], "body": json.dumps(refusal(100).body)}
        told = {"type": "PAGE", "is_valid": True, "profile_id": PAGE_ID, "scopes": self.scopes}
        return {"code": 200, "body": json.dumps({"data": {**told, "expires_at": self.expires_at}})}


def _shown(post: dict[str, Any]) -> dict[str, Any]:
    at = f"{post['at']:%Y-%m-%dT%H:%M:%S}+0000"
    return {**{name: value for name, value in post.items() if name != "at"}, "created_time": at}


@contextmanager
def facebook_server() -> Iterator[FacebookServer]:
    """Run one."""
    server = FacebookServer()
    with served(server):
        yield server
