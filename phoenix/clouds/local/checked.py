"""What HAProxy's check of a machine saw, in words. Pure.

Its results are a layer and an ending: `L4CON`, `L7TOUT`, `L7STS`
(https://docs.haproxy.org/2.6/management.html#9.1, `check_status`).
"""

from __future__ import annotations

from phoenix.tools.haproxy import Check
from phoenix.tools.haproxy_socket import ServerState

TIMEOUT = 5
"""Seconds that a check may take (`timeout check` of `templates/haproxy/balancer.cfg`)."""
_BY_RESULT = {
    "INI": "no check has ended yet",
    "L4TOUT": f"no connection within {TIMEOUT} s",
    "L7TOUT": f"no answer within {TIMEOUT} s",
    "L6TOUT": f"no answer within {TIMEOUT} s",
    "L7RSP": "connected, and no HTTP came back",
}
_WITHOUT_REASON = {"SOCKERR": "the connection was closed at once", "L4CON": "no connection"}
_PASSED = "OK"


def words(server: ServerState, check: Check) -> str:
    """What the last check of the server came to, as a part of a sentence."""
    if server.check == "L7STS" and server.code:
        return f"answers {server.code} to {check.path}, {check.status} is wanted"
    if server.check in _BY_RESULT:
        return _BY_RESULT[server.check]
    if server.check.endswith(_PASSED):
        return "answers now, and not yet often enough"
    if server.reason:
        return server.reason[:1].lower() + server.reason[1:]
    return _WITHOUT_REASON.get(server.check, f"HAProxy says {server.check}")
