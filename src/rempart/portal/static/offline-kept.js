// What verifies offline cards, kept in this browser for the day when nobody answers: public keys and signed lists of bits, nobody's data.
const ADDRESS = "/.well-known/offline-cards.json";
const DATABASE = "rempart-offline";
const STORE = "published";
const NAME = "latest";

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function withStore(mode, work) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening);
  try {
    return await settled(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/** What was published when it was last fetched; undefined before the first time, or where nothing can be kept. */
export const kept = () => withStore("readonly", (store) => store.get(NAME)).catch(() => undefined);

/** Fetch what is published now and keep it: {published, skew}, skew in seconds of this device's clock ahead of the server's. */
export async function fetched() {
  const response = await fetch(ADDRESS, { cache: "no-store", credentials: "omit" });
  if (!response.ok) throw new Error(String(response.status));
  const published = await response.json();
  const server = Date.parse(response.headers.get("date") ?? "");
  // A private window keeps nothing: the page still works for as long as it is open.
  await withStore("readwrite", (store) => store.put(published, NAME)).catch(() => {});
  return { published, skew: Number.isNaN(server) ? 0 : Math.round((Date.now() - server) / 1000) };
}
