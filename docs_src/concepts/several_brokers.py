from anystream.core import FastStream
from anystream.memory import Bus, MemoryBroker

bus = Bus()  # brokers that share a bus reach each other's subscribers
orders = MemoryBroker(bus)
invoices = MemoryBroker(bus)
app = FastStream(orders, invoices)  # started in this order, stopped in reverse

stored: list[str] = []


@orders.subscriber("orders")
@invoices.publisher("invoices")
async def order(item: str) -> str:
    return f"invoice for {item}"


@invoices.subscriber("invoices")
async def store(text: str) -> None:
    stored.append(text)
