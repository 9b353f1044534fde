"""Reads the topic in the group `analytics`, beside Odograph: python consume.py [broker] [topic]"""

import sys

from kafka import KafkaConsumer

broker = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9092"
topic = sys.argv[2] if len(sys.argv) > 2 else "telematics"

consumer = KafkaConsumer(
    topic,
    bootstrap_servers=broker,
    group_id="analytics",
    auto_offset_reset="earliest",
)
try:
    for record in consumer:
        line = record.value.decode(errors="replace")
        print(f"partition {record.partition} offset {record.offset}: {line}", flush=True)
except KeyboardInterrupt:
    pass
finally:
    consumer.close()
