"""Every setting comes from the environment; the README's table lists them with their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from reviewapp.serving import logs, postgres, postgres_place, secret

env: Any = environ.Env()  # type: ignore[no-untyped-call]

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DEBUG = env.bool("DEBUG", default=False)

# Without DATABASE_URL the database is a PostgreSQL of our own, below DATA_DIR.
EMBEDDED = not env.str("DATABASE_URL", default="")
DATABASES: dict[str, Any]
if EMBEDDED:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(postgres_place.locate(DATA_DIR).socket),
            "NAME": postgres.DATABASE,
            "USER": postgres.DATABASE,
        }
    }
    SECRET_KEY = env.str("SECRET_KEY", default="") or secret.read_or_make(DATA_DIR / "secret_key")
else:
    DATABASES = {"default": env.db("DATABASE_URL")}
    SECRET_KEY = env.str("SECRET_KEY", default="")
    if not SECRET_KEY:
        raise ImproperlyConfigured(
            "SECRET_KEY is required together with DATABASE_URL: 50 random characters or more."
        )
DATABASES["default"].update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True)
_options = DATABASES["default"].setdefault("OPTIONS", {})
_options.setdefault("connect_timeout", 5)
# For ingest.prepared. Behind a pooler that gives out connections by the transaction: ?prepare_threshold=none
_uses = str(_options.get("prepare_threshold", 5))
_options["prepare_threshold"] = int(_uses) if _uses.isdecimal() else None

LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOOPBACK)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
LANGUAGE_CODE = "en"
USE_I18N = False

# People reach Touchstone by https when an origin says so. TLS then ends at a proxy, which has to set
# X-Forwarded-Proto itself. The API keeps out of the redirect: a client that sent its token in the clear
# has sent it, and a redirected POST loses its body.
HTTPS = any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(api|v1)/", r"^(healthz|readyz)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
# Whether the other hosts of the domain speak https is not ours to say (W005, W021).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if set(ALLOWED_HOSTS) <= set(LOOPBACK):
    # Only this machine can ask, so nothing crosses a network that https would protect; and a cookie
    # marked secure would not come back over http. With any other host these warnings stay.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "django_htmx",
    "django_q",
    "pgtrigger",
    "pghistory",
    "ingest.apps.IngestConfig",
    "reviewapp.apps.ReviewAppConfig",
    "evaluation.apps.EvaluationConfig",
]
MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",
    "reviewapp.serving.failures.ProblemResponses",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "reviewapp.access.DenyByDefault",
]
ROOT_URLCONF = "reviewapp.urls"
WSGI_APPLICATION = "reviewapp.wsgi.application"
AUTH_USER_MODEL = "reviewapp.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Signing in: by password, and by OpenID Connect when OIDC_SERVER_URL is set. Nobody signs up.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "start"
ACCOUNT_ADAPTER = "reviewapp.accounts.AccountAdapter"
ACCOUNT_FORMS = {"login": "reviewapp.accounts.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Touchstone"

OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="")
OIDC_NAME = env.str("OIDC_NAME", default="single sign-on") if OIDC_SERVER_URL else ""
OIDC_APP = {
    "provider_id": "oidc",
    "name": OIDC_NAME,
    "client_id": env.str("OIDC_CLIENT_ID", default=""),
    "secret": env.str("OIDC_CLIENT_SECRET", default=""),
    "settings": {"server_url": OIDC_SERVER_URL, "oauth_pkce_enabled": True},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [OIDC_APP] if OIDC_SERVER_URL else []}}
SOCIALACCOUNT_ADAPTER = "reviewapp.accounts.SingleSignOnAdapter"
# An identity belongs to the account of its e-mail address, which the provider has to have verified.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
# A link and not a form leads to the provider, since the policy `form-action 'self'` forbids that redirect.
SOCIALACCOUNT_LOGIN_ON_GET = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

MAX_BODY_MB = env.int("MAX_BODY_MB", default=8)
# The WSGI application refuses larger bodies before Django reads them.
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_MB * 1024 * 1024
# The largest rubric that can be saved has 30 criteria with 30 options of three fields each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
# Which traces does a token not see the scores of? Asked by the ground floor, known on this one.
TRACES_HIDDEN_FROM = "reviewapp.review.blindness.hidden_from_token"
RETENTION_DAYS = env.int("RETENTION_DAYS", default=90)
# Endpoints of judges are the operator's: a file, and what may be spent on them in a month.
JUDGES_FILE = env.str("JUDGES_FILE", default="")
JUDGE_MONTHLY_BUDGET = env.float("JUDGE_MONTHLY_BUDGET", default=50.0)
# Dotted paths of callables text -> [(start, end, kind)]: finders of the operator's own (docs/redaction.md).
REDACTION_HOOKS = env.list("REDACTION_HOOKS", default=[])
# So many proxies of the operator's stand in front, each of which adds the address it heard from to
# X-Forwarded-For. With 0 that header is anyone's word and is not read.
FORWARDED_FOR_HOPS = env.int("FORWARDED_FOR_HOPS", default=0)

vars().update(env.email("EMAIL_URL", default="consolemail://"))
LOGGING = logs.configuration(env.str("LOG_FORMAT", default="text"))
if SENTRY_DSN := env.str("SENTRY_DSN", default=""):
    import sentry_sdk

    # Nothing of a request's content: it has not been redacted where an error happens before that.
    sentry_sdk.init(
        dsn=SENTRY_DSN,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )

WEB_WORKERS = env.int("WEB_WORKERS", default=2)
# `serve --no-worker` turns it off; /readyz then does without a heartbeat.
WORKER_EXPECTED = True

Q_CLUSTER = {
    "name": "touchstone",
    "orm": "default",
    "broker_class": "reviewapp.serving.broker.Broker",
    "workers": 2,
    "queue_limit": 2,
    "timeout": 300,
    "retry": 900,
    "max_attempts": 3,
    "ack_failures": True,
    "poll": 0.5,
    "log_level": "ERROR",
    # Successes leave no row; a failure does, and is pruned (reviewapp.serving.pulse).
    "save_limit": -1,
    "catch_up": False,
    "scheduler": False,
    "label": "Background work",
}
