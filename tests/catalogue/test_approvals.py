"""A catalogue in two hands: the rules, in the database; and the two catalogues side by side."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection

from placet.bootstrap import Application, publish_catalogue, publish_draft
from placet.catalogue import approvals, archive
from placet.catalogue.difference import Piece, compare, words
from placet.catalogue.document import frozen
from placet.catalogue.model import Catalogue
from placet.catalogue.publishing import Unpublishable
from placet.kernel import clock, jcs
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import StaffId

DACE, OSKARS, ILZE = (StaffId(uuid4()) for _ in range(3))
BY_DACE = {"why": "shorter", "by": DACE}


@pytest.fixture
def start() -> datetime:
    return clock.now()


def changed(catalogue: Catalogue, *, version: str = "1.1", days: int | None = None) -> Catalogue:
    """Another version; with *days*, offers are kept for so long, under a new major version."""
    document = json.loads(catalogue.document)
    document["catalogue"]["version"] = version
    if days is not None:
        (offers,) = (purpose for purpose in document["purposes"] if purpose["id"] == "offers")
        offers["retention"]["days"] = days
        offers["version"] = "2.0"
    return frozen(jcs.canonical(document))


def in_force(placet: Application, connection: Connection) -> Catalogue:
    return placet.catalogue(connection)


def test_a_draft_goes_from_one_hand_to_another_and_into_force(placet: Application, start: datetime) -> None:
    with placet.database.transaction() as connection:
        new = changed(in_force(placet, connection), days=31)
        draft = approvals.propose(connection, new, now=start, **BY_DACE)
        assert draft.state == "proposed"
        assert approvals.approve(connection, draft.id, by=OSKARS, now=start).state == "approved"
        done = publish_draft(connection, draft.id, by=DACE, now=start)
        assert [(step.what, step.by) for step in done.steps] == [("approved", OSKARS), ("published", DACE)]
        assert done.steps[-1].position == placet.in_force.position(connection)
        assert in_force(placet, connection) == new
        assert approvals.drafts(connection) == [done]


def test_nobody_judges_their_own_draft(placet: Application, start: datetime) -> None:
    with placet.database.transaction() as connection:
        new = changed(in_force(placet, connection))
        draft = approvals.propose(connection, new, now=start, **BY_DACE)
        with pytest.raises(Denied) as approved:
            approvals.approve(connection, draft.id, by=DACE, now=start)
        with pytest.raises(Denied) as refused:
            approvals.refuse(connection, draft.id, reason="no", by=DACE, now=start)
        assert (approved.value.code, refused.value.code) == ("own-draft", "own-draft")
        assert approvals.get(connection, draft.id).state == "proposed"


def test_nothing_is_published_without_an_approval(placet: Application, start: datetime) -> None:
    with placet.database.transaction() as connection:
        before = in_force(placet, connection)
        draft = approvals.propose(connection, changed(before), now=start, **BY_DACE)
        with pytest.raises(Conflict) as caught:
            publish_draft(connection, draft.id, by=OSKARS, now=start)
        assert caught.value.code == "draft-state"
        assert in_force(placet, connection) == before


def test_an_approval_does_not_outlive_the_catalogue_that_it_was_given_over(
    placet: Application, start: datetime
) -> None:
    with placet.database.transaction() as connection:
        before = in_force(placet, connection)
        draft = approvals.propose(connection, changed(before, version="1.5"), now=start, **BY_DACE)
        approvals.approve(connection, draft.id, by=OSKARS, now=start)
        publish_catalogue(connection, changed(before, version="1.2"), now=start + timedelta(seconds=1))
        with pytest.raises(Conflict) as caught:
            publish_draft(connection, draft.id, by=DACE, now=start)
        assert caught.value.code == "stale-approval"


@pytest.mark.parametrize("before", ["proposed", "approved"])
def test_a_draft_is_withdrawn_by_who_proposed_it_until_it_is_published(
    placet: Application, start: datetime, before: str
) -> None:
    with placet.database.transaction() as connection:
        draft = approvals.propose(connection, changed(in_force(placet, connection)), now=start, **BY_DACE)
        if before == "approved":
            approvals.approve(connection, draft.id, by=OSKARS, now=start)
        with pytest.raises(Denied):
            approvals.withdraw(connection, draft.id, by=ILZE, now=start)
        assert approvals.withdraw(connection, draft.id, by=DACE, now=start).state == "withdrawn"
        for again in (approvals.approve, approvals.withdraw):
            with pytest.raises(Conflict):
                again(connection, draft.id, by=DACE if again is approvals.withdraw else OSKARS, now=start)


def test_a_refusal_keeps_its_reason_and_the_same_catalogue_may_be_proposed_again(
    placet: Application, start: datetime
) -> None:
    with placet.database.transaction() as connection:
        new = changed(in_force(placet, connection))
        draft = approvals.propose(connection, new, now=start, **BY_DACE)
        with pytest.raises(Conflict):
            approvals.propose(connection, new, now=start, why="again", by=ILZE)
        with pytest.raises(BadInput):
            approvals.refuse(connection, draft.id, reason="x" * 501, by=OSKARS, now=start)
        refused = approvals.refuse(connection, draft.id, reason="  too\n long ", by=OSKARS, now=start)
        assert (refused.state, refused.steps[-1].reason) == ("refused", "too long")
        assert approvals.propose(connection, new, now=start, why="again", by=DACE).is_open


def test_what_the_lint_refuses_cannot_be_approved(placet: Application, start: datetime) -> None:
    with placet.database.transaction() as connection:
        document = json.loads(in_force(placet, connection).document)
        document["purposes"][0]["retention"]["days"] = 31
        wrong = frozen(jcs.canonical(document))
        draft = approvals.propose(connection, wrong, now=start, **BY_DACE)
        with pytest.raises(Unpublishable) as caught:
            approvals.approve(connection, draft.id, by=OSKARS, now=start)
        assert {finding.code for finding in caught.value.findings} == {"same-version"}


def test_the_catalogue_in_force_is_no_draft_and_an_unknown_one_is_not_found(
    placet: Application, start: datetime
) -> None:
    with placet.database.transaction() as connection:
        with pytest.raises(Conflict):
            approvals.propose(connection, in_force(placet, connection), now=start, **BY_DACE)
        with pytest.raises(NotFound):
            approvals.approve(connection, uuid4(), by=DACE, now=start)


def test_steps_are_never_changed_or_deleted(placet: Application, start: datetime) -> None:
    with placet.database.transaction() as connection:
        draft = approvals.propose(connection, changed(in_force(placet, connection)), now=start, **BY_DACE)
        approvals.approve(connection, draft.id, by=OSKARS, now=start)
    for statement in ("DELETE FROM catalogue.draft_step", "UPDATE catalogue.draft SET why = 'else'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), placet.database.transaction() as connection:
            connection.execute(statement)


def test_words_are_compared_word_by_word() -> None:
    assert words("We keep it for 30 days.", "We keep it for 31 days.") == (
        Piece("same", "We keep it for "),
        Piece("gone", "30"),
        Piece("new", "31"),
        Piece("same", " days."),
    )
    assert words("a b", "a b") == (Piece("same", "a b"),)
    assert words("", "new") == (Piece("new", "new"),)
    # Two words that changed side by side are one change.
    assert words("one two three", "uno due three")[:2] == (Piece("gone", "one two"), Piece("new", "uno due"))


def test_both_sides_of_a_comparison_give_their_texts_back() -> None:
    old, new = "Mēs glabājam līdz 30 dienām.", "Glabājam tikai 14 dienas, ne vairāk."
    found = words(old, new)
    assert "".join(piece.text for piece in found if piece.kind != "new") == old
    assert "".join(piece.text for piece in found if piece.kind != "gone") == new


def test_catalogues_are_compared_purpose_by_purpose(amigo: Catalogue) -> None:
    found = {each.purpose: each for each in compare(amigo, changed(amigo, days=31), "en")}
    assert [purpose for purpose, each in found.items() if each.is_changed] == ["offers"]
    (fact,) = found["offers"].facts  # type: ignore[index]
    assert (fact.name, fact.before, fact.after) == (
        "retention",
        "30 days after the consent was withdrawn",
        "31 days after the consent was withdrawn",
    )
    assert len(found) == len(amigo.purposes)


def test_a_packed_catalogue_comes_back_as_it_was(amigo: Catalogue, acme: Catalogue) -> None:
    for catalogue in (amigo, acme):
        packed = archive.pack(catalogue)
        assert packed == archive.pack(catalogue)
        assert archive.assemble(archive.unpack(packed), onto=None) == catalogue
