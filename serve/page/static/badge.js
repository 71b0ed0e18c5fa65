// Asks the service to recompute the case and to hold it against the ledger, and says what came of it.

const TITLES = {
  verified: "Verified on ledger",
  tampered: "Not what was anchored",
  unanchored: "Not anchored yet",
  unknown: "Not verified",
};

async function ask(where) {
  const answer = await fetch(where, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("no answer");
  return answer.json();
}

function list(part, details) {
  const lines = Object.entries(details).map(([name, value]) => {
    const line = document.createElement("div");
    line.append(document.createElement("dt"), document.createElement("dd"));
    line.firstChild.textContent = name;
    line.lastChild.textContent = value;
    return line;
  });
  part.replaceChildren(...lines);
}

export async function verify(part) {
  let found = { state: "unknown", sentence: "The service did not answer.", details: {} };
  try {
    found = await ask(part.dataset.verify);
  } catch {
    // said above
  }
  const state = found.state in TITLES ? found.state : "unknown";
  part.classList.remove("unknown");
  part.classList.add(state);
  part.dataset.state = state;
  part.querySelector("[data-verify-title]").textContent = TITLES[state];
  part.querySelector("[data-verify-text]").textContent = found.sentence;
  list(part.querySelector("[data-verify-details]"), found.details);
  part.querySelector("[data-verify-more]").hidden = Object.keys(found.details).length === 0;
}
