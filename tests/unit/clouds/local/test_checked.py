"""What HAProxy's check of a machine saw, in words."""

from __future__ import annotations

import pytest

from phoenix.clouds.local.checked import words
from phoenix.tools.haproxy import Check
from phoenix.tools.haproxy_socket import ServerState, parse_statistics

CHECK = Check(path="/healthz", status=200, interval=2.0)
ROW = """# pxname,svname,scur,status,check_status,check_code,last_chk,addr,
slot0,seat0,0,DOWN,{result},{code},{reason},127.0.0.1:1,
"""


@pytest.mark.parametrize(
    ("result", "code", "reason", "told"),
    [
        ("L7STS", "401", "Unauthorized", "answers 401 to /healthz, 200 is wanted"),
        ("L7STS", "302", "Found", "answers 302 to /healthz, 200 is wanted"),
        ("L7TOUT", "", "", "no answer within 5 s"),
        ("* L7TOUT", "", "", "no answer within 5 s"),
        ("L4TOUT", "", "", "no connection within 5 s"),
        ("L7RSP", "", "", "connected, and no HTTP came back"),
        ("L4CON", "", "Connection refused", "connection refused"),
        ("SOCKERR", "", "Connection reset by peer", "connection reset by peer"),
        ("SOCKERR", "", "", "the connection was closed at once"),
        ("INI", "", "", "no check has ended yet"),
        ("L7OK", "200", "", "answers now, and not yet often enough"),
        ("L9NEW", "", "", "HAProxy says L9NEW"),
    ],
)
def test_each_ending_of_a_check_has_its_words(result: str, code: str, reason: str, told: str) -> None:
    seen = parse_statistics(ROW.format(result=result, code=code, reason=reason))
    assert words(seen.of("slot0")["seat0"], CHECK) == told


def test_a_server_is_read_with_what_its_check_saw() -> None:
    (server,) = parse_statistics(ROW.format(result="L7STS", code="401", reason="Unauthorized")).servers
    assert server == ServerState(
        slot="slot0",
        name="seat0",
        address="127.0.0.1:1",
        status="DOWN",
        check="L7STS",
        sessions=0,
        code="401",
        reason="Unauthorized",
    )
