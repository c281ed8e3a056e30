"""The usual way: FastAPI and SQLAlchemy, one row a commit. A decision is a row that says yes; nothing is proved."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import UUID, uuid4

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Decision(Base):
    __tablename__ = "peer_decision"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(index=True)
    purpose: Mapped[str]
    channel: Mapped[str | None]
    decision: Mapped[str]
    recorded_at: Mapped[datetime]


class DecisionIn(BaseModel):
    subject: str
    purpose: str
    decision: str
    channel: str | None = None
    shown: str | None = None


engine = create_engine(os.environ["PEER_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"), pool_size=32)
Base.metadata.create_all(engine)
app = FastAPI()


@app.post("/v1/decisions", status_code=201)
def record(sent: DecisionIn) -> dict[str, str]:
    with Session(engine) as session:
        id = uuid4()
        now = datetime.now(UTC)
        row = Decision(id=id, subject=sent.subject, purpose=sent.purpose, channel=sent.channel, decision=sent.decision)
        row.recorded_at = now
        session.add(row)
        session.commit()
    return {"record": str(id)}
