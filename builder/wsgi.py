"""The web server's door: `granian --interface wsgi builder.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")

application = get_wsgi_application()

# A web server runs no system checks of its own, and one that serves with a wrong key would do harm.
from builder.checks import refuse_to_serve_with_errors  # noqa: E402

refuse_to_serve_with_errors()

# What stands by now stands for good: looking for cycles in it would only make some caller wait.
gc.collect()
gc.freeze()
# And what a request allocates is freed by counting references.
gc.set_threshold(50_000, 20, 100)
