// What every page does to itself: swap a fragment in, say something, show an error, look busy, read a form.

// The one door from text to HTML, and only fragments rendered by the portal go through it.
const policy = window.trustedTypes?.createPolicy("rempart", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

export const phrases = document.getElementById("phrases").dataset;

/** Put a fragment of the portal into an element. */
export function swap(element, html) {
  element.innerHTML = policy.createHTML(html);
  element.removeAttribute("aria-busy");
}

/** Tell a screen reader, and nobody else. */
export function say(text) {
  const status = document.getElementById("status");
  status.textContent = "";
  requestAnimationFrame(() => {
    status.textContent = text;
  });
}

function line(text, small = false) {
  const paragraph = document.createElement("p");
  if (small) paragraph.append(Object.assign(document.createElement("small"), { textContent: text }));
  else paragraph.textContent = text;
  return paragraph;
}

/** Show what went wrong and what to do, as an alert. A cancelled act is not an error. */
export function showError(error, element = document.getElementById("alert")) {
  if (error.cancelled) return;
  if (error.alert) {
    swap(element, error.alert);
  } else {
    const box = document.createElement("div");
    box.className = "alert";
    box.append(line(error.sentence || phrases[error.phrase] || phrases.internal));
    if (error.detail) box.append(line(error.detail, true));
    if (error.reference) box.append(line(`${phrases.reference} : ${error.reference}`, true));
    element.replaceChildren(box);
  }
  element.scrollIntoView({ block: "nearest" });
}

export function clearError() {
  document.getElementById("alert").replaceChildren();
}

/** Run an act with its button busy: a second press does nothing until the first is answered. */
export async function whileBusy(button, run) {
  if (button?.getAttribute("aria-busy") === "true") return undefined;
  button?.setAttribute("aria-busy", "true");
  say(phrases.busy);
  try {
    return await run();
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** Mark a field as wrong, with its sentence under it; "" clears it. */
export function fieldProblem(field, text) {
  const id = `${field.form?.id || "form"}-${field.name || field.id}-problem`;
  let note = document.getElementById(id);
  if (!text) {
    field.removeAttribute("aria-invalid");
    note?.remove();
    if (field.getAttribute("aria-describedby") === id) field.removeAttribute("aria-describedby");
    return;
  }
  field.setAttribute("aria-invalid", "true");
  if (!note) {
    note = document.createElement("small");
    note.id = id;
    note.className = "problem";
    field.after(note);
    if (!field.hasAttribute("aria-describedby")) field.setAttribute("aria-describedby", id);
  }
  note.textContent = text;
}

/** Are the required fields filled and the repeated ones equal? Focuses the first that is not. */
export function complete(form) {
  let first = null;
  for (const field of form.elements) {
    if (!field.willValidate || field.type === "hidden" || field.closest("[hidden]")) continue;
    const twin = field.dataset.sameAs && form.elements[field.dataset.sameAs];
    const problem = field.required && !field.value.trim() ? phrases.required
      : twin && twin.value !== field.value ? phrases.passwordsDiffer : "";
    fieldProblem(field, problem);
    if (problem) first ??= field;
  }
  first?.focus();
  return !first;
}

/** A form as an act's body (every value a string) and headers (fields that are not for the vault). */
export function read(form) {
  const body = {};
  const headers = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    if (field.dataset.header) {
      if (field.value.trim()) headers[field.dataset.header] = encodeURIComponent(field.value.trim());
    } else {
      body[field.name] = field.type === "password" ? field.value : field.value.trim();
    }
  }
  return { body, headers };
}

/**
 * Let a form be sent. The portal renders its buttons disabled: a form sent before the script listens would be sent by the browser itself,
 * and what was typed with it.
 */
export function open(...buttons) {
  for (const button of buttons) button.disabled = false;
}

/** Focus what just appeared, for whoever reads with the ears or the keyboard. */
export function reveal(element) {
  if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}
