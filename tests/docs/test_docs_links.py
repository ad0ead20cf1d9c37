"""Every link of every document leads somewhere."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, Page

OUTSIDE = ("https://", "http://", "mailto:")
each_page = pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])


def problem_with(page: Page, link: str) -> str:
    """Say why a link leads nowhere; nothing if it leads somewhere."""
    if link.startswith(OUTSIDE):
        return "" if link.startswith("https://") else f"{link} is not https"
    file, _, anchor = unquote(link).partition("#")
    target = (page.path.parent / file).resolve() if file else page.path
    if not target.is_relative_to(ROOT) or not target.exists():
        return f"{link}: there is no such file"
    if anchor and target.suffix == ".md":
        there = DOCS[target.relative_to(ROOT).as_posix()]
        return "" if anchor in there.anchors else f"{link}: there is no such heading"
    return f"{link} has an anchor" if anchor else ""


@each_page
def test_its_links_lead_somewhere(page: Page) -> None:
    assert [problem for link in page.links if (problem := problem_with(page, link))] == []


@each_page
def test_no_two_places_have_one_anchor(page: Page) -> None:
    assert sorted(page.anchors) == sorted(set(page.anchors))


def test_every_document_is_found_from_the_readme() -> None:
    found, new = {"README.md"}, ["README.md"]
    while new:
        page = DOCS[new.pop()]
        for link in page.links:
            target = (page.path.parent / unquote(link).partition("#")[0]).resolve()
            name = target.relative_to(ROOT).as_posix() if target.is_relative_to(ROOT) else ""
            if name in DOCS and name not in found:
                found.add(name)
                new.append(name)

    assert {page.name for page in PAGES} - found == set()


def test_every_picture_is_shown_or_linked() -> None:
    linked = {(page.path.parent / link).resolve() for page in PAGES for link in page.links}

    assert set((ROOT / "docs" / "images").iterdir()) <= linked


@pytest.mark.parametrize(
    "link, is_good",
    [
        ("docs/cors.md", True),
        ("docs/cors.md#origins", True),
        ("#nowhere", False),
        ("docs/cors.md#nowhere", False),
        ("docs/nowhere.md", False),
        ("../outside.md", False),
        ("http://example.com/", False),
        ("https://example.com/", True),
        ("config/gateway.yaml", True),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link: str, is_good: bool) -> None:
    assert (problem_with(DOCS["README.md"], link) == "") is is_good


def test_links_are_found_in_text_and_not_in_code(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text('[a](b.md) `[c](d.md)`\n\n```\n[e](f.md)\n```\n<img src="g.png" alt="h">\n')

    assert Page(path).links == ("b.md", "g.png")
