"""Bodies of CAMARA Population Density Data v0.3, strict: properties that it does not have are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(_In):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Polygon(_In):
    area_type: Literal["POLYGON"] = Field(alias="areaType")
    boundary: list[Point]


Geohash = Annotated[str, StringConstraints(pattern=r"^[0-9bcdefghjkmnpqrstuvwxyz]{1,12}$")]


class GeohashList(_In):
    area_type: Literal["GEOHASHLIST"] = Field(alias="areaType")
    geohashes: list[Geohash] = Field(min_length=1, max_length=1000)


class Asked(_In):
    """What is asked for. `sink` is part of the standard; our answers are synchronous and take none."""

    area: Annotated[Polygon | GeohashList, Field(discriminator="area_type")]
    start: AwareDatetime = Field(alias="startTime")
    end: AwareDatetime = Field(alias="endTime")
    precision: int | None = Field(default=None, ge=1, le=12)

    @property
    def span(self) -> tuple[datetime, datetime]:
        return self.start, self.end
