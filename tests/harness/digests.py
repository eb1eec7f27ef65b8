"""The digests that name people in the log, worked out beside the program: SipHash-2-4 under HKDF-SHA-256 of the first seal key."""
import hashlib
import hmac

MASK = (1 << 64) - 1


def key_of(seal_key):
    extracted = hmac.new(b"\0" * 32, seal_key.encode(), hashlib.sha256).digest()
    return hmac.new(extracted, b"account-linkd log digest\x01", hashlib.sha256).digest()[:16]


def _rotate(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & MASK


def _rounds(v, n):
    a, b, c, d = v
    for _ in range(n):
        a, c = (a + b) & MASK, (c + d) & MASK
        b, d = _rotate(b, 13) ^ a, _rotate(d, 16) ^ c
        a, c = (_rotate(a, 32) + d) & MASK, (c + b) & MASK
        b, d = _rotate(b, 17) ^ c, _rotate(d, 21) ^ a
        c = _rotate(c, 32)
    return [a, b, c, d]


def digest(key, text):
    data = text.encode()
    k = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d, k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573]
    padded = data + b"\0" * (7 - len(data) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        v[3] ^= word
        v = _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 255
    v = _rounds(v, 4)
    return f"{v[0] ^ v[1] ^ v[2] ^ v[3]:016x}"
