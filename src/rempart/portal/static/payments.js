// The page Paiements: each transfer, its statement, and the statement as a file.
import { act } from "./acts.js";
import { onButtons, startList } from "./list.js";
import { reveal, say, swap } from "./page.js";

const words = document.getElementById("list-words").dataset;
const place = document.getElementById("statement");

async function openStatement(number) {
  swap(place, await act("claims/statement", { number }, { html: true }));
  reveal(place);
}

/** Save a statement: the file is fetched by a signed request, then handed to the browser under its own name. */
async function save(number, kind) {
  const file = await act(`claims/statement/${kind}`, { number }, { as: "file" });
  const address = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: address, download: `releve-${number}.${kind}` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  say(words.saved);
}

export async function ready() {
  const load = startList("claims/payment/list");
  onButtons({
    open: ({ dataset }) => openStatement(dataset.open),
    pdf: ({ dataset }) => save(dataset.pdf, "pdf"),
    csv: ({ dataset }) => save(dataset.csv, "csv"),
    closeStatement: () => {
      place.replaceChildren();
      reveal(document.getElementById("list"));
    },
  });
  await load();
  // A link from an invoice names the statement it was paid in.
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (/^[A-Za-z0-9][A-Za-z0-9./_-]{0,39}$/.test(wanted)) await openStatement(wanted);
}
