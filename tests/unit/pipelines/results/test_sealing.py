from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pipelines.results.sealing import new_data_key, seal, unseal, unwrap_key, wrap_key
from sievert.errors import IntegrityError, SievertError, WrongKeyError

KEY, CONTEXT = bytes(range(32)), b"sievert/record/1|job|record"


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens_in_its_place(plaintext: bytes, context: bytes) -> None:
    assert unseal(seal(plaintext, key=KEY, context=context), key=KEY, context=context) == plaintext


def test_another_key_and_another_place_are_told_apart_from_damage() -> None:
    blob = seal(b"x", key=KEY, context=CONTEXT)
    with pytest.raises(WrongKeyError):
        unseal(blob, key=new_data_key(), context=CONTEXT)
    with pytest.raises(WrongKeyError):
        unseal(blob, key=KEY, context=CONTEXT + b"'")


def test_every_flipped_byte_is_noticed() -> None:
    blob = seal(b"a result", key=KEY, context=CONTEXT)
    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 1
        with pytest.raises(SievertError):
            unseal(bytes(changed), key=KEY, context=CONTEXT)


def test_every_truncation_is_noticed() -> None:
    blob = seal(b"a result", key=KEY, context=CONTEXT)
    for length in range(len(blob)):
        with pytest.raises(IntegrityError):
            unseal(blob[:length], key=KEY, context=CONTEXT)


def test_sealing_twice_gives_two_blobs() -> None:
    assert seal(b"x", key=KEY, context=CONTEXT) != seal(b"x", key=KEY, context=CONTEXT)


def test_a_data_key_opens_for_its_recipient_and_its_shard_only() -> None:
    recipient, other, key = X25519PrivateKey.generate(), X25519PrivateKey.generate(), new_data_key()
    wrapped = wrap_key(key, recipient=recipient.public_key(), context=b"shard 1")
    assert unwrap_key(wrapped, private=recipient, context=b"shard 1") == key
    for private, context in ((other, b"shard 1"), (recipient, b"shard 2")):
        with pytest.raises(WrongKeyError):
            unwrap_key(wrapped, private=private, context=context)
    with pytest.raises(WrongKeyError):
        unwrap_key(wrapped[:40], private=recipient, context=b"shard 1")
