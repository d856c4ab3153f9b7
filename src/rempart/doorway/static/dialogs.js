// The two dialogs of every page: confirm, and prove again who you are.
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

/** Ask for a fresh proof; resolves to true once the vault accepted one. `why`: act, any factor will do; person, the passkey alone. */
export function askStepUp(why = "act") {
  const dialog = document.getElementById("step-up");
  for (const element of dialog.querySelectorAll("[data-why]")) element.hidden = element.dataset.why !== why;
  const form = document.getElementById("step-up-form");
  const alert = dialog.querySelector("[data-slot=alert]");
  swap(alert, "");
  form.reset();
  const prove = (button, how) =>
    whileBusy(button, async () => {
      try {
        await how();
        dialog.close("yes");
      } catch (error) {
        showError(error, alert);
      }
    });
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.onclick = (event) => {
      const button = event.target.closest("[data-answer]");
      if (button?.dataset.answer === "no") dialog.close("no");
      if (button?.dataset.answer === "passkey") {
        prove(button, async () => {
          const challenge = await act("step-up/begin");
          await act("step-up/passkey", { nonce: challenge.nonce, credential: await usePasskey(challenge) });
        });
      }
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      const { password, code } = Object.fromEntries(new FormData(form));
      prove(form.querySelector("[type=submit]"), () => act("step-up/password", { password, code: code.trim() }));
    };
    dialog.onclose = () => {
      form.reset();
      resolve(dialog.returnValue === "yes");
    };
    dialog.showModal();
  });
}
