"""Sanic with the metrics mounted, on its own server: `python -m … PORT`."""

import sys

from tests.observability.test_metrics_in_hosts import mounted

if __name__ == "__main__":
    mounted("sanic").run(
        "127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False, motd=False
    )
