"""What the tables mean: a data dictionary for people, and structures in the words of SDMX for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pyarrow as pa

from placet.kernel.periods import format_instant
from placet.purposes.mobility.releasing.hierarchy import Places
from placet.purposes.mobility.releasing.model import TABLES, Column, Estimate, Table, TableName
from placet.purposes.mobility.releasing.saying import Tongue
from placet.purposes.mobility.releasing.settling import least
from placet.purposes.mobility.releasing.stored import About

NOTES = Tongue("en").notes
_AGENCY = "PLACET"
_CONCEPTS = "MOBILITY_CONCEPTS"
_SDMX_TYPES = {"string": "String", "int8": "Integer", "int64": "Long", "double": "Double", "bool": "Boolean"}
_CODES = {
    "day_type": ("weekday", "weekend"),
    "slot": ("night", "morning", "day", "evening"),
    "direction": ("out", "in"),
    "level": ("zone", "region", "all"),
}


def dictionary(about: About, tables: Mapping[TableName, pa.Table], population: Estimate | None) -> dict[str, Any]:
    """Every table with every column, what each product cost in privacy, and what a reader must know."""
    return {
        "release": about.as_json(),
        "population": None if population is None else attrs.asdict(population),
        "notes": list(NOTES),
        "products": {
            name: {"noise": spent.sigma, "least": least(spent.sigma)} for name, spent in about.products.items()
        },
        "tables": [_table(TABLES[name], table.num_rows) for name, table in tables.items()],
    }


def structures(about: About, tables: Mapping[TableName, pa.Table]) -> dict[str, Any]:
    """A structure message in the shape of SDMX-JSON 2: a data structure for each table, with concepts and codes."""
    shapes = [TABLES[name] for name in tables]
    columns = {column.name: column for shape in shapes for column in shape.columns}
    return {
        "meta": {
            "id": f"MOBILITY_{about.id}",
            "prepared": format_instant(about.made_at),
            "sender": {"id": _AGENCY, "name": about.controller},
            "contentLanguages": ["en"],
        },
        "data": {
            "conceptSchemes": [
                _maintained(_CONCEPTS, "Concepts", concepts=[_concept(each) for each in columns.values()])
            ],
            "codelists": [
                _maintained(_code(name), name, codes=[{"id": value, "name": value} for value in values])
                for name, values in _CODES.items()
                if name in columns
            ],
            "dataStructures": [_structure(shape) for shape in shapes],
        },
    }


def _table(shape: Table, rows: int) -> dict[str, Any]:
    return {
        "name": shape.name,
        "title": shape.title,
        "files": [f"{shape.name}.parquet", f"{shape.name}.csv"],
        "rows": rows,
        "keys": list(shape.keys),
        "measure": shape.measure,
        "columns": [
            {"name": each.name, "type": str(each.type), "unit": each.unit, "meaning": each.meaning}
            for each in shape.columns
        ],
    }


def _structure(shape: Table) -> dict[str, Any]:
    keys = [column for column in shape.columns if column.name in shape.keys]
    others = [column for column in shape.columns if column.name not in (*shape.keys, shape.measure)]
    measure = next(column for column in shape.columns if column.name == shape.measure)
    components = {
        "dimensionList": {
            "id": "DimensionDescriptor",
            "dimensions": [_component(each) | {"position": at} for at, each in enumerate(keys, 1)],
        },
        "measureList": {"id": "MeasureDescriptor", "measures": [_component(measure)]},
        "attributeList": {
            "id": "AttributeDescriptor",
            "attributes": [_component(each) | {"attributeRelationship": {"observation": {}}} for each in others],
        },
    }
    return _maintained(_code(shape.name), shape.title, dataStructureComponents=components)


def _component(column: Column) -> dict[str, Any]:
    form: dict[str, Any] = {"format": {"dataType": _SDMX_TYPES[str(column.type)]}}
    if column.name in _CODES:
        form = {"enumeration": f"urn:sdmx:org.sdmx.infomodel.codelist.Codelist={_AGENCY}:{_code(column.name)}(1.0)"}
    concept = f"urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept={_AGENCY}:{_CONCEPTS}(1.0).{column.name}"
    return {"id": column.name, "conceptIdentity": concept, "localRepresentation": form}


def _concept(column: Column) -> dict[str, Any]:
    return {"id": column.name, "name": column.name, "description": column.meaning}


def _maintained(id: str, name: str, **parts: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
    return {"id": id, "agencyID": _AGENCY, "version": "1.0", "name": name, **parts}


def _code(name: str) -> str:
    return name.upper().replace("-", "_")


def titles(places: Places, language: str) -> Mapping[str, str]:
    """What each zone and region is called."""
    return {place.id: place.title(language) for place in (*places.zones, *places.regions)}
