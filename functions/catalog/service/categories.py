"""Categories: created, replaced, deleted and listed."""

from collections.abc import Sequence

from catalog import domain
from catalog.domain import Category, ProductFilter
from catalog.service.concurrency import retry_on_conflict
from catalog.service.cursors import cursors
from catalog.tables import categories, listings
from shared.dynamodb.concurrency import VersionConflict, require_version
from shared.dynamodb.pages import page_of
from shared.errors import NotFound, invalid
from shared.http.paging import Listed

CURSOR_SCOPE = "categories"
# categories; every request that lists or checks categories reads all of them, with at most two Queries
MAX_CATEGORIES = 1_000


def create_category(name: str, parent_id: str | None, position: int) -> Category:
    """Create a category whose id is derived from its name. Raises CategoryExists, Invalid."""
    category = Category(domain.slugify(name), name, parent_id, position)
    known = categories.find_all()
    _check_parent(category, known)
    if len(known) >= MAX_CATEGORIES:
        raise invalid("/name", f"The shop can have at most {MAX_CATEGORIES:,} categories.")
    try:
        categories.put(category)
    except VersionConflict:
        raise domain.CategoryExists("Another category has this name.") from None
    return category


@retry_on_conflict
def replace_category(
    category_id: str, name: str, parent_id: str | None, position: int, if_match: int | None
) -> Category:
    """Rename or move a category. Raises NotFound, Stale, Invalid."""
    old = _category(category_id)
    require_version(if_match, old.version)
    new = Category(category_id, name, parent_id, position, old.version + 1)
    _check_parent(new, categories.find_all())
    categories.put(new)
    return new


@retry_on_conflict
def delete_category(category_id: str, if_match: int | None) -> None:
    """Delete an empty category. Raises NotFound, Stale, CategoryInUse."""
    category = _category(category_id)
    require_version(if_match, category.version)
    if any(other.parent_id == category_id for other in categories.find_all()):
        raise domain.CategoryInUse("The category contains other categories.")
    if listings.page(category_id, "newest", ProductFilter(), 1, None).items:
        raise domain.CategoryInUse("The category contains products on sale.")
    categories.delete(category)


def _category(category_id: str) -> Category:
    for category in categories.find_all():
        if category.category_id == category_id:
            return category
    raise NotFound("The category does not exist.")


def _check_parent(category: Category, known: Sequence[Category]) -> None:
    parents = {each.category_id: each.parent_id for each in known}
    parent = category.parent_id
    while parent is not None:
        if parent not in parents or parent == category.category_id:
            raise invalid("/parent_id", "The parent does not exist, or it is inside this category.")
        parent = parents[parent]


def list_categories(limit: int, cursor: str | None) -> Listed[Category]:
    """Return a page of categories. Raises Malformed."""
    after = cursors.read(cursor, CURSOR_SCOPE)
    found = categories.find_all()
    if after:
        found = [category for category in found if list(category.sort_key) > after["sort_key"]]
    page = page_of(found, limit, lambda category: {"sort_key": category.sort_key})
    return cursors.listed(page, CURSOR_SCOPE)
