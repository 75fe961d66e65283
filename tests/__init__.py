"""The tests of the project: the generator, what it renders, and the services that come out."""
