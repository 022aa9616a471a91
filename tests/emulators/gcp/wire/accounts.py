"""Who calls: a service account's key, tokens for it, and tokens that it signs itself.

https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.emulators.gcp.world import PROJECT, SERVICE_ACCOUNT

TOKENS = "https://oauth2.googleapis.com/token"
LASTS = 3599
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class Accounts:
    """The account whose key was written, and whoever has a token."""

    def __init__(self, directory: Path) -> None:
        key = rsa.generate_private_key(65537, 2048)
        self._public = key.public_key()
        self._tokens: dict[str, tuple[str, float]] = {}
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        written = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": uuid.uuid4().hex,
            "private_key": private.decode(),
            "client_email": SERVICE_ACCOUNT,
            "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": TOKENS,
        }
        path = directory / "key.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(written))

    def token(self, account: str) -> dict[str, Any]:
        """A new token, as the token endpoint gives it."""
        token = f"ya29.{uuid.uuid4().hex}"
        self._tokens[token] = (account, time.time() + LASTS)
        return {"access_token": token, "expires_in": LASTS, "token_type": "Bearer"}

    def granted(self, form: Mapping[str, list[str]], *, revoked: bool) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers."""
        kind = form.get("grant_type", [""])[0]
        if kind == EXCHANGE:
            return 200, {
                **self.token("federated"),
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            }
        if kind != GRANT:
            return 400, {"error": "unsupported_grant_type"}
        account = None if revoked else self._signed(form.get("assertion", [""])[0])
        if account is None:
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        return 200, self.token(account)

    def caller(self, header: str, *, revoked: bool) -> str | None:
        """Who an Authorization header speaks for; None for nobody."""
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer" or revoked:
            return None
        account, until = self._tokens.get(token, ("", 0.0))
        if until > time.time():
            return account
        account_of_itself = self._signed(token) if token.count(".") == 2 else None
        if account_of_itself:
            self._tokens[token] = (account_of_itself, time.time() + 60)
        return account_of_itself

    def _signed(self, token: str) -> str | None:
        """The account that has signed a token which counts now."""
        try:
            header, claims, signature = token.split(".")
            said = json.loads(_decoded(claims))
            self._public.verify(_decoded(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
            counts = json.loads(_decoded(header))["alg"] == "RS256" and said["exp"] > time.time() > said["iat"] - 300
            known = said["iss"] == SERVICE_ACCOUNT and said["exp"] - said["iat"] <= LASTS + 1
            return str(said["iss"]) if counts and known else None
        except (ValueError, KeyError, InvalidSignature):
            return None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
