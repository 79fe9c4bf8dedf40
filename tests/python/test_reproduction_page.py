"""Pages say what is kept in benchmarks/results: their tables, and the figures of the text made of it."""

import re
from collections.abc import Iterator

import pytest

import reproduction_tables
from papers import ijcai16, ipdps21
from papers.kept import Kept
from reproduction_tables import DOCS, PAGES, filled, sentences, tables

SIMULATED_SOFTSYNC = "softsync-cifar-10-simulated"


@pytest.fixture(scope="module")
def kept() -> Kept:
    return Kept.read()


def text_of(page: str) -> str:
    return (DOCS / page).read_text()


def flowing(text: str) -> str:
    """Text without the ends of its lines."""
    return " ".join(text.split())


def missing(text: str, kept: Kept, page: str) -> list[str]:
    """What the text of a page should say and does not."""
    said = flowing(text)
    found = [
        name for name, table in tables(kept, page).items() if f"<!-- {name} -->\n\n{table}\n\n<!-- end -->" not in text
    ]
    return found + [sentence for sentence in sentences(kept, page) if sentence not in said]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_is_kept(page: str, kept: Kept) -> None:
    text = text_of(page)
    assert missing(text, kept, page) == []
    assert filled(text, tables(kept, page)) == text


def test_no_other_table_of_the_reproduction_has_figures(kept: Kept) -> None:
    made = {line for table in tables(kept, "reproduction.md").values() for line in table.splitlines()}
    others = [line for line in text_of("reproduction.md").splitlines() if line.startswith("|") and line not in made]
    assert [line.split("|")[1].strip() for line in others] == ["1", "15", "30"]  # softsync in virtual time


def test_softsync_in_virtual_time_is_what_is_kept(kept: Kept) -> None:
    """Its table has least and largest values besides, which medians do not tell."""
    lines = ijcai16.medians(kept, SIMULATED_SOFTSYNC)
    assert len(lines) == 3
    text = re.sub(r" \([\d., ]+\)", "", text_of("reproduction.md"))
    for line in lines:
        assert "| " + " | ".join(line) + " |" in text


def test_what_virtual_time_decides_came_again_to_the_digit(kept: Kept) -> None:
    again = kept.rows(file=ipdps21.CONTENTION)
    assert len(again) == 10
    for row in again:
        before = kept.one(file=ipdps21.FILE, study=row["study"], engine=row["engine"], workers=row["workers"])
        assert before.items() <= row.items()


def changed(text: str) -> Iterator[str]:
    """The text with another last digit in one of its lines, for every twentieth line with one."""
    lines = text.splitlines(keepends=True)
    with_digits = [at for at, line in enumerate(lines) if line.startswith("|") and re.search(r"\d", line)]
    for at in with_digits[::20]:
        digit = list(re.finditer(r"\d", lines[at]))[-1]
        other = str((int(digit[0]) + 1) % 10)
        line = lines[at][: digit.start()] + other + lines[at][digit.end() :]
        yield "".join([*lines[:at], line, *lines[at + 1 :]])


@pytest.mark.parametrize("page", PAGES)
def test_another_digit_is_found(page: str, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each table and in each sentence."""
    text = text_of(page)
    found, said = tables(kept, page), sentences(kept, page)
    monkeypatch.setattr(f"{__name__}.tables", lambda kept, page: found)
    monkeypatch.setattr(f"{__name__}.sentences", lambda kept, page: said)
    plain = [name for name in found if not missing(text.replace(found[name], next(changed(found[name]))), kept, page)]
    assert plain == []
    for table in found.values():
        for other in changed(table):
            assert missing(text.replace(table, other), kept, page)
    for sentence in said:
        other = re.sub(r"\d(?=\D*$)", lambda digit: str((int(digit[0]) + 1) % 10), sentence)
        assert missing(flowing(text).replace(sentence, other), kept, page).count(sentence) == 1
    assert reproduction_tables.filled(text, found) == text
