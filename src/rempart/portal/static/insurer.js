// The insurer's pages: prises en charge decided, daily flows and openings downloaded and acknowledged, who consulted a member.
import { act } from "./acts.js";
import { sha256 } from "./bytes.js";
import { askConfirm } from "./dialogs.js";
import { notice, onButtons, startList } from "./list.js";
import { clearError, complete, open, reveal, say, showError, swap, whileBusy } from "./page.js";

const words = document.getElementById("list-words").dataset;

/** Listen to the forms that carry a data attribute, and not to the browser's own way of sending them. */
function onForms(name, run) {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(name in form.dataset)) return;
    event.preventDefault();
    if (complete(form)) whileBusy(form.querySelector("[type=submit]"), () => run(form).catch((error) => showError(error)));
  });
}

// ── prises en charge ─────────────────────────────────────────────────────────────────────────────────────────────────

async function decide(number, decision, reason, told, load) {
  clearError();
  await act("claims/insurer/decide", { number, decision, reason });
  await load();
  notice(told.replace("{number}", number));
}

function startDeciding() {
  const load = startList("claims/insurer/prises-en-charge");
  onButtons({ agree: ({ dataset: { agree } }) => decide(agree, "accordee", "", words.agreed, load) });
  onForms("refuse", async (form) => {
    const { refuse: number } = form.dataset;
    if (await askConfirm(words.refuse.replace("{number}", number))) await decide(number, "refusee", form.elements.reason.value, words.refused, load);
  });
  return load();
}

// ── daily flows, daily openings ──────────────────────────────────────────────────────────────────────────────────────────────────────

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function download({ dataset: { download: id, day, parts, digest } }) {
  const pieces = [];
  for (let part = 1; part <= Number(parts); part += 1) {
    pieces.push(await act(`${words.errand}/download`, { id, part }, { as: "file" }));
    say(`${part} / ${parts}`);
  }
  const file = new Blob(pieces, { type: "application/x-ndjson" });
  const found = hex(await sha256(await file.arrayBuffer()));
  if (found !== digest) throw Object.assign(new Error("broken"), { sentence: words.broken });
  const address = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: address, download: `${words.name}-${day}.ndjson` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  // The digest of what arrived, not the one that was announced: it is what acknowledging proves.
  const field = document.getElementById(`digest-${id}`);
  if (field) field.value = found;
  notice(words.saved);
}

async function acknowledge(form) {
  const { acknowledge: id, day } = form.dataset;
  if (!(await askConfirm(words.confirm.replace("{day}", day)))) return;
  clearError();
  await act(`${words.errand}/acknowledge`, { id, digest: form.elements.digest.value.trim() });
  swap(document.getElementById(words.section), await act(words.list, {}, { html: true }));
  notice(words.acknowledged.replace("{day}", day));
}

// ── who consulted a member ────────────────────────────────────────────────────────────────────────────────────────────

function startConsulting(form) {
  const section = document.getElementById("consultations");
  let member = "";

  async function ask(before) {
    clearError();
    return act("insurer/consultations", { member, before }, { html: true });
  }

  onForms("consult", async () => {
    member = form.elements.member.value.trim();
    swap(section, await ask(0));
    reveal(section);
  });
  onButtons({
    older: async (button) => {
      const holder = document.createElement("div");
      swap(holder, await ask(Number(button.dataset.older)));
      const rows = [...holder.querySelectorAll("tbody > *")];
      section.querySelector("tbody").append(...rows);
      const next = holder.querySelector("[data-older]");
      if (next) button.replaceWith(next);
      else button.remove();
    },
  });
  open(...form.querySelectorAll("button[disabled]"));
}

export function ready() {
  if (document.getElementById("filters")) return startDeciding();
  const form = document.getElementById("consult");
  if (form) startConsulting(form);
  onButtons({ download });
  onForms("acknowledge", acknowledge);
  return undefined;
}
