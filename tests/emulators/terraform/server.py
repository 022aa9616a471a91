"""Serves providers to Terraform, which is told where they are already running and starts none of its own.

Terraform and OpenTofu know this as TF_REATTACH_PROVIDERS, for debugging providers
(https://developer.hashicorp.com/terraform/plugin/debugging). So a command costs no start of a provider, nothing is
downloaded, and a test holds the providers' world in its hands.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.emulators.terraform import schema, wire
from tests.emulators.terraform.provider import Provider
from tests.emulators.terraform.world import World

PROTOCOL = 6
_LARGEST = 64 << 20


@contextmanager
def served(folder: Path, worlds: Mapping[str, World]) -> Iterator[dict[str, str]]:
    """Providers of these names (`aws`, `google`), each with its world; the environment that leads Terraform to them.

    `folder`: where their sockets are; its path has to be short enough for one.
    """
    running = [(name, _started(folder / f"{name}.sock", Provider(schema.of(name), it))) for name, it in worlds.items()]
    reattach = {
        f"{registry}/{schema.of(name).source}": {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": str(folder / f"{name}.sock")},
        }
        for name, _server in running
        for registry in ("registry.terraform.io", "registry.opentofu.org")
    }
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps(reattach), "CHECKPOINT_DISABLE": "1"}
    finally:
        for _name, server in running:
            server.stop(0.2).wait()


def _started(socket: Path, provider: Provider) -> grpc.Server:
    options = [("grpc.max_send_message_length", _LARGEST), ("grpc.max_receive_message_length", _LARGEST)]
    server = grpc.server(futures.ThreadPoolExecutor(16), options=options)
    handlers = {name: _handler(provider, name, *kinds) for name, kinds in wire.METHODS.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(wire.SERVICE, handlers),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


def _handler(provider: Provider, method: str, asked: str, told: str) -> Any:
    does: Callable[[Any], Any] = getattr(provider, re.sub(r"(?<!^)([A-Z])", r"_\1", method).lower())
    return grpc.unary_unary_rpc_method_handler(
        lambda request, _context: does(request),
        request_deserializer=wire.messages[asked].FromString,
        response_serializer=wire.messages[told].SerializeToString,
    )
