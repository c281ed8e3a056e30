"""What the rooms of offers stand on: whoever composes the purpose says it once, and each room takes what it needs."""

from __future__ import annotations

import attrs

from placet.config import Config
from placet.consents.in_force import CatalogueInForce, Rulebook
from placet.delivery.actions import Delivery
from placet.gate.actions import Gate
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.subjects.actions import Subjects


@attrs.frozen
class Ground:
    """The rooms below, as the application has them."""

    config: Config
    master: MasterKey
    database: Database
    subjects: Subjects
    in_force: CatalogueInForce
    rulebook: Rulebook
    gate: Gate
    delivery: Delivery
