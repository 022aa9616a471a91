"""The emulator's HTTP server: moto's application, with one call at a time, a log, faults, and a door for the test."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from tests.emulators.aws.account import Account
from tests.emulators.aws.answers import EMPTY
from tests.emulators.aws.calls import Call, heard
from tests.emulators.aws.control import Control
from tests.emulators.aws.faults import Fault

DOOR = "/emulator/"
Environ = dict[str, Any]
Start = Callable[..., Any]


class Quiet(MotoRequestHandler):
    """Says nothing of requests; what a call was is in `Emulator.calls`."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing."""


class Application:
    """What is between the socket and moto."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._control = Control(account)
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.RLock()

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """One request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        path = environ["PATH_INFO"]
        if path.startswith(DOOR):
            return self._asked_by_test(path.removeprefix(DOOR), body, start)
        with self.lock:
            call = heard(environ, path, body, at=self._account.emulated.clock.now)
            fault = self._account.emulated.faults.met(call.service, call.action)
        if fault and fault.delay:
            time.sleep(fault.delay)
        if fault and fault.code and not fault.lost:
            return self._refused(call, fault, environ, start)
        environ[EMPTY] = bool(fault and fault.empty)
        with self.lock:
            status, headers, answer = self._by_moto(call, environ)
            self._log(replace(call, status=0 if fault and fault.lost else int(status[:3])))
        if fault and fault.lost:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return []
        start(status, headers)
        return [answer]

    def _by_moto(self, call: Call, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
        """The answer; what nobody can answer is a refusal, and not an error of a server, which callers repeat."""
        told: list[Any] = []
        self._account.look()
        try:
            answer = b"".join(self._moto(environ, lambda status, headers, *_more: told.extend((status, headers))))
        except RuntimeError as error:  # what moto raises for an action that it does not have
            fault = Fault(service=call.service, action=call.action, code="InvalidAction", message=str(error))
        except Exception:
            fault = Fault(
                service=call.service, action=call.action, code="InternalFailure", status=500, message=_last_words()
            )
        else:
            self._account.look()
            return told[0], told[1], answer
        kind, answer = fault.body(call.service, in_json=_in_json(environ))
        return _status(fault.status), [("Content-Type", kind), ("Content-Length", str(len(answer)))], answer

    def _refused(self, call: Call, fault: Fault, environ: Environ, start: Start) -> Iterable[bytes]:
        with self.lock:
            self._log(replace(call, status=fault.status, error=fault.code))
        kind, body = fault.body(call.service, in_json=_in_json(environ))
        start(_status(fault.status), [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _log(self, call: Call) -> None:
        self._account.emulated.calls.append(call)

    def _asked_by_test(self, verb: str, body: bytes, start: Start) -> Iterable[bytes]:
        with self.lock:
            try:
                self._account.look()
                answer, status = self._control.verbs[verb](json.loads(body or b"{}")), 200
                self._account.look()
            except Exception:
                answer, status = {"error": traceback.format_exc()}, 400
        text = json.dumps(answer).encode()
        start(_status(status), [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]


def server(application: Application, port: int) -> BaseWSGIServer:
    """It listens; `serve_forever` answers."""
    return make_server("127.0.0.1", port, application, threaded=True, request_handler=Quiet)


def _status(code: int) -> str:
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"{code} {known.get(code, 'Unknown')}"


def _in_json(environ: Environ) -> bool:
    """Whether the call is made in one of AWS' JSON protocols; the others read XML."""
    return "HTTP_X_AMZ_TARGET" in environ


def _last_words() -> str:
    lines = traceback.format_exc().splitlines()
    return " | ".join(line.strip() for line in lines[-6:]).replace("<", "(").replace(">", ")").replace("&", "and")
