"""Passkeys (WebAuthn Level 3): user verification always, one origin, a challenge that commits to the device key that signs the request.

A nonce is not stored when it is given, so that asking for nonces fills nothing: it carries its expiry and a keyed hash over purpose,
device key and account, and is written down when it is used.
"""

import base64
import binascii
import secrets
import uuid

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.registration.verify_registration_response import VerifiedRegistration

from rempart.foundation.clock import MINUTE, SECOND
from rempart.vault import store_accounts as store
from rempart.vault.asked import Credential, Speaker
from rempart.vault.errors import Credentials
from rempart.vault.keystore import KeyStore
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.ceremony import ceremony_challenge
from rempart.vaultdoor.messages import Challenge

NONCE_LIFE = 5 * MINUTE
_NOBODY = uuid.UUID(int=0)


def new_challenge(
    zone: Zone,
    purpose: str,
    thumbprint: bytes,
    *,
    account: uuid.UUID | None = None,
    login: str = "",
    allow: tuple[bytes, ...] = (),
    exclude: tuple[bytes, ...] = (),
) -> Challenge:
    """A challenge for this purpose, device key and account (none yet, at sign-in). `allow`, `exclude`: credential ids."""
    expiry = ((zone.clock() + NONCE_LIFE) // SECOND).to_bytes(4, "big")
    head = secrets.token_bytes(12) + expiry
    return Challenge(
        nonce=_b64url(head + _seal(zone.keys, purpose, thumbprint, account, head)),
        purpose=purpose,
        rp_id=zone.settings.rp_id,
        user_id=_b64url(account.bytes) if account else "",
        user_name=login,
        allow=[_b64url(credential) for credential in allow],
        exclude=[_b64url(credential) for credential in exclude],
    )


async def own_challenge(zone: Zone, c: Connection, purpose: str, who: Speaker) -> Challenge:
    """A challenge for one of the speaker's own passkeys. What each purpose opens is its act's: none serves for another."""
    mine = tuple(row["credential"] for row in await store.passkeys(c, who.account))
    return new_challenge(zone, purpose, who.thumbprint, account=who.account, login=who.login, allow=mine)


async def register(
    zone: Zone,
    c: Connection,
    purpose: str,
    nonce: str,
    thumbprint: bytes,
    account: uuid.UUID,
    credential: Credential,
) -> VerifiedRegistration:
    """Use the nonce up and verify a new credential. Raises Credentials."""
    challenge = await _redeem(zone, c, purpose, nonce, thumbprint, account)
    try:
        return verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=zone.settings.rp_id,
            expected_origin=zone.settings.origin,
            require_user_verification=True,
        )
    except Exception as error:
        # A parser of hostile input: whatever it raises, this is no valid credential.
        raise Credentials from error


async def assert_passkey(
    zone: Zone,
    c: Connection,
    purpose: str,
    nonce: str,
    thumbprint: bytes,
    account: uuid.UUID | None,
    credential: Credential,
) -> Row:
    """Use the nonce up, find the credential, verify the assertion, count it; the passkey's row. `account`: whose it must be, if known.

    Raises Credentials: unknown credential, another account's, suspended account, bad signature, a count that went back: one answer.
    """
    challenge = await _redeem(zone, c, purpose, nonce, thumbprint, account)
    found = await store.passkey(c, _raw_id(credential))
    if found is None or found["status"] != "active" or account not in {None, found["account"]}:
        raise Credentials
    verified = _verify(zone, challenge, found, credential)
    await store.use_passkey(c, found["id"], verified.new_sign_count, zone.clock())
    return found


def _verify(zone: Zone, challenge: bytes, found: Row, credential: Credential) -> VerifiedAuthentication:
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=zone.settings.rp_id,
            expected_origin=zone.settings.origin,
            credential_public_key=found["public_key"],
            credential_current_sign_count=found["sign_count"],
            require_user_verification=True,
        )
        handle = credential["response"].get("userHandle")
        mine = handle is None or _unb64url(handle) == found["account"].bytes
    except Exception as error:
        # As above.
        raise Credentials from error
    if not mine:
        raise Credentials
    return verified


async def _redeem(
    zone: Zone, c: Connection, purpose: str, nonce: str, thumbprint: bytes, account: uuid.UUID | None
) -> bytes:
    """The challenge that the ceremony must have signed. The nonce must be ours, for this purpose, key and account, in time, and unused."""
    try:
        raw = _unb64url(nonce)
    except (binascii.Error, ValueError) as error:
        raise Credentials from error
    head, now = raw[:16], zone.clock()
    expiry = int.from_bytes(head[12:], "big") * SECOND
    ours = secrets.compare_digest(raw[16:], _seal(zone.keys, purpose, thumbprint, account, head))
    if not ours or expiry <= now or not await store.use_nonce(c, raw, now, expiry):
        raise Credentials
    return ceremony_challenge(purpose, raw, thumbprint)


def _seal(keys: KeyStore, purpose: str, thumbprint: bytes, account: uuid.UUID | None, head: bytes) -> bytes:
    message = b"ceremony\0" + purpose.encode() + b"\0" + thumbprint + (account or _NOBODY).bytes + head
    return keys.prf("codes")(message)[:16]


def _raw_id(credential: Credential) -> bytes:
    raw_id = credential.get("rawId")
    try:
        return _unb64url(raw_id) if isinstance(raw_id, str) else b""
    except (binascii.Error, ValueError) as error:
        raise Credentials from error


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
