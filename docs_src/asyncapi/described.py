from pydantic import BaseModel, Field

from anystream.core import FastStream
from anystream.memory import MemoryBroker
from anystream.specification import AsyncAPI, Contact, ExternalDocs, License, Tag


class Order(BaseModel):
    item: str = Field(description="What is wanted.", examples=["tea"])
    quantity: int = Field(1, ge=1)


class Invoice(BaseModel):
    item: str
    total: float


broker = MemoryBroker(description="Inside the process", tags=["internal"])
about = AsyncAPI(
    title="Shop",
    version="1.2.0",
    description="Takes *orders*.",
    contact=Contact("Ops", email="ops@example.com"),
    license=License("MIT"),
    tags=[Tag("orders", external_docs=ExternalDocs("https://example.com/orders"))],
)
stream = FastStream(broker, specification=about)


@broker.subscriber("orders.{country}")
@broker.publisher("invoices", description="One for each order.")
async def make_invoice(order: Order) -> Invoice:
    """Turns an order into an invoice."""
    return Invoice(item=order.item, total=order.quantity * 4.5)


@broker.subscriber("audit", include_in_schema=False)
async def audit(body: bytes) -> None: ...
