"""The text that a Secret of a backup holds, as `templates/scripts` has written it."""

from __future__ import annotations

import base64
import binascii
import zlib

from kanister_kafka.kube.client import Object

GZIP = b"\x1f\x8b"
"""How gzip begins."""
MAX_UNPACKED = 16 * 2**20
"""Bytes of objects in one Secret: the steps put at most 700,000 into each before they compress."""


def unpack_secret(secret: Object) -> str:
    """Return the text of a Secret; ValueError if it is not as a step has written it.

    Its key is `objects.json.gz`, or `objects` in facts, topics and backups of the first format.
    """
    data = secret.get("data") or {}
    try:
        raw = base64.b64decode(data.get("objects.json.gz") or data.get("objects") or "")
        return (_unpacked(raw) if raw[:2] == GZIP else raw).decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as failure:
        raise ValueError(str(failure)) from failure


def unpack_facts(secret: Object) -> dict[str, str]:
    """Return the facts of a backup by key; ValueError if a step has not written them so."""
    return dict(line.partition("=")[::2] for line in unpack_secret(secret).splitlines())


def _unpacked(raw: bytes) -> bytes:
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    text = unpack.decompress(raw, MAX_UNPACKED)
    if unpack.unconsumed_tail:
        raise ValueError(f"it holds more than {MAX_UNPACKED} bytes")
    if not unpack.eof:
        raise ValueError("it is truncated")
    return text
