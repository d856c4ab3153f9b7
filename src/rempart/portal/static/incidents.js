// The page Sommes-nous concernés ?: each published incident with the answer of who asks; establishments of a group by their names.
import { act } from "./acts.js";
import { swap } from "./page.js";

export async function ready(who) {
  const section = document.getElementById("incidents");
  try {
    swap(section, await act("claims/incidents", {}, { html: true }));
  } catch (error) {
    section.removeAttribute("aria-busy");
    throw error;
  }
  const names = new Map(who.places.map(({ id, name, town }) => [id, `${name}, ${town}`]));
  for (const place of section.querySelectorAll("[data-house]")) {
    const name = names.get(place.dataset.house);
    if (name) place.textContent = name;
  }
}
