"""A world to try mobility on: a synthetic Latvia whose truth is known, because we made it."""

from placet.purposes.mobility.world.world import World, plan

__all__ = ["World", "plan"]
