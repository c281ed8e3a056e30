"""
A sender in a process of its own, with a letter and a text of its own: to be killed here, and to be measured in bench.
`python sender.py SAID`: it prints `ready` when everything is there, and sends until SIGTERM.

Its clock is *ahead* of ours: offers may not be sent at night, and tests run then.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import attrs

from placet.config import Config

_PARAGRAPH = "Pavasara piedāvājums: {{ number }} gigabaiti mēnesī par to pašu cenu, ja pieteiksieties līdz maijam."
_MJML = """<mjml><mj-body><mj-section><mj-column>%s
<mj-button href="https://amigo.lv/pavasaris">Pieteikties</mj-button>
<mj-text><a href="{{ stop_link }}">Atteikties</a></mj-text></mj-column></mj-section></mj-body></mjml>"""


@attrs.frozen
class Sending:
    """A sender that runs."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        """As kill -9 does."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def sending(config: Config, at: datetime) -> Iterator[Sending]:
    """A sender that looks at the queue of *config* from now on, for which it is *at* now; ended if it still runs."""
    settings = {name: str(value) for name, value in attrs.asdict(config).items() if value is not None}
    said = json.dumps({"settings": settings, "ahead": (at - datetime.now(at.tzinfo)).total_seconds()})
    process = subprocess.Popen([sys.executable, __file__, said], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the sender did not start"
        yield Sending(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _main(settings: Mapping[str, str], ahead: float) -> None:
    # Here, since the processes that sign import this module again, and need none of these.
    from placet.bootstrap import build
    from placet.delivery import channels, letters, sms
    from placet.delivery.answers import Answers
    from placet.delivery.model import Kind
    from placet.delivery.sending import Sender
    from placet.kernel import clock

    def now() -> datetime:
        return clock.now() + timedelta(seconds=ahead)

    paragraphs = "".join(f"<mj-text>{_PARAGRAPH.replace('{{ number }}', str(number))}</mj-text>" for number in range(8))
    text = _PARAGRAPH.replace("{{ number }}", "20")
    source = letters.Source("Pavasara piedāvājums", f"{text}\n\nAtteikties: {{{{ stop_link }}}}\n", _MJML % paragraphs)
    languages = ("lv", "ru", "en")
    mails = letters.publish(dict.fromkeys(languages, source), kind=Kind.OFFER, declared=set())
    texts = sms.publish_folded(dict.fromkeys(languages, text), declared=set())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    application = build(Config(**settings))  # type: ignore[arg-type]
    answers = Answers(application.database, application.delivery, application.rulebook, now)
    config, master = application.config, application.master
    made = (
        channels.email(config, master, lambda _template, language: mails[language], clock=now),
        channels.sms(
            config,
            lambda _template, language: texts[language],
            clock=now,
            on_receipt=answers.receipt,
            on_reply=answers.reply,
        ),
    )
    print("ready", flush=True)
    sender = Sender(application.database, application.delivery, [channel for channel in made if channel is not None])
    sender.follow(stop, now)
    application.close()


if __name__ == "__main__":
    _main(**json.loads(sys.argv[1]))
