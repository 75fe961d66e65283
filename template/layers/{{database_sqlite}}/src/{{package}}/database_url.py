"""DATABASE_URL: the file of the database."""


def check(url: str) -> None:
    """Check that the URL has no parameters, which would have no effect.

    Raises:
        ValueError: It has parameters.
    """
    _, _, query = url.partition("?")
    if query:
        message = f'has the parameter "{query.partition("=")[0]}", which is not supported'
        raise ValueError(message)
