"""Records audit events over HTTP with the standard library alone.

    DOCKET_URL=http://localhost:8080 DOCKET_KEY=dk_... python3 record.py acme

Prints the id of each event once Docket has it (HTTP 202: Kafka has it on all replicas that are in sync).
"""

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

ATTEMPTS_MAX = 8
TIMEOUT_S = 10
# The service's word for "later": too many requests, overload, or Kafka is away.
RETRIED_STATUS = {408, 425, 429, 500, 502, 503, 504}


class Refused(Exception):
    """Docket will not take these events however often they are sent: they, or the key, have to change."""


def record(events):
    """Sends up to 1,000 events. Returns their ids; raises Refused, or the last error when every attempt failed."""
    # Ids made here, once, make a retry harmless: what has arrived already is recognised.
    events = [{"id": str(uuid.uuid4()), **event} for event in events]
    body = json.dumps({"events": events}).encode()
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            return [result["id"] for result in post(body)["results"]]
        except urllib.error.HTTPError as error:
            if error.code not in RETRIED_STATUS:
                raise Refused(error.read().decode()) from error
            failure, retry_after = error, error.headers.get("Retry-After")
        except OSError as error:  # no connection, or it broke: the events may have arrived
            failure, retry_after = error, None
        if attempt == ATTEMPTS_MAX:
            raise failure
        time.sleep(wait_s(attempt, retry_after))


def post(body):
    request = urllib.request.Request(
        os.environ["DOCKET_URL"] + "/v1/events",
        data=body,
        headers={"Authorization": "Bearer " + os.environ["DOCKET_KEY"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return json.load(answer)


def wait_s(attempt, retry_after):
    """Full jitter: many clients that failed together do not come back together."""
    if retry_after is not None and retry_after.isdigit():
        return int(retry_after)
    return random.uniform(0, min(15, 0.5 * 2**attempt))


if __name__ == "__main__":
    tenant = sys.argv[1]
    ids = record(
        [
            {
                "tenant_id": tenant,
                "action": "document.shared",
                "category": "access",
                "operation": "update",
                "actor": {"type": "user", "id": "u_7", "name": "Zoë"},
                "resources": [{"type": "document", "id": "d_1", "name": "Plan"}],
                "source": {"service": "python-http"},
                "metadata": {"with": "u_9"},
            },
            {
                "tenant_id": tenant,
                "action": "user.login.failed",
                "category": "authentication",
                "outcome": "failure",
                "outcome_reason": "wrong password",
                "actor": {"type": "user", "id": "u_8"},
                "context": {"ip": "203.0.113.7"},
                "source": {"service": "python-http"},
            },
        ]
    )
    print("\n".join(ids))
