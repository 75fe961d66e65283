"""The configuration of Django."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{__name__}.settings")
