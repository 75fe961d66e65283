"""The base classes and types of all schemas."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def check_storable(value: str) -> str:
    """Return the text if every database can store it.

    Raises:
        ValueError: The text has a character that some databases cannot store.
    """
    if "\x00" in value:
        raise ValueError("must not contain the character U+0000")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return value


Storable = AfterValidator(check_storable)
Text = Annotated[str, Storable]


class RequestModel(BaseModel):
    """A request body. It rejects unknown fields, so that a typo is not ignored."""

    model_config = ConfigDict(extra="forbid")


class ResponseModel(BaseModel):
    """A response body, read from the attributes of a row."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_serialization_defaults_required=True,
    )
