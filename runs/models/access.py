"""Rows that let somebody in: bearer tokens of programs, and one-time login URLs. Neither can be read back."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

LOGIN_LINK_LIFE = timedelta(minutes=5)
LOGIN_LINK_KEPT = timedelta(days=1)
"""How long the row of a used or expired link stays, so that one can see that it was used."""
SECONDS_BETWEEN_USES = 60.0
"""How often the last use of a token is written down; every request would be a write for each read."""


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Issuing and recognising tokens."""

    def issue(self, user: User, name: str = "") -> str:
        """Store a fresh token of `user`; return it, for the only time."""
        token = new_secret(API_PREFIX)
        self.create(user=user, name=name, digest=digest(token))
        return token

    def user_of(self, token: str) -> User | None:
        """Return whose token this is; None when it is unknown or its user was deactivated."""
        row = self.select_related("user").filter(digest=digest(token), user__is_active=True).first()
        if row is None:
            return None
        now = timezone.now()
        if row.last_used_at is None or abs((now - row.last_used_at).total_seconds()) > SECONDS_BETWEEN_USES:
            self.filter(pk=row.pk).update(last_used_at=now)
        return row.user


class ApiToken(models.Model):
    """A bearer token of the JSON API. Deleting the row revokes it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True, help_text="What it is used for.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        """Return the token's name, or a stand-in; never anything of the token."""
        return self.name or f"Token {self.pk}"


class LoginLinkQuerySet(models.QuerySet["LoginLink"]):
    """Issuing and redeeming one-time login URLs."""

    def issue(self, user: User) -> str:
        """Store a fresh link of `user`; return its secret, for the only time."""
        now = timezone.now()
        self.filter(expires_at__lt=now - LOGIN_LINK_KEPT).delete()
        secret = new_secret()
        self.create(user=user, digest=digest(secret), expires_at=now + LOGIN_LINK_LIFE)
        return secret

    def redeem(self, secret: str) -> User | None:
        """Use a link up; return its user, or None when it is unknown, expired, used, or its user was deactivated.

        One guarded UPDATE decides, so of two browsers with the same link only one gets in.
        """
        now = timezone.now()
        link = self.select_related("user").filter(digest=digest(secret)).first()
        if link is None or not link.user.is_active:
            return None
        is_won = self.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(used_at=now)
        return link.user if is_won else None


class LoginLink(models.Model):
    """A login URL that works once, for five minutes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="login_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = LoginLinkQuerySet.as_manager()

    def __str__(self) -> str:
        """Return whose link it is and how long it works."""
        return f"Login link of {self.user} until {self.expires_at:%H:%M:%S}"


API_PREFIX = "at_"
"""How a bearer token begins, so that people, and scanners for leaked secrets, can tell what it is."""


def new_secret(prefix: str = "") -> str:
    """Return a fresh secret of 43 URL-safe characters behind `prefix`."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256, 64 hex digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
