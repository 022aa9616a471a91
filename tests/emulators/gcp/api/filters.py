"""The `filter` of lists, as the API documents it.

https://cloud.google.com/compute/docs/reference/rest/v1/instances/list
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Mapping[str, Any]], bool]
TOKEN = re.compile(r'\s*(\(|\)|"(?:[^"\\]|\\.)*"|!=|<=|>=|=|:|<|>|[^\s()=!<>:"]+)')
OPERATORS = ("=", "!=", ":", "<", ">", "<=", ">=", "eq", "ne")


def compiled(text: str) -> Test:
    """The test that a filter is. ValueError (also as re.error) for one that cannot be read."""
    words, position, text = [], 0, text.strip()
    while position < len(text):
        found = TOKEN.match(text, position)
        if not found:
            raise ValueError(text[position:])
        words.append(found[1])
        position = found.end()
    reader = _Reader(words)
    test = reader.expression()
    if reader.next is not None:
        raise ValueError(f"trailing {reader.next}")
    return test


class _Reader:
    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0

    @property
    def next(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def take(self) -> str:
        word = self.next
        if word is None:
            raise ValueError("something is missing at the end")
        self._at += 1
        return word

    def expression(self) -> Test:
        """Terms beside each other are all meant; with an OR between them, any."""
        terms, any_of = [self.term()], False
        while self.next not in (None, ")"):
            if self.next in ("AND", "OR"):
                any_of = self.take() == "OR" or any_of
            terms.append(self.term())
        joined = any if any_of else all
        return lambda row: joined(term(row) for term in terms)

    def term(self) -> Test:
        if self.next == "NOT":
            self.take()
            negated = self.term()
            return lambda row: not negated(row)
        if self.next == "(":
            self.take()
            inner = self.expression()
            if self.take() != ")":
                raise ValueError("a bracket is not closed")
            return inner
        field, operator, value = self.take(), self.take(), self.take()
        if operator not in OPERATORS:
            raise ValueError(f"{field} {operator} {value}")
        return _comparison(field, operator, _unquoted(value))


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"') if value.startswith('"') else value


def _comparison(field: str, operator: str, value: str) -> Test:
    if operator in ("eq", "ne"):
        pattern = re.compile(value)
        return lambda row: bool(pattern.fullmatch(_text(_at(row, field)))) == (operator == "eq")
    if operator in ("=", "!="):
        star = re.compile(re.escape(value).replace(r"\*", ".*"))
        return lambda row: bool(star.fullmatch(_text(_at(row, field)))) == (operator == "=")
    if operator == ":":
        return lambda row: _has(_at(row, field), value)
    return lambda row: _ordered(_text(_at(row, field)), operator, value)


def _at(row: Mapping[str, Any], field: str) -> Any:
    value: Any = row
    for name in field.split("."):
        value = value.get(name.strip('"')) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _has(value: Any, wanted: str) -> bool:
    return value is not None and (wanted == "*" or wanted.strip("*").lower() in _text(value).lower())


def _ordered(text: str, operator: str, value: str) -> bool:
    left: Any
    right: Any
    try:
        left, right = float(text), float(value)
    except ValueError:
        left, right = text, value
    return bool(
        {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator],
    )
