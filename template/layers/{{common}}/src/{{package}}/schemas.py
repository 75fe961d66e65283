"""What all schemas share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _refuse_nul(value: str) -> str:
    # PostgreSQL cannot store U+0000 in a text; refusing it everywhere keeps the databases alike.
    if "\x00" in value:
        message = "must not contain the character U+0000"
        raise ValueError(message)
    return value


Text = Annotated[str, AfterValidator(_refuse_nul)]
"""A string that every database can store."""


class RequestModel(BaseModel):
    """A request body; a field that it does not name is refused, so that a typo is not lost."""

    model_config = ConfigDict(extra="forbid")


class ResponseModel(BaseModel):
    """A response body, read from the attributes of a row."""

    model_config = ConfigDict(from_attributes=True)
