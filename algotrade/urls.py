"""Addresses of the whole product; the pages and the API live in the app."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from runs.views.login import LoginView, log_in_by_link

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("runs.api.urls")),
    path("login/", LoginView.as_view(), name="login"),
    path("login/<str:secret>", log_in_by_link, name="login_link"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include("runs.urls")),
]
