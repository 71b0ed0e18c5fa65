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
    count: uint64


event WriterAdded:
    writer: indexed(address)


event WriterRemoved:
    writer: indexed(address)


# `facts` packs count << 128 | block number << 64 | block time: two new slots an anchor instead of four.
struct Entry:
    root: bytes32
    facts: uint256


BITS: constant(uint256) = 64
MASK: constant(uint256) = 2**64 - 1

owner: public(address)
is_writer: public(HashMap[address, bool])
entries: HashMap[bytes32, Entry]


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
def anchor(job: bytes32, root: bytes32, count: uint64):
    """
    @notice Binds a job to the root of its results. A job is bound once, and to the same root once too.
    @param job The job's id.
    @param root The Merkle root over all its leaves.
    @param count How many leaves the root covers.
    """
    assert self.is_writer[msg.sender], "only a writer"
    assert job != empty(bytes32), "zero job"
    assert root != empty(bytes32), "zero root"
    assert self.entries[job].root == empty(bytes32), "job already anchored"
    stamp: uint256 = (block.number << BITS) | block.timestamp
    self.entries[job] = Entry(root=root, facts=(convert(count, uint256) << (2 * BITS)) | stamp)
    log Anchored(job=job, root=root, count=count)


@external
@view
def anchored(job: bytes32) -> (bytes32, uint64, uint64, uint64):
    """
    @notice What a job was bound to; all zeros for a job that was not.
    @return root, count of leaves, block number, block time in seconds
    """
    entry: Entry = self.entries[job]
    return (
        entry.root,
        convert(entry.facts >> (2 * BITS), uint64),
        convert((entry.facts >> BITS) & MASK, uint64),
        convert(entry.facts & MASK, uint64),
    )


@internal
def _set_writer(writer: address, allowed: bool):
    self.is_writer[writer] = allowed
    if allowed:
        log WriterAdded(writer=writer)
    else:
        log WriterRemoved(writer=writer)
