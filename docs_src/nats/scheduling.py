from datetime import datetime, timedelta, timezone

from anystream.nats import JStream, NatsBroker, Schedule

broker = NatsBroker("nats://localhost:4222")
stream = JStream("DOCS_REMINDERS", subjects=["docs.plan.*"], allow_msg_schedules=True)
reminded: list[str] = []


@broker.subscriber("docs.reminders", stream=stream)
async def remind(text: str) -> None:
    reminded.append(text)


async def plan(text: str, seconds: float) -> None:
    """The stream keeps it under a subject of its own, and delivers it to the target in time."""
    due = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    await broker.publish(
        text,
        "docs.plan.one",
        stream="DOCS_REMINDERS",
        schedule=Schedule(due, "docs.reminders"),
    )
