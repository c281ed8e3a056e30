"""`placet offers surveys`: which surveys there are, where each stands, what was answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click
from rich.table import Table

from placet.bootstrap import Application
from placet.consents.shares import Release, Share, released, rounded
from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.interfaces.cli.members import member, member_option
from placet.kernel import clock
from placet.kernel.periods import format_instant
from placet.purposes.offers.surveys import authoring, results, store
from placet.purposes.offers.surveys.model import State, Survey, SurveyId
from placet.purposes.offers.surveys.results import Result, Results

_survey = click.argument("survey", type=click.UUID)


@click.group("surveys")
def surveys_group() -> None:
    """Surveys: written and opened in the console, by two persons."""


@surveys_group.command("list")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="The newest so many.")
@json_option
@reported
def list_command(state: str | None, limit: int, as_json: bool) -> None:
    """The newest surveys."""
    with open_application() as application, application.database.transaction() as connection:
        found = store.newest(connection, state=None if state is None else State(state), limit=limit)
    if as_json:
        print_json([_shape(survey) for survey in found])
        return
    for survey in found:
        whose = "anonymous" if survey.plan.anonymous else "named"
        out.print(f"{survey.id}  {survey.state:<9} {whose:<9} {survey.title}", markup=False)


@surveys_group.command("show")
@_survey
@json_option
@reported
def show_command(survey: UUID, as_json: bool) -> None:
    """Where SURVEY stands, who took which step, and how many were invited."""
    with open_application() as application, application.database.transaction() as connection:
        found = store.get(connection, SurveyId(survey))
        steps = [
            {"what": step.what, "by": step.by, "at": format_instant(step.at), "reason": step.reason}
            for step in store.steps(connection, found.id)
        ]
        invited = [
            {"channel": count.key.rpartition("/")[2], "state": count.state, "reason": count.reason, "count": count.many}
            for count in application.offers.surveys.inviting.counts(connection, found)
        ]
    if as_json:
        print_json(_shape(found) | {"steps": steps, "invitations": invited})
        return
    out.print(f"{found.title}: {found.state}, {len(found.form.questions)} questions", markup=False)
    for step in steps:
        out.print(f"  {step['at']}  {step['what']}", markup=False)
    for each in invited:
        out.print(f"  {each['channel']}: {each['count']} {each['state']} {each['reason'] or ''}".rstrip(), markup=False)


@surveys_group.command("results")
@_survey
@json_option
@reported
def results_command(survey: UUID, as_json: bool) -> None:
    """What was answered to SURVEY: counts rounded to tens, and nothing of fewer than ten."""
    with open_application() as application:
        found, counted = _counted(application, SurveyId(survey))
    if as_json:
        print_json(_results(found, counted))
        return
    if not results.is_told(found.plan, counted):
        out.print("fewer than ten have answered; nothing is told yet")
        return
    for each in counted.results:
        out.print(f"\n{each.question.titles['en']}", markup=False)
        table = Table("answer", "chosen", "share")
        for value in each.question.values:
            shape = _share(each, value, rounded)
            table.add_row(each.question.title_of(value, "en"), _text(shape["chosen"]), _text(shape["share"]))
        out.print(table)


@surveys_group.command("close")
@_survey
@member_option
@json_option
@reported
def close_command(survey: UUID, login: str, as_json: bool) -> None:
    """Take no more answers to SURVEY, and send no more invitations."""
    with open_application() as application, application.database.transaction() as connection:
        by = member(connection, login)
        closed = authoring.close(connection, SurveyId(survey), by=by, now=clock.now())
    if as_json:
        print_json(_shape(closed))
    else:
        out.print(f"{closed.title}: {closed.state}", markup=False)


def _counted(application: Application, id: SurveyId) -> tuple[Survey, Results]:
    with application.database.transaction() as connection:
        survey = store.get(connection, id)
        return survey, application.offers.surveys.results(connection, survey)


def _shape(survey: Survey) -> dict[str, Any]:
    plan = survey.plan
    return {
        "id": survey.id,
        "title": survey.form.titles,
        "state": survey.state,
        "anonymous": plan.anonymous,
        "topic": plan.topic,
        "channels": plan.channels,
        "most": plan.most,
        "questions": len(survey.form.questions),
        "closes_at": None if plan.closes_at is None else format_instant(plan.closes_at),
        "invited_at": None if survey.invited_at is None else format_instant(survey.invited_at),
    }


def _results(survey: Survey, counted: Results) -> dict[str, Any]:
    told = results.is_told(survey.plan, counted)
    return {
        "id": survey.id,
        "anonymous": survey.plan.anonymous,
        "sent": _count(counted.sent, rounded),
        "questions": [_question(each, rounded) for each in counted.results] if told else [],
    }


def _question(result: Result, release: Release) -> dict[str, Any]:
    return {
        "id": result.question.id,
        "kind": result.question.kind,
        "title": result.question.titles,
        "asked": _count(result.asked, release),
        "answered": _count(result.answered, release),
        "mean": result.mean,
        "answers": [{"answer": value, **_share(result, value, release)} for value in result.question.values],
    }


def _share(result: Result, value: str, release: Release) -> dict[str, Any]:
    """What may be told of an answer; null where it is too few."""
    share: Share | None = released(result.share(value), release)
    interval = None if share is None else share.interval
    return {
        "chosen": _count(result.share(value).part, release),
        "share": None if share is None else share.value,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
    }


def _count(count: int, release: Release) -> int | None:
    told = release(count)
    return None if told.is_small else told.shown


def _text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0%}" if isinstance(value, float) else str(value)
