"""kafka-python as the tests ask for it; the commands are those of KafkaClient.cs, their options name=value."""
import json
import signal
import sys

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

options = dict(argument.split("=", 1) for argument in sys.argv[2:])
servers = options.get("servers")
topic = options.get("topic")
stopping = False


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)


def tell(**line):
    print(json.dumps(line), flush=True)


def tell_record(message):
    # A marker, which this client takes for a message, has bytes that are no text in its key.
    text = lambda data: None if data is None else data.decode("latin-1")
    tell(partition=message.partition, offset=message.offset, key=text(message.key), payload=text(message.value))


def produce():
    codec = options.get("codec", "none")
    producer = KafkaProducer(
        bootstrap_servers=servers, acks="all", compression_type=None if codec == "none" else codec, retries=1000, retry_backoff_ms=50,
        max_in_flight_requests_per_connection=1, linger_ms=20, batch_size=4096, reconnect_backoff_max_ms=500, request_timeout_ms=30000)
    sent = []
    for line in sys.stdin:
        key, value = line.rstrip("\n").split("\t")
        one = producer.send(topic, value.encode(), key.encode() if key else None)
        one.add_callback(lambda told: tell(acknowledged=told.offset, partition=told.partition))
        sent.append(one)
    producer.flush(60)
    for one in sent:
        one.get(0)
    producer.close(10)


def reader():
    consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, fetch_max_wait_ms=100)
    partitions = [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(partitions)
    return consumer, partitions


def read_to_end(consumer, partitions):
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(one) < ends[one] for one in partitions):
        for messages in consumer.poll(1000).values():
            for message in messages:
                tell_record(message)
    consumer.close()


def consume():
    consumer, partitions = reader()
    consumer.seek_to_beginning(*partitions)
    read_to_end(consumer, partitions)


def since():
    consumer, partitions = reader()
    found = consumer.offsets_for_times({one: int(options["since"]) for one in partitions})
    for one in partitions:
        if found[one] is None:
            consumer.seek_to_end(one)
        else:
            consumer.seek(one, found[one].offset)
    read_to_end(consumer, partitions)


def member():
    consumer = KafkaConsumer(
        topic, bootstrap_servers=servers, group_id=options["group"], auto_offset_reset="earliest", enable_auto_commit=False,
        session_timeout_ms=1500, heartbeat_interval_ms=300, fetch_max_wait_ms=100)
    while not stopping:
        for messages in consumer.poll(100).values():
            for message in messages:
                tell_record(message)
        try:
            # What poll gave before is covered: its position is behind it.
            positions = {one: kafka.OffsetAndMetadata(consumer.position(one), "") for one in consumer.assignment()}
            if positions:
                consumer.commit(positions)
                for one, position in positions.items():
                    tell(partition=one.partition, committed=position.offset)
        except KafkaError as error:
            print(error, file=sys.stderr)
    consumer.close(autocommit=False)


def administer():
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
    admin = KafkaAdminClient(bootstrap_servers=servers)

    def configs(name):
        told = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])[0].resources[0]
        return {entry[0]: entry[1] for entry in told[4]}

    def forget(name):
        error = admin.delete_consumer_groups([name])[0][1]
        if error is not kafka.errors.NoError:
            raise error
        return ""

    steps = {
        "create": lambda name, partitions: admin.create_topics([NewTopic(name, int(partitions), 1)]) and "",
        "delete": lambda name: admin.delete_topics([name]) and "",
        "partitions": lambda name, count: admin.create_partitions({name: NewPartitions(int(count))}) and "",
        "configs": configs,
        "groups": lambda: [group[0] for group in admin.list_consumer_groups()],
        "group": lambda name: admin.describe_consumer_groups([name])[0].state,
        "forget": forget,
    }
    for line in iter(sys.stdin.readline, ""):
        step, *rest = line.split()
        try:
            tell(step=step, answer=steps[step](*rest))
        except KafkaError as error:
            tell(step=step, error=str(error))
    admin.close()


def version():
    # What it compresses with comes from packages of their own.
    import lz4, snappy, zstandard
    print(kafka.__version__)


{"version": version, "produce": produce, "consume": consume, "since": since, "member": member, "admin": administer}[sys.argv[1]]()
