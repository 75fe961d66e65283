"""What all schemas share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def check_storable(value: str) -> str:
    """Return a text that every database can store.

    Raises:
        ValueError: it has a character that some cannot.
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
    """A request body; a field that it does not name is refused, so that a typo is not lost."""

    model_config = ConfigDict(extra="forbid")


class ResponseModel(BaseModel):
    """A response body, read from the attributes of a row."""

    model_config = ConfigDict(from_attributes=True)
