// The page Logiciels: a software opens it at /logiciel#ask.code for a person to confirm; the titulaire installs and uninstalls.
import { act } from "./acts.js";
import { clearError, reveal, showError, swap, whileBusy } from "./page.js";
import { usePasskey } from "./passkey.js";

const byId = (id) => document.getElementById(id);
// An ask's number and the code that the software shows; no server sees a fragment.
const ASK = /^#([0-9a-f-]{36})\.([0-9A-Z]{4}-[0-9A-Z]{4})$/;

export function start() {
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "software-invite") return;
    event.preventDefault();
    const form = event.target;
    whileBusy(form.querySelector("[type=submit]"), () => invite(form).catch((error) => showError(error)));
  });
}

async function invite(form) {
  clearError();
  const { establishment, editor } = form.elements;
  const { code } = await act("software/invite", { establishment: establishment.value, editor: editor.value });
  const shown = byId("software-code-once").content.cloneNode(true);
  shown.querySelector("[data-slot=code]").textContent = code;
  byId("software-code").replaceChildren(shown);
  reveal(byId("software-code"));
}

async function confirm(ask, code) {
  clearError();
  const challenge = await act("software/begin");
  const credential = await usePasskey(challenge);
  await act("software/confirm", { ask, code, nonce: challenge.nonce, credential });
  history.replaceState(null, "", location.pathname);
  byId("software-asked").replaceChildren(byId("software-confirmed").content.cloneNode(true));
  reveal(byId("software-asked"));
}

export async function ready() {
  const asked = ASK.exec(location.hash);
  if (!asked) return;
  const [, ask, code] = asked;
  const place = byId("software-asked");
  swap(place, await act("software/asked", { ask }, { html: true }));
  place.querySelector("[data-slot=code]").textContent = code;
  const button = byId("software-confirm");
  button.addEventListener("click", () => whileBusy(button, () => confirm(ask, code).catch((error) => showError(error))));
  reveal(place);
}
