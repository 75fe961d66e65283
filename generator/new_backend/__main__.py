"""The entry point of `python -m new_backend`."""

from new_backend.cli import main

if __name__ == "__main__":
    main()
