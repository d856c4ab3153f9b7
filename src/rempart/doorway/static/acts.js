// Acts: signed calls through the portal, and what to do when one is refused. A path that begins with claims/ is an errand to the cashier, any
// other an act for the vault.
import { deviceKey, deviceLabel } from "./device-key.js";
import { askPresence, askStepUp } from "./dialogs.js";
import { postSigned } from "./signed-request.js";
import { inTurn } from "./waiting.js";

/** The answer was no. `alert` is the portal's rendered explanation, when HTML was asked for. */
export class RefusedError extends Error {
  constructor(code, { sentence = "", detail = "", reference = "", alert = "" } = {}) {
    super(code);
    Object.assign(this, { code, sentence, detail, reference, alert });
  }
}

const SIGN_IN_AGAIN = new Set(["session", "device", "signature", "stale"]);

/** Leave for the sign-in page, saying why. */
export function leave(reason) {
  sessionStorage.clear();
  // What a software asked waits behind the sign-in (entry.js).
  location.replace(`/?motif=${reason}${location.pathname === "/logiciel" ? location.hash : ""}`);
  return new Promise(() => {});
}

/** What a campaign asks first has a page of its own. */
const TO_DO = "/a-faire";
function leaveToDo() {
  location.replace(TO_DO);
  return new Promise(() => {});
}

/** Refusals that lead to another page, wherever they come. */
function elsewhere(error) {
  if (SIGN_IN_AGAIN.has(error.code)) return leave(error.code);
  if (error.code === "campaign-due" && location.pathname !== TO_DO) return leaveToDo();
  return null;
}

const ACCEPT = { json: "application/json", html: "text/html, application/json;q=0.9", file: "application/json;q=0.5, */*" };
const address = (path) => (/^(claims|desk)\//.test(path) ? `/${path}` : `/acts/${path}`);

async function once(path, body, as, headers) {
  const response = await inTurn((more) => postSigned(address(path), body, { ...headers, ...more, Accept: ACCEPT[as] }));
  const isHtml = (response.headers.get("Content-Type") ?? "").startsWith("text/html");
  if (response.ok) return as === "file" ? response.blob() : isHtml ? response.text() : response.json();
  const code = response.headers.get("Rempart-Code") ?? "internal";
  throw new RefusedError(code, isHtml ? { alert: await response.text() } : await response.json().catch(() => ({})));
}

/** Do something that may need a person: `ask` asks for them, then the thing is tried once more. */
async function withPerson(attempt, ask) {
  try {
    return await attempt();
  } catch (error) {
    const left = elsewhere(error);
    if (left) return left;
    if (error.code !== "step-up") throw error;
    if (!(await ask())) throw Object.assign(new Error("cancelled"), { cancelled: true });
    return attempt();
  }
}

/** A look-up, which may need somebody at the counter: that opens nothing but look-ups. */
export const withPresence = (attempt) => withPerson(attempt, askPresence);

/** An act of somebody who is signed in; `as`: json, html or file (a Blob). */
export async function act(path, body = {}, { html = false, as = html ? "html" : "json", headers = {} } = {}) {
  const attempt = () => once(path, body, as, headers);
  // A proof is never asked for to give a proof, nor to show that one is here.
  if (!/^(step-up|presence)\//.test(path)) return withPerson(attempt, () => askStepUp(path));
  try {
    return await attempt();
  } catch (error) {
    const left = elsewhere(error);
    if (left) return left;
    throw error;
  }
}

/** An act of somebody who is not signed in yet: the body carries the device's public key. */
export async function introduce(path, body = {}, { html = false, labelled = false } = {}) {
  const key = await deviceKey();
  const whole = { device_key: key.public, ...(labelled ? { device_label: deviceLabel() } : {}), ...body };
  return once(path, whole, html ? "html" : "json", {});
}
