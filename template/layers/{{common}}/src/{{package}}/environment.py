"""The settings on which those of all features build."""

from typing import Literal

from pydantic import BeforeValidator, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


CommaSeparated = BeforeValidator(_split)


class EnvironmentSettings(BaseSettings):
    """Where the service runs, and what it logs."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    environment: Literal["local", "test", "production"] = "local"
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def production(self) -> bool:
        """Whether the service runs in production."""
        return self.environment == "production"

    @field_validator("debug")
    @classmethod
    def _debug_stays_off(cls, value: bool, info: ValidationInfo) -> bool:
        if value and is_production(info):
            raise ValueError("must be off in production")
        return value


def is_production(info: ValidationInfo) -> bool:
    """Return whether the settings under validation are those of production."""
    return info.data.get("environment") == "production"
