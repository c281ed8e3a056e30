"""
Read a catalogue from its folder; every error names the file, the line and the key.

    catalogue.yaml        controller, languages, channels, data, recipients, order of the purposes
    wording.yaml          what all notices share: headings, answers, sentences on rights, scripts
    purposes/<id>.yaml    one purpose and its notices
    activities.yaml       the processing activities
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from placet.catalogue.document import Activity, Document, Head, Purpose, Wording, frozen
from placet.catalogue.model import Catalogue
from placet.kernel.errors import BadInput

MAX_BYTES = 1_000_000
_Loc = tuple[str | int, ...]
_INTEGER = re.compile(r"0|[1-9][0-9]{0,14}")
_Shape = TypeVar("_Shape")


class BadCatalogue(BadInput):
    """The files cannot be read as a catalogue; `problems` has one line for each fault."""

    code = "bad-catalogue"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the catalogue cannot be read:\n" + "\n".join(problems))
        self.problems = problems


def load(path_or_name: str | Path) -> Catalogue:
    """The catalogue in the folder *path_or_name*, or the shipped one of that name (`amigo`)."""
    folder = _folder(path_or_name)
    problems: list[str] = []
    head = _read(folder.joinpath("catalogue.yaml"), TypeAdapter(Head), problems)
    wording = _read(folder.joinpath("wording.yaml"), TypeAdapter(dict[str, Wording]), problems)
    activities = _read(folder.joinpath("activities.yaml"), TypeAdapter(list[Activity]), problems)
    purposes = _purposes(folder, head, problems)
    if activities is not None:
        problems += _repeated(activities)
    if problems or head is None or wording is None or activities is None:
        raise BadCatalogue(problems)
    document = Document(catalogue=head, wording=wording, purposes=purposes, activities=activities)
    return frozen(document.canonical())


def listed_purposes(raw: bytes) -> frozenset[str] | None:
    """The purposes that the bytes of a catalogue.yaml list; None when they cannot be read: `load` says why."""
    try:
        head = _value(yaml.compose(raw.decode("utf-8-sig"), Loader=_Plain), (), {})
    except (UnicodeDecodeError, RecursionError, yaml.YAMLError, _Repeated):
        return None
    listed = head.get("purposes") if isinstance(head, dict) else None
    return frozenset(map(str, listed)) if isinstance(listed, list) else None


def _folder(path_or_name: str | Path) -> Traversable:
    path = Path(path_or_name)
    if path.is_dir():
        return path
    if path.name == str(path_or_name) and (shipped := files("placet").joinpath("catalogues", path.name)).is_dir():
        return shipped
    raise BadCatalogue([f"{path_or_name}: there is no such folder, and no catalogue of that name is shipped"])


def _purposes(folder: Traversable, head: Head | None, problems: list[str]) -> list[Purpose]:
    if head is None:
        return []
    found = []
    for id in head.purposes:
        purpose = _read(folder.joinpath("purposes", f"{id}.yaml"), TypeAdapter(Purpose), problems)
        if purpose is None:
            continue
        if purpose.id != id:
            problems.append(f"purposes/{id}.yaml: id: the file is named after its purpose, so write {id}")
        found.append(purpose)
    if len(set(head.purposes)) != len(head.purposes):
        problems.append("catalogue.yaml: purposes: a purpose stands there twice")
    present = folder.joinpath("purposes")
    names = {file.name for file in present.iterdir()} if present.is_dir() else set()
    for name in sorted(names - {f"{id}.yaml" for id in head.purposes}):
        problems.append(f"purposes/{name}: catalogue.yaml does not list this purpose; add it there or remove the file")
    return found


def _repeated(activities: list[Activity]) -> list[str]:
    ids = [activity.id for activity in activities]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    return [f"activities.yaml: {id}: this activity stands there twice" for id in twice]


def _read(file: Traversable, shape: TypeAdapter[_Shape], problems: list[str]) -> _Shape | None:
    """One file in its *shape*; what is wrong with it goes to *problems*."""
    where = file.name if file.name in {"catalogue.yaml", "wording.yaml", "activities.yaml"} else f"purposes/{file.name}"
    try:
        raw = file.read_bytes()
        if len(raw) > MAX_BYTES:
            problems.append(f"{where}: larger than {MAX_BYTES} bytes")
            return None
        node = yaml.compose(raw.decode("utf-8-sig"), Loader=_Plain)
        lines: dict[_Loc, int] = {}
        value = _value(node, (), lines)
        return shape.validate_json(json.dumps(value))
    except FileNotFoundError:
        problems.append(f"{where}: this file is missing")
    except UnicodeDecodeError:
        problems.append(f"{where}: not UTF-8; save the file in that encoding")
    except RecursionError:
        problems.append(f"{where}: nested too deeply to be a catalogue")
    except yaml.YAMLError as error:
        problems.append(f"{where}: not valid YAML: {' '.join(str(error).split())}")
    except _Repeated as error:
        problems.append(f"{where}:{error.line}: {_key(error.loc)}: this key stands here twice")
    except ValidationError as error:
        problems += [_problem(where, dict(fault), lines) for fault in error.errors(include_url=False)]
    return None


class _Plain(yaml.SafeLoader):
    """YAML with the scalars of JSON only: `no` is the text "no", and a date stays text. Aliases are refused."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML reads this class attribute

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*name) stands here; write the text out")
        return super().compose_node(parent, index)


class _Repeated(Exception):
    def __init__(self, loc: _Loc, line: int) -> None:
        super().__init__(loc)
        self.loc = loc
        self.line = line


def _value(node: yaml.Node | None, loc: _Loc, lines: dict[_Loc, int]) -> Any:
    """The JSON value of *node*; remembers in *lines* where each key stands."""
    if node is None:
        return None
    lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key, child in node.value:
            inner = (*loc, str(key.value))
            if key.value in result:
                raise _Repeated(inner, key.start_mark.line + 1)
            lines[inner] = key.start_mark.line + 1
            result[str(key.value)] = _value(child, inner, lines)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*loc, place), lines) for place, child in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> str | int | bool | None:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text in {"true", "false"}:
        return text == "true"
    if text in {"null", ""}:
        return None
    return int(text) if _INTEGER.fullmatch(text) else text


def _problem(where: str, fault: dict[str, Any], lines: dict[_Loc, int]) -> str:
    loc = tuple(part for part in fault["loc"] if part != "[key]")
    known = loc
    while known and known not in lines:
        known = known[:-1]
    return f"{where}:{lines.get(known, 1)}: {_key(loc)}: {fault['msg']}"


def _key(loc: _Loc) -> str:
    return ".".join(map(str, loc)) or "the whole file"
