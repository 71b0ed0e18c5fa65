# pragma version 0.4.3
# pragma evm-version shanghai
# pragma optimize gas
"""
@title Sievert's registry of jobs
@license Apache-2.0
@notice Keeps one Merkle root a job, for ever: nobody can change or remove one, the owner included.
@dev No immutables and no constructor arguments: every deployment has the same runtime code, so its hash
     identifies this contract on any chain.
"""


event Anchored:
    job: indexed(bytes32)
    root: indexed(bytes32)
    count: uint40


event WriterAdded:
    writer: indexed(address)


event WriterRemoved:
    writer: indexed(address)


# An entry is one slot: tag (the root's leftmost 136 bits) << 120 | count << 80 | block number << 40 | block time.
# The whole root stands in the call data and in the event of the block that the entry names.
TAG_SHIFT: constant(uint256) = 120
COUNT_SHIFT: constant(uint256) = 80
BLOCK_SHIFT: constant(uint256) = 40
MASK: constant(uint256) = 2**40 - 1
MOST_LEVELS: constant(uint256) = 64

owner: public(address)
is_writer: public(HashMap[address, bool])
entries: HashMap[bytes32, uint256]


@deploy
def __init__():
    """
    @notice The deployer owns the registry and is its first writer.
    """
    self.owner = msg.sender
    self._set_writer(msg.sender, True)


@external
def add_writer(writer: address):
    """
    @notice Lets an account anchor.
    @param writer The account; adding one twice changes nothing.
    """
    assert msg.sender == self.owner, "only the owner"
    assert writer != empty(address), "zero address"
    self._set_writer(writer, True)


@external
def remove_writer(writer: address):
    """
    @notice Takes the right to anchor away; what the account has anchored stays.
    @param writer The account; it must be a writer.
    """
    assert msg.sender == self.owner, "only the owner"
    assert writer != empty(address), "zero address"
    assert self.is_writer[writer], "no such writer"
    self._set_writer(writer, False)


@external
def anchor(job: bytes32, root: bytes32, count: uint40):
    """
    @notice Binds a job to the root of its results. A job is bound once, and to the same root once too.
    @param job The job's id.
    @param root The Merkle root over all its leaves.
    @param count How many leaves the root covers.
    """
    assert self.is_writer[msg.sender], "only a writer"
    assert job != empty(bytes32), "zero job"
    assert root != empty(bytes32), "zero root"
    # a block has a time, so an entry is never 0
    assert self.entries[job] == 0, "job already anchored"
    assert (block.number | block.timestamp) <= MASK, "block out of range"
    tag: uint256 = convert(root, uint256) >> TAG_SHIFT
    stamp: uint256 = (block.number << BLOCK_SHIFT) | block.timestamp
    self.entries[job] = (tag << TAG_SHIFT) | (convert(count, uint256) << COUNT_SHIFT) | stamp
    log Anchored(job=job, root=root, count=count)


@external
@view
def anchored(job: bytes32) -> (bytes17, uint40, uint40, uint40):
    """
    @notice What a job was bound to; all zeros for a job that was not.
    @return the root's leftmost 136 bits, count of leaves, block number, block time in seconds
    """
    entry: uint256 = self.entries[job]
    return (
        convert(convert(entry >> TAG_SHIFT, uint136), bytes17),
        convert((entry >> COUNT_SHIFT) & MASK, uint40),
        convert((entry >> BLOCK_SHIFT) & MASK, uint40),
        convert(entry & MASK, uint40),
    )


@external
@view
def matches(job: bytes32, root: bytes32) -> bool:
    """
    @notice Whether a job is bound to a root, as far as the 136 bits tell that are kept of it.
    @param job The job's id.
    @param root The Merkle root.
    """
    return self._matches(self.entries[job], root)


@external
@view
def includes(job: bytes32, root: bytes32, leaf: bytes32, index: uint256, proof: DynArray[bytes32, MOST_LEVELS]) -> bool:
    """
    @notice Whether a leaf stands under the root that a job is bound to (RFC 9162 2.1.3.2, SHA-256).
    @param job The job's id.
    @param root The Merkle root.
    @param leaf The leaf's hash.
    @param index The leaf's place, from 0.
    @param proof The inclusion path, from the leaf's sibling up.
    """
    entry: uint256 = self.entries[job]
    count: uint256 = (entry >> COUNT_SHIFT) & MASK
    if not self._matches(entry, root) or index >= count:
        return False
    fn: uint256 = index
    sn: uint256 = count - 1
    node: bytes32 = leaf
    for sibling: bytes32 in proof:
        if sn == 0:
            return False
        if fn & 1 == 1 or fn == sn:
            node = self._node(sibling, node)
            for _: uint256 in range(MOST_LEVELS):
                if fn & 1 == 1 or fn == 0:
                    break
                fn >>= 1
                sn >>= 1
        else:
            node = self._node(node, sibling)
        fn >>= 1
        sn >>= 1
    return sn == 0 and node == root


@internal
@pure
def _matches(entry: uint256, root: bytes32) -> bool:
    return entry != 0 and entry >> TAG_SHIFT == convert(root, uint256) >> TAG_SHIFT


@internal
@pure
def _node(left: bytes32, right: bytes32) -> bytes32:
    return sha256(concat(b"\x01", left, right))


@internal
def _set_writer(writer: address, allowed: bool):
    self.is_writer[writer] = allowed
    if allowed:
        log WriterAdded(writer=writer)
    else:
        log WriterRemoved(writer=writer)
