"use strict";
// Checks a receipt in the browser, by the steps of docs/how-to/verify-a-receipt.md; the first that fails is named.
// Nothing is sent anywhere: all that is ever fetched is /log/keys of the site this page came from.

const $ = (id) => document.getElementById(id);
const WORDS = JSON.parse($("words").textContent);
const utf8 = new TextEncoder(), text = new TextDecoder("utf-8", { fatal: true });
let language = "en", last = null;

// Words

function say(key, values = {}) {
  const found = WORDS[key][language] ?? WORDS[key].en;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lang === chosen));
  }
  if (!$("lacking").hidden) $("lacking").textContent = say("lacking");
  if (last !== null) show(last, false);
}

function preferred() {
  const wanted = [new URLSearchParams(location.search).get("lang"), ...navigator.languages].map((one) => (one ?? "").slice(0, 2));
  return wanted.find((one) => ["lv", "ru", "en"].includes(one)) ?? "lv";
}

// Bytes

class Fault extends Error {
  constructor(fault, detail = "") { super(detail); this.fault = fault; this.detail = detail; }
}

function fromBase64(encoded, fault) {
  try {
    const data = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
    if (toBase64(data) === encoded) return data;
  } catch { /* said below */ }
  throw new Fault(fault);
}

function toBase64(data) {
  let characters = "";
  for (const byte of data) characters += String.fromCharCode(byte);
  return btoa(characters);
}

function fromBase64url(encoded) {
  if (!/^[A-Za-z0-9_-]*$/.test(encoded)) throw new Fault("not-a-receipt");
  const padded = encoded.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (encoded.length % 4)) % 4);
  return fromBase64(padded, "not-a-receipt");
}

function fromHex(encoded, fault) {
  if (typeof encoded !== "string" || !/^(?:[0-9a-f]{2})*$/.test(encoded)) throw new Fault(fault);
  return Uint8Array.from(encoded.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const toHex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
}

const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));

async function hmac(key, data) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

async function signed(key, signature, message) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

/** Canonical JSON (RFC 8785) of what records hold: text, whole numbers, true, false, null, lists, objects. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

// Keys and notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature)

async function readKeys(lines) {
  const keys = new Map();
  for (const line of lines.split("\n").map((one) => one.trim()).filter(Boolean)) {
    const [name, id, ...rest] = line.split("+");
    const data = fromBase64(rest.join("+"), "bad-keys");
    const digest = await sha256(joined(utf8.encode(`${name}\n`), data));
    if (data.length !== 33 || toHex(digest.subarray(0, 4)) !== id) throw new Fault("bad-keys");
    keys.set(`${name}+${id}`, { name, type: data[0], public: data.subarray(1) });
  }
  if (keys.size === 0) throw new Fault("no-keys");
  return keys;
}

async function signers(note, keys) {
  const end = note.lastIndexOf("\n\n");
  if (end < 0) throw new Fault("bad-checkpoint");
  const body = note.slice(0, end + 1), found = [];
  for (const line of note.slice(end + 2).split("\n").filter(Boolean)) {
    const [dash, name, encoded] = line.split(" ");
    if (dash !== "—" || encoded === undefined) throw new Fault("bad-checkpoint");
    const data = fromBase64(encoded, "bad-checkpoint");
    const key = keys.get(`${name}+${toHex(data.subarray(0, 4))}`);
    if (key === undefined) continue;
    found.push({ name, type: key.type, at: await signedAt(key, body, data.subarray(4)) });
  }
  return { body, found };
}

/** When *key* signed *body*, in seconds, null for a plain signature; a wrong one is a fault. */
async function signedAt(key, body, signature) {
  let message = utf8.encode(body), at = null, bytes = signature;
  if (key.type === 4) {
    at = Number(new DataView(joined(signature).buffer).getBigUint64(0));
    message = utf8.encode(`cosignature/v1\ntime ${at}\n${body}`);
    bytes = signature.subarray(8);
  }
  if (!await signed(key.public, bytes, message)) throw new Fault("bad-checkpoint-signature", key.name);
  return at;
}

// The steps

async function verify(data, keyLines) {
  const keys = await readKeys(keyLines);
  // Step 0.
  const file = readFile(data);
  // Steps 1 and 2.
  const signer = await verifySigner(file, keys);
  // Steps 3 to 5.
  const payload = parse(text.decode(fromBase64url(file.payload)), "bad-payload");
  const { record, evidence, entry } = await verifyRecord(payload);
  await verifyStatement(record, payload);
  if (signer.name !== `${evidence.log}/receipts`) throw new Fault("other-log");
  // Steps 6 to 8.
  if (("proof" in file) === file.proof_pending) throw new Fault("proof-missing");
  const inclusion = file.proof_pending ? null : await verifyInclusion(file.proof, record, evidence, entry, keys);
  return { record, payload, evidence, signer, inclusion };
}

function parse(json, fault) {
  try { return JSON.parse(json); } catch { throw new Fault(fault); }
}

function readFile(data) {
  if (data.length > 1_000_000) throw new Fault("not-a-receipt");
  let json;
  try { json = text.decode(data); } catch { throw new Fault("not-a-receipt"); }
  const file = parse(json, endsEarly(json) ? "truncated" : "not-a-receipt");
  const shape = { payload: "string", protected: "string", signature: "string", proof_pending: "boolean" };
  if (file === null || typeof file !== "object" || Array.isArray(file)) throw new Fault("not-a-receipt");
  for (const [name, kind] of Object.entries(shape)) if (typeof file[name] !== kind) throw new Fault("not-a-receipt");
  if (Object.keys(file).some((name) => !(name in shape) && name !== "proof")) throw new Fault("not-a-receipt");
  return file;
}

/** Whether *json* is the beginning of an object: a bracket or a string is still open. */
function endsEarly(json) {
  const outside = json.replace(/"(?:[^"\\]|\\.)*"/g, "");
  const depth = [...outside].reduce((sum, one) => sum + ("{[".includes(one) ? 1 : "}]".includes(one) ? -1 : 0), 0);
  return json.trim() === "" || (json.trimStart().startsWith("{") && (depth > 0 || outside.includes('"')));
}

async function verifySigner(file, keys) {
  const header = parse(text.decode(fromBase64url(file.protected)), "not-a-receipt");
  if (header?.alg !== "EdDSA" || header.typ !== "vnd.placet.receipt.v1+json" || Object.keys(header).length !== 3) {
    throw new Fault("not-a-receipt");
  }
  const key = keys.get(header.kid);
  if (key === undefined) throw new Fault("unknown-key", header.kid);
  if (key.type !== 1 || !key.name.endsWith("/receipts")) throw new Fault("wrong-key-use", key.name);
  const message = utf8.encode(`${file.protected}.${file.payload}`);
  if (!await signed(key.public, fromBase64url(file.signature), message)) throw new Fault("bad-signature", key.name);
  return key;
}

async function verifyRecord(payload) {
  const evidence = payload?.evidence, kinds = { entry: "string", epoch: "string", log: "string", position: "number", record: "string", salt: "string" };
  if (evidence === null || typeof evidence !== "object") throw new Fault("bad-payload");
  for (const [name, kind] of Object.entries(kinds)) if (typeof evidence[name] !== kind) throw new Fault("bad-payload");
  if (!Number.isSafeInteger(evidence.position) || evidence.position < 1) throw new Fault("bad-payload");
  const record = parse(evidence.record, "bad-payload");
  if (record?.type !== "record" || canonical(record) !== evidence.record) throw new Fault("bad-payload");
  const entry = fromHex(evidence.entry, "bad-payload");
  const commitment = await hmac(fromHex(evidence.salt, "bad-payload"), utf8.encode(`placet/record/v1\0${evidence.record}`));
  if (!same(joined(Uint8Array.of(1), commitment), entry)) throw new Fault("record-differs");
  return { record, evidence, entry };
}

/** Step 5: what the receipt says in the words of the standard is what its record says. */
async function verifyStatement(record, payload) {
  const must = await bound(record);
  const differs = (one, other) => {
    if (one !== null && typeof one === "object" && !Array.isArray(one)) {
      if (other === null || typeof other !== "object") return true;
      return Object.entries(one).some(([name, value]) => differs(value, other[name]));
    }
    return other === undefined || canonical(one) !== canonical(other);
  };
  if (differs(must, payload)) throw new Fault("statement-differs");
}

const STATUS = {
  given: ["dpv:ConsentGiven", "dpv:ExpressedConsent"], refused: ["dpv:ConsentRefused"], withdrawn: ["dpv:ConsentWithdrawn"],
  objected: ["dpv:ConsentStatusInvalidForProcessing", "dpv:ObjectingToProcess"], requested: ["dpv:ConsentRequested"],
  expired: ["dpv:ConsentExpired"], invalidated: ["dpv:ConsentInvalidated"],
  suspended: ["dpv:ConsentStatusInvalidForProcessing", "placet:ConsentSuspended"],
};
const SPEAKER = {
  subject: "dpv:DataSubject", representative: "dpv:Representative", agent: "dpv:DataSubject", client: "dpv:DataSubject",
  system: "dpv:DataController",
};

async function bound(record) {
  const receipt = await receiptId(record.id), urn = (id) => `urn:uuid:${id}`;
  return {
    "@id": urn(receipt), "@type": "dpv:ConsentReceipt", "dct:created": record.recorded_at, "dpv:hasIdentifier": receipt,
    "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr",
    "dpv:hasRecordOfActivity": {
      "@id": urn(record.id), "@type": "dpv:ConsentRecord", "dct:identifier": record.id,
      "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr",
      "dpv:hasDataSubject": { "@id": urn(record.subject), "@type": "dpv:DataSubject", "dct:identifier": record.subject },
      "dpv:hasNotice": {
        "@type": "dpv:ConsentNotice", "dct:hasVersion": record.notice?.version ?? null, "dct:language": record.language,
        "placet:sha256": record.notice?.sha256 ?? null,
      },
      "placet:purpose": record.purpose, "placet:channel": record.channel,
      "dpv:hasConsentStatus": {
        "@type": STATUS[record.decision] ?? [], "dpv:hasIndicationMethod": record.route,
        "dpv:isIndicatedAtTime": record.occurred_at, "dpv:isIndicatedBy": SPEAKER[record.actor.kind] ?? "dpv:Entity",
        "placet:decision": record.decision,
      },
    },
  };
}

/** UUID version 5 (RFC 9562 §5.5) of a record in the namespace of receipts. */
async function receiptId(record) {
  const space = fromHex("4d5a9c0e52a15b0f9d3e6f6c61636574", "bad-payload");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", joined(space, utf8.encode(record)))).subarray(0, 16);
  digest[6] = (digest[6] & 0x0f) | 0x50;
  digest[8] = (digest[8] & 0x3f) | 0x80;
  return toHex(digest).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

async function verifyInclusion(proof, record, evidence, entry, keys) {
  const shape = { checkpoint: "string", index: "number", leaf: "string", size: "number" };
  for (const [name, kind] of Object.entries(shape)) if (typeof proof?.[name] !== kind) throw new Fault("not-a-receipt");
  if (!Array.isArray(proof.path)) throw new Fault("not-a-receipt");
  // Step 7.
  const note = await signers(proof.checkpoint, keys);
  const lines = note.body.split("\n"), [origin, size, encoded] = lines;
  if (lines.length !== 4 || lines[3] !== "" || !/^(?:0|[1-9][0-9]*)$/.test(size)) throw new Fault("bad-checkpoint");
  if (origin !== `${evidence.log}/${evidence.epoch}`) throw new Fault("other-log");
  const own = note.found.filter((one) => one.name === origin);
  if (!own.some((one) => one.type === 1)) throw new Fault("unknown-log-key");
  // Step 8.
  const index = evidence.position - 1, leaf = await sha256(joined(Uint8Array.of(0), entry));
  if (Number(size) <= index || proof.size !== Number(size)) throw new Fault("smaller-tree");
  if (proof.index !== index) throw new Fault("wrong-index");
  if (proof.leaf !== toHex(leaf)) throw new Fault("wrong-leaf");
  const root = await rootFrom(leaf, index, Number(size), proof.path.map((hash) => fromHex(hash, "not-a-receipt")));
  if (!same(root, fromBase64(encoded, "bad-checkpoint"))) throw new Fault("wrong-path");
  const at = Math.max(...own.map((one) => one.at ?? 0));
  if (at && at < Math.floor(Date.parse(record.recorded_at) / 1000)) throw new Fault("time-contradicts");
  return { size: Number(size), at, witnesses: note.found.filter((one) => one.name !== origin) };
}

/** The root that *path* leads to (RFC 9162 §2.1.3.2). Sizes stay far below 2**53, so division is exact. */
async function rootFrom(leaf, index, size, path) {
  let node = leaf, at = index, end = size - 1;
  const half = (number) => Math.floor(number / 2);
  for (const sibling of path) {
    if (end === 0 || sibling.length !== 32) throw new Fault("wrong-path");
    if (at % 2 === 1 || at === end) {
      node = await sha256(joined(Uint8Array.of(1), sibling, node));
      while (at % 2 === 0 && at !== 0) { at = half(at); end = half(end); }
    } else {
      node = await sha256(joined(Uint8Array.of(1), node, sibling));
    }
    at = half(at);
    end = half(end);
  }
  if (end !== 0) throw new Fault("wrong-path");
  return node;
}

// The answer on the page

function show(outcome, move = true) {
  last = outcome;
  const card = document.createElement("div");
  card.className = `verdict ${outcome.fault ? "bad" : "good"}`;
  const add = (tag, words) => { const made = document.createElement(tag); made.textContent = words; card.append(made); return made; };
  if (outcome.fault) {
    add("h2", `✗ ${say("not_genuine")}`);
    add("p", say(outcome.fault, { detail: outcome.detail }));
    add("p", outcome.fault).className = "soft";
  } else {
    add("h2", `✓ ${say("genuine")}`);
    facts(card, outcome);
    const list = add("ul", "");
    for (const sentence of proved(outcome)) { const item = document.createElement("li"); item.textContent = sentence; list.append(item); }
    if (outcome.inclusion === null) add("p", say("pending")).className = "note";
    add("p", say("not_newest")).className = "soft";
  }
  $("result").replaceChildren(card);
  if (move) $("result").focus();
}

function facts(card, { record, payload, evidence }) {
  const process = payload["dpv:hasRecordOfActivity"]?.["dpv:hasProcess"] ?? {};
  const titled = (thing) => (thing?.["dct:title"] ?? []).find?.((title) => title["@language"] === language)?.["@value"];
  const list = document.createElement("dl");
  const rows = [
    ["decision", say(`decision_${record.decision}`)],
    ["purpose", titled(process["dpv:hasPurpose"]) ?? record.purpose],
    ["channel", record.channel === null ? null : titled(process["placet:overChannel"]) ?? record.channel],
    ["occurred", moment(record.occurred_at)],
    ["recorded", moment(record.recorded_at)],
    ["notice", record.notice === null ? null : record.notice.version],
    ["sha256", record.notice?.sha256 ?? null],
    ["record", record.id],
    ["place", `${evidence.position}, ${evidence.log}/${evidence.epoch}`],
  ];
  for (const [name, value] of rows.filter(([, found]) => found !== null)) {
    const term = document.createElement("dt"), words = document.createElement("dd");
    term.textContent = say(name);
    words.textContent = value;
    list.append(term, words);
  }
  card.append(list);
}

function* proved({ signer, inclusion }) {
  yield say("proved_signed", { name: signer.name });
  yield say("proved_record");
  if (inclusion === null) return;
  yield say("proved_log", { size: inclusion.size.toLocaleString(language), at: inclusion.at ? moment(inclusion.at * 1000) : "–" });
  for (const witness of inclusion.witnesses) yield say("proved_witness", { name: witness.name, at: moment(witness.at * 1000) });
}

function moment(value) {
  return new Date(value).toLocaleString({ lv: "lv-LV", ru: "ru-RU", en: "en-GB" }[language], { dateStyle: "long", timeStyle: "long" });
}

// The form

async function check() {
  $("result").replaceChildren(); // an earlier answer never stands beside another file
  const file = $("receipt").files[0];
  if (file === undefined) return show({ fault: "no-file", detail: "" });
  try {
    show(await verify(new Uint8Array(await file.arrayBuffer()), $("keys").value));
  } catch (error) {
    show(error instanceof Fault ? { fault: error.fault, detail: error.detail } : { fault: "not-a-receipt", detail: "" });
  }
}

async function begin() {
  for (const button of document.querySelectorAll("[data-lang]")) button.addEventListener("click", () => speak(button.dataset.lang));
  $("check").addEventListener("click", check);
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    $("lacking").hidden = false;
    $("check").disabled = true;
  }
  speak(preferred());
  if (!location.protocol.startsWith("http")) return;
  try {
    const answer = await fetch("/log/keys");
    if (answer.ok && $("keys").value === "") { $("keys").value = await answer.text(); $("fetched").hidden = false; }
  } catch { /* saved, or without a network: the keys are pasted */ }
}

begin();
