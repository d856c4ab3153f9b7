"""A browser in software: a device key that signs requests (RFC 9421) and a passkey (WebAuthn Level 3), as docs/protocol.md fixes them.

The demonstration, the bench and practice software use it. It is a client of the public protocol and has no privilege: its keys live in this
process's memory, so what vouches for the person is only as good as the machine it runs on.
"""

import base64
import hashlib
import secrets
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from rempart.vaultdoor.ceremony import ceremony_challenge
from rempart.vaultdoor.messages import Act, Challenge

_ECDSA = ec.ECDSA(hashes.SHA256())
_COVERED = '("@method" "@target-uri" "content-digest")'
# Authenticator data flags (WebAuthn §6.1).
_USER_PRESENT, _USER_VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


class DeviceKey:
    """A device's P-256 key: `keyid`, `thumbprint` (32 bytes, RFC 7638) and `public` ({"x", "y"}, base64url)."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self.public = dict(zip(("x", "y"), map(_b64url, _coordinates(private)), strict=True))
        jwk = f'{{"crv":"P-256","kty":"EC","x":"{self.public["x"]}","y":"{self.public["y"]}"}}'
        self.thumbprint = hashlib.sha256(jwk.encode()).digest()
        self.keyid = _b64url(self.thumbprint)

    @classmethod
    def generate(cls) -> "DeviceKey":
        """A new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    def sign(
        self, method: str, target_uri: str, body: bytes, created: int, nonce: str = ""
    ) -> dict[str, str]:
        """The headers Content-Digest, Signature-Input and Signature of a request.

        `target_uri`: the canonical origin, path and query; `created`: seconds since the epoch; `nonce`: 22 characters of base64url (16
        random bytes), drawn when empty.
        """
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        parameters = (
            f'{_COVERED};created={created};nonce="{nonce or _b64url(secrets.token_bytes(16))}";keyid="{self.keyid}"'
            ';alg="ecdsa-p256-sha256";tag="rempart-v1"'
        )
        base = (
            f'"@method": {method}\n"@target-uri": {target_uri}\n'
            f'"content-digest": {digest}\n"@signature-params": {parameters}'
        )
        r, s = decode_dss_signature(self._private.sign(base.encode(), _ECDSA))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return {
            "Content-Digest": digest,
            "Signature-Input": f"rempart={parameters}",
            "Signature": f"rempart=:{base64.b64encode(raw).decode()}:",
        }

    def state(self, typ: str, claims: object) -> str:
        """A compact JWS (ES256) of that kind, which the device states: `kid` is its thumbprint."""
        head = msgspec.json.encode({"alg": "ES256", "typ": typ, "kid": self.keyid})
        signed = f"{_b64url(head)}.{_b64url(msgspec.json.encode(claims))}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), _ECDSA))
        return f"{signed}.{_b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def act(self, origin: str, target: str, body: object, created: int, session: str = "") -> Act:
        """A signed `POST` of `body` (bytes, or a value sent as JSON) to `origin` + `target`, in the form a door relays."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = self.sign("POST", origin + target, content, created)
        return Act(
            method="POST",
            target=target,
            content_digest=headers["Content-Digest"],
            signature_input=headers["Signature-Input"],
            signature=headers["Signature"],
            session=session,
            body=content,
        )


class SoftwarePasskey:
    """A discoverable ES256 credential with user verification. Made by `create`, used by `use`; knows its account by its user handle."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._user_handle = b""
        self.id = secrets.token_bytes(16)
        self.sign_count = 0

    def create(
        self, challenge: Challenge, device: DeviceKey, *, user_verified: bool = True
    ) -> dict[str, Any]:
        """A registration (attestation "none") in the form of PublicKeyCredential.toJSON()."""
        self._user_handle = _unb64url(challenge.user_id)
        x, y = _coordinates(self._private)
        # COSE_Key (RFC 9052 §7) in CBOR: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
        cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(challenge.rp_id, user_verified, _ATTESTED) + attested
        # CBOR of the attestation object: a map of fmt (none), attStmt (empty) and authData.
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58" + bytes([len(data)]) + data
        client = self._client_data("webauthn.create", challenge, device)
        return self._credential(
            {"clientDataJSON": _b64url(client), "attestationObject": _b64url(attestation)}
        )

    def use(self, challenge: Challenge, device: DeviceKey, *, user_verified: bool = True) -> dict[str, Any]:
        """An assertion in the form of PublicKeyCredential.toJSON()."""
        self.sign_count += 1
        data = self._data(challenge.rp_id, user_verified, 0)
        client = self._client_data("webauthn.get", challenge, device)
        signature = self._private.sign(data + hashlib.sha256(client).digest(), _ECDSA)
        return self._credential(
            {
                "clientDataJSON": _b64url(client),
                "authenticatorData": _b64url(data),
                "signature": _b64url(signature),
                "userHandle": _b64url(self._user_handle),
            }
        )

    def _data(self, rp_id: str, user_verified: bool, more: int) -> bytes:
        flags = _USER_PRESENT | (_USER_VERIFIED if user_verified else 0) | more
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: Challenge, device: DeviceKey) -> bytes:
        committed = ceremony_challenge(challenge.purpose, _unb64url(challenge.nonce), device.thumbprint)
        return msgspec.json.encode(
            {"type": kind, "challenge": _b64url(committed), "origin": self._origin, "crossOrigin": False}
        )

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        return {
            "id": _b64url(self.id),
            "rawId": _b64url(self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }


def _coordinates(private: ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
    numbers = private.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
