"""Publishes audit events straight to Kafka with librdkafka and Avro.

    python3 -m pip install -r requirements.txt
    KAFKA_BROKERS=localhost:9092 SCHEMA_REGISTRY_URL=http://localhost:8081 python3 produce.py acme globex

Prints the id of each event once Kafka has it on all replicas that are in sync.
"""

import os
import sys
import uuid
from datetime import datetime, timezone

from confluent_kafka import SerializingProducer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import StringSerializer

TOPIC = os.environ.get("KAFKA_TOPIC", "audit.events")
FLUSH_TIMEOUT_S = 30

registry = SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY_URL"]})
producer = SerializingProducer(
    {
        "bootstrap.servers": os.environ["KAFKA_BROKERS"],
        # A tenant's log is one partition, chosen as Java does. librdkafka's own default is another hash: Docket finds such events
        # and moves them to where they belong, which costs a second write and their order.
        "partitioner": os.environ.get("PARTITIONER", "murmur2_random"),
        "acks": "all",
        "enable.idempotence": True,
        "compression.type": "lz4",
        "linger.ms": 5,
        "key.serializer": StringSerializer("utf_8"),
        # Docket registers the schema (docket migrate); a producer must not.
        "value.serializer": AvroSerializer(registry, conf={"auto.register.schemas": False, "use.latest.version": True}),
    }
)

failures = []


def record(event):
    """Queues one event. Fields that are left out get the schema's defaults."""

    def delivered(error, _message):
        if error is None:
            print(event["id"], flush=True)
        else:
            failures.append(error)

    # The key must be the tenant: it decides whose log this is.
    producer.produce(TOPIC, key=event["tenant_id"], value=event, on_delivery=delivered)
    producer.poll(0)


if __name__ == "__main__":
    for tenant in sys.argv[1:]:
        record(
            {
                "id": str(uuid.uuid4()),
                "tenant_id": tenant,
                "occurred_at": datetime.now(timezone.utc),
                "action": "report.exported",
                "category": "data",
                "operation": "read",
                "actor": {"type": "user", "id": "u_5", "name": "Ångström"},
                "resources": [{"type": "report", "id": "r_1"}],
                "source": {"service": "python-kafka"},
                "metadata": {"format": "csv"},
            }
        )
    left = producer.flush(FLUSH_TIMEOUT_S)
    if failures or left:
        sys.exit(f"{len(failures)} events were refused, {left} are not known to have arrived: {failures[:3]}")
