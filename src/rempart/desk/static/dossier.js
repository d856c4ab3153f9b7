// One dossier of référencement: opened by a passkey, its documents saved or drawn, its doubts ticked. Nothing that an applicant made is ever a
// page here: a picture is drawn on a canvas, anything else is saved.
import { act } from "./acts.js";
import { clearError, complete, open, reveal, say, showError, swap, whileBusy } from "./page.js";

const byId = (id) => document.getElementById(id);
const number = () => new URLSearchParams(location.search).get("d") ?? "";

/** Hand a file to the browser under a name of ours. */
export function save(file, name) {
  const address = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const MOST_PIXELS = 50_000_000;
// PNG (ISO/IEC 15948) §11.2.2: IHDR comes first. JPEG (ISO/IEC 10918-1) B.2.2: the frame's header, of which these three codes are none.
const NO_FRAME = new Set([0xc4, 0xc8, 0xcc]);

/** Pixels that a picture says it has: sixty KiB may decode to gigabytes. Infinity where that cannot be read. */
async function pixelsOf(file) {
  const bytes = new DataView(await file.arrayBuffer());
  const end = bytes.byteLength;
  if (file.type === "image/png") return end < 24 ? Infinity : bytes.getUint32(16) * bytes.getUint32(20);
  for (let at = 2; at + 9 <= end && bytes.getUint8(at) === 0xff;) {
    const marker = bytes.getUint8(at + 1);
    if (marker === 0xff) at += 1;
    // Those that have no length: a decoder skips them, and reads on where this would jump.
    else if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9)) break;
    else if (marker <= 0xcf && !NO_FRAME.has(marker)) return bytes.getUint16(at + 5) * bytes.getUint16(at + 7);
    else at += 2 + bytes.getUint16(at + 2);
  }
  return Infinity;
}

async function draw(file) {
  const { image } = byId("image-words").dataset;
  const picture = await createImageBitmap(file);
  const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", image);
  byId("image").replaceChildren(canvas);
  reveal(byId("image"));
}

async function openDocument({ dataset }) {
  const document_ = Number(dataset.document);
  const file = await act("desk/dossier/open", { dossier: number(), document: document_ }, { as: "file" });
  const name = `dossier-${number().slice(0, 8)}-${document_}`;
  const { saved, notDrawn } = byId("image-words").dataset;
  if (!dataset.kind.startsWith("image/")) {
    save(file, `${name}.pdf`);
    say(saved);
    return;
  }
  byId("image").replaceChildren();
  const small = (await pixelsOf(file)) <= MOST_PIXELS;
  try {
    if (!small) throw new RangeError("pixels");
    await draw(file);
  } catch {
    save(file, `${name}.${dataset.kind === "image/png" ? "png" : "jpg"}`);
    showError({ sentence: notDrawn });
  }
}

/** Every doubt is ticked before anything can be proposed. The desk holds it against what it finds itself. */
function startDoubts() {
  const doubts = byId("doubts");
  doubts?.addEventListener("change", () => {
    byId("propose").disabled = [...doubts.querySelectorAll("input")].some(({ checked }) => !checked);
  });
}

async function check(form, offer) {
  const { address } = form.elements;
  const slot = byId("checked");
  swap(slot, await act("desk/application/check", { dossier: form.dataset.dossier, address: address.value.trim() }, { html: true }));
  offer(slot);
  startDoubts();
  reveal(slot);
}

/** The page of one dossier; `offer` shows what this role may do. */
export function startDossier(offer) {
  const slot = byId("dossier");
  const show = async () => {
    swap(slot, await act("desk/dossier/open", { dossier: number(), document: 0 }, { html: true }));
    offer(slot);
    open(...slot.querySelectorAll("form [type=submit]"));
  };
  const run = (button, work) => {
    clearError();
    whileBusy(button, () => work().catch((error) => showError(error)));
  };
  byId("open-dossier").addEventListener("click", ({ target }) => run(target, () => show().then(() => reveal(slot))));
  slot.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-document]");
    if (button) run(button, () => openDocument(button));
  });
  slot.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "check-address") return;
    event.preventDefault();
    if (complete(form)) run(form.querySelector("[type=submit]"), () => check(form, offer));
  });
  // What was done to it shows.
  document.addEventListener("rempart-done", () => show().catch((error) => showError(error)));
  open(byId("open-dossier"));
}
