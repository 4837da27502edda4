"""confluent-kafka for Python as the tests ask for it; the commands are those of KafkaClient.cs, their options name=value."""
import json
import signal
import sys

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

options = dict(argument.split("=", 1) for argument in sys.argv[2:])
servers = {"bootstrap.servers": options.get("servers"), "reconnect.backoff.max.ms": 500}
topic = options.get("topic")
stopping = False


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)


def tell(**line):
    print(json.dumps(line), flush=True)


def tell_record(message):
    text = lambda data: None if data is None else data.decode()
    tell(partition=message.partition(), offset=message.offset(), key=text(message.key()), payload=text(message.value()))


def produce():
    producer = Producer(servers | {
        "acks": "all", "enable.idempotence": options.get("idempotent", "false"), "compression.type": options.get("codec", "none"),
        "partitioner": options.get("partitioner", "consistent_random"), "linger.ms": 20, "batch.num.messages": 50, "retry.backoff.ms": 50})
    failures = []

    def told(error, message):
        if error is not None:
            failures.append(error)
        else:
            tell(acknowledged=message.offset(), partition=message.partition())

    for line in sys.stdin:
        key, value = line.rstrip("\n").split("\t")
        producer.produce(topic, value.encode(), key.encode() if key else None, on_delivery=told)
        producer.poll(0)
    left = producer.flush(60)
    if failures or left:
        sys.exit(f"{len(failures)} failed, {left} unanswered: {failures[:3]}")


def read_to_end(consumer, start):
    """Reads every partition from where start says to its end."""
    consumer.assign(start)
    open_partitions = {one.partition for one in start}
    while open_partitions:
        message = consumer.poll(10)
        if message is None:
            sys.exit(f"nothing came for 10 s, partitions {open_partitions} have not ended")
        if message.error() is None:
            tell_record(message)
        elif message.error().code() == KafkaError._PARTITION_EOF:
            open_partitions.discard(message.partition())
        else:
            raise KafkaException(message.error())
    consumer.close()


def reader():
    return Consumer(servers | {"group.id": "reader", "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100})


def partitions_of(consumer):
    return sorted(consumer.list_topics(topic, 10).topics[topic].partitions)


def consume():
    consumer = reader()
    read_to_end(consumer, [TopicPartition(topic, partition, confluent_kafka.OFFSET_BEGINNING) for partition in partitions_of(consumer)])


def since():
    consumer = reader()
    wanted = [TopicPartition(topic, partition, int(options["since"])) for partition in partitions_of(consumer)]
    read_to_end(consumer, consumer.offsets_for_times(wanted, 10))


def member():
    consumer = Consumer(servers | {
        "group.id": options["group"], "auto.offset.reset": "earliest", "enable.auto.commit": False, "session.timeout.ms": 1500, "heartbeat.interval.ms": 300,
        "partition.assignment.strategy": options.get("assignor", "range"), "fetch.wait.max.ms": 100})
    consumer.subscribe([topic])
    while not stopping:
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            print(message.error(), file=sys.stderr)
            continue
        tell_record(message)
        try:
            for one in consumer.commit(message, asynchronous=False):
                if one.error is None:
                    tell(partition=one.partition, committed=one.offset)
        except KafkaException as error:
            print(error, file=sys.stderr)
    try:
        # What was refused above, during a rebalance, is still to be committed.
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        print(error, file=sys.stderr)
    consumer.close()


def administer():
    from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic
    admin = AdminClient(servers)
    result = lambda futures: next(iter(futures.values())).result(30)
    steps = {
        "create": lambda name, partitions: result(admin.create_topics([NewTopic(name, int(partitions), 1)])) or "",
        "delete": lambda name: result(admin.delete_topics([name])) or "",
        "partitions": lambda name, count: result(admin.create_partitions([NewPartitions(name, int(count))])) or "",
        "configs": lambda name: {entry.name: entry.value for entry in result(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name)])).values()},
        "groups": lambda: [group.id for group in admin.list_groups(timeout=10)],
        "group": lambda name: admin.list_groups(name, 10)[0].state,
    }
    for line in iter(sys.stdin.readline, ""):
        step, *rest = line.split()
        try:
            tell(step=step, answer=steps[step](*rest))
        except KafkaException as error:
            tell(step=step, error=error.args[0].str())


def version():
    print(f"{confluent_kafka.version()[0]}, librdkafka {confluent_kafka.libversion()[0]}")


{"version": version, "produce": produce, "consume": consume, "since": since, "member": member, "admin": administer}[sys.argv[1]]()
