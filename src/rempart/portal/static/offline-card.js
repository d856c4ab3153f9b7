// An offline card, verified by this browser alone: docs/offline-card.md. What vaultdoor/offline_card.py does, step by step; nothing is asked of anybody.
import { fromBase64url, utf8 } from "./bytes.js";

const CARD = "rempart-offline+jwt";
const STATUS_LIST = "statuslist+jwt";
const SKEW = 300;
const LONGEST = 3500;
const MOST_BYTES = 64 * 1024;
const LIST_BYTES = 1 << 17;
const ES256 = { name: "ECDSA", hash: "SHA-256" };
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Why a card is not to be accepted: a reason of the closed list. */
export class CardRefused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const refuse = (reason) => {
  throw new CardRefused(reason);
};

/** The JWS in what was scanned, pasted or read from a file. */
export function readText(text) {
  let squeezed = text.replace(/\s+/g, "");
  if (squeezed.length > 2 * LONGEST) refuse("unreadable");
  if (/^(?:[0-9]{2}){40,}$/.test(squeezed)) squeezed = squeezed.replace(/../g, (pair) => String.fromCharCode(Number(pair) + 45));
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(squeezed) ? squeezed : refuse("unreadable");
}

/** Inflate no more than so many bytes: a card is small, and what pretends to be one may not be. */
async function inflated(bytes, form, most) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(form));
  const parts = [];
  let size = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) throw new RangeError("longer than it may be");
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The payload's bytes, if one of the published keys signed it as a statement of that kind; null otherwise. */
async function verifiedPayload(jws, keys, typ) {
  try {
    const [head, payload, signature] = jws.split(".");
    const header = JSON.parse(decoder.decode(fromBase64url(head)));
    if (header.alg !== "ES256" || header.typ !== typ) return null;
    const [jwk, ...more] = keys.filter(({ kid }) => kid === header.kid);
    if (!jwk || more.length) return null;
    const { kty, crv, x, y } = jwk;
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    const good = await crypto.subtle.verify(ES256, key, fromBase64url(signature), utf8(`${head}.${payload}`));
    return good ? fromBase64url(payload) : null;
  } catch {
    // Not base64, not JSON, no such key: whatever it is, the platform did not sign it.
    return null;
  }
}

/** The lists of what the platform published whose signature holds: [{sub, iat, exp, status_list}]. */
export async function signedLists(published) {
  const found = [];
  for (const token of published.lists) {
    const payload = await verifiedPayload(token, published.keys, STATUS_LIST);
    const claims = payload && JSON.parse(decoder.decode(payload));
    if (claims?.iss === published.issuer) found.push(claims);
  }
  return found;
}

async function requireNotRevoked({ idx, uri }, published, now) {
  const list = (await signedLists(published)).findLast(({ sub }) => sub === uri) ?? refuse("no-list");
  if (now < list.iat - SKEW || now >= list.exp) refuse("stale-list");
  const bits = await inflated(fromBase64url(list.status_list.lst), "deflate", LIST_BYTES);
  if (!(idx >= 0 && idx < 8 * bits.length)) refuse("no-list");
  if (list.status_list.bits !== 1 || (bits[idx >> 3] >> (idx & 7)) & 1) refuse("revoked");
}

/** {jws, claims}: the card and what it says, if everything holds at `now` (seconds): signature, platform, dates, list. Throws CardRefused. */
export async function verifyCard(text, published, now) {
  const jws = readText(text);
  const payload = (await verifiedPayload(jws, published.keys, CARD)) ?? refuse("forged");
  let claims;
  try {
    claims = JSON.parse(decoder.decode(await inflated(payload, "deflate-raw", MOST_BYTES)));
  } catch {
    refuse("unreadable");
  }
  if (claims.iss !== published.issuer) refuse("elsewhere");
  if (now < claims.nbf - SKEW) refuse("early");
  if (now >= claims.exp) refuse("expired");
  await requireNotRevoked(claims.status.status_list, published, now);
  return { jws, claims };
}

/** The contracts open for a domain on a day (YYYY-MM-DD). */
export const openOn = (claims, domain, day) => (claims.rights[domain] ?? []).filter(({ until }) => !until || day <= until);
