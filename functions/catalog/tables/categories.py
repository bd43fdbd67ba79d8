"""Categories: few rows in one partition, read with one Query."""

from pynamodb.exceptions import DeleteError, PutError

from catalog.domain import Category
from catalog.tables.rows import CategoryRow
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.rows import require_condition_failure

CATEGORIES = "categories"


def find_all() -> list[Category]:
    """Return all categories, sorted."""
    found = [_category(row) for row in CategoryRow.query(CATEGORIES)]
    return sorted(found, key=lambda category: category.sort_key)


def put(category: Category) -> None:
    """Write a category. Raises VersionConflict unless its version follows the stored one."""
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


def delete(category: Category) -> None:
    """Delete a category. Raises VersionConflict."""
    try:
        CategoryRow(CATEGORIES, category.category_id).delete(CategoryRow.version == category.version)
    except DeleteError as error:
        require_condition_failure(error)
        raise VersionConflict(category.category_id) from None


def _category(row: CategoryRow) -> Category:
    return Category(row.sk, row.name, row.parent_id, int(row.position), int(row.version))
