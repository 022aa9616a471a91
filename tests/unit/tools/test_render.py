"""Templates and the filters through which values enter them."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.errors import SpecError
from phoenix.model import CloudKind
from phoenix.tools import template_files
from phoenix.tools.render import Renderer, hcl, sh

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(["$", "%", "{", "}", "\\", '"', "'", "\n", "u", "x", "${a}", "%{if}", "é", "\0", "\u2028"])
).map("".join)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def read_hcl(literal: str) -> str:
    """The text that HCL reads from a quoted template; AssertionError where it would see anything but text.

    Written from HCL's specification: a lexer that ends at the first bare quote, then knows five short escapes,
    two numbered ones, and `$${` and `%%{`.
    """
    assert literal[0] == '"'
    text, rest = "", literal[1:]
    while not rest.startswith('"'):
        if doubled := re.match(r"([$%])\1\{", rest):
            text, rest = text + doubled[1] + "{", rest[3:]
        elif number := re.match(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})", rest):
            text, rest = text + chr(int(number[1] or number[2], 16)), rest[number.end() :]
        elif rest[0] == "\\":
            text, rest = text + ESCAPES[rest[1]], rest[2:]
        else:
            assert not rest.startswith(("${", "%{")), "an interpolation begins"
            assert rest[0] not in "\n\r", "a quoted text ends at the end of its line"
            text, rest = text + rest[0], rest[1:]
    assert rest == '"', "the text ends before its end"
    return text


@given(TEXT)
def test_any_text_in_hcl_is_read_back_as_the_same_text(text: str) -> None:
    assert read_hcl(hcl(text)) == text


@given(TEXT)
def test_a_line_of_hcl_stays_one_line(text: str) -> None:
    assert len(hcl(text).splitlines()) == 1


@given(TEXT.filter(lambda text: "\0" not in text))
def test_any_text_in_a_shell_script_is_one_word(text: str) -> None:
    assert shlex.split(sh(text)) == [text]


@pytest.mark.parametrize("text", ["it's", "$(id)", "`id`", "a\nb", '"', "\\", "", "!x", "~", "*"])
def test_a_real_shell_reads_the_word_back(text: str) -> None:
    done = subprocess.run(["sh", "-c", f"printf %s {sh(text)}"], capture_output=True, text=True, check=True)
    assert done.stdout == text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        ([], "[]"),
        (["a", 1], '["a", 1]'),
        ({}, "{}"),
        ({"b": 1, 'a"': ["${x}"]}, '{ "a\\"" = ["$${x}"], "b" = 1 }'),
        ("$${x} %%{y} $ %", '"$$${x} %%%{y} $ %"'),
    ],
)
def test_values_are_written_as_hcl_writes_them(value: object, written: str) -> None:
    assert hcl(value) == written


@pytest.mark.parametrize("value", [object(), float("inf"), float("nan"), b"bytes"])
def test_what_hcl_cannot_write_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="HCL has no way"):
        hcl(value)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(SpecError, match="no valid text"):
        hcl("a\ud800")


def test_a_nul_is_refused_by_the_shell_filter() -> None:
    with pytest.raises(SpecError, match="NUL"):
        sh("a\0b")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "templates" / "packer").mkdir(parents=True)
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    (project / "templates" / name).write_text(text)


def test_a_project_overrides_a_shipped_template_by_name(project: Path) -> None:
    write(project, "packer/plugins.pkr.hcl.j2", "own {{ plugin }}\n")
    assert Renderer(project).render("packer/plugins.pkr.hcl.j2", {"plugin": "qemu"}) == "own qemu\n"
    assert "required_plugins" in Renderer().render("packer/plugins.pkr.hcl.j2", {"plugin": "qemu"})


@pytest.mark.parametrize(
    "use", ["{{ nonesuch }}", "{{ nonesuch | hcl }}", "{{ nonesuch | sh }}", "{{ [nonesuch] | hcl }}"]
)
def test_a_value_that_is_not_given_is_told_with_its_line(project: Path, use: str) -> None:
    write(project, "x.j2", f"first line\n{use}\n")
    with pytest.raises(SpecError) as caught:
        Renderer(project).render("x.j2", {})
    assert "x.j2:2: 'nonesuch' is undefined" in caught.value.details


@pytest.mark.parametrize(
    ("text", "place"),
    [("a\n{{ 1 +\n", "x.j2:2"), ("a\n\n{{ 1 + 'a' }}", "x.j2:3"), ("{% include 'nonesuch.j2' %}", "templates/")],
)
def test_a_mistake_in_a_template_is_told_with_its_line(project: Path, text: str, place: str) -> None:
    write(project, "x.j2", text)
    with pytest.raises(SpecError) as caught:
        Renderer(project).render("x.j2", {})
    assert place in caught.value.details


def test_a_template_that_is_no_text_is_told(project: Path) -> None:
    (project / "templates" / "x.j2").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match=r"x\.j2 has a mistake"):
        Renderer(project).render("x.j2", {})
    with pytest.raises(SpecError, match=r"x\.j2 has a mistake"):
        Renderer(project).digest("x.j2")


@pytest.mark.parametrize("name", ["nonesuch.j2", "../phoenix.yaml", "/etc/passwd"])
def test_nothing_outside_the_templates_is_read(project: Path, name: str) -> None:
    with pytest.raises(SpecError, match="there is no template"):
        Renderer(project).render(name, {})


def test_the_digest_covers_what_a_template_includes_and_nothing_else(project: Path) -> None:
    write(project, "a.j2", "{% include 'b.j2' %}")
    write(project, "b.j2", "{% from 'c.j2' import x %}")
    write(project, "c.j2", "{% macro x() %}{% endmacro %}")
    write(project, "d.j2", "d")
    before = Renderer(project).digest("a.j2")
    write(project, "d.j2", "other")
    assert Renderer(project).digest("a.j2") == before
    for part in ("a.j2", "b.j2", "c.j2"):
        file = project / "templates" / part
        text = file.read_text()
        file.write_text(text + " ")
        assert Renderer(project).digest("a.j2") != before
        file.write_text(text)
    assert Renderer(project).digest("a.j2") == before


def test_a_template_with_a_made_up_include_has_no_digest(project: Path) -> None:
    write(project, "a.j2", "{% include name %}")
    with pytest.raises(SpecError, match="not written out"):
        Renderer(project).digest("a.j2")


@pytest.mark.parametrize("kind", CloudKind)
def test_a_template_has_one_digest_with_and_without_the_engine(kind: CloudKind) -> None:
    name = f"packer/{kind}.pkr.hcl.j2"
    assert template_files.digest(name, None) == Renderer().digest(name)


@pytest.mark.parametrize(
    "text",
    [
        "plain\n",
        "{% include 'part.j2' %} {%- import \"part.j2\" as part -%}\n",
        "{% from 'part.j2' import a, b with context %}\n",
        "{% include ['part.j2', 'other.j2'] %}\n",
        "\r\nlines of another kind\r\n",
    ],
)
def test_a_projects_template_has_one_digest_that_follows_what_it_includes(project: Path, text: str) -> None:
    write(project, "part.j2", "a part\n")
    write(project, "other.j2", "another\n")
    write(project, "whole.j2", text)
    before = template_files.digest("whole.j2", project)
    assert before == Renderer(project).digest("whole.j2")
    write(project, "part.j2", "changed\n")
    assert (template_files.digest("whole.j2", project) != before) is ("part.j2" in text)


@pytest.mark.parametrize("included", ["which", "'part.j2' ~ x", "'nonesuch.j2'", "'../x'"])
def test_what_cannot_be_told_from_the_files_is_refused(project: Path, included: str) -> None:
    write(project, "part.j2", "")
    (project / "x").write_text("no template")
    write(project, "whole.j2", f"{{% include {included} %}}")
    with pytest.raises(SpecError):
        template_files.digest("whole.j2", project)
