"""Settings of the product: everything that differs between two installations comes from the environment (see README).

One machine needs no setting at all: SQLite and files in ALGOTRADE_HOME. DATABASE_URL and REDIS_URL turn the same code
into many machines; nothing else changes.
"""

import os
import secrets
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from algotrade.scrubbing import hide

BASE_DIR = Path(__file__).resolve().parent.parent


def _home() -> Path:
    """Return the folder of everything that must survive, made for this user alone."""
    home = Path(os.environ.get("ALGOTRADE_HOME") or BASE_DIR / "var").expanduser().resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def _secret(home: Path) -> str:
    """Return the installation's secret, made at the first start; O_EXCL so that two first starts agree on one."""
    path = home / "secret"
    fresh = path.with_name(f"secret.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another first start was quicker: its secret counts
        finally:
            fresh.unlink()
    return path.read_text()


def _positive(name: str, default: int) -> int:
    """Return the whole number in the environment variable `name`, which must be at least 1."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise SystemExit(f"{name} must be a whole number of at least 1; it is {text!r}.")
    return int(text)


def _addresses(name: str) -> dict[str, str]:
    """Return addresses by exchange from the environment variable `name`: bitstamp=https://mirror.example,kraken=..."""
    found = {}
    for part in filter(None, (part.strip() for part in os.environ.get(name, "").split(","))):
        exchange, _, address = (text.strip() for text in part.partition("="))
        parts = urlsplit(address)
        if not (exchange and parts.scheme in ("http", "https") and parts.netloc and parts.path in ("", "/")):
            raise SystemExit(f"{name} must be like bitstamp=https://mirror.example; it has {part!r}.")
        found[exchange] = f"{parts.scheme}://{parts.netloc}"
    return found


ALGOTRADE_HOME = _home()
ALGOTRADE_STRATEGIES = (
    Path(os.environ.get("ALGOTRADE_STRATEGIES") or ALGOTRADE_HOME / "strategies").expanduser().resolve()
)
ALGOTRADE_WORKERS = _positive("ALGOTRADE_WORKERS", os.cpu_count() or 1)
ALGOTRADE_LEASE_SECONDS = _positive("ALGOTRADE_LEASE_SECONDS", 20)
ALGOTRADE_MAX_COMBINATIONS = _positive("ALGOTRADE_MAX_COMBINATIONS", 1_000_000)
ALGOTRADE_EXCHANGE_URLS = _addresses("ALGOTRADE_EXCHANGE_URLS")
ALGOTRADE_MAX_ACTIVE_RUNS = _positive("ALGOTRADE_MAX_ACTIVE_RUNS", 1_000)
BEAT_SECONDS = 0.25
"""How often a worker tells the database that it lives, how far it is, and asks whether its run is still its own."""
MAX_ATTEMPTS = 3
"""Lost claims after which a backtest is failed."""
STALL_SECONDS = 300.0
"""How long a child may be silent (one stride, one load) before it is ended as stuck."""
CHILD_MEMORY_BYTES = 8 << 30
"""Address space of the child in which a strategy runs."""
CHILD_CPU_SECONDS = 86_400
"""Processor time that one job of such a child may take: a backtest, or a chunk of an optimization's trials."""
HUB_POLL_SECONDS = 0.15

SECRET_KEY = _secret(ALGOTRADE_HOME)
hide(SECRET_KEY)
DEBUG = False
ALGOTRADE_HOSTS = [h.strip() for h in os.environ.get("ALGOTRADE_HOSTS", "").split(",") if h.strip()]
"""Names under which people reach the product; none: those of this machine."""
ALLOWED_HOSTS = ALGOTRADE_HOSTS or ["127.0.0.1", "localhost", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "django_q",
    "runs",
]

MIDDLEWARE = [
    "runs.server.middleware.RequestLog",
    "runs.server.middleware.ApiErrors",
    "runs.server.middleware.BusyDatabase",
    "runs.server.middleware.GoneRows",
    "runs.server.middleware.NoNul",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "runs.server.middleware.PrivateAnswers",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "algotrade.urls"
ASGI_APPLICATION = "algotrade.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["algotrade.template_loader.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database() -> dict[str, Any]:
    """Return the one database: SQLite in home, or what DATABASE_URL names."""
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{ALGOTRADE_HOME / 'algotrade.sqlite3'}"
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    if config["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a transaction that reads and then writes must not find its lock taken half-way. FULL: what was
        # committed survives a power cut. A temp_store in memory keeps the sort files off the disk.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;",
        }
        # A file as in life: a database in memory is another one in each thread, or locks whole tables between them.
        config["TEST"] = {"NAME": ALGOTRADE_HOME / "test.sqlite3"}
    else:
        config["CONN_MAX_AGE"] = 60
        config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "")
_CHANNEL_LAYERS: dict[str, Any] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if REDIS_URL:
    # channels-redis 4.3 with redis-py 8: without these two options connects fail under load.
    _CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None, "max_connections": 10_000}]},
    }
CHANNEL_LAYERS = _CHANNEL_LAYERS

# Counts of the throttle. Without Redis each web process counts on its own, and so does `local` while Redis is down.
_LOCAL_CACHE: dict[str, Any] = {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "LOCATION": "local",
    "OPTIONS": {"MAX_ENTRIES": 10_000},
}
CACHES: dict[str, Any] = {"default": _LOCAL_CACHE, "local": _LOCAL_CACHE}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1.0, "socket_connect_timeout": 1.0},
    }

# django-q2 wants a timeout shorter than its retry; none at all is meant, because the reaper judges what is lost.
warnings.filterwarnings("ignore", message="Retry and timeout are misconfigured")
# The queue is a bell: tickets carry an id, rows are the truth. So tickets are never retried or kept by the queue
# itself; the reaper rings again for every run that waits too long.
Q_CLUSTER: dict[str, Any] = {
    "name": os.environ.get("ALGOTRADE_QUEUE", "") or "algotrade",
    "workers": ALGOTRADE_WORKERS,
    "recycle": 1_000_000,
    "timeout": None,
    "retry": 86_400,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "queue_limit": ALGOTRADE_WORKERS,
    "poll": 0.1,
    "guard_cycle": 0.2,
    "catch_up": False,
    "scheduler": False,
    "log_level": "WARNING",
} | ({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"})

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/runs"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}
# Cookies know no ports: under Django's own name another program on localhost would log the user out.
SESSION_COOKIE_NAME = "algotrade_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"

ALGOTRADE_TLS = os.environ.get("ALGOTRADE_TLS", "") == "1"
"""Whether people reach the product by https, through a proxy in front of it that sets X-Forwarded-Proto itself."""
if ALGOTRADE_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

MAX_BODY_BYTES = 1 << 20
"""Largest body of a request: the web server refuses it before Django, and Django does for any other server."""
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
UPLOAD_PATHS = ("/data/import", "/api/datasets/", "/api/datasets/imports/")
"""Where somebody who is logged in may send a file of candles, which is larger than any other body."""
MAX_UPLOAD_BYTES = 256 << 20
"""Largest file; four million bars have room in it."""
READER_MEMORY_BYTES = 4 << 30
"""Address space of the child in which a stranger's file is read."""
READER_CPU_SECONDS = 300
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

LOGGING_CONFIG = "runs.server.logs.configure"
LOGGING = {"level": os.environ.get("ALGOTRADE_LOG_LEVEL", "INFO").upper()}

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en-us"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
