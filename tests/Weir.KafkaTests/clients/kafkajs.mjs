// kafkajs as the tests ask for it; the commands are those of KafkaClient.cs, their options name=value.
import { readFileSync } from 'node:fs'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import { administer, batches, Expected, options, run, stopped, tell, tellRecord, topic } from './program.mjs'

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = snappy

const kafka = options.servers && new Kafka({
  clientId: 'kafkajs',
  brokers: [options.servers],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 100 }
})

// A producer that gives up is asked again, which ids make harmless; an idempotent one would send under new numbers.
async function sendUntilTaken (send) {
  for (let left = 20; ; left--) {
    try {
      return await send()
    } catch (error) {
      console.error(error.message)
      if (left === 0 || options.idempotent === 'true') throw error
    }
  }
}

async function produce () {
  const producer = kafka.producer({ idempotent: options.idempotent === 'true', maxInFlightRequests: 1, allowAutoTopicCreation: false })
  await producer.connect()
  const codecs = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy }
  for await (const messages of batches()) {
    for (const told of await sendUntilTaken(() => producer.send({ topic, messages, acks: -1, compression: codecs[options.codec ?? 'none'] }))) {
      tell({ acknowledged: Number(told.baseOffset), partition: told.partition })
    }
  }
  await producer.disconnect()
}

// It reads as a member of a group or not at all: a group of its own, which begins where it is told.
async function read (from) {
  const consumer = kafka.consumer({ groupId: `reader-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 100, sessionTimeout: 6000 })
  const expected = new Expected()
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      tellRecord(partition, message.offset, message.key, message.value)
      expected.saw()
    }
  })
  for (const one of from) consumer.seek({ topic, partition: one.partition, offset: one.offset })
  await expected.all
}

async function since () {
  const admin = kafka.admin()
  await admin.connect()
  await read(await admin.fetchTopicOffsetsByTimestamp(topic, Number(options.since)))
}

async function member () {
  const consumer = kafka.consumer({ groupId: options.group, sessionTimeout: 1500, rebalanceTimeout: 3000, heartbeatInterval: 300, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, heartbeat, isRunning, isStale }) => {
      for (const message of batch.messages) {
        if (!isRunning() || isStale()) return
        tellRecord(batch.partition, message.offset, message.key, message.value)
        const next = Number(message.offset) + 1
        await consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(next) }])
        tell({ partition: batch.partition, committed: next })
        await heartbeat()
      }
    }
  })
  await stopped
  await consumer.disconnect()
}

async function admin () {
  const admin = kafka.admin({ retry: { retries: 1 } })
  await admin.connect()
  await administer({
    create: async (topic, partitions) => {
      if (!await admin.createTopics({ topics: [{ topic, numPartitions: Number(partitions), replicationFactor: 1 }] })) throw new Error('There is such a topic.')
    },
    delete: topic => admin.deleteTopics({ topics: [topic] }),
    partitions: (topic, count) => admin.createPartitions({ topicPartitions: [{ topic, count: Number(count) }] }),
    configs: async topic => {
      const told = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] })
      return Object.fromEntries(told.resources[0].configEntries.map(entry => [entry.configName, entry.configValue]))
    },
    groups: async () => (await admin.listGroups()).groups.map(group => group.groupId),
    group: async group => (await admin.describeGroups([group])).groups[0].state,
    forget: async group => { await admin.deleteGroups([group]) }
  })
}

const version = () => console.log(JSON.parse(readFileSync(new URL('./node_modules/kafkajs/package.json', import.meta.url))).version)

await run({ version, produce, consume: () => read([]), since, member, admin })
