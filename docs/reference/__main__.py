"""`make docs`: write the generated parts of the reference pages."""

from docs.reference.pages import GENERATED, path_of, written

for name in GENERATED:
    path_of(name).write_text(written(name))
