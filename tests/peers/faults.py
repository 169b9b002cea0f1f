"""mitmproxy addon: lose answers after the peer has acted, or refuse calls before they reach it.

Environment: MATCH, a part of the path that is meant (empty: every POST and PUT); LOSE, how many answers get lost;
REFUSE, how many calls are answered 429 with RETRY_AFTER seconds; STATUS with BODY, answered after the peer has acted
instead of the peer's own answer, SPOIL times.
"""

import os

from mitmproxy import http

MATCH = os.environ.get("MATCH", "")
RETRY_AFTER = os.environ.get("RETRY_AFTER", "1")
STATUS, BODY = int(os.environ.get("STATUS", "502")), os.environ.get("BODY", "")
left = {name: int(os.environ.get(name, "0")) for name in ("LOSE", "REFUSE", "SPOIL")}


def _takes(what: str, flow: http.HTTPFlow) -> bool:
    """Count one matching call down."""
    meant = flow.request.method in ("POST", "PUT") and MATCH in flow.request.path
    if not meant or left[what] < 1:
        return False
    left[what] -= 1
    return True


def request(flow: http.HTTPFlow) -> None:
    if _takes("REFUSE", flow):
        flow.response = http.Response.make(
            429,
            b'{"ok":false,"error":"ratelimited"}',
            {"Retry-After": RETRY_AFTER, "Content-Type": "application/json"},
        )
        flow.metadata["refused"] = True


def response(flow: http.HTTPFlow) -> None:
    acted = flow.response is not None and flow.response.status_code < 300 and not flow.metadata.get("refused")
    if acted and _takes("LOSE", flow):
        flow.kill()
    elif acted and _takes("SPOIL", flow):
        flow.response = http.Response.make(STATUS, BODY.encode(), {"Content-Type": "text/html"})
