"""Program and configuration files: the file as one piece of code, after what it says of itself."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from ingestion.extraction.blocks import Blocks, fence, title_of
from ingestion.extraction.text import read_text
from ingestion.extraction.types import ExtractedDocument

MAX_INTRODUCTION_CHARS = 2_000
MAX_PARSED_CHARS = 1_000_000

LANGUAGES = {
    ".asm": "asm", ".bash": "bash", ".bat": "batch", ".bzl": "python", ".c": "c", ".cc": "cpp",
    ".cfg": "ini", ".cjs": "javascript", ".clj": "clojure", ".cljc": "clojure", ".cljs":
    "clojure", ".cmake": "cmake", ".conf": "ini", ".cpp": "cpp", ".cr": "crystal", ".cs":
    "csharp", ".csproj": "xml", ".css": "css", ".cu": "cpp", ".cxx": "cpp", ".d": "d", ".dart":
    "dart", ".el": "lisp", ".env": "ini", ".erl": "erlang", ".ex": "elixir", ".exs": "elixir",
    ".f90": "fortran", ".fish": "fish", ".fs": "fsharp", ".fsx": "fsharp", ".go": "go",
    ".gradle": "groovy", ".graphql": "graphql", ".groovy": "groovy", ".h": "c", ".hcl": "hcl",
    ".hh": "cpp", ".hpp": "cpp", ".hs": "haskell", ".hxx": "cpp", ".ini": "ini", ".java":
    "java", ".jl": "julia", ".js": "javascript", ".jsx": "jsx", ".kt": "kotlin", ".kts":
    "kotlin", ".less": "less", ".lua": "lua", ".m": "objectivec", ".mjs": "javascript", ".mk":
    "makefile", ".ml": "ocaml", ".mli": "ocaml", ".mm": "objectivec", ".nim": "nim", ".nix":
    "nix", ".pas": "pascal", ".patch": "diff", ".php": "php", ".pl": "perl", ".plist": "xml",
    ".pm": "perl", ".prisma": "prisma", ".properties": "properties", ".proto": "protobuf",
    ".ps1": "powershell", ".py": "python", ".pyi": "python", ".pyx": "python", ".r": "r", ".rb":
    "ruby", ".rkt": "racket", ".rs": "rust", ".sass": "sass", ".scala": "scala", ".scm":
    "scheme", ".scss": "scss", ".sh": "bash", ".sol": "solidity", ".sql": "sql", ".svelte":
    "svelte", ".swift": "swift", ".tcl": "tcl", ".tex": "latex", ".tf": "hcl", ".tfvars": "hcl",
    ".thrift": "thrift", ".toml": "toml", ".ts": "typescript", ".tsx": "tsx", ".vb": "vbnet",
    ".vim": "vim", ".vue": "vue", ".xml": "xml", ".yaml": "yaml", ".yml": "yaml", ".zig": "zig",
    ".zsh": "bash",
}  # fmt: skip
LANGUAGES_BY_NAME = {
    "dockerfile": "dockerfile", "makefile": "makefile", "gnumakefile": "makefile",
    "jenkinsfile": "groovy", "gemfile": "ruby", "rakefile": "ruby", "vagrantfile": "ruby",
    "procfile": "yaml", "cmakelists.txt": "cmake", ".gitignore": "", ".dockerignore": "",
    ".editorconfig": "ini", ".bashrc": "bash",
}  # fmt: skip
_LICENCE = re.compile(r"copyright|licen[cs]e|spdx-|all rights reserved", re.IGNORECASE)
_BLOCK_COMMENT = re.compile(r"\s*(?:<\?php\s*)?/\*++(.{0,20000}?)\*/", re.DOTALL)
_LINE_COMMENTS = re.compile(r"\s*(?:<\?php\s*)?((?:(?://++|#++|--++|;++)(?!!)[^\n]*+\n){1,200})")
_SHEBANG = re.compile(r"#![^\n]*\n")
_LINE_MARK = re.compile(r"^[ \t]*(?://+!?|#+|--+|;+|\*+)[ \t]?", re.MULTILINE)


def language_of(name: str) -> str | None:
    """What a fence calls the language of a file with this name, None for no code."""
    path = PurePosixPath(name.replace("\\", "/").lower())
    if path.name in LANGUAGES_BY_NAME:
        return LANGUAGES_BY_NAME[path.name]
    return LANGUAGES.get(path.suffix)


def extract_code(body: bytes, *, name: str) -> ExtractedDocument:
    """The file between fences, titled with its path; its leading comment stands before as text.

    Raises: TextNotDecodable, TextTooLong, NoTextFound.
    """
    text = read_text(body)
    language = language_of(name) or ""
    blocks = Blocks()
    blocks.add(introduction(text, language))
    blocks.add(fence(text, language))
    return ExtractedDocument(title=title_of(name), text=blocks.text())


def introduction(code: str, language: str) -> str:
    """What a file says of itself: its docstring or first comment, unless that is a licence."""
    found = _docstring(code) if language == "python" else _first_comment(code)
    if not found or _LICENCE.search(found):
        return ""
    lines = (line.rstrip() for line in found[:MAX_INTRODUCTION_CHARS].strip().split("\n"))
    return "\n".join(lines)


def _docstring(code: str) -> str:
    if len(code) > MAX_PARSED_CHARS:
        return ""
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return ast.get_docstring(module) or ""


def _first_comment(code: str) -> str:
    code = _SHEBANG.sub("", code, count=1) if code.startswith("#!") else code
    found = _BLOCK_COMMENT.match(code) or _LINE_COMMENTS.match(code)
    return _LINE_MARK.sub("", found[1]) if found else ""
