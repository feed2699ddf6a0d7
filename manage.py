#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it starts the embedded PostgreSQL for the command."""

import os
import sys

# Their statements are not for people, and some of them cannot carry who runs them.
UNNOTED = {"demo", "migrate", "rotate_keys"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed here. Run `make run` once, then `.venv/bin/python manage.py …`."
        ) from error
    if "DATABASE_URL" not in os.environ and not {"help", "--help", "--version"} & set(sys.argv):
        from builder import embedded

        embedded.start()
    if UNNOTED & set(sys.argv[1:2]):
        execute_from_command_line(sys.argv)
        return
    import pghistory

    # The history says by which command something was changed.
    with pghistory.context(command=" ".join(sys.argv[1:2])):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
