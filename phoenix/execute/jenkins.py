"""A Jenkins as it can be seen from here: does it answer, does GitHub's webhook reach it, has it plugins and an agent?

Reads only. The webhook is asked as the GitHub plugin's own self-check asks: it answers with the instance's identity
and begins no build. Whether GitHub itself gets through to it, nobody can see from here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from phoenix.errors import SpecError
from phoenix.manner import Finding, State

OLDEST = (2, 479)
"""The Jenkins that the files of `phoenix init --jenkins` are written for, and newer ones."""
PLUGINS = (
    *("workflow-aggregator", "pipeline-groovy-lib", "git", "github", "junit", "timestamper"),
    *("credentials-binding", "configuration-as-code", "job-dsl"),
)
LABEL = "phoenix"
"""The label of the agents that have phoenix."""
TIMEOUT = 10.0
"""Seconds for one answer."""
LARGEST = 4_000_000
"""Bytes of an answer that are read; the longest list of plugins is a tenth of it."""
USER, TOKEN, TOKEN_FILE = "JENKINS_USER", "JENKINS_TOKEN", "JENKINS_TOKEN_FILE"
"""The variables that say who asks: a token stands in the environment or in a file, never among arguments."""
_IDENTITY = "X-Instance-Identity"
_WHOLE_LIST = "/pluginManager/api/json?tree=plugins[shortName,active]&depth=1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Who asks. Never printed."""

    user: str
    token: str


def address(url: str) -> str:
    """The address of a Jenkins without a slash at its end. SpecError for what is none, or says a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.query:
        raise SpecError(
            "that is not the address of a Jenkins",
            details=re.sub(r"//[^/@]*@", "//***@", url),
            resolution=f"Say it like https://ci.acme.example; who asks stands in {USER} and {TOKEN_FILE}.",
        )
    return url.rstrip("/")


def look(url: str, login: Login | None) -> Iterator[Finding]:
    """Everything that can be seen of the Jenkins at `url`."""
    where = address(url)
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=True) as client:
        try:
            front = client.get(f"{where}/login")
        except httpx.HTTPError as error:
            yield _lack("jenkins", f"{where} does not answer: {error}", "Is it running, and is this its address?")
            return
        if "x-jenkins" not in front.headers:
            found = f"what answers at {where} is no Jenkins (status {front.status_code})"
            yield _lack("jenkins", found, "Name the address that Jenkins' own settings have as its URL.")
            return
        yield _version(where, front.headers["x-jenkins"])
        yield _way(where)
        yield _answered("webhook", lambda: _webhook(client, where, front.headers.get(_IDENTITY, "")))
        if login is None:
            remedy = f"Set {USER}, and {TOKEN_FILE} (or {TOKEN}) to an API token of that user, then ask again."
            yield _note("plugins, agents", "not asked: nobody said who asks", remedy)
            return
        client.auth = (login.user, login.token)
        yield _answered("plugins", lambda: _plugins(client, where))
        yield _answered("agents", lambda: _agents(client, where))


def _answered(subject: str, ask: Callable[[], Finding]) -> Finding:
    """What `ask` found; a Jenkins that falls silent meanwhile is a finding, too."""
    try:
        return ask()
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return _lack(subject, f"no answer that can be read: {error}", "Ask again; see Jenkins' own log.")


def _version(where: str, text: str) -> Finding:
    numbers = re.match(r"(\d+)\.(\d+)", text)
    shown = f"version {text[:40]} at {where}"
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return _note("jenkins", shown, f"The jobs are written for {wanted} and newer: try them first.")
    return Finding(state=State.FINE, subject="jenkins", found=shown)


def _way(where: str) -> Finding:
    """Whether GitHub could reach such an address at all."""
    parts = urlsplit(where)
    host = parts.hostname or ""
    try:
        private = not ipaddress.ip_address(host).is_global
    except ValueError:
        private = "." not in host or host.endswith((".local", ".internal", ".localhost"))
    if private:
        remedy = "Give it a name and a door that GitHub reaches, for /github-webhook/ at least."
        return _note("way from GitHub", f"{host} is an address that GitHub does not reach", remedy)
    if parts.scheme != "https":
        return _note("way from GitHub", "without TLS anybody on the way reads along", "Put TLS before Jenkins.")
    found = f"{host} may be reached from outside; whether it is, GitHub shows: Settings, Webhooks, Recent Deliveries"
    return Finding(state=State.FINE, subject="way from GitHub", found=found)


def _webhook(client: httpx.Client, where: str, identity: str) -> Finding:
    answer = client.post(f"{where}/github-webhook/", headers={"X-Jenkins-Validation": "true"})
    told = answer.headers.get(_IDENTITY, "")
    if answer.status_code == 404:
        return _lack("webhook", "there is no /github-webhook/", "Install Jenkins' GitHub plugin (github).")
    if answer.status_code != 200 or not told:
        found = f"/github-webhook/ answers {answer.status_code} to who has no login, as GitHub has none"
        return _lack("webhook", found, "Let /github-webhook/ through whatever stands before Jenkins, without a login.")
    if identity and told.split() != identity.split():
        found = "/github-webhook/ is answered by another Jenkins than the rest of this address"
        return _lack("webhook", found, "Mend the proxy before Jenkins: it sends this path elsewhere.")
    return Finding(state=State.FINE, subject="webhook", found="/github-webhook/ answers as this Jenkins")


def _plugins(client: httpx.Client, where: str) -> Finding:
    answer = client.get(f"{where}{_WHOLE_LIST}")
    refused = _refused("plugins", answer)
    if refused is not None:
        return refused
    active = {plugin["shortName"] for plugin in _data(answer)["plugins"] if plugin["active"]}
    missing = [name for name in PLUGINS if name not in active]
    if missing:
        found = f"missing or switched off: {', '.join(missing)}"
        return _lack("plugins", found, "Install them below Manage Jenkins, Plugins.")
    return Finding(state=State.FINE, subject="plugins", found=f"all {len(PLUGINS)} that the jobs use")


def _agents(client: httpx.Client, where: str) -> Finding:
    answer = client.get(f"{where}/label/{LABEL}/api/json?tree=offline,totalExecutors,nodes[nodeName]")
    refused = _refused("agents", answer)
    if refused is not None:
        return refused
    data = _data(answer)
    if not data["nodes"] or data["offline"]:
        found = f"no agent with the label '{LABEL}' {'is online' if data['nodes'] else 'is there'}"
        return _lack("agents", found, f"Give an agent that has phoenix (`phoenix doctor` there) the label '{LABEL}'.")
    found = f"{len(data['nodes'])} with the label '{LABEL}', {data['totalExecutors']} executors"
    return Finding(state=State.FINE, subject="agents", found=found)


def _refused(subject: str, answer: httpx.Response) -> Finding | None:
    """What an answer without data means; None where it has some."""
    if answer.status_code == 401:
        return _lack(subject, f"the login in {USER} is not good", "Make a new API token of that user.")
    if answer.status_code == 403:
        remedy = "Give that user Overall/SystemRead to have it looked at, or look yourself."
        return _note(subject, "this user may not see them", remedy)
    if answer.status_code != 200:
        return _lack(subject, f"asked for them, Jenkins answers {answer.status_code}", "See Jenkins' own log.")
    return None


def _data(answer: httpx.Response) -> Mapping[str, Any]:
    if len(answer.content) > LARGEST:
        raise ValueError(f"{len(answer.content)} bytes")
    data = answer.json()
    if not isinstance(data, dict):
        raise TypeError("not a JSON object")
    return data


def _lack(subject: str, found: str, remedy: str) -> Finding:
    return Finding(state=State.LACK, subject=subject, found=found, remedy=remedy)


def _note(subject: str, found: str, remedy: str) -> Finding:
    return Finding(state=State.NOTE, subject=subject, found=found, remedy=remedy)
