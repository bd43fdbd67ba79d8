"""Categories: created, replaced, deleted and listed."""

from catalog import domain
from catalog.domain import Category, ProductFilter
from catalog.service.concurrency import retry_on_conflict
from catalog.service.cursors import cursors
from catalog.tables import categories, listings
from shared.dynamodb.concurrency import VersionConflict, require_version
from shared.errors import NotFound, invalid

CURSOR_SCOPE = "categories"


def create_category(name: str, parent_id: str | None, position: int) -> Category:
    """Create a category whose id is derived from its name. Raises CategoryExists, Invalid."""
    category = Category(domain.slugify(name), name, parent_id, position)
    _check_parent(category)
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
    _check_parent(new)
    categories.put(new)
    return new


@retry_on_conflict
def delete_category(category_id: str, if_match: int | None) -> None:
    """Delete an empty category. Raises NotFound, Stale, CategoryInUse."""
    category = _category(category_id)
    require_version(if_match, category.version)
    if any(other.parent_id == category_id for other in categories.find_all()):
        raise domain.CategoryInUse("The category contains other categories.")
    if listings.page(category_id, "newest", ProductFilter(), 1, None)[0]:
        raise domain.CategoryInUse("The category contains products on sale.")
    categories.delete(category)


def _category(category_id: str) -> Category:
    for category in categories.find_all():
        if category.category_id == category_id:
            return category
    raise NotFound("The category does not exist.")


def _check_parent(category: Category) -> None:
    parents = {known.category_id: known.parent_id for known in categories.find_all()}
    parent = category.parent_id
    while parent is not None:
        if parent not in parents or parent == category.category_id:
            raise invalid("/parent_id", "The parent does not exist, or it is inside this category.")
        parent = parents[parent]


def list_categories(limit: int, cursor: str | None) -> tuple[list[Category], str | None]:
    """Return a page of categories and the next page's cursor. Raises Malformed."""
    after = cursors.read(cursor, CURSOR_SCOPE)
    found = categories.find_all()
    if after:
        found = [category for category in found if list(category.sort_key) > after["sort_key"]]
    page = found[:limit]
    last = {"sort_key": page[-1].sort_key} if len(found) > limit else None
    return page, cursors.write(last, CURSOR_SCOPE)
