"""The usual way to answer a check: FastAPI on uvicorn, with the consents in a dictionary."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
_given = dict.fromkeys(Path(os.environ["PEER_SUBJECTS"]).read_text().split(), True)


class CheckIn(BaseModel):
    subject: str
    activity: str
    channel: str | None = None


@app.post("/v1/check")
async def check(sent: CheckIn) -> dict[str, object]:
    return {"allowed": _given.get(sent.subject, False), "reason": "consent"}
