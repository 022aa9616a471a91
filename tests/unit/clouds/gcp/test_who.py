"""Whose rights a cloud is asked with: told by the credentials where they know it, else by Google."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from phoenix.clouds.gcp.calls import Answer, Calls, RefusedCallError
from phoenix.errors import UnreachableError
from phoenix.spec.clouds import GcpCloud

ACCOUNT, PERSON = "ci@acme-prod.iam.gserviceaccount.com", "somebody@acme.example"
REFUSED = RefusedCallError("refused", said="authError", details="no scope for it")


class Login(Calls):
    """Somebody is logged in: credentials of one kind or another, and what Google says of who that is."""

    def __init__(self, credentials: object, said: Answer | Exception, impersonate: str | None = None) -> None:
        super().__init__(GcpCloud(name="gcp", project="acme-prod", region="us-central1", impersonate=impersonate))
        self._credentials: Any = lambda: credentials
        self._said = said
        self.asked: list[str] = []

    def token(self) -> str:
        self.asked.append("token")
        return "ya29"

    def web(self, verb: str, url: str, /, *, body: Answer | None = None) -> Answer:
        self.asked.append(f"{verb} {url}")
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


def test_a_service_account_knows_itself() -> None:
    login = Login(SimpleNamespace(service_account_email=ACCOUNT), REFUSED)
    assert login.who() == ACCOUNT
    assert login.asked == ["token"], "a machine's credentials know it once they have a token"


def test_whoever_acts_as_an_account_is_that_account() -> None:
    assert Login(SimpleNamespace(), REFUSED, impersonate=ACCOUNT).who() == ACCOUNT


def test_a_person_is_told_by_google() -> None:
    login = Login(SimpleNamespace(service_account_email=None), {"email": PERSON})
    assert login.who() == PERSON
    assert login.asked[-1] == "GET https://openidconnect.googleapis.com/v1/userinfo"


@pytest.mark.parametrize("said", [{}, REFUSED])
def test_one_whom_google_does_not_name_is_nobody_by_name(said: Answer | Exception) -> None:
    assert Login(SimpleNamespace(), said).who() == ""


def test_no_answer_is_no_name() -> None:
    with pytest.raises(UnreachableError):
        Login(SimpleNamespace(), UnreachableError("Google did not answer", details="", resolution="")).who()
