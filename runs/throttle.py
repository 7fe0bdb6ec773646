"""Throttle: counts per minute of who does what, kept in the cache (shared by all hosts when it is Redis).

The count is raised before the action, so a burst of parallel attempts cannot slip through between look and count.
"""

import hashlib
import time

import structlog
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60

LOGINS_PER_NAME = 5
LOGINS_PER_ADDRESS = 30
"""More than for a name: a team behind one proxy has one address."""
PAGE_SUBMISSIONS = 30
API_SUBMISSIONS = 600
"""Ten a second: a script that submits a parameter study one by one passes; a loop that ran wild is slowed down."""


def take(action: str, who: object, limit: int) -> int:
    """Count one `action` of `who` in the present minute.

    Args:
        action: name of what is limited, for example "submit".
        who: whose count it is; a user's id, a login name, an address.
        limit: how many are allowed in a minute.

    Returns:
        0 when it is allowed, else the seconds until the next one is.
    """
    now = time.time()
    count = _count(_key(action, who, now))
    return 0 if count <= limit else int(WINDOW_SECONDS - now % WINDOW_SECONDS) + 1


def forget(action: str, who: object) -> None:
    """Start the present minute's count afresh, because the action turned out to be a good one."""
    key = _key(action, who, time.time())
    for cache in (caches["default"], caches["local"]):
        try:
            cache.delete(key)
        except (RedisError, OSError) as error:
            log.warning("throttle cannot reach its cache", error=str(error))


def _key(action: str, who: object, now: float) -> str:
    # Hashed, because a login name may hold anything: blanks, megabytes, another count's key.
    name = hashlib.sha256(str(who).encode("utf-8", "surrogatepass")).hexdigest()
    return f"throttle:{action}:{name}:{int(now // WINDOW_SECONDS)}"


def _count(key: str) -> int:
    """Raise the count by one and return it; without the shared cache this process counts on its own."""
    try:
        return _raise(caches["default"], key)
    except (RedisError, OSError) as error:
        log.warning("throttle cannot reach its cache", error=str(error))
        return _raise(caches["local"], key)


def _raise(cache: BaseCache, key: str) -> int:
    for _ in range(3):
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        try:
            return int(cache.incr(key))
        except ValueError:
            continue  # it expired, or was thrown out, between the two
    return 1
