"""`new-backend verify`: render combinations and run them through stages, each proving more."""

from new_backend.verify.plan import cases
from new_backend.verify.report import merge, require_writable, write
from new_backend.verify.run import Request, verify
from new_backend.verify.stages import stages
from new_backend.verify.templates import opened

__all__ = ["Request", "cases", "merge", "opened", "require_writable", "stages", "verify", "write"]
