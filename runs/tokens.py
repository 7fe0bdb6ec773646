"""Secrets that are shown once: made from 256 random bits, stored as a hash only.

The hash is a plain SHA-256. A slow password hash would protect nothing here, because nobody can try 2**256 values, and
every request of a program would pay for it.
"""

import hashlib
import secrets

API_PREFIX = "at_"
"""How a bearer token begins, so that people, and scanners for leaked secrets, can tell what it is."""


def new_secret(prefix: str = "") -> str:
    """Return a fresh secret of 43 URL-safe characters behind `prefix`."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256, 64 hex digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
