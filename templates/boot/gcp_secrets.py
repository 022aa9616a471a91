"""Reads settings from Google's Secret Manager, with the machine's own identity. A part of the boot script of a machine.

Arguments: setting, name, key, and again; an empty key is the whole text of a secret. Prints lines of an environment
file (systemd.exec, EnvironmentFile=), or, where one cannot be had, a line about that on standard error, which never
holds a value. Any python3 from 3.7 on runs it, without a library. The token: "Applications: authenticate using access
tokens" (https://cloud.google.com/compute/docs/access/authenticate-workloads#applications); the call:
https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

DEADLINE = 120.0
"""Seconds. A service account that has just been attached, and a network that just comes up, may take tens of them."""
PAUSE = 2.0
CALL = 8.0
"""Seconds that one call may take."""
LATER = (401, 408, 429)
"""What may pass: the token is just over, or Google is busy."""
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The metadata service is never asked through a proxy."""


class LateError(Exception):
    """What may be better soon."""


class FailedError(Exception):
    """What stays as it is."""


def answered(opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> tuple[int, bytes]:
    """Status and body, whatever the status is. LateError where nobody answers."""
    try:
        with opener.open(request, timeout=CALL) as answer:
            return int(answer.status), bytes(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, http.client.HTTPException) as error:
        host = urllib.parse.urlsplit(request.full_url).netloc
        raise LateError(f"no answer from {host}: {getattr(error, 'reason', error)}") from None


def told(path: str) -> str:
    """What the machine's metadata service says. LateError for any refusal: an account may be attached late."""
    host = os.environ.get("GCE_METADATA_HOST") or "169.254.169.254"
    url = f"http://{host}/computeMetadata/v1/{path}"
    status, body = answered(DIRECT, urllib.request.Request(url, headers={"Metadata-Flavor": "Google"}))
    if status != 200:
        raise LateError(f"the metadata service answers {status} to {path}: has the machine a service account?")
    return body.decode()


def identity() -> tuple[str, str]:
    """A token of the machine's service account, and the project that it is in."""
    token = json.loads(told("instance/service-accounts/default/token"))
    return str(token["access_token"]), told("project/project-id").strip()


def endpoint() -> str:
    """Where Secret Manager answers; the variable is that of gcloud, for a private endpoint."""
    given = os.environ.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER")
    return (given or "https://secretmanager.googleapis.com").rstrip("/")


def secret(token: str, project: str, name: str) -> str:
    """The text of the newest version of a secret."""
    path = f"v1/projects/{project}/secrets/{urllib.parse.quote(name, safe='')}/versions/latest:access"
    request = urllib.request.Request(f"{endpoint()}/{path}", headers={"Authorization": f"Bearer {token}"})
    status, answer = answered(urllib.request.build_opener(), request)
    try:
        said = json.loads(answer)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    if status != 200:
        error = said.get("error")
        why = str(error.get("status", "")) if isinstance(error, dict) else ""
        why = why or f"status {status}"
        raise LateError(why) if status >= 500 or status in LATER else FailedError(why)
    try:
        return base64.b64decode(said["payload"]["data"], validate=True).decode()
    except (KeyError, TypeError, ValueError):
        raise FailedError("it has no text") from None


def texts(names: list[str]) -> dict[str, str]:
    """The texts of all secrets. FailedError where one cannot be had, or not before the deadline."""
    end, found = time.monotonic() + DEADLINE, {}
    missing = list(dict.fromkeys(names))
    while missing:
        try:
            token, project = identity()
            while missing:
                found[missing[0]] = secret(token, project, missing[0])
                del missing[0]
        except FailedError as error:
            raise FailedError(f"gcp-sm://{missing[0]}: {error}") from None
        except (LateError, ValueError, KeyError, TypeError) as error:
            if time.monotonic() + PAUSE > end:
                why = error if isinstance(error, LateError) else "the metadata service answers something else"
                raise FailedError(f"gcp-sm://{missing[0]}: {why} (asked for {DEADLINE:.0f} s)") from None
            time.sleep(PAUSE)
    return found


def picked(text: str, key: str) -> str:
    """The text, or the value of one key of it: a string as it is, a number and a truth value as JSON writes them."""
    if not key:
        return text
    try:
        whole = json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        whole = None
    if not isinstance(whole, dict):
        raise FailedError("it is no JSON object, so it has no keys")
    if key not in whole:
        raise FailedError("it has no such key")
    value = json.dumps(whole[key]) if isinstance(whole[key], bool) else whole[key]
    if not isinstance(value, str):
        raise FailedError("its value is no text, number or truth value")
    return value


def line(setting: str, value: str) -> str:
    """One line of the environment file. systemd drops a value with a control character, so that is a failure here."""
    if any(
        (ord(each) < 32 and each not in "\t\n") or ord(each) == 127 or 0xD800 <= ord(each) < 0xE000 for each in value
    ):
        raise FailedError("it holds a character that no environment file may hold")
    return setting + '="' + "".join("\\" + each if each in '"\\`$' else each for each in value) + '"\n'


def lines(wanted: list[tuple[str, str, str]]) -> str:
    """The lines of all settings, or FailedError for the first that cannot be had."""
    found, written = texts([name for _setting, name, _key in wanted]), ""
    for setting, name, key in wanted:
        try:
            written += line(setting, picked(found[name], key))
        except FailedError as error:
            raise FailedError(f"gcp-sm://{name}{'#' + key if key else ''}: {error}") from None
    return written


def main(words: list[str]) -> int:
    """The program; its exit code."""
    try:
        written = lines([(words[at], words[at + 1], words[at + 2]) for at in range(0, len(words), 3)])
    except FailedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # its words could hold a value
        sys.stderr.write(f"secrets could not be read: {type(error).__name__}\n")
        return 1
    sys.stdout.buffer.write(written.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
