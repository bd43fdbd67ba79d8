"""Categories: few, in one partition, read together."""

from pynamodb.exceptions import DeleteError, PutError

from catalog.domain import Category
from catalog.tables.rows import CategoryRow, VersionConflict
from shared.dynamodb.rows import require_condition_failure

CATEGORIES = "categories"


def everyone() -> list[Category]:
    """All of them, in their order: one Query."""
    found = [_category(row) for row in CategoryRow.query(CATEGORIES)]
    return sorted(found, key=lambda category: category.order)


def put(category: Category) -> None:
    """Write a category's version. Raises VersionConflict unless it follows the stored one."""
    row = CategoryRow(
        CATEGORIES,
        category.category_id,
        name=category.name,
        parent_id=category.parent_id,
        position=category.position,
        version=category.version,
    )
    new = category.version == 1
    try:
        row.save(CategoryRow.pk.does_not_exist() if new else CategoryRow.version == category.version - 1)
    except PutError as error:
        require_condition_failure(error)
        raise VersionConflict(category.category_id) from None


def drop(category: Category) -> None:
    """Remove a category. Raises VersionConflict."""
    try:
        CategoryRow(CATEGORIES, category.category_id).delete(CategoryRow.version == category.version)
    except DeleteError as error:
        require_condition_failure(error)
        raise VersionConflict(category.category_id) from None


def _category(row: CategoryRow) -> Category:
    return Category(row.sk, row.name, row.parent_id, int(row.position), int(row.version))
