"""The reference says what the code says: its generated parts are what `make docs` would write now."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from docs.reference import commands, keys, results
from docs.reference.pages import GENERATED, path_of, written
from docs.reference.values import as_yaml
from phoenix.cli.contents import TABLE

STALE = "docs/{} says something else than the code: run `make docs` and commit what it writes"
EXAMPLES = {place: (field, value) for place, field, value in keys.examples()}


@pytest.mark.parametrize("name", GENERATED)
def test_the_page_is_what_the_code_says(name: str) -> None:
    if path_of(name).read_text() != written(name):
        pytest.fail(STALE.format(name))


def test_every_example_of_a_key_is_accepted() -> None:
    """Each is put into its mapping alone: what is wrong may be that others are missing, and nothing of its own."""
    refused = []
    for section in keys.sections():
        for name, field in section.form.model_fields.items():
            try:
                section.form.model_validate({name: keys.example(name, field)})
            except ValidationError as error:
                own = [each["msg"] for each in error.errors() if each["loc"][0] == name and each["type"] != "missing"]
                refused += [f"{section.path}.{name}: {said}" for said in own]
    assert refused == []


def test_every_key_has_a_meaning_a_default_and_an_example() -> None:
    assert len(EXAMPLES) > 100
    for place, (field, value) in EXAMPLES.items():
        meaning, default = keys.meaning_and_default(field)
        assert meaning.strip("."), place
        assert default, place
        assert as_yaml(value), place


def test_every_command_is_on_its_page() -> None:
    page = path_of("commands.md").read_text()
    for entry in TABLE:
        assert f"### phoenix {entry.name}" in page


def test_every_result_is_of_a_command_that_there_is() -> None:
    known = {entry.name for entry in TABLE}
    assert {name.split()[0].rstrip(",") for name in results.RESULTS} <= known


def test_what_holds_without_a_key_is_behind_the_last_semicolon() -> None:
    field = FieldInfo(annotation=int | None, default=None, description="Size of the disk; as large as the image's.")
    assert keys.meaning_and_default(field) == ("Size of the disk.", "as large as the image's")


def test_a_key_that_nobody_can_guess_an_example_of_names_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"the key colour needs an example: Field\(\.\.\., examples=\[VALUE\]\)"):
        keys.example("colour", FieldInfo(annotation=str, description="Colour."))


def test_the_usage_of_a_command_has_no_doubled_brackets() -> None:
    page = commands.markdown()
    assert "    phoenix init [OPTIONS] [DIR]\n" in page
    assert "    phoenix image show [OPTIONS] REF\n" in page
