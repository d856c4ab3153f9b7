// The page Prises en charge: their states, and what can be done with each.
import { act } from "./acts.js";
import { resume, sentUnder } from "./care-draft.js";
import { askConfirm } from "./dialogs.js";
import { notice, onButtons, startList } from "./list.js";

const words = document.getElementById("list-words").dataset;
const lines = ({ dataset }) => JSON.parse(dataset.lines);

async function cancel({ dataset: { cancel: number } }, load) {
  if (!(await askConfirm(words.confirm.replace("{number}", number)))) return;
  await act("claims/prise-en-charge/cancel", { number });
  await load();
  const text = words.cancelled.replace("{number}", number);
  if (sentUnder(number)) notice(text, words.again, () => resume(number, { ask: true }));
  else notice(text);
}

export function ready() {
  const load = startList("claims/prise-en-charge/list");
  onButtons({
    billPec: (button) => resume(button.dataset.billPec, { ask: false, engagement: null, priseEnCharge: button.dataset.billPec, careDate: "", lines: lines(button) }),
    amend: (button) => resume(button.dataset.amend, { ask: true, amends: button.dataset.amend, lines: lines(button) }),
    cancel: (button) => cancel(button, load),
  });
  return load();
}
