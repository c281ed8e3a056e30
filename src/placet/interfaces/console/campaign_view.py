"""What the page of one campaign is made of: its parts, what can be done about it and by whom. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import attrs

from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns.model import LIVE, Brief, Campaign, Change, Problem, State

WRITERS = (Role.MARKETER,)
"""Who writes campaigns, and sends trials of them."""
APPROVERS = (Role.MARKETER, Role.DPO)
"""Who approves what somebody else wrote, and who stops what runs."""
EDITED = "edited"


@attrs.frozen
class Part:
    """One part of a campaign: where it is edited, the channel whose words it is, and whether nothing is missing."""

    address: str
    channel: ChannelId | None
    done: bool


@attrs.frozen
class Can:
    """What whoever looks can do about a campaign as it stands."""

    edit: bool = False
    submit: bool = False
    recall: bool = False
    approve: bool = False
    waits: bool = False
    """It is their own, and somebody else must say yes."""
    send_back: bool = False
    pause: bool = False
    resume: bool = False
    stop: bool = False
    try_out: bool = False

    @property
    def any(self) -> bool:
        return any(
            (self.submit, self.recall, self.approve, self.waits, self.send_back, self.pause, self.resume, self.stop)
        )


def folded(changes: Sequence[Change]) -> list[tuple[Change, int]]:
    """*changes* with what one author changed again and again as the newest of it, and how many times it was."""
    runs = groupby(changes, lambda change: (change.what, change.by) if change.what == EDITED else change.version)
    return [(run[0], len(run)) for run in (list(group) for _, group in runs)]


def can(campaign: Campaign, session: StaffSession, problems: Sequence[Problem]) -> Can:
    """What *session* can do; the same is asked again where it is done."""
    state, me = campaign.state, str(session.member.id)
    writes, approves = session.member.has(*WRITERS), session.member.has(*APPROVERS)
    mine = me in (campaign.submitted_by, campaign.written_by)
    draft, waits = state is State.DRAFT, state is State.SUBMITTED
    return Can(
        edit=writes and draft,
        submit=writes and draft and not problems,
        recall=writes and waits and mine,
        approve=approves and waits and not mine,
        waits=writes and waits and mine,
        send_back=approves and waits and not mine,
        pause=approves and state is State.RUNNING,
        resume=approves and state is State.PAUSED,
        stop=approves and (state in LIVE or draft),
        try_out=writes and (draft or waits),
    )


def parts(brief: Brief, problems: Sequence[Problem]) -> Iterator[Part]:
    """The parts in the order in which they are written."""
    wrong = {problem.channel for problem in problems}
    yield Part("topic", None, done=True)
    yield Part("channels", None, done=bool(brief.channels))
    yield Part("audience", None, done=True)
    for channel in brief.channels:
        yield Part(channel, channel, done=channel not in wrong)
    yield Part("schedule", None, done=not any(problem.code == "bad-time" for problem in problems))
