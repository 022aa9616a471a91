"""What a listener does with a request: by the rules and the health of the picture, with the cookies of stickiness.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping

from tests.emulators.aws.elbv2.picture import Drawn
from tests.emulators.aws.elbv2.routes import Rule, first_met
from tests.emulators.machines.proxy import Choice, Request, Turns

GROUP_COOKIE, TARGET_COOKIE = "AWSALBTG", "AWSALB"
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html"""


class Chooser:
    """Chooses for one listener."""

    def __init__(self, listener: str, picture: Callable[[], Drawn], now: Callable[[], float]) -> None:
        self._listener = listener
        self._picture = picture
        self._now = now
        self._turns = Turns()

    def choose(self, request: Request) -> Choice:
        """By the first rule that it meets."""
        drawn = self._picture()
        rules = drawn.rules.get(self._listener, ())
        if not rules:
            return Choice(status=503)
        rule = first_met(rules, request)
        if rule.weights:
            return self._forward(drawn, rule, request.cookies)
        location = (("Location", rule.location),) if rule.location else ()
        return Choice(status=rule.status, body=rule.body, headers=location)

    def _forward(self, drawn: Drawn, rule: Rule, sent: Mapping[str, str]) -> Choice:
        """A cookie beats every weight, 0 too, as long as its target group is in the rule."""
        stuck = self._read(sent.get(GROUP_COOKIE, "")) if rule.sticky else None
        group = stuck if stuck in dict(rule.weights) else self._turns.next(rule.arn, rule.weights)
        if group is None or not drawn.targets.get(group):
            return Choice(status=503)
        headers = [self._cookie(GROUP_COOKIE, group, rule.sticky)] if rule.sticky else []
        places = {place.id: place for place in drawn.targets[group]}
        wanted = self._read(sent.get(TARGET_COOKIE, "")) if drawn.sticky.get(group) else None
        id = wanted if wanted in places else self._turns.next(group, [(name, 1) for name in places])
        if drawn.sticky.get(group):
            headers.append(self._cookie(TARGET_COOKIE, str(id), drawn.sticky[group]))
        return Choice(place=places[str(id)], headers=tuple(headers))

    def _cookie(self, name: str, value: str, seconds: int) -> tuple[str, str]:
        kept = base64.urlsafe_b64encode(json.dumps([value, self._now() + seconds]).encode()).decode()
        return "Set-Cookie", f"{name}={kept}; Max-Age={seconds}; Path=/"

    def _read(self, kept: str) -> str | None:
        """What a cookie says, as long as it is valid."""
        try:
            value, until = json.loads(base64.urlsafe_b64decode(kept))
        except (ValueError, TypeError):
            return None
        return str(value) if self._now() < until else None
