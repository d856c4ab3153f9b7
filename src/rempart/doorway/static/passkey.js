// WebAuthn ceremonies. The challenge commits to this device's key: docs/protocol.md, "The ceremony's challenge".
import { base64url, fromBase64url, joined, sha256, utf8 } from "./bytes.js";
import { deviceKey } from "./device-key.js";

const ZERO = new Uint8Array(1);

async function boundChallenge(challenge) {
  const { thumbprint } = await deviceKey();
  return sha256(
    joined(utf8("rempart-ceremony-v1"), ZERO, utf8(challenge.purpose), ZERO, fromBase64url(challenge.nonce), thumbprint),
  );
}

const listed = (ids) => ids.map((id) => ({ type: "public-key", id: fromBase64url(id) }));

function refusal(error) {
  const phrase = error.name === "InvalidStateError" ? "passkeyExists" : "noPasskey";
  return Object.assign(new Error(phrase), { phrase, cause: error });
}

/** In the form of PublicKeyCredential.toJSON(), which not every browser has. */
function asJson({ id, rawId, type, authenticatorAttachment, response }, rest) {
  return {
    id,
    rawId: base64url(rawId),
    type,
    authenticatorAttachment: authenticatorAttachment ?? null,
    clientExtensionResults: {},
    response: { clientDataJSON: base64url(response.clientDataJSON), ...rest },
  };
}

function supported() {
  if (!window.PublicKeyCredential) throw Object.assign(new Error("no-webauthn"), { phrase: "noWebauthn" });
}

/** Use a passkey; returns the credential as JSON (the form of PublicKeyCredential.toJSON()). */
export async function usePasskey(challenge) {
  supported();
  const publicKey = {
    challenge: await boundChallenge(challenge),
    rpId: challenge.rp_id,
    allowCredentials: listed(challenge.allow),
    userVerification: "required",
    timeout: 120000,
  };
  const credential = await navigator.credentials.get({ publicKey }).catch((error) => {
    throw refusal(error);
  });
  const { response } = credential;
  return asJson(credential, {
    authenticatorData: base64url(response.authenticatorData),
    signature: base64url(response.signature),
    userHandle: response.userHandle ? base64url(response.userHandle) : null,
  });
}

/** Make a passkey; returns the credential as JSON. */
export async function makePasskey(challenge) {
  supported();
  const publicKey = {
    challenge: await boundChallenge(challenge),
    rp: { id: challenge.rp_id, name: "Rempart" },
    user: { id: fromBase64url(challenge.user_id), name: challenge.user_name, displayName: challenge.user_name },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }, { type: "public-key", alg: -257 }],
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    excludeCredentials: listed(challenge.exclude),
    attestation: "none",
    timeout: 120000,
  };
  const credential = await navigator.credentials.create({ publicKey }).catch((error) => {
    throw refusal(error);
  });
  const { response } = credential;
  return asJson(credential, {
    attestationObject: base64url(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}
