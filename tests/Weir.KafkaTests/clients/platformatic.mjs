// @platformatic/kafka as the tests ask for it; the commands are those of KafkaClient.cs, their options name=value.
import { readFileSync } from 'node:fs'
import { Admin, ConfigResourceTypes, Consumer, IncrementalAlterConfigOperationTypes, MessagesStreamFallbackModes, MessagesStreamModes, Producer, stringSerializers } from '@platformatic/kafka'
import { administer, batches, Expected, options, run, stopped, tell, tellRecord, topic } from './program.mjs'

const client = { clientId: 'platformatic', bootstrapBrokers: [options.servers], retries: 1200, retryDelay: 50 }

async function produce () {
  const producer = new Producer({ ...client, serializers: stringSerializers, idempotent: options.idempotent === 'true', autocreateTopics: false })
  for await (const messages of batches()) {
    const sent = messages.map(({ key, value }) => ({ topic, key: key ?? undefined, value }))
    const told = await producer.send({ messages: sent, acks: -1, compression: options.codec ?? 'none' })
    for (const one of told.offsets) tell({ acknowledged: Number(one.offset), partition: one.partition })
  }
  await producer.close()
}

const consumer = more => new Consumer({ ...client, maxWaitTime: 100, autocommit: false, ...more })

const reader = () => consumer({ groupId: `reader-${process.pid}-${Date.now()}` })

// It reads as a member of a group or not at all: a group of its own, which begins where it is told.
async function read (reader, from) {
  const expected = new Expected()
  const stream = await reader.consume({ topics: [topic], ...from })
  stream.on('data', message => {
    tellRecord(message.partition, message.offset, message.key, message.value)
    expected.saw()
  })
  await expected.all
}

async function since () {
  const one = reader()
  const latest = await one.listOffsets({ topics: [topic], timestamp: -1n })
  const found = await one.listOffsets({ topics: [topic], timestamp: BigInt(options.since) })
  const offsets = found.get(topic).map((offset, partition) => ({ topic, partition, offset: offset >= 0n ? offset : latest.get(topic)[partition] }))
  await read(one, { mode: MessagesStreamModes.MANUAL, offsets })
}

async function member () {
  const one = consumer({ groupId: options.group, sessionTimeout: 1500, rebalanceTimeout: 3000, heartbeatInterval: 300 })
  const stream = await one.consume({ topics: [topic], mode: MessagesStreamModes.COMMITTED, fallbackMode: MessagesStreamFallbackModes.EARLIEST })
  // What was refused, during a rebalance, is still to be committed.
  let refused = []
  stopped.then(() => Promise.allSettled(refused.map(message => message.commit()))).then(() => one.close(true)).then(() => process.exit(0))
  for await (const message of stream) {
    tellRecord(message.partition, message.offset, message.key, message.value)
    try {
      await message.commit()
      refused = refused.filter(earlier => earlier.partition !== message.partition)
      tell({ partition: message.partition, committed: Number(message.offset) + 1 })
    } catch (error) {
      console.error(error.message)
      refused = [...refused.filter(earlier => earlier.partition !== message.partition), message]
    }
  }
}

async function admin () {
  const admin = new Admin({ ...client, retries: 1 })
  const resource = name => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName: name })
  await administer({
    create: async (topic, partitions) => { await admin.createTopics({ topics: [topic], partitions: Number(partitions), replicas: 1 }) },
    delete: topic => admin.deleteTopics({ topics: [topic] }),
    partitions: (name, count) => admin.createPartitions({ topics: [{ name, count: Number(count), assignments: [] }] }),
    configs: async topic => {
      const told = await admin.describeConfigs({ resources: [resource(topic)] })
      return Object.fromEntries(told[0].configs.map(config => [config.name, config.value]))
    },
    alter: (topic, name, value) => admin.incrementalAlterConfigs({ resources: [{ ...resource(topic), configs: [{ name, configOperation: IncrementalAlterConfigOperationTypes.SET, value }] }] }),
    groups: async () => [...(await admin.listGroups()).keys()],
    group: async group => {
      const state = (await admin.describeGroups({ groups: [group] })).get(group).state
      return state[0] + state.slice(1).toLowerCase()
    },
    forget: group => admin.deleteGroups({ groups: [group] })
  })
}

const version = () => console.log(JSON.parse(readFileSync(new URL('./node_modules/@platformatic/kafka/package.json', import.meta.url))).version)

await run({ version, produce, consume: () => read(reader(), { mode: MessagesStreamModes.EARLIEST }), since, member, admin })
