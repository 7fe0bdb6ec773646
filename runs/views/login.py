"""Login: by a one-time URL that the terminal prints, or by name and password."""

from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView as DjangoLoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET

from runs import throttle
from runs.models.access import LoginLink

log = structlog.get_logger(__name__)

LOGIN_TEMPLATE = "login.html"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def login_url(user: User, base: str) -> str:
    """Return a fresh URL that logs `user` in once, within five minutes.

    Args:
        user: who is let in.
        base: scheme, host and port of the web server, for example "http://127.0.0.1:8000".
    """
    return f"{base.rstrip('/')}/login/{LoginLink.objects.issue(user)}"


@method_decorator(login_not_required, name="dispatch")
class LoginView(DjangoLoginView):
    """Log in by name and password; five attempts a minute for a name."""

    template_name = LOGIN_TEMPLATE
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check name and password, unless there were too many attempts already."""
        address = request.META.get("REMOTE_ADDR", "")
        wait = max(
            throttle.take("login-name", self._name(), throttle.LOGINS_PER_NAME),
            throttle.take("login-address", address, throttle.LOGINS_PER_ADDRESS),
        )
        if wait:
            log.warning("login throttled", address=address, seconds=wait)
            return _refused(request, f"Too many attempts. Try again in {wait} s.", 429, wait)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let the user in; their attempts no longer count."""
        throttle.forget("login-name", self._name())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        log.warning("login refused", address=self.request.META.get("REMOTE_ADDR", ""))
        return super().form_invalid(form)

    def _name(self) -> str:
        return self.request.POST.get("username", "").strip().casefold()


@login_not_required
@require_GET
def log_in_by_link(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Log in by a one-time URL. The session's key changes, so a session planted before is worth nothing.

    A browser that fetches addresses ahead must not use the link up before the person opens it.
    """
    if _is_prefetch(request):
        return HttpResponse("Open the link in a browser.", status=503, content_type="text/plain")
    address = request.META.get("REMOTE_ADDR", "")
    wait = throttle.take("login-link", address, throttle.LOGINS_PER_ADDRESS)
    if wait:
        return _refused(request, f"Too many attempts. Try again in {wait} s.", 429, wait)
    user = LoginLink.objects.redeem(secret)
    if user is None:
        log.warning("login link refused", address=address)
        message = "This link has been used, or is older than five minutes. Print a new one: manage.py login_url"
        return _refused(request, message, 403)
    login(request, user, backend=BACKEND)
    return redirect(resolve_url(settings.LOGIN_REDIRECT_URL))


def _is_prefetch(request: HttpRequest) -> bool:
    """Whether a browser fetches ahead, by the headers with which browsers say so."""
    headers = request.headers
    purpose = f"{headers.get('Sec-Purpose', '')} {headers.get('Purpose', '')} {headers.get('X-Moz', '')}"
    return "prefetch" in purpose.lower()


def _refused(request: HttpRequest, message: str, status: int, retry_after: int = 0) -> HttpResponse:
    """Show the login page with a message."""
    response = render(request, LOGIN_TEMPLATE, {"form": AuthenticationForm(request), "message": message}, status=status)
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response
