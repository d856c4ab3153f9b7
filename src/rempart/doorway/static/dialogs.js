// The dialogs of every page: confirm; show that you are here, so that look-ups go on; prove who you are, before a sensitive act. The last two use
// the same passkey for different things, so they say different things, and the vault takes neither for the other.
import { act } from "./acts.js";
import { showError, swap, whileBusy } from "./page.js";
import { usePasskey } from "./passkey.js";

/** Ask a question; resolves to true or false. Escape is no. */
export function askConfirm(question) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("[data-slot=question]").textContent = question;
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.onclick = (event) => {
      const answer = event.target.closest("[data-answer]")?.dataset.answer;
      if (answer) dialog.close(answer);
    };
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
  });
}

/** Use a passkey for `purpose`: presence or step-up. */
async function touch(purpose) {
  const challenge = await act(`${purpose}/begin`);
  await act(`${purpose}/passkey`, { nonce: challenge.nonce, credential: await usePasskey(challenge) });
}

/** Ask whether a person is at this counter; resolves to true once the vault accepted their passkey. */
export function askPresence() {
  const dialog = document.getElementById("presence");
  const alert = dialog.querySelector("[data-slot=alert]");
  swap(alert, "");
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.onclick = (event) => {
      const button = event.target.closest("[data-answer]");
      if (button?.dataset.answer === "no") dialog.close("no");
      if (button?.dataset.answer === "passkey") {
        whileBusy(button, () => touch("presence").then(() => dialog.close("yes"), (error) => showError(error, alert)));
      }
    };
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
  });
}

/** Ask for a fresh proof, by any factor, before the act of this path, which the dialog names; resolves to true once the vault accepted one. */
export function askStepUp(path) {
  const dialog = document.getElementById("step-up");
  for (const deed of dialog.querySelectorAll("[data-deed]")) deed.hidden = deed.dataset.deed !== path;
  // The desk has no form here: a passkey is the only proof there is.
  const form = document.getElementById("step-up-form");
  const alert = dialog.querySelector("[data-slot=alert]");
  swap(alert, "");
  form?.reset();
  const prove = (button, how) =>
    whileBusy(button, async () => {
      try {
        await how();
        dialog.close("yes");
      } catch (error) {
        showError(error, alert);
      }
    });
  const closing = new AbortController();
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.onclick = (event) => {
      const button = event.target.closest("[data-answer]");
      if (button?.dataset.answer === "no") dialog.close("no");
      if (button?.dataset.answer === "passkey") {
        prove(button, () => touch("step-up"));
      }
    };
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const { password, code } = Object.fromEntries(new FormData(form));
      prove(form.querySelector("[type=submit]"), () => act("step-up/password", { password, code: code.trim() }));
    }, { signal: closing.signal });
    dialog.onclose = () => {
      closing.abort();
      form?.reset();
      resolve(dialog.returnValue === "yes");
    };
    dialog.showModal();
  });
}
