// What this browser keeps for the day when nobody answers: public keys and signed lists of bits; and uses of cards that its device signed, until
// they are told. Nobody's data: a card names nobody.
const ADDRESS = "/.well-known/offline-cards.json";
const DATABASE = "rempart-offline";
const PUBLISHED = "published";
const USES = "uses";
const NAME = "latest";

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function withStore(name, mode, work) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(PUBLISHED);
    opening.result.createObjectStore(USES, { keyPath: "id" });
  };
  const database = await settled(opening);
  try {
    return await settled(work(database.transaction(name, mode).objectStore(name)));
  } finally {
    database.close();
  }
}

/** What was published when it was last fetched; undefined before the first time, or where nothing can be kept. */
export const kept = () => withStore(PUBLISHED, "readonly", (store) => store.get(NAME)).catch(() => undefined);

/** Fetch what is published now and keep it: {published, skew}, skew in seconds of this device's clock ahead of the server's. */
export async function fetched() {
  const response = await fetch(ADDRESS, { cache: "no-store", credentials: "omit" });
  if (!response.ok) throw new Error(String(response.status));
  const published = await response.json();
  const server = Date.parse(response.headers.get("date") ?? "");
  // A private window keeps nothing: the page still works for as long as it is open.
  await withStore(PUBLISHED, "readwrite", (store) => store.put(published, NAME)).catch(() => {});
  return { published, skew: Number.isNaN(server) ? 0 : Math.round((Date.now() - server) / 1000) };
}

/** Uses of cards, oldest first: {id, statement, card, amc, domain, at, cents, told}; `told`: the vault's answer, once it has one. */
export const keptUses = async () => (await withStore(USES, "readonly", (store) => store.getAll()).catch(() => [])).sort((a, b) => a.at - b.at);

/** Keep a use; throws where this browser can keep nothing: then it was not kept, and is not to be counted on. */
export const keepUse = (use) => withStore(USES, "readwrite", (store) => store.put(use));

export const dropUse = (id) => withStore(USES, "readwrite", (store) => store.delete(id));
