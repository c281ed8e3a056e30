"""A customer says where letters go, corrects it, and has it forgotten; it stands among what is held."""

from __future__ import annotations

from portal_visitor import Visitor

ACTION = "/data/correct/address"


def test_address_is_saved_shown_and_forgotten(guest: Visitor) -> None:
    guest.go("/data/correct")
    home = {"street": " Brīvības  iela 1 ", "place": "Rīga", "country": "lv"}
    assert guest.send(ACTION, postcode="12", **home).status_code == 400
    assert "This is not an address that a letter finds." in guest.words
    assert guest.send(ACTION, postcode="1010", **home).status_code == 200
    assert "Your address is saved." in guest.words
    assert 'value="LV-1010"' in guest.text
    guest.go("/data")
    assert "Brīvības iela 1, Rīga, LV-1010" in guest.words
    guest.go("/data/correct")
    guest.send(ACTION, street="", place="", postcode="", country="LV")
    assert "We know no address of yours any more." in guest.words
    guest.go("/data")
    assert "Brīvības" not in guest.words
