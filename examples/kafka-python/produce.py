"""Publishes the founding example's lines: python produce.py [broker] [topic]"""

import sys

from kafka import KafkaProducer

LINES = [
    "ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977",
    "ID-203216 60 5-15-2015 00:08:13 -74.006683,40.731781",
]

broker = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9092"
topic = sys.argv[2] if len(sys.argv) > 2 else "telematics"

producer = KafkaProducer(bootstrap_servers=broker)
for line in LINES:
    # Without a key a device's messages may spread over partitions; its facts come out the same. With
    # key=line.split()[0].encode() each device stays in one partition, which is less work for the sink.
    sent = producer.send(topic, line.encode()).get(timeout=30)
    print(f"partition {sent.partition} offset {sent.offset}: {line}")
producer.close()
