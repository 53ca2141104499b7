"""Tells what Python's standardwebhooks says of requests: a JSON array of {secret, headers, body (base64)} is read, a line for each written."""

import base64
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

for request in json.load(sys.stdin):
    try:
        Webhook(request["secret"]).verify(base64.b64decode(request["body"]), request["headers"])
        print("verified")
    except WebhookVerificationError as error:
        print(f"refused: {error}")
