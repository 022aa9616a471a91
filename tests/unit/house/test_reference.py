"""The reference says what the code says: its generated parts are what `make docs` would write now."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from docs.reference import commands, keys, results
from docs.reference.pages import GENERATED, path_of, written
from docs.reference.values import as_yaml
from phoenix.cli.app import load_command
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


def test_the_result_of_every_command_is_on_its_page() -> None:
    """So that none can be left out without a word: of each command that there is, a row says what it prints."""
    there = {
        path.removeprefix("phoenix ")
        for entry in TABLE
        for path, _command in commands.below(f"phoenix {entry.name}", load_command(entry.name))
    }
    told = {command for entry in results.RESULTS for command in results.commands_of(entry)} | set(results.IN_WORDS)
    assert len(there) > 40
    assert there - told == set(), "add these to RESULTS in docs/reference/results.py"
    assert told - there == set(), "there are no such commands any more"


def test_one_entry_may_be_about_several_commands() -> None:
    assert results.commands_of("group enable, disable") == ("group enable", "group disable")
    assert results.commands_of("resume, abort") == ("resume", "abort")
    assert results.commands_of("stack output OUTPUT") == ("stack output",)
    assert results.commands_of("doctor --policy") == ("doctor",)


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
