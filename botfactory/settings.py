"""Settings, read from the environment alone. `docs/settings.md` lists every variable."""

from __future__ import annotations

import re
import secrets
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def _data_dir() -> Path:
    path = (
        Path(env.str("BOTFACTORY_DATA_DIR", default=str(BASE_DIR / "var"))).expanduser().resolve()
    )
    path.mkdir(parents=True, exist_ok=True)
    return path


def _secret_key(data_dir: Path) -> str:
    """The configured key, or one made on the first start and kept in the data directory."""
    configured: str = env.str("BOTFACTORY_SECRET_KEY", default="")
    if configured:
        return configured
    if env.str("DATABASE_URL", default=""):
        raise ImproperlyConfigured(
            "Set BOTFACTORY_SECRET_KEY: processes that share a database must share the key."
        )
    path = data_dir / "secret_key"
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii")


def _networks(name: str) -> list[str]:
    networks = env.list(name, default=[])
    for network in networks:
        try:
            ip_network(network)
        except ValueError as exc:
            raise ImproperlyConfigured(
                f"{name}: {network!r} is not a network such as 10.0.0.0/8."
            ) from exc
    return [str(network) for network in networks]


def _ocr_languages(name: str) -> list[str]:
    languages = [str(language).strip() for language in env.list(name, default=[])]
    for language in languages:
        if not re.fullmatch(r"[A-Za-z][A-Za-z_]{1,30}", language):
            raise ImproperlyConfigured(
                f"{name}: {language!r} is not one of tesseract's languages, such as eng or chi_sim."
            )
    return languages


def _one_of(name: str, choices: tuple[str, ...], default: str) -> str:
    value = env.str(name, default=default) or default
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return str(value)


# --- the process -------------------------------------------------------------------------------

BOTFACTORY_DATA_DIR = _data_dir()
SECRET_KEY = _secret_key(BOTFACTORY_DATA_DIR)
SECRET_KEY_FALLBACKS = env.list("BOTFACTORY_SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("BOTFACTORY_DEBUG", default=False)
BOTFACTORY_PUBLIC_URL = env.str("BOTFACTORY_PUBLIC_URL", default="").rstrip("/")
ALLOWED_HOSTS = env.list("BOTFACTORY_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = [BOTFACTORY_PUBLIC_URL] if BOTFACTORY_PUBLIC_URL else []
_IS_HTTPS = BOTFACTORY_PUBLIC_URL.startswith("https://")
if env.bool("BOTFACTORY_BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

ROOT_URLCONF = "botfactory.urls"
ASGI_APPLICATION = "botfactory.asgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "botfactory",
    "botfactory.accounts",
    "bots",
    "ingestion",
    "widget",
]

# Outermost first. Visitor chat and health probes skip the session half (botfactory.middleware).
MIDDLEWARE = [
    "botfactory.middleware.RequestIdMiddleware",
    "botfactory.middleware.SecurityHeadersMiddleware",
    "botfactory.middleware.SessionMiddleware",
    "botfactory.middleware.CommonMiddleware",
    "botfactory.middleware.CsrfViewMiddleware",
    "botfactory.middleware.AuthenticationMiddleware",
    "botfactory.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "botfactory.middleware.LoginRequiredMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "botfactory.middleware.TypedErrorMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "botfactory" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "botfactory.accounts.context.workspace",
            ],
        },
    }
]

# --- database ----------------------------------------------------------------------------------

if database_url := env.str("DATABASE_URL", default=""):
    DATABASES = {"default": env.db_url_config(database_url)}
    if DATABASES["default"]["ENGINE"].endswith("postgresql"):
        DATABASES["default"]["OPTIONS"] = {
            "pool": {"min_size": 0, "max_size": env.int("BOTFACTORY_DATABASE_POOL", default=20)}
        }
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": BOTFACTORY_DATA_DIR / "botfactory.sqlite3",
            "OPTIONS": {
                # Writers queue at BEGIN instead of failing when a read turns into a write.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL;"
                    "PRAGMA synchronous=NORMAL;"
                    "PRAGMA cache_size=-16000;"
                    "PRAGMA journal_size_limit=67108864;"
                ),
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- queue, cache, limits ----------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "botfactory",
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600} if REDIS_URL else {"polling_interval": 0.05}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "ingestion.tasks.sync_source": {"queue": "crawl"},
    "ingestion.tasks.index_document": {"queue": "index"},
    # `index_chunk` stays in the default queue: somebody waits for it, and documents may be many.
}
# The broker is only a bell: this task rings again for work that the database says is unfinished.
BOTFACTORY_SWEEP_INTERVAL_S = env.float("BOTFACTORY_SWEEP_INTERVAL_S", default=5.0)
CELERY_BEAT_SCHEDULE = {
    name: {
        "task": task,
        "schedule": interval_s,
        # A ring that nobody heard in time is worth nothing: they must not pile up.
        "options": {"expires": 2 * interval_s},
    }
    for name, task, interval_s in (
        ("sweep", "ingestion.tasks.sweep", BOTFACTORY_SWEEP_INTERVAL_S),
        ("purge", "bots.tasks.purge_deleted_bots", BOTFACTORY_SWEEP_INTERVAL_S),
        ("refresh", "ingestion.tasks.refresh_sources", 60.0),
        ("prune", "ingestion.tasks.prune_runs", 600.0),
        ("end-dead-answers", "bots.tasks.end_dead_answers", 15.0),
        ("prune-traces", "bots.tasks.prune_traces", 3600.0),
    )
}
# How an answer came about is kept this long for the bot's owner; 0 keeps nothing.
BOTFACTORY_TRACE_DAYS = env.int("BOTFACTORY_TRACE_DAYS", default=30)
BOTFACTORY_WORKER_THREADS = env.int("BOTFACTORY_WORKER_THREADS", default=4)

# --- knowledge ---------------------------------------------------------------------------------

QDRANT_URL = env.str("QDRANT_URL", default="")
QDRANT_API_KEY = env.str("QDRANT_API_KEY", default="")
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", default="")
EMBEDDINGS_URL = env.str("EMBEDDINGS_URL", default="")
EMBEDDINGS_API_KEY = env.str("EMBEDDINGS_API_KEY", default="")
RERANKER_MODEL = env.str("RERANKER_MODEL", default="")
BOTFACTORY_EMBEDDING_THREADS = env.int("BOTFACTORY_EMBEDDING_THREADS", default=0)

# --- engine ------------------------------------------------------------------------------------

ENGINE_URL = env.str("ENGINE_URL", default="")
ENGINE_KIND = _one_of(
    "ENGINE_KIND", ("tgi", "openai", "extractive"), "openai" if ENGINE_URL else "extractive"
)
if ENGINE_KIND != "extractive" and not ENGINE_URL:
    raise ImproperlyConfigured(f"ENGINE_KIND={ENGINE_KIND} needs ENGINE_URL.")
ENGINE_API_KEY = env.str("ENGINE_API_KEY", default="")
ENGINE_MODEL = env.str("ENGINE_MODEL", default="")
ENGINE_CONTEXT_TOKENS = env.int("ENGINE_CONTEXT_TOKENS", default=4096)
ENGINE_MAX_CONCURRENT = env.int("ENGINE_MAX_CONCURRENT", default=0)
# The limits of engines hold for all processes that answer; each gets its share.
BOTFACTORY_SERVER_PROCESSES = max(1, env.int("BOTFACTORY_SERVER_PROCESSES", default=1))

# Of one workspace's programs together; visitors have limits of their own (widget.limits).
BOTFACTORY_QUESTIONS_PER_MINUTE = env.int("BOTFACTORY_QUESTIONS_PER_MINUTE", default=3000)

# --- the outside -------------------------------------------------------------------------------

BOTFACTORY_ALLOWED_NETWORKS = _networks("BOTFACTORY_ALLOWED_NETWORKS")
BOTFACTORY_ALLOWED_PORTS = env.list("BOTFACTORY_ALLOWED_PORTS", cast=int, default=[80, 443])
BOTFACTORY_MAX_PAGES = env.int("BOTFACTORY_MAX_PAGES", default=500)
BOTFACTORY_MAX_FILE_BYTES = env.int("BOTFACTORY_MAX_FILE_BYTES", default=25_000_000)
BOTFACTORY_OCR_LANGUAGES = _ocr_languages("BOTFACTORY_OCR_LANGUAGES")
BOTFACTORY_CHROMIUM_PATH = env.str("BOTFACTORY_CHROMIUM_PATH", default="")
BOTFACTORY_CHROMIUM_SANDBOX = env.bool("BOTFACTORY_CHROMIUM_SANDBOX", default=True)

# --- files -------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BOTFACTORY_DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "frontend_static"]
MEDIA_ROOT = BOTFACTORY_DATA_DIR / "media"
S3_BUCKET = env.str("BOTFACTORY_S3_BUCKET", default="")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env.str("BOTFACTORY_S3_ENDPOINT_URL", default="") or None,
            "default_acl": "private",
        },
    }
    if S3_BUCKET
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Files and a margin for the form around them; bigger bodies are refused while they arrive.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = 100

# --- accounts ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = _one_of(
    "BOTFACTORY_EMAIL_VERIFICATION", ("none", "optional", "mandatory"), "none"
)
ACCOUNT_ADAPTER = "botfactory.accounts.adapter.AccountAdapter"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _IS_HTTPS else "http"
BOTFACTORY_SIGNUP = _one_of("BOTFACTORY_SIGNUP", ("open", "invited"), "open")
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "bots:list"
LOGOUT_REDIRECT_URL = "home"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("BOTFACTORY_FROM_EMAIL", default="botfactory@localhost")
# A login link printed or mailed is good for this long, and once.
PASSWORD_RESET_TIMEOUT = 24 * 3600

# --- security ----------------------------------------------------------------------------------

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = True
CSRF_FAILURE_VIEW = "botfactory.errorpages.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _IS_HTTPS else 0
BOTFACTORY_VISITOR_TOKEN_S = env.int("BOTFACTORY_VISITOR_TOKEN_S", default=3600)

# --- REST --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["botfactory.accounts.api_auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["botfactory.accounts.api_auth.HasApiKey"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["botfactory.api.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "botfactory.api.PageNumberPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "botfactory.api.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "BotFactory API",
    "DESCRIPTION": "Bots that answer only from your own material, and cite it.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["botfactory.schema.add_chat_doors"],
    "ENUM_NAME_OVERRIDES": {
        "EngineKindEnum": "bots.models.engine.Engine.Kind",
        "MessageStateEnum": "bots.models.Message.State",
    },
}

# --- language, time, logs ----------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "botfactory.logs.EventFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}
    },
    "root": {"handlers": ["stderr"], "level": env.str("BOTFACTORY_LOG_LEVEL", default="INFO")},
    "loggers": {
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "sentence_transformers": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
