// Asks a node of the proof's own chain: execution-apis (eth_chainId, eth_getCode, eth_call, eth_getLogs).

const NODE_MS = 20000;

async function rpc(node, method, ...params) {
  let told;
  try {
    const request = { jsonrpc: "2.0", id: 1, method, params };
    const answered = await fetch(node, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
      credentials: "omit",
      signal: AbortSignal.timeout(NODE_MS),
    });
    told = await answered.json();
  } catch {
    throw new Refusal("The node does not answer, or does not let pages ask it.");
  }
  require(told !== null && typeof told === "object" && told.result !== undefined, `The node refuses ${method}.`);
  return told.result;
}

function wordsOf(answer) {
  require(typeof answer === "string" && /^0x([0-9a-f]{64})*$/.test(answer), "The node answers what cannot be understood.");
  return answer.slice(2).match(/.{64}/g) ?? [];
}

async function requireRegistry(node, proof) {
  const chain = await rpc(node, "eth_chainId");
  require(chain === `0x${proof.chain_id.toString(16)}`, "The node is of another chain than the proof.");
  const code = await rpc(node, "eth_getCode", proof.contract, "latest");
  require(typeof code === "string" && /^0x([0-9a-f]{2})*$/.test(code), "The node answers what cannot be understood.");
  require(code !== "0x", "There is no contract at the proof's address.");
  const hash = toHex(await sha256(fromHex(code.slice(2))));
  require(hash === CODE_SHA256 && proof.code_hash === CODE_HASH, "The contract at the proof's address is no registry.");
}

async function requireEntry(node, proof) {
  const call = { to: proof.contract, data: ANCHORED_CALL + proof.job };
  const words = wordsOf(await rpc(node, "eth_call", call, "latest"));
  require(words.length === 4, "The node answers what cannot be understood.");
  const [tag, count, block, time] = words;
  require(BigInt(`0x${time}`) !== 0n, "The contract knows nothing of the proof's job.");
  require(tag.slice(0, TAG_DIGITS) === proof.root.slice(0, TAG_DIGITS), "The contract holds another root for the job.");
  require(BigInt(`0x${count}`) === BigInt(proof.size), "The contract holds another count of leaves for the job.");
  const place = [BigInt(`0x${block}`), BigInt(`0x${time}`)];
  require(place[0] === BigInt(proof.block) && place[1] === BigInt(proof.time), "The job was anchored in another block.");
}

async function requireEvent(node, proof) {
  const block = `0x${proof.block.toString(16)}`;
  const topics = [ANCHORED_TOPIC, `0x${proof.job}`];
  const logs = await rpc(node, "eth_getLogs", { address: proof.contract, fromBlock: block, toBlock: block, topics });
  require(Array.isArray(logs) && logs.length === 1, "The chain does not show the event of the anchor.");
  const [log] = logs;
  require(log?.topics?.[2] === `0x${proof.root}`, "The chain's event holds another root for the job.");
  require(log.transactionHash === proof.transaction, "The job was anchored by another transaction.");
}

async function holdAgainstNode(proof, node) {
  require(/^https?:\/\//.test(node), "Name a node: its address begins with https://.");
  require(proof.ledger === "rpc" && /^0x[0-9a-fA-F]{40}$/.test(proof.contract), "No node knows the proof's ledger.");
  await requireRegistry(node, proof);
  await requireEntry(node, proof);
  await requireEvent(node, proof);
}

