"""Settings as `startproject` leaves them, apart from the database and the broker."""

import os

# No CONN_MAX_AGE, as it comes: Celery closes the connection after each task.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DATABASE_HOST"],
        "NAME": "tutorial",
        "USER": "postgres",
    }
}
INSTALLED_APPS = ["tests.bench.tutorial"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
TWILIO_API_URL = os.environ["TWILIO_API_URL"]
TWILIO_ACCOUNT_SID = "AC" + "0" * 32
TWILIO_AUTH_TOKEN = "0" * 32
