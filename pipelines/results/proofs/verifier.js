"use strict";
// Checks a proof of Sievert's with WebCrypto alone: RFC 9162, section 2.1.3.2.

const HASH = /^[0-9a-f]{64}$/;
const HASH_BYTES = 32;
const MOST_CHARACTERS = 8192;
const HASHES = ["job", "ciphertext", "salt", "root"];
const NUMBERS = ["index", "size", "chain_id", "block", "time"];
const TEXTS = ["path", "ledger", "contract", "code_hash", "transaction"];

class Refusal extends Error {}

function require(holds, message) {
  if (!holds) throw new Refusal(message);
}

function fromHex(text) {
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

function bigEndian(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

function readProof(text) {
  let proof;
  try {
    proof = JSON.parse(text.slice(0, MOST_CHARACTERS + 1));
  } catch {
    throw new Refusal("This is no proof: it cannot be read.");
  }
  require(proof !== null && typeof proof === "object", "This is no proof: it cannot be read.");
  require(proof.schema === PROOF_SCHEMA, "This is no proof that this page can read.");
  const names = [...HASHES, ...NUMBERS, ...TEXTS, "schema"].sort();
  require(Object.keys(proof).sort().join() === names.join(), "The proof has other parts than a proof has.");
  for (const name of HASHES) require(HASH.test(proof[name]), `The proof's ${name} is no hash.`);
  for (const name of NUMBERS) {
    require(Number.isSafeInteger(proof[name]) && proof[name] >= 0, `The proof's ${name} is no number.`);
  }
  for (const name of TEXTS) require(typeof proof[name] === "string", `The proof's ${name} is no text.`);
  return proof;
}

function readPath(text) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  } catch {
    throw new Refusal("The proof's path cannot be read.");
  }
  require(bytes.length % HASH_BYTES === 0, "The proof's path holds something that is no hash.");
  const hashes = [];
  for (let place = 0; place < bytes.length; place += HASH_BYTES) hashes.push(bytes.slice(place, place + HASH_BYTES));
  return hashes;
}

async function leafOf(proof) {
  const begin = new TextEncoder().encode(RECORD_LEAF);
  const parts = [fromHex(proof.job), bigEndian(proof.index), fromHex(proof.ciphertext), fromHex(proof.salt)];
  return sha256(Uint8Array.of(0), begin, ...parts);
}

async function rootOf(proof) {
  require(proof.index < proof.size, "The proof names a leaf that the tree cannot have.");
  let hash = await leafOf(proof);
  // BigInt: bits above the 31st are lost to JavaScript's own shifts.
  let node = BigInt(proof.index);
  let last = BigInt(proof.size) - 1n;
  for (const other of readPath(proof.path)) {
    require(last !== 0n, "The proof's path is too long for its tree.");
    if (node & 1n || node === last) {
      hash = await sha256(Uint8Array.of(1), other, hash);
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await sha256(Uint8Array.of(1), hash, other);
    }
    node >>= 1n;
    last >>= 1n;
  }
  require(last === 0n, "The proof's path is too short for its tree.");
  return toHex(hash);
}

function keptRoot(text) {
  const kept = text.trim().toLowerCase().replace(/^0x/, "");
  require(kept === "" || HASH.test(kept), "The root that you gave is no hash of 64 hexadecimal digits.");
  return kept;
}

async function check(text, kept) {
  const proof = readProof(text);
  require((await rootOf(proof)) === proof.root, "The proof does not hold: its path does not lead to its root.");
  const root = keptRoot(kept);
  require(root === "" || root === proof.root, "The proof leads to another root than the one you gave.");
  return { proof, against: root === "" ? "" : "the root that you gave" };
}

function show(state, headline, lines) {
  const place = document.getElementById("answer");
  place.className = state;
  place.replaceChildren();
  const first = document.createElement("p");
  first.className = "headline";
  first.textContent = headline;
  place.append(first);
  const list = document.createElement("dl");
  for (const [name, value] of lines) {
    const term = document.createElement("dt");
    const told = document.createElement("dd");
    term.textContent = name;
    told.textContent = value;
    list.append(term, told);
  }
  place.append(list);
}

function factsOf(proof) {
  return [
    ["Record", `${proof.index} of job ${proof.job}`],
    ["Hash of its ciphertext", proof.ciphertext],
    ["Root", proof.root],
    ["Said to be anchored", `chain ${proof.chain_id}, block ${proof.block}, ${new Date(proof.time * 1000).toISOString()}`],
    ["Contract", proof.contract],
    ["Transaction", proof.transaction],
  ];
}

async function answer() {
  const text = document.getElementById("proof").value;
  if (text.trim() === "") return show("", "Choose a proof, or paste one.", []);
  try {
    const { proof, against } = await check(text, document.getElementById("root").value);
    if (against !== "") return show("good", `The proof holds against ${against}.`, factsOf(proof));
    const headline = "The proof leads to its root. Compare the root with one that you trust: nothing else proves it.";
    return show("half", headline, factsOf(proof));
  } catch (fault) {
    return show("bad", fault instanceof Refusal ? fault.message : "The proof cannot be checked.", []);
  }
}

async function readFile(event) {
  const [file] = event.target.files;
  if (file) document.getElementById("proof").value = await file.slice(0, MOST_CHARACTERS + 1).text();
  await answer();
}

// A link can carry proof and root behind its #, which browsers do not send to anybody.
function readLink() {
  const told = new URLSearchParams(location.hash.slice(1));
  for (const name of ["proof", "root", ...(ASKS ? ["node"] : [])]) if (told.has(name)) document.getElementById(name).value = told.get(name);
}

async function askNode() {
  const node = document.getElementById("node").value.trim();
  show("", "Asking the node …", []);
  try {
    const { proof } = await check(document.getElementById("proof").value, document.getElementById("root").value);
    await holdAgainstNode(proof, node);
    const known = "The proof holds on the chain, in the contract below: that it is the programme's, you must know.";
    show("good", known, factsOf(proof));
  } catch (fault) {
    show("bad", fault instanceof Refusal ? fault.message : "The proof cannot be checked.", []);
  }
}

document.getElementById("file").addEventListener("change", readFile);
if (ASKS) document.getElementById("ask").addEventListener("click", askNode);
for (const name of ["proof", "root"]) document.getElementById(name).addEventListener("input", answer);
addEventListener("hashchange", () => {
  readLink();
  answer();
});
readLink();
answer();
