"""The front matter of SKILL.md: the part of YAML that the Agent Skills format needs.

Plain, quoted and block (``>``, ``|``) text, and one mapping of texts under ``metadata``. Anything
else is refused by line, so that a file means here what it means elsewhere.
"""

from __future__ import annotations

import json
import re

from aspire_tui.domain import Struct
from aspire_tui.errors import ConfigError
from aspire_tui.strict_toml import suggestion

KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1024

_ENTRY = re.compile(r"( *)([A-Za-z0-9_.-]+):(?: +(.*))?\Z")
_PLAIN_REFUSED = re.compile(r"[\[\]{}&*!|>%@`]|- |\? ")


class FrontMatter(Struct, frozen=True):
    name: str
    description: str
    metadata: dict[str, str]
    body: str


def read_front_matter(text: str) -> FrontMatter:
    """Split SKILL.md into its front matter and its body.

    Raises:
        ConfigError: Names the line or key and what would be right.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        raise ConfigError("line 1: front matter must begin with '---'")
    try:
        end = next(i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---")
    except StopIteration:
        raise ConfigError("front matter has no closing '---'") from None
    entries, metadata = _entries(lines[:end])
    for key in entries:
        if key not in KEYS:
            raise ConfigError(f"unknown key {key!r}; {suggestion(key, KEYS)}")
    name = entries.get("name", "")
    description = entries.get("description", "")
    checked_name(name)
    if not 1 <= len(description) <= LONGEST_DESCRIPTION:
        raise ConfigError(
            f"description has {len(description)} characters, expected 1 to {LONGEST_DESCRIPTION}"
        )
    return FrontMatter(name, description, metadata, "\n".join(lines[end + 1 :]).strip() + "\n")


def checked_name(name: str) -> str:
    """The name of a skill, which is also that of its folder: nothing else becomes a path.

    Raises:
        ConfigError: It is none.
    """
    if not NAME.match(name) or len(name) > LONGEST_NAME:
        raise ConfigError(
            f"name {name!r} must be 1 to {LONGEST_NAME} of a-z, 0-9 and single hyphens"
        )
    return name


def _entries(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Top-level texts and the texts under ``metadata``, from lines 2 on."""
    top: dict[str, str] = {}
    metadata: dict[str, str] = {}
    in_metadata = False
    i = 1
    while i < len(lines):
        line = lines[i].rstrip()
        i += 1
        if not line or line.lstrip().startswith("#"):
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            raise ConfigError(f"line {i}: expected 'key: text'")
        indent, key, value = len(entry[1]), entry[2], entry[3] or ""
        if indent == 0 and key == "metadata":
            if value:
                raise ConfigError(f"line {i}: metadata must be a mapping of texts, indented below")
            in_metadata, top[key] = True, ""
            continue
        if indent > 0 and not in_metadata:
            raise ConfigError(f"line {i}: only metadata may have keys below it")
        in_metadata = indent > 0
        into = metadata if in_metadata else top
        if key in into:
            raise ConfigError(f"line {i}: {key!r} is given twice")
        if value in (">", "|", ">-", "|-"):
            into[key], i = _block(lines, i, indent, folded=value.startswith(">"))
        else:
            into[key] = _scalar(value, i, text_only=in_metadata)
    return top, metadata


def _block(lines: list[str], i: int, indent: int, *, folded: bool) -> tuple[str, int]:
    kept: list[str] = []
    while i < len(lines):
        line = lines[i].rstrip()
        if line and len(line) - len(line.lstrip(" ")) <= indent:
            break
        kept.append(line.strip())
        i += 1
    text = " ".join(k for k in kept if k) if folded else "\n".join(kept)
    return text.strip(), i


def _scalar(value: str, line: int, *, text_only: bool) -> str:
    if value.startswith('"'):
        try:
            text = json.loads(value)
        except (ValueError, RecursionError):
            raise ConfigError(f"line {line}: not a quoted text: {value[:60]}") from None
        return str(text)
    if value.startswith("'"):
        if len(value) < 2 or not value.endswith("'"):
            raise ConfigError(f"line {line}: not a quoted text: {value[:60]}")
        return value[1:-1].replace("''", "'")
    if _PLAIN_REFUSED.match(value) or ": " in value or " #" in value:
        raise ConfigError(f"line {line}: put this text in quotes: {value[:60]}")
    if text_only and not _is_text(value):
        raise ConfigError(f'line {line}: metadata holds texts only; write "{value}"')
    return value


def _is_text(value: str) -> bool:
    """Whether plain YAML reads this as text, not as a number, truth value, date or null."""
    if value.lower() in ("", "~", "null", "true", "false", "yes", "no", "on", "off"):
        return False
    return re.fullmatch(r"[-+]?[0-9][0-9_.eExX:+-]*", value) is None
