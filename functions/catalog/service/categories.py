"""Categories: what products stand in."""

from catalog import domain
from catalog.domain import Category, Wanted
from catalog.service.cursors import cursors
from catalog.service.rivals import again_when_overtaken
from catalog.tables import categories, lists
from catalog.tables.rows import VersionConflict
from shared.dynamodb.concurrency import require_version
from shared.errors import NotFound, invalid

LIST = "categories"


def create_category(name: str, parent_id: str | None, position: int) -> Category:
    """Raises CategoryExists, Invalid."""
    category = Category(domain.slug(name), name, parent_id, position)
    _check_parent(category)
    try:
        categories.put(category)
    except VersionConflict:
        raise domain.CategoryExists("There is a category of this name.") from None
    return category


@again_when_overtaken
def replace_category(
    category_id: str, name: str, parent_id: str | None, position: int, if_match: int | None
) -> Category:
    """Raises NotFound, Stale, Invalid."""
    old = _category(category_id)
    require_version(if_match, old.version)
    new = Category(category_id, name, parent_id, position, old.version + 1)
    _check_parent(new)
    categories.put(new)
    return new


@again_when_overtaken
def drop_category(category_id: str, if_match: int | None) -> None:
    """Raises NotFound, Stale, CategoryInUse."""
    category = _category(category_id)
    require_version(if_match, category.version)
    if any(other.parent_id == category_id for other in categories.everyone()):
        raise domain.CategoryInUse("Other categories are in it.")
    if lists.page(category_id, "newest", Wanted(), 1, None)[0]:
        raise domain.CategoryInUse("Products are in it.")
    categories.drop(category)


def _category(category_id: str) -> Category:
    for category in categories.everyone():
        if category.category_id == category_id:
            return category
    raise NotFound("There is no such category.")


def _check_parent(category: Category) -> None:
    parents = {known.category_id: known.parent_id for known in categories.everyone()}
    parent = category.parent_id
    while parent is not None:
        if parent not in parents or parent == category.category_id:
            raise invalid("/parent_id", "There is no such category above this one.")
        parent = parents[parent]


def list_categories(limit: int, cursor: str | None) -> tuple[list[Category], str | None]:
    """A page of them in their order, and the next page's cursor. Raises Malformed."""
    start = cursors.read(cursor, LIST)
    found = categories.everyone()
    if start:
        found = [category for category in found if list(category.order) > start["order"]]
    shown = found[:limit]
    more = {"order": shown[-1].order} if len(found) > limit else None
    return shown, cursors.write(more, LIST)
