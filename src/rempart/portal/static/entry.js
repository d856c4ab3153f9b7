// The two pages of somebody who is not signed in: sign-in and activation.
import { introduce } from "./acts.js";
import { clearError, complete, open, read, reveal, showError, swap, whileBusy } from "./page.js";
import { makePasskey, usePasskey } from "./passkey.js";

const POLL_MS = 3000;

function tell(error) {
  showError(error);
}

/** Remember who this tab speaks for (login, role, establishments: no secret), and go to work. */
export function enter(session) {
  const { login, role, establishment, establishments, places } = session;
  sessionStorage.setItem("who", JSON.stringify({ login, role, establishment, establishments, places }));
  // A software that waits for a person opened this tab: back to what it asked (software.js).
  if (/^#[0-9a-f-]{36}\./.test(location.hash)) location.replace(`/logiciel${location.hash}`);
  else location.replace(role === "administrator" || !establishment ? "/etablissement" : "/verifier");
  return new Promise(() => {});
}

function onSubmit(form, run) {
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    clearError();
    if (complete(form)) whileBusy(form.querySelector("[type=submit]"), () => run(read(form).body).catch(tell));
  });
  if (form) open(form.querySelector("[type=submit]"));
}

async function withPasskey() {
  const challenge = await introduce("sign-in/begin");
  const credential = await usePasskey(challenge);
  await enter(await introduce("sign-in/passkey", { nonce: challenge.nonce, credential }, { labelled: true }));
}

async function withPassword({ login, password, code }) {
  const reply = await introduce("sign-in/password", { login, password, code: code.replaceAll(" ", "") }, { html: true, labelled: true });
  if (typeof reply !== "string") {
    await enter(reply);
    return;
  }
  document.getElementById("password-sign-in").reset();
  document.getElementById("sign-in").hidden = true;
  const waiting = document.getElementById("pending");
  swap(waiting, reply);
  reveal(waiting);
  const { pending, expires } = waiting.querySelector("[data-pending]").dataset;
  onSubmit(document.getElementById("posted-form"), async (body) => enter(await introduce("sign-in/posted", body)));
  await untilApproved(pending, Number(expires) / 1000);
}

async function untilApproved(pending, expiresMs) {
  while (Date.now() < expiresMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const reply = await introduce("sign-in/pending", { pending }).catch((error) => {
      if (error.code !== "session") throw error;
      // Turned away, or waited too long.
      location.replace("/?motif=device");
      return new Promise(() => {});
    });
    if (reply.type === "SignedIn") await enter(reply);
  }
  location.replace("/?motif=device");
}

export function startSignIn() {
  const button = document.getElementById("passkey-sign-in");
  button.addEventListener("click", () => {
    clearError();
    whileBusy(button, () => withPasskey().catch(tell));
  });
  onSubmit(document.getElementById("password-sign-in"), withPassword);
  open(button);
  button.focus({ preventScroll: true });
}

// ── activation ───────────────────────────────────────────────────────────────────────────────────────────────────────

function showCodes(html, session) {
  document.getElementById("activation").hidden = true;
  const next = document.getElementById("activation-next");
  swap(next, html);
  reveal(next);
  next.querySelector("[data-once-done]").addEventListener("click", () => {
    next.replaceChildren();
    session();
  });
}

async function activateWithPasskey(activation_code, label) {
  const challenge = await introduce("activation/begin", { activation_code });
  const credential = await makePasskey(challenge);
  const body = { activation_code, nonce: challenge.nonce, credential, label };
  showCodes(await introduce("activation/passkey", body, { html: true, labelled: true }), () => location.replace("/verifier"));
}

async function activateWithPassword(activation_code) {
  const secret = await introduce("activation/totp", { activation_code }, { html: true });
  document.getElementById("activation").hidden = true;
  const next = document.getElementById("activation-next");
  swap(next, secret);
  next.append(document.getElementById("password-choice").content.cloneNode(true));
  const form = document.getElementById("activation-password");
  form.elements.again.dataset.sameAs = "password";
  onSubmit(form, async ({ password, code }) => {
    const body = { activation_code, password, code: code.replaceAll(" ", "") };
    showCodes(await introduce("activation/password", body, { html: true, labelled: true }), () => location.replace("/verifier"));
  });
  reveal(next);
}

export function startActivation() {
  const form = document.getElementById("activation-form");
  const field = form.elements.activation_code;
  // The code comes in the fragment, which no server sees, and leaves the address at once.
  const given = decodeURIComponent(location.hash.slice(1));
  if (given) {
    field.value = given;
    history.replaceState(null, "", location.pathname);
  }
  // Another link opened in the same tab changes the fragment only.
  addEventListener("hashchange", () => location.hash && location.reload());
  const showLabel = () => {
    form.querySelector("label[data-way=passkey]").hidden = form.elements.way.value !== "passkey";
  };
  form.addEventListener("change", showLabel);
  onSubmit(form, ({ activation_code, way, label }) =>
    way === "passkey" ? activateWithPasskey(activation_code, label) : activateWithPassword(activation_code));
  (given ? form.querySelector("[type=submit]") : field).focus({ preventScroll: true });
}
