"""The tests of the project: the generator, the rendered files, and the generated services."""
