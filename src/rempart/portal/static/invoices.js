// The page Factures: what became of each invoice, corrected and sent again in two clicks, cancelled, and done again.
import { act } from "./acts.js";
import { resume, sentUnder } from "./care-draft.js";
import { askConfirm } from "./dialogs.js";
import { notice, onButtons, startList } from "./list.js";

const words = document.getElementById("list-words").dataset;

/** A refused invoice goes again under its own number; an accepted one is corrected by another. */
function correct({ dataset: { correct: number, state } }) {
  resume(number, state === "refused" ? { resumes: number, number } : { corrects: number, number: "" });
}

async function cancel({ dataset: { cancel: number } }, load) {
  if (!(await askConfirm(words.confirm.replace("{number}", number)))) return;
  await act("claims/invoice/cancel", { number });
  await load();
  const text = words.cancelled.replace("{number}", number);
  if (sentUnder(number)) notice(text, words.again, () => resume(number, { number: "" }));
  else notice(text);
}

export function ready() {
  const load = startList("claims/invoice/list");
  onButtons({ correct, cancel: (button) => cancel(button, load) });
  return load();
}
