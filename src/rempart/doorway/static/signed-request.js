// A signed request: RFC 9421 in the one form of docs/protocol.md, "The signature".
import { base64, base64url, sha256, utf8 } from "./bytes.js";
import { deviceKey } from "./device-key.js";

const ORIGIN = document.querySelector("meta[name=rempart-origin]").content;
// Seconds between the server's clock and this device's; learnt when a request is refused as stale.
let clockOffset = 0;

async function signature(target, body) {
  const key = await deviceKey();
  const digest = `sha-256=:${base64(await sha256(body))}:`;
  const created = Math.floor(Date.now() / 1000) + clockOffset;
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const parameters =
    `("@method" "@target-uri" "content-digest");created=${created};nonce="${nonce}";keyid="${key.id}"` +
    `;alg="ecdsa-p256-sha256";tag="rempart-v1"`;
  const base =
    `"@method": POST\n"@target-uri": ${ORIGIN}${target}\n"content-digest": ${digest}\n"@signature-params": ${parameters}`;
  const made = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, utf8(base));
  return {
    "Content-Digest": digest,
    "Signature-Input": `rempart=${parameters}`,
    Signature: `rempart=:${base64(made)}:`,
  };
}

async function send(target, body, headers) {
  try {
    return await fetch(target, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json", ...headers, ...(await signature(target, body)) },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    if (error.phrase) throw error;
    throw Object.assign(new Error("offline"), { phrase: "offline" });
  }
}

/** POST a value as JSON, signed. A device whose clock is off is forgiven once: the server's Date says by how much. */
export async function postSigned(target, value, headers = {}) {
  const body = utf8(JSON.stringify(value));
  const response = await send(target, body, headers);
  if (response.status !== 401 || response.headers.get("Rempart-Code") !== "stale") return response;
  const server = Date.parse(response.headers.get("Date") ?? "");
  const offset = Math.round((server - Date.now()) / 1000);
  if (!Number.isFinite(offset) || Math.abs(offset - clockOffset) < 20) return response;
  clockOffset = offset;
  return send(target, body, headers);
}
