"""The web server's door: `granian --interface wsgi builder.wsgi:application`."""

import gc
import os
from importlib import import_module

import django
from django.conf import settings
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")

django.setup(set_prefix=False)

from builder.checks import refuse_to_serve_with_errors  # noqa: E402
from builder.handler import URLS_OF_RUNTIMES, RuntimesFirst  # noqa: E402

application = RuntimesFirst()

# All that answers is imported now: it takes a second, and the first caller would wait for it.
for urls in (settings.ROOT_URLCONF, URLS_OF_RUNTIMES):
    get_resolver(urls).url_patterns  # noqa: B018
import_module("campaigns.mcp")

# A web server runs no system checks of its own, and one that serves with a wrong key would do harm.
refuse_to_serve_with_errors()

# What stands by now stands for good: looking for cycles in it would only make some caller wait.
gc.collect()
gc.freeze()
# And what a request allocates is freed by counting references.
gc.set_threshold(50_000, 20, 100)
