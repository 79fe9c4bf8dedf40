"""The tables and figures of docs/reproduction.md and its neighbours, from what is kept in benchmarks/results.

    python benchmarks/python/reproduction_tables.py            prints them
    python benchmarks/python/reproduction_tables.py --write    puts the tables into the pages

A table stands in its page between comments with its name. What the text says with figures is printed behind the tables;
tests/python/test_reproduction_page.py compares both.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from papers import choosing, distributed, icml22, ijcai16, ipdps21, rates, workers
from papers.kept import Kept

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "reproduction.md": (ijcai16, ipdps21, icml22, workers, rates),
    "choosing.md": (choosing,),
    "distributed.md": (distributed,),
}


def tables(kept: Kept, page: str) -> dict[str, str]:
    """Return the tables of a page by their names."""
    return {name: text for part in PAGES[page] for name, text in part.tables(kept)}


def sentences(kept: Kept, page: str) -> list[str]:
    """Return all that the text of a page says with figures."""
    return [each for part in PAGES[page] for each in part.sentences(kept)]


def filled(text: str, found: dict[str, str]) -> str:
    """Return the text of a page with these tables in their places."""
    for name, table in found.items():
        place = re.compile(rf"(?<=<!-- {re.escape(name)} -->\n\n).+?(?=\n\n<!-- end -->)", re.DOTALL)
        text, times = place.subn(lambda _, table=table: table, text)
        if times != 1:
            raise LookupError(f"there must be one place for the table {name}; found {times}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the tables into the pages")
    writes, kept = parser.parse_args().write, Kept.read()
    for page in PAGES:
        found, path = tables(kept, page), DOCS / page
        if writes:
            path.write_text(filled(path.read_text(), found))
        else:
            print(*(f"{name}\n\n{table}\n" for name, table in found.items()), *sentences(kept, page), sep="\n")


if __name__ == "__main__":
    main()
