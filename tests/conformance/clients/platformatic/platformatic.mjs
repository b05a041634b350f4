// @platformatic/kafka. It reads only as a member of a group, so what reads here is one alone in a group of its own.
import { Admin, Consumer, MessagesStreamFallbackModes, MessagesStreamModes, Producer, compatibilityPartitioner } from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Refused, Unsupported, emit, serve, toBytes, toPairs, toText, within } from './contract.mjs'

const TOPIC = 2 // The type of a config resource.
const INCREMENTAL = { set: 0, delete: 1 }
const base = { clientId: 'conformance', bootstrapBrokers: [process.argv[2]], retries: 3, retryDelay: 50, metadataMaxAge: 1000, autocreateTopics: false }
const admin = new Admin(base)

// The number is in one of the errors that an error wraps.
function refuse (error) {
  const pending = [error]
  while (pending.length > 0) {
    const inner = pending.shift()
    if (typeof inner.apiCode === 'number') return new Refused(inner.apiCode, `${inner.name}: ${inner.message}`)
    pending.push(...(inner.errors ?? []), ...(inner.cause ? [inner.cause] : []))
  }
  return new Refused(error.message.startsWith('Unknown topic') ? 3 : null, `${error.name}: ${error.message}`)
}

function toMessage (topic, one) {
  return {
    topic,
    key: toBytes(one.key) ?? undefined,
    value: toBytes(one.value) ?? undefined,
    headers: new Map(one.headers.map(([name, content]) => [Buffer.from(name), toBytes(content)])),
    ...(one.partition === null ? {} : { partition: one.partition }),
    ...(one.timestamp === null ? {} : { timestamp: BigInt(one.timestamp) })
  }
}

async function produce ({ topic, records, codec, acks, idempotent }) {
  const producer = new Producer({ ...base, idempotent, partitioner: compatibilityPartitioner })
  try {
    for (let i = 0; i < records.length; i += 5000) { // What is sent at once is one batch, which the broker limits.
      await producer.send({
        messages: records.slice(i, i + 5000).map(one => toMessage(topic, one)),
        acks: acks === 'all' ? -1 : Number(acks),
        ...(codec === 'none' ? {} : { compression: codec })
      })
    }
    return { offsets: null }
  } finally {
    await producer.close(true)
  }
}

function take (message) {
  return {
    partition: message.partition,
    offset: Number(message.offset),
    key: toText(message.key),
    value: toText(message.value),
    headers: message.headerEntries.map(([name, content]) => [name.toString(), toText(content)]),
    timestamp: Number(message.timestamp),
    append_time: null
  }
}

async function consume ({ topic, partition, start, count, reset, seconds }) {
  const consumer = new Consumer({ ...base, groupId: `reader-${randomUUID()}`, autocommit: false, maxWaitTime: 200, sessionTimeout: 10000, rebalanceTimeout: 10000, heartbeatInterval: 500 })
  try {
    const partitions = (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount
    const from = typeof start === 'number' ? start : (await offsetAt({ topic, partition, at: start.time ?? start })).offset
    const offsets = Array.from({ length: partitions }, (_, i) => ({ topic, partition: i, offset: i === partition ? BigInt(from) : 0n }))
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.MANUAL,
      fallbackMode: MessagesStreamFallbackModes[{ earliest: 'EARLIEST', latest: 'LATEST', error: 'FAIL' }[reset]],
      offsets
    })
    return { records: await within(seconds * 1000, readFrom(stream, partition, count), `${count} records`) }
  } finally {
    await consumer.close(true)
  }
}

async function readFrom (stream, partition, count) {
  const found = []
  for await (const message of stream) {
    if (message.partition === partition) found.push(take(message))
    if (found.length === count) return found
  }
}

async function member ({ group, topics, instance, session_ms: session, heartbeat_ms: heartbeat, assignor, protocol, reset }, stopped) {
  if (topics === null) throw new Unsupported('@platformatic/kafka subscribes by names only')
  const consumer = new Consumer({
    ...base,
    retries: 100,
    retryDelay: 200,
    groupId: group,
    autocommit: false,
    maxWaitTime: 200,
    sessionTimeout: session,
    rebalanceTimeout: Math.max(10000, session),
    heartbeatInterval: heartbeat,
    ...(assignor === 'range' ? {} : { protocols: [{ name: assignor, version: 1 }] }),
    ...(instance === null ? {} : { groupInstanceId: instance }),
    ...(protocol === 'consumer' ? { groupProtocol: 'consumer' } : {})
  })
  const ticking = setInterval(tellChanges(consumer), 50) // Not every change of the assignment is an event.
  const fallback = { earliest: MessagesStreamFallbackModes.EARLIEST, latest: MessagesStreamFallbackModes.LATEST }[reset]
  const stream = await consumer.consume({ topics, mode: MessagesStreamModes.COMMITTED, fallbackMode: fallback })
  const reading = follow(stream)
  await Promise.race([stopped, reading])
  clearInterval(ticking)
  await consumer.close(true)
}

function tellChanges (consumer) {
  let told = '[]'
  return () => {
    const partitions = toPairs(consumer.assignments ?? [])
    if (JSON.stringify(partitions) === told) return
    told = JSON.stringify(partitions)
    emit({ event: 'assignment', partitions })
  }
}

async function follow (stream) {
  for await (const message of stream) {
    emit({ event: 'records', topic: message.topic, records: [take(message)] })
    await message.commit()
  }
}

const resource = (topic, configs) => ({ resources: [{ resourceType: TOPIC, resourceName: topic, ...configs }] })

async function createTopic ({ topic, partitions, configs }) {
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: Object.entries(configs).map(([name, value]) => ({ name, value })) })
}

async function describeConfig ({ topic }) {
  const [{ configs }] = await admin.describeConfigs(resource(topic, {}))
  const defaultSource = 5
  return { configs: Object.fromEntries(configs.map(one => [one.name, { value: one.value, default: one.configSource === defaultSource }])) }
}

async function alterConfig ({ topic, set, unset }) {
  const configs = Object.entries(set).map(([name, value]) => ({ name, value, configOperation: INCREMENTAL.set }))
  configs.push(...unset.map(name => ({ name, value: null, configOperation: INCREMENTAL.delete })))
  await admin.incrementalAlterConfigs(resource(topic, { configs }))
}

async function offsetAt ({ topic, partition, at }) {
  const timestamp = { earliest: -2n, latest: -1n }[at] ?? BigInt(at)
  const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] })
  return { offset: Number(found.partitions[0].offset) }
}

async function describeGroup ({ group }) {
  const found = (await admin.describeGroups({ groups: [group] })).get(group)
  const members = [...found.members.values()].map(one => toPairs([...(one.assignments?.values() ?? [])]))
  return { state: found.state, members }
}

async function committed ({ group, topic }) {
  const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [group] })
  const here = topics.filter(one => one.name === topic)
  return { offsets: here.flatMap(one => one.partitions.map(place => [topic, place.partitionIndex, Number(place.committedOffset)])) }
}

async function alterOffsets ({ group, offsets }) {
  const partitionOffsets = offsets.map(([, partition, offset]) => ({ partition, offset: BigInt(offset) }))
  await admin.alterConsumerGroupOffsets({ groupId: group, topics: [{ name: offsets[0][0], partitionOffsets }] })
}

serve({
  hello: async () => ({ client: `@platformatic/kafka ${JSON.parse(readFileSync(new URL('node_modules/@platformatic/kafka/package.json', import.meta.url))).version}` }),
  produce,
  consume,
  member,
  create_topic: createTopic,
  describe_topic: async ({ topic }) => ({ partitions: (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount }),
  list_topics: async () => ({ topics: await admin.listTopics() }),
  describe_config: describeConfig,
  alter_config: alterConfig,
  delete_topic: async ({ topic }) => admin.deleteTopics({ topics: [topic] }),
  create_partitions: async ({ topic, total }) => admin.createPartitions({ topics: [{ name: topic, count: total, assignments: null }] }),
  delete_records: async ({ topic, partition, before }) => {
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }] })
  },
  offset_at: offsetAt,
  list_groups: async () => ({ groups: [...(await admin.listGroups({ types: ['classic', 'consumer'] })).keys()] }),
  describe_group: describeGroup,
  committed,
  alter_offsets: alterOffsets,
  delete_offsets: async ({ group, topic, partitions }) => {
    await admin.deleteConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionIndexes: partitions }] })
  },
  delete_group: async ({ group }) => admin.deleteGroups({ groups: [group] })
}, refuse)
