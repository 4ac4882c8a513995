"""R: a real application on the embedded broker, inside the host."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause

MANY = 20


def publish(run: ServerProcess) -> None:
    demand_equal(run.get("/user/publish-order").json(), {"result": "published"}, "answer")


@clause("R01", "What a handler publishes is consumed in the same process.", scenario="traffic")
def published_and_consumed(run: ServerProcess) -> None:
    publish(run)
    run.until_event("order.handled")
    handled = run.timeline().first("order.handled")
    demand_equal(handled.details["order"], {"number": 7, "item": "tea"}, "order")
    pids = {entry.pid for entry in run.timeline().all("request", action="publish-order")}
    demand(handled.pid in pids, "another process handled it")


@clause("R02", "What a subscriber publishes is consumed as well.", scenario="traffic")
def published_by_a_subscriber(run: ServerProcess) -> None:
    publish(run)
    run.until_event("invoice.stored")
    demand_equal(run.timeline().first("invoice.stored").details["number"], 7, "invoice")


@clause("R03", "Every message of many requests at once is consumed once.", scenario="traffic")
def many_at_once(run: ServerProcess) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(lambda _: publish(run), range(MANY)))
    wanted = len(run.timeline().all("request", action="publish-order"))
    run.until(lambda: len(run.timeline().all("invoice.stored")) >= wanted, f"{wanted} invoices")
    demand_equal(len(run.timeline().all("invoice.stored")), wanted, "invoices")


@clause("R04", "Subscribers run in the event loop of the handlers.", scenario="traffic")
def one_loop(run: ServerProcess) -> None:
    publish(run)
    run.until_event("order.handled")
    for worker in run.timeline().workers():
        loops = {entry.loop for entry in worker.all("order.handled") + worker.all("request")}
        demand(len(loops) <= 1, f"event loops: {loops}")
