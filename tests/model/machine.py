"""The hypothesis state machine over a world; the bench runs it longer than the tests do."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from model.world import Person, World

channels = st.sampled_from([None, "sms", "email"])
decisions = st.sampled_from(["given", "given", "given", "withdrawn", "refused", "objected"])


class Consents(RuleBasedStateMachine):
    """Three people, a broken network, and no wrong yes."""

    world: World
    people = Bundle("people")

    @initialize(target=people)
    def anna(self) -> Person:
        return self.world.person()

    @initialize(target=people)
    def ivan(self) -> Person:
        return self.world.person()

    @rule(person=people, decision=decisions, channel=channels, days_ago=st.sampled_from([0, 0, 0, 1, 3]))
    def say(self, person: Person, decision: str, channel: str | None, days_ago: int) -> None:
        self.world.say(person, decision, channel, days_ago=days_ago)

    @rule(person=people, channel=channels)
    def ask_database(self, person: Person, channel: str | None) -> None:
        self.world.ask_database(person, channel)

    @rule(person=people, channel=channels, with_token=st.booleans())
    def ask_replica(self, person: Person, channel: str | None, with_token: bool) -> None:
        self.world.ask_replica(person, channel, with_token=with_token)

    @rule(person=people)
    def ask_everything(self, person: Person) -> None:
        for channel in (None, "sms", "email"):
            self.world.ask_replica(person, channel, with_token=True)
            self.world.ask_replica(person, channel, with_token=False)

    @rule(fault=st.sampled_from(["cut", "delay", "swallow", "refuse", *[None] * 36]))
    def break_something(self, fault: str | None) -> None:
        if fault is not None:
            self.world.break_(fault)

    @rule(person=people, sure=st.sampled_from([True, *[False] * 9]))
    def erase(self, person: Person, sure: bool) -> None:
        if sure and not person.erased:
            self.world.erase(person)
