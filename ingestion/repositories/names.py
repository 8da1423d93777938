"""What file names say about files in a repository. All lower-case."""

from __future__ import annotations

MAX_PATH_CHARS = 500
MAX_FIXTURE_BYTES = 50_000

DOCUMENTATION_SUFFIXES = frozenset(
    {
        ".adoc",
        ".asciidoc",
        ".ipynb",
        ".markdown",
        ".md",
        ".mdx",
        ".org",
        ".qmd",
        ".rmd",
        ".rst",
        ".textile",
        ".txt",
    }
)
DOCUMENTATION_NAMES = frozenset(
    {
        "authors",
        "changelog",
        "changes",
        "code_of_conduct",
        "contributing",
        "copying",
        "faq",
        "history",
        "install",
        "license",
        "maintainers",
        "news",
        "notice",
        "readme",
        "security",
        "support",
        "upgrading",
    }
)
DOCUMENTATION_FOLDERS = frozenset(
    {"doc", "docs", "documentation", "guide", "guides", "handbook", "manual", "wiki"}
)
# Read only inside a folder of documentation: elsewhere these are templates and test data.
DOCUMENT_SUFFIXES = frozenset({".docx", ".epub", ".htm", ".html", ".pdf", ".pptx"})
BINARY_DOCUMENT_ENDINGS = (".docx", ".epub", ".pdf", ".pptx")

_SOURCE_SUFFIXES = """
ada adb ads agda asm awk bash bat bzl c cc cfg cjs clj cljs cljc cmake coffee conf cpp cr cs css
csproj cu cxx d dart ex exs elm erl f f90 f95 fish fs fsx gd gleam go gradle graphql groovy h hcl
hh hpp hrl hs hxx ini java jl js json jsonnet jsx kt kts less lisp lua m mjs mk ml mli mm nim nix
nu odin pas php pl plist pm pony prisma proto ps1 psm1 purs py pyi pyx r rb rego rkt rs s sass scala
scm scss sh sml sol sql star sv svelte swift tcl tf tfvars thrift toml ts tsx v vala vb vhd vhdl vue
wat wgsl xml yaml yml zig zsh
"""
SOURCE_SUFFIXES = frozenset(f".{suffix}" for suffix in _SOURCE_SUFFIXES.split())
SOURCE_NAMES = frozenset(
    {
        "cmakelists.txt",
        "containerfile",
        "dockerfile",
        "gemfile",
        "gnumakefile",
        "jenkinsfile",
        "justfile",
        "makefile",
        "meson.build",
        "pipfile",
        "procfile",
        "rakefile",
        "requirements.txt",
        "vagrantfile",
    }
)

LOCK_FILES = frozenset(
    {
        "cargo.lock",
        "go.sum",
        "gradle.lockfile",
        "mix.lock",
        "npm-shrinkwrap.json",
        "package-lock.json",
        "package.resolved",
        "packages.lock.json",
        "pnpm-lock.yaml",
        "poetry.lock",
        "pubspec.lock",
        "yarn.lock",
    }
)
GENERATED_ENDINGS = (
    ".bundle.js",
    ".designer.cs",
    ".g.dart",
    ".generated.cs",
    ".generated.go",
    ".generated.ts",
    ".map",
    ".min.css",
    ".min.js",
    ".pb.cc",
    ".pb.go",
    ".pb.h",
    "_pb2.py",
    "_pb2.pyi",
    "_pb2_grpc.py",
)
THIRD_PARTY_FOLDERS = frozenset(
    {
        "__pycache__",
        "bower_components",
        "dist",
        "external",
        "jspm_packages",
        "node_modules",
        "pods",
        "site-packages",
        "third-party",
        "third_party",
        "thirdparty",
        "vendor",
        "vendored",
    }
)
FIXTURE_FOLDERS = frozenset(
    {
        "__fixtures__",
        "__snapshots__",
        "cassettes",
        "fixtures",
        "golden",
        "snapshots",
        "testdata",
        "test-data",
        "test_data",
    }
)
