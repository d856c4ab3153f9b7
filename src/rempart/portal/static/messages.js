// The operator's messages, above every page of somebody signed in. Which of them were read is kept until this tab signs out.
import { act } from "./acts.js";
import { swap } from "./page.js";

const KEY = "messages-read";
const read = () => new Set(JSON.parse(sessionStorage.getItem(KEY) ?? "[]"));

function settle(section) {
  section.hidden = ![...section.querySelectorAll("[data-message]")].some((message) => !message.hidden);
}

/** Fill the section. Messages must never stand in the way of work: when they cannot be had, nothing is shown. */
export async function showMessages(section) {
  try {
    swap(section, await act("here", {}, { html: true }));
  } catch {
    return;
  }
  if (section.querySelector("[data-due]")) {
    // Nothing else would be answered: to what has to be done first.
    location.replace("/a-faire");
    return;
  }
  const known = read();
  for (const message of section.querySelectorAll("[data-message]")) message.hidden = !("stays" in message.dataset) && known.has(message.dataset.message);
  settle(section);
  section.addEventListener("click", ({ target }) => {
    const number = target.closest("[data-read]")?.dataset.read;
    if (!number) return;
    sessionStorage.setItem(KEY, JSON.stringify([...read(), number].slice(-200)));
    section.querySelector(`[data-message="${number}"]`).hidden = true;
    settle(section);
    document.getElementById("main").focus({ preventScroll: true });
  });
}
