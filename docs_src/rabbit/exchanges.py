from anystream.core import Path
from anystream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue

broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
handled: list[tuple[str, str]] = []

logs = RabbitExchange("docs.logs", ExchangeType.TOPIC)
reports = RabbitExchange("docs.reports", ExchangeType.HEADERS)
copies = RabbitExchange("docs.copies", ExchangeType.FANOUT, bind_to=logs, routing_key="#")


@broker.subscriber(RabbitQueue("docs.errors", routing_key="logs.{service}.error"), logs)
async def error(text: str, service: str = Path()) -> None:
    handled.append((service, text))


@broker.subscriber("docs.everything", copies)
async def everything(text: str) -> None:
    handled.append(("everything", text))


@broker.subscriber(
    RabbitQueue("docs.pdf", bind_arguments={"x-match": "all", "format": "pdf"}), reports
)
async def pdf(text: str) -> None:
    handled.append(("pdf", text))


async def main() -> None:
    await broker.publish("disk full", routing_key="logs.shop.error", exchange=logs)
    await broker.publish("sales", exchange=reports, headers={"format": "pdf"})
