// The device key: P-256, made here, kept in IndexedDB, never exportable. docs/protocol.md, "The device key".
import { base64url, sha256, utf8 } from "./bytes.js";

const DATABASE = "rempart";
const STORE = "device";
const NAME = "key";

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function kept() {
  const database = await open();
  try {
    const found = await settled(database.transaction(STORE).objectStore(STORE).get(NAME));
    if (found) return found;
    const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    const store = database.transaction(STORE, "readwrite").objectStore(STORE);
    // Two tabs may arrive together: whoever adds first wins, and both read that one.
    const raced = await settled(store.get(NAME));
    if (raced) return raced;
    await settled(store.add(made, NAME));
    return made;
  } finally {
    database.close();
  }
}

async function load() {
  const pair = await kept();
  const { x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const thumbprint = await sha256(utf8(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`));
  return { privateKey: pair.privateKey, public: { x, y }, thumbprint, id: base64url(thumbprint) };
}

let loaded;

/** This browser's key: {privateKey, public: {x, y}, thumbprint, id}. */
export function deviceKey() {
  loaded ??= load().catch((error) => {
    loaded = undefined;
    throw Object.assign(new Error("no-key"), { phrase: "noKey", cause: error });
  });
  return loaded;
}

/** What this device is called in the lists of devices, e.g. "Firefox, Windows". */
export function deviceLabel() {
  const agent = navigator.userAgent;
  const browser = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["OPR/", "Opera"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]]
    .find(([mark]) => agent.includes(mark));
  const system = [["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS", "macOS"], ["Linux", "Linux"]]
    .find(([mark]) => agent.includes(mark));
  return [browser?.[1] ?? "Navigateur", system?.[1]].filter(Boolean).join(", ");
}
