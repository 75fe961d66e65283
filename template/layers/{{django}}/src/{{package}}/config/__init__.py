"""How Django is set up."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{__name__}.settings")
