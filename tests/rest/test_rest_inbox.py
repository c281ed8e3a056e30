"""The operator's app reads a person's inbox, page by page, and tells what was read."""

from __future__ import annotations

from uuid import uuid4

from rest_support import Api, put_in_inbox, refused

from placet.bootstrap import Application


def test_inbox_comes_in_pages_that_miss_and_repeat_nothing(api: Api, placet: Application, phone: str) -> None:
    anna = api.person(phone)
    for title in "abcde":
        put_in_inbox(placet, anna, title)
    path: str | None = f"/v1/subjects/{anna}/inbox?limit=2"
    seen = []
    while path is not None:
        page = api.get(path).json()
        seen += [item["title"] for item in page["items"]]
        path = page["next"]
    assert seen == list("edcba")
    item = api.get(f"/v1/subjects/{anna}/inbox").json()["items"][0]
    assert (item["paragraphs"], item["kind"], item["read_at"]) == (["One.", "Two."], "offer", None)
    assert item["stop"].startswith(f"{placet.config.url}/u/")


def test_what_was_read_is_read_once_and_by_nobody_else(api: Api, placet: Application, phone: str) -> None:
    anna, berta = api.person(phone), api.person(f"+3716{phone[5:]}")
    put_in_inbox(placet, anna, "spring")
    (item,) = api.get(f"/v1/subjects/{anna}/inbox").json()["items"]
    path = f"/v1/subjects/{anna}/inbox/{item['message']}/read"
    refused(api.post(path.replace(anna, berta), None), 404, "unknown-message")
    refused(api.post(path.replace(item["message"], str(uuid4())), None), 404, "unknown-message")
    for _ in range(2):
        assert api.post(path, None).status_code == 204
    page = api.get(f"/v1/subjects/{anna}/inbox").json()
    assert page["unread"] == 0
    assert page["items"][0]["read_at"] is not None
    assert api.get(f"/v1/subjects/{berta}/inbox").json() == {"items": [], "unread": 0, "next": None}
