"""The web server's door: `granian --interface wsgi builder.wsgi:application`."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")

django.setup(set_prefix=False)

from builder.checks import refuse_to_serve_with_errors  # noqa: E402
from builder.handler import RuntimesFirst  # noqa: E402

application = RuntimesFirst()

# A web server runs no system checks of its own, and one that serves with a wrong key would do harm.
refuse_to_serve_with_errors()

# What stands by now stands for good: looking for cycles in it would only make some caller wait.
gc.collect()
gc.freeze()
# And what a request allocates is freed by counting references.
gc.set_threshold(50_000, 20, 100)
