"""Each Lambda function has an entry module of its own, which loads the function's own handlers only."""

from collections import Counter

from infra.cloudformation import functions, read
from tests.contracts.import_graph import file_of, loaded_by
from tests.contracts.test_dependencies import ENTRY_POINTS, parts_of
from tests.contracts.test_dependencies import modules as modules_of
from tests.support import ROOT, SERVICES

ENTRIES = {
    name: str(properties["Handler"]).rpartition(".")[0]
    for name, properties in functions(read(ROOT / "template.yaml")).items()
}


def handler_modules() -> set[str]:
    """Return the modules that contain the handlers of routes, events, commands and streams."""
    modules = (parts_of(path) for path in modules_of(*SERVICES, "root"))
    return {".".join(parts) for parts in modules if {*parts[1:]} & ENTRY_POINTS and parts[-1] != "__init__"}


def test_no_two_functions_share_an_entry_module():
    assert [module for module, count in Counter(ENTRIES.values()).items() if count > 1] == []
    assert all(file_of(module) for module in ENTRIES.values())


def test_each_handler_module_is_loaded_by_exactly_one_function():
    loading = {
        module: {name for name, entry in ENTRIES.items() if module in loaded_by(entry)}
        for module in handler_modules()
    }
    assert loading["orders.consumers"] == {"OrdersConsumer"}
    assert {module: names for module, names in loading.items() if len(names) != 1} == {}


def test_no_function_loads_the_events_of_all_services():
    every_event = "shared.contracts.events.published"
    assert [name for name, entry in ENTRIES.items() if every_event in loaded_by(entry)] == []


# What the API functions load of the events of a service, beside the envelope: data that commands return or
# that tables store. Each module has up to 17 models.
EVENTS_OF_APIS = {
    "CartApi": {"catalog"},
    "PaymentsCheckout": {"orders"},
    "PaymentsMoney": {"orders"},
}


def test_an_api_function_loads_only_the_events_that_it_uses():
    package = "shared.contracts.events."
    for name, entry in ENTRIES.items():
        if entry.rpartition(".")[2] in {"api", "checkout", "money", "reads", "webhook"}:
            loaded = {each.removeprefix(package) for each in loaded_by(entry) if each.startswith(package)}
            assert loaded - {"envelope"} == EVENTS_OF_APIS.get(name, set()), name
