// The page Règlement: the account that is paid. It is typed here, sealed by the cashier, and shown nowhere again.
import { act } from "./acts.js";
import { askConfirm } from "./dialogs.js";
import { onButtons } from "./list.js";
import { clearError, fieldProblem, phrases, reveal, say, showError, swap, whileBusy } from "./page.js";

const place = document.getElementById("rib");
const words = document.getElementById("rib-words").dataset;

/** ISO 13616: the rest of the number, rearranged, by 97 is 1. */
function iban(text) {
  const value = text.replace(/[\s.-]/g, "").toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(value)) return "";
  const digits = (value.slice(4) + value.slice(0, 4)).replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  return BigInt(digits) % 97n === 1n ? value : "";
}

let role = "";

async function show(path, body) {
  clearError();
  swap(place, await act(path, body, { html: true }));
  // The account is the titulaire's to change; anybody here may read, confirm or stop a change.
  for (const id of ["rib-panel", "rib-check-panel"]) {
    const panel = document.getElementById(id);
    if (panel) panel.hidden = role !== "titulaire";
  }
}

async function after(path, body) {
  await show(path, body);
  say(phrases.done);
  reveal(place);
}

const ERRANDS = { "rib-change": "claims/rib/change", "rib-check": "claims/rib/check" };

async function send(event) {
  const form = event.target;
  const errand = ERRANDS[form.id];
  if (!errand) return;
  event.preventDefault();
  const field = form.elements.iban;
  const value = iban(field.value);
  fieldProblem(field, value ? "" : field.dataset.problem);
  if (!value) {
    field.focus();
    return;
  }
  await whileBusy(form.querySelector("[type=submit]"), () => after(errand, { iban: value }).catch((error) => showError(error)));
}

export function ready(who) {
  role = who.role;
  place.addEventListener("submit", send);
  onButtons({
    confirmRib: () => after("claims/rib/confirm", {}),
    cancelRib: async () => {
      if (await askConfirm(words.cancel)) await after("claims/rib/cancel", {});
    },
  });
  return show("claims/rib", {});
}
