"""What somebody took part in is shown to them: by when their consent held, and never by what their phone did (M4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from portal_visitor import Visitor, newcomer, represent

from mobility.faces.atlas_town import released
from placet.bootstrap import Application
from placet.kernel import clock
from placet.kernel.ids import StaffId
from placet.subjects.model import Subject

Visit = Callable[..., Visitor]
SOMEBODY = StaffId(uuid4())


def this_month(demo: Application) -> str:
    return f"{clock.now().astimezone(demo.mobility.zone):%Y-%m}"


def test_a_month_is_shown_to_whose_consent_covered_it_and_to_nobody_else(
    demo: Application, guest: Visitor, visit: Visit
) -> None:
    newcomer(demo, "+37120000002")
    guest.go("/")
    guest.answer("mobility", "given")
    month = this_month(demo)
    released(demo, month, made_at=clock.now() + timedelta(seconds=1), public_by=SOMEBODY)
    released(demo, "2024-02", made_at=clock.now() + timedelta(seconds=1), public_by=SOMEBODY)
    released(demo, f"{month}-2", made_at=clock.now() + timedelta(seconds=1))
    guest.go("/mobility")
    assert f'href="/atlas/{month}"' in guest.text
    # Not the month before the consent, and not what nobody has made public.
    assert "/atlas/2024-02" not in guest.text
    assert f"/atlas/{month}-2" not in guest.text
    # About 77 000 took part: two figures of a noisy number.
    assert "About 77,000 people together" in guest.words

    other = visit()
    other.sign_in("+371 20 000 002")
    other.go("/mobility")
    assert "No month has been published yet that your yes covered" in other.words
    assert "/atlas/2" not in other.text


def test_a_month_counted_after_a_withdrawal_is_not_among_them(demo: Application, guest: Visitor) -> None:
    guest.go("/")
    guest.answer("mobility", "given")
    guest.go("/")
    assert "What you took part in" in guest.words
    guest.answer("mobility", "withdrawn")
    released(demo, this_month(demo), made_at=clock.now() + timedelta(seconds=1), public_by=SOMEBODY)
    guest.go("/mobility")
    assert "No month has been published yet that your yes covered" in guest.words
    assert "Nothing else changes" in guest.words


def test_a_representative_sees_it_only_with_the_purpose_in_their_mandate(
    demo: Application, guest: Visitor, anna: Subject
) -> None:
    child = newcomer(demo, "+37120000003", name="Oto")
    mandate = represent(demo, anna, child, kind="power-of-attorney", purposes=("usage",))
    guest.go("/people")
    guest.send(f"/people/{mandate.id}/decide")
    assert guest.go("/mobility").status_code == 404
