// A rights check in FHIR R4, through the very door that practice software uses: docs/fhir.md.
import { RefusedError, withPresence } from "./acts.js";
import { today } from "./card-fields.js";
import { postSigned } from "./signed-request.js";

const DOOR = "/fhir/CoverageEligibilityRequest/$submit";
const AMC = "urn:rempart:amc";
const SECRET = "urn:rempart:card-secret";
const NIR = "urn:oid:1.2.250.1.213.1.4.8";
const DOMAIN = "urn:rempart:domain";
const WITH_REFERENCE = new Set(["outage", "internal"]);

function request(card) {
  const insurer = { identifier: { system: AMC, value: card.amc } };
  const patient = { resourceType: "Patient", id: "p", birthDate: card.birth, multipleBirthInteger: Number(card.rank) };
  const coverage = { resourceType: "Coverage", id: "c", status: "active", beneficiary: { reference: "#p" }, payor: [insurer] };
  if (card.lane === "vitale") patient.identifier = [{ system: NIR, value: card.nir }];
  else if (card.lane === "secret") coverage.identifier = [{ system: SECRET, value: card.secret }];
  else coverage.subscriberId = card.adherent;
  return {
    resourceType: "CoverageEligibilityRequest",
    status: "active",
    purpose: ["validation", "benefits"],
    contained: [patient, coverage],
    patient: { reference: "#p" },
    servicedDate: card.serviced,
    created: today(),
    insurer,
    insurance: [{ focal: true, coverage: { reference: "#c" } }],
    item: [{ category: { coding: [{ system: DOMAIN, code: card.domain }] } }],
  };
}

const extension = (element, url) => element.extension?.find((candidate) => candidate.url === url);

/** The sentence in the reader's language: an OperationOutcome's text is French, with its English translation beside it. */
function sentence(details) {
  if (document.documentElement.lang !== "en") return details.text;
  const translation = details._text?.extension?.[0];
  return (translation && extension(translation, "content")?.valueString) ?? details.text;
}

function refusal(outcome) {
  const { details = {}, diagnostics = "" } = outcome.issue?.[0] ?? {};
  const code = details.coding?.[0]?.code ?? "internal";
  // For bad input the sentence already says which element; otherwise the diagnostics are a reference to quote.
  return new RefusedError(code, { sentence: sentence(details) ?? "", reference: WITH_REFERENCE.has(code) ? diagnostics : "" });
}

function contract(insurance) {
  const [item] = insurance.item;
  return {
    product: item.name ?? "",
    formula: item.excluded ? "" : (item.description ?? ""),
    open: insurance.inforce === true && !item.excluded,
    priseEnCharge: item.authorizationRequired === true,
    reason: extension(item, "urn:rempart:closing-reason")?.valueCode ?? "",
    responsible: extension(insurance, "urn:rempart:contrat-responsable")?.valueBoolean === true,
    from: insurance.benefitPeriod?.start ?? "",
    to: insurance.benefitPeriod?.end ?? "",
  };
}

function answer(response) {
  // One insurance element a contract; nothing found is one without an item.
  const contracts = (response.insurance ?? []).filter(({ item }) => item?.length).map(contract);
  return {
    found: contracts.length > 0,
    open: contracts.some(({ open }) => open),
    contracts,
    engagement: response.preAuthRef ?? "",
    receipt: extension(response, "urn:rempart:receipt")?.valueString ?? "",
    cost: extension(response, "urn:rempart:cost")?.valueInteger ?? null,
  };
}

async function ask(card) {
  const response = await postSigned(DOOR, request(card), {
    Accept: "application/fhir+json",
    "Accept-Language": document.documentElement.lang,
  });
  const resource = await response.json().catch(() => ({}));
  if (response.ok) return answer(resource);
  throw refusal(resource);
}

/** Ask whether a right is open. Beyond an ordinary pace a person proves that they are there, with their passkey. Raises RefusedError. */
export const checkRight = (card) => withPresence(() => ask(card));
