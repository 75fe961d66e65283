"""Print .env.example with a new random value for each secret (`make env`)."""

import re
import secrets
from pathlib import Path

SECRET = re.compile(r"^(\w+)=change-me.*$", re.MULTILINE)

example = Path(__file__).parent.parent.joinpath(".env.example").read_text(encoding="utf-8")
print(SECRET.sub(lambda match: f"{match[1]}={secrets.token_urlsafe(48)}", example), end="")
