"""Who may import whom (docs/architecture.md). Reads the imports; runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("botfactory", "bots", "ingestion", "widget")

# A package, and what it must not import. Longest prefix of the importing module wins.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "botfactory.lib": ("botfactory.accounts", "bots", "ingestion", "widget"),
    "botfactory.errors": ("botfactory.lib", "botfactory.accounts", "bots", "ingestion", "widget"),
    "botfactory.accounts": ("bots", "ingestion", "widget"),
    "bots": ("ingestion", "widget"),
    "bots.engines": ("bots.models", "bots.services", "bots.answering", "ingestion", "widget"),
    "bots.knowledge": (
        "bots.models",
        "bots.services",
        "bots.answering",
        "bots.engines",
        "ingestion",
        "widget",
    ),
    "ingestion": ("widget",),
    "ingestion.crawling": ("ingestion.models", "ingestion.services", "bots", "django", "widget"),
    "ingestion.repositories": (
        "ingestion.models",
        "ingestion.services",
        "bots",
        "django",
        "widget",
    ),
    "ingestion.extraction": ("ingestion.models", "ingestion.services", "bots", "django", "widget"),
    "widget": ("ingestion",),
}
COMPOSITION_ROOT = tuple(
    f"botfactory.{name}"
    for name in (
        "settings",
        "urls",
        "asgi",
        "frontdoor",
        "celery",
        "health",
        "checks",
        "schema",
        "management",
    )
)
DOORS = ("views", "api", "chat_api", "forms", "urls", "management")
HEAVY = (
    "langchain",
    "langchain_core",
    "langchain_text_splitters",
    "qdrant_client",
    "qdrant_edge",
    "sentence_transformers",
    "torch",
    "trafilatura",
    "transformers",
)


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


MODULES = dict(_modules())


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_only_what_it_stands_on(package: str) -> None:
    breaches = [
        f"{module} imports {imported}"
        for module, tree in MODULES.items()
        if _is_within(module, package)
        for imported in _imports(tree)
        if any(_is_within(imported, forbidden) for forbidden in FORBIDDEN[package])
    ]
    assert breaches == []


def test_nobody_imports_the_composition_root() -> None:
    inside = (*COMPOSITION_ROOT, "botfactory.apps")
    breaches = [
        f"{module} imports {imported}"
        for module, tree in MODULES.items()
        if not any(_is_within(module, root) for root in COMPOSITION_ROOT) and module not in inside
        for imported in _imports(tree)
        if any(_is_within(imported, root) for root in COMPOSITION_ROOT)
    ]
    assert breaches == []


def test_services_and_selectors_import_no_doors() -> None:
    breaches = [
        f"{module} imports {imported}"
        for module, tree in MODULES.items()
        if module.rsplit(".", 1)[-1] in ("services", "selectors", "access")
        for imported in _imports(tree)
        if imported.split(".")[0] in PACKAGES and set(imported.split(".")[1:]) & set(DOORS)
    ]
    assert breaches == []


def test_product_code_never_imports_tests() -> None:
    breaches = [
        module
        for module, tree in MODULES.items()
        if any(_is_within(imported, "tests") for imported in _imports(tree))
    ]
    assert breaches == []


def test_heavy_libraries_are_imported_inside_functions() -> None:
    breaches = [
        f"{module}: {imported}"
        for module, tree in MODULES.items()
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for imported in _imports(ast.Module([node], []))
        if imported.split(".")[0] in HEAVY
    ]
    assert breaches == []


def test_settings_alone_read_the_environment() -> None:
    # The extraction pool hands a reduced environment on to its child processes.
    allowed = (
        "botfactory.settings",
        "botfactory.asgi",
        "botfactory.celery",
        "ingestion.extraction.pool",
    )
    breaches = [
        module
        for module, tree in MODULES.items()
        if module not in allowed
        and any(
            isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
            for node in ast.walk(tree)
        )
    ]
    assert breaches == []


def test_modules_and_functions_stay_small() -> None:
    breaches = []
    for module, tree in MODULES.items():
        path = ROOT / Path(*module.split("."))
        file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        lines = file.read_text(encoding="utf-8").count("\n")
        if lines > 400 and module != "botfactory.settings":
            breaches.append(f"{module}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 50:
                    breaches.append(f"{module}.{node.name}: {length} lines")
    assert breaches == []
