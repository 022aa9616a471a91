"""Reads settings from AWS Secrets Manager, with the machine's own identity. A part of the boot script of a machine.

Arguments: setting, name, key, and again; an empty key is the whole text of a secret. Prints lines of an environment
file (systemd.exec, EnvironmentFile=), or, where one cannot be had, a line about that on standard error, which never
holds a value. Any python3 from 3.7 on runs it, without a library. Credentials: "Use the Instance Metadata Service" and
"Retrieve security credentials from instance metadata" (EC2 User Guide); the signature: "Create a signed AWS API
request" (IAM User Guide); the call: GetSecretValue (Secrets Manager API Reference).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

DEADLINE = 120.0
"""Seconds. A role that has just been made, and a network that just comes up, may take tens of them."""
PAUSE = 2.0
CALL = 8.0
"""Seconds that one call may take."""
LATER = ("Throttling", "ExpiredToken", "UnrecognizedClient", "InvalidSignature", "RequestExpired", "Internal")
"""How errors begin that may pass: the role's keys or the machine's clock are not right yet, or AWS is busy."""
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


def told(path: str, headers: dict[str, str], method: str = "GET") -> str:
    """What the machine's metadata service says. LateError for any refusal: a profile may be attached late."""
    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
    url = f"{base.rstrip('/')}/latest/{path}"
    status, body = answered(DIRECT, urllib.request.Request(url, headers=headers, method=method))
    if status != 200:
        raise LateError(f"the metadata service answers {status} to {path}: has the machine an instance profile?")
    return body.decode()


def identity() -> tuple[dict[str, str], str]:
    """The keys of the machine's role, and the region that it is in."""
    token = told("api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "300"}, "PUT")
    headers = {"X-aws-ec2-metadata-token": token}
    roles = told("meta-data/iam/security-credentials/", headers).split()
    keys = json.loads(told("meta-data/iam/security-credentials/" + "".join(roles[:1]), headers)) if roles else {}
    if not isinstance(keys, dict) or keys.get("Code") != "Success":
        raise LateError("the metadata service has no credentials of the machine's role")
    return keys, told("meta-data/placement/region", headers).strip()


def signed(keys: dict[str, str], region: str, host: str, body: bytes, now: str) -> dict[str, str]:
    """The headers of a call, signed by Signature Version 4; `now` is such as 20260131T120000Z."""
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": now,
        "x-amz-security-token": keys["Token"],
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    names, scope = ";".join(headers), f"{now[:8]}/{region}/secretsmanager/aws4_request"
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    asked = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = ("AWS4" + keys["SecretAccessKey"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    who = f"AWS4-HMAC-SHA256 Credential={keys['AccessKeyId']}/{scope}"
    return {**headers, "authorization": f"{who}, SignedHeaders={names}, Signature={signature}"}


def endpoint(region: str) -> str:
    """Where Secrets Manager of a region answers; China has a domain of its own (AWS General Reference)."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    given = os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER")
    return (given or f"https://secretsmanager.{region}.{suffix}").rstrip("/")


def secret(keys: dict[str, str], region: str, name: str) -> str:
    """The text of a secret."""
    url, body = endpoint(region), json.dumps({"SecretId": name}).encode()
    host = urllib.parse.urlsplit(url).netloc
    headers = signed(keys, region, host, body, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    request = urllib.request.Request(f"{url}/", data=body, headers=headers, method="POST")
    status, answer = answered(urllib.request.build_opener(), request)
    try:
        said = json.loads(answer)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    if status != 200:
        code = str(said.get("__type") or f"status {status}").rpartition("#")[2]
        raise LateError(code) if status >= 500 or code.startswith(LATER) else FailedError(code)
    if not isinstance(said.get("SecretString"), str):
        raise FailedError("it has no text (SecretString)")
    return str(said["SecretString"])


def texts(names: list[str]) -> dict[str, str]:
    """The texts of all secrets. FailedError where one cannot be had, or not before the deadline."""
    end, found = time.monotonic() + DEADLINE, {}
    missing = list(dict.fromkeys(names))
    while missing:
        try:
            keys, region = identity()
            while missing:
                found[missing[0]] = secret(keys, region, missing[0])
                del missing[0]
        except FailedError as error:
            raise FailedError(f"aws-sm://{missing[0]}: {error}") from None
        except (LateError, ValueError, KeyError) as error:
            if time.monotonic() + PAUSE > end:
                why = error if isinstance(error, LateError) else "the metadata service answers something else"
                raise FailedError(f"aws-sm://{missing[0]}: {why} (asked for {DEADLINE:.0f} s)") from None
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
            raise FailedError(f"aws-sm://{name}{'#' + key if key else ''}: {error}") from None
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
