"""The signatures of a request (RFC 9421), as docs/protocol.md fixes them: the device's, then the editor's over it."""

import base64
import hashlib
import secrets
from collections.abc import Callable

from rempart.client.keys import Signer, b64url, keyid

_REQUEST = '"@method" "@target-uri" "content-digest"'
_BY_DEVICE = '"signature-input";key="rempart" "signature";key="rempart"'


def signed_headers(
    method: str,
    uri: str,
    body: bytes,
    *,
    created: int,
    device: Signer,
    editor: Signer | None = None,
    nonce: Callable[[], bytes] = lambda: secrets.token_bytes(16),
) -> dict[str, str]:
    """Content-Digest, Signature-Input and Signature. `uri`: the canonical origin, path and query; `created`: seconds since the epoch."""
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    covered = f'"@method": {method}\n"@target-uri": {uri}\n"content-digest": {digest}\n'
    inputs = [_parameters(f"({_REQUEST})", created, nonce(), device, "rempart-v1")]
    signatures = [_signature(covered, inputs[0], device)]
    labels = ["rempart"]
    if editor is not None:
        covered += (
            f'"signature-input";key="rempart": {inputs[0]}\n"signature";key="rempart": {signatures[0]}\n'
        )
        inputs.append(
            _parameters(f"({_REQUEST} {_BY_DEVICE})", created, nonce(), editor, "rempart-editor-v1")
        )
        signatures.append(_signature(covered, inputs[1], editor))
        labels.append("editor")
    return {
        "Content-Digest": digest,
        "Signature-Input": ", ".join(f"{label}={each}" for label, each in zip(labels, inputs, strict=True)),
        "Signature": ", ".join(f"{label}={each}" for label, each in zip(labels, signatures, strict=True)),
    }


def _parameters(components: str, created: int, nonce: bytes, signer: Signer, tag: str) -> str:
    return (
        f'{components};created={created};nonce="{b64url(nonce)}";keyid="{keyid(signer)}"'
        f';alg="ecdsa-p256-sha256";tag="{tag}"'
    )


def _signature(covered: str, parameters: str, signer: Signer) -> str:
    raw = signer.sign(f'{covered}"@signature-params": {parameters}'.encode())
    return f":{base64.b64encode(raw).decode()}:"
