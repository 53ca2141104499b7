"""Tells of a Parquet file, as pyarrow reads it: its rows and types. One line of JSON."""

import json
import sys

import pyarrow.parquet as pq

file = pq.ParquetFile(sys.argv[1])
table = file.read()
rows = table.select(["id", "occurred_at", "metadata", "resources", "description"]).to_pylist()
print(
    json.dumps(
        {
            "rows": table.num_rows,
            "row_groups": file.metadata.num_row_groups,
            "types": {field.name: str(field.type) for field in table.schema},
            "events": [
                {
                    "id": row["id"],
                    "occurred_at": row["occurred_at"].isoformat(timespec="microseconds"),
                    "metadata": dict(row["metadata"]),
                    "resource_ids": [resource["id"] for resource in row["resources"]],
                    "description": row["description"],
                }
                for row in rows
            ],
        }
    )
)
