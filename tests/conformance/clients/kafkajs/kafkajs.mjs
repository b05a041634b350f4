// kafkajs. It reads only as a member of a group, so what reads here seeks in a group of its own.
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import lz4 from 'lz4-napi'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import { Refused, Unsupported, emit, serve, toBytes, toPairs, toText, within } from './contract.mjs'

const { Kafka, CompressionTypes, CompressionCodecs, ConfigResourceTypes, Partitioners, PartitionAssigners, logLevel } = kafkajs

// kafkajs brings gzip only, and takes the other codecs as plug-ins.
CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: buffer => lz4.decompressFrame(buffer)
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => zlib.zstdCompressSync(encoder.buffer),
  decompress: async buffer => zlib.zstdDecompressSync(buffer)
})
const codecs = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }

// Few retries: an error that is told as one is what some scenarios wait for.
const kafka = new Kafka({
  brokers: [process.argv[2]],
  logLevel: logLevel.WARN,
  logCreator: () => ({ namespace, log }) => console.error(namespace, JSON.stringify(log)),
  retry: { retries: 3, initialRetryTime: 50 }
})
const admin = kafka.admin()
let adminConnected

async function connectedAdmin () {
  adminConnected ??= admin.connect()
  await adminConnected
  return admin
}

// The number is in one of the errors that an error wraps.
function refuse (error) {
  const inside = outer => outer.cause ?? outer.originalError ?? outer.errors?.[0] ?? outer.groups?.[0] ?? outer.partitions?.[0]?.error
  for (let inner = error; inner; inner = inside(inner)) {
    const code = typeof inner.code === 'number' ? inner.code : inner.errorCode
    if (typeof code === 'number' && code !== 0) return new Refused(code, `${inner.name}: ${error.message}`)
  }
  return new Refused(null, `${error.name}: ${error.message}`)
}

function toMessage (one) {
  const headers = {}
  for (const [name, content] of one.headers) {
    headers[name] = name in headers ? [headers[name], toBytes(content)].flat() : toBytes(content)
  }
  return {
    key: toBytes(one.key),
    value: toBytes(one.value),
    headers,
    ...(one.partition === null ? {} : { partition: one.partition }),
    ...(one.timestamp === null ? {} : { timestamp: String(one.timestamp) })
  }
}

async function produce ({ topic, records, codec, acks, idempotent }) {
  const producer = kafka.producer({ idempotent, allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  try {
    for (let i = 0; i < records.length; i += 5000) { // What is sent at once is one batch, which the broker limits.
      await producer.send({
        topic,
        acks: acks === 'all' ? -1 : Number(acks),
        compression: CompressionTypes[codecs[codec]],
        messages: records.slice(i, i + 5000).map(toMessage)
      })
    }
    return { offsets: null }
  } finally {
    await producer.disconnect()
  }
}

// Headers of one name are one array; their order among others is not kept.
function take (partition, message) {
  const headers = Object.entries(message.headers ?? {}).flatMap(([name, content]) => [content].flat().map(one => [name, toText(one)]))
  return {
    partition,
    offset: Number(message.offset),
    key: toText(message.key),
    value: toText(message.value),
    headers,
    timestamp: Number(message.timestamp),
    append_time: null
  }
}

async function firstOffset (topic, partition, start) {
  if (typeof start === 'number') return start
  return typeof start === 'string' ? -2 : (await offsetAt({ topic, partition, at: start.time })).offset
}

async function consume ({ topic, partition, start, count, reset, seconds }) {
  if (reset === 'error') throw new Unsupported('kafkajs always resets an offset that is out of range')
  const offset = await firstOffset(topic, partition, start)
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, allowAutoTopicCreation: false, sessionTimeout: 10000 })
  await consumer.connect()
  try {
    const found = []
    await consumer.subscribe({ topics: [topic], fromBeginning: reset === 'earliest' })
    const whole = new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          if (batch.partition !== partition) return
          found.push(...batch.messages.map(message => take(partition, message)))
          if (found.length >= count) resolve()
        }
      }).catch(reject)
    })
    if (offset >= 0) consumer.seek({ topic, partition, offset: String(offset) })
    await within(seconds * 1000, whole, `${count} records`)
    return { records: found.slice(0, count) }
  } finally {
    await consumer.disconnect()
  }
}

async function member ({ group, topics, pattern, instance, session_ms: session, heartbeat_ms: heartbeat, assignor, protocol, reset }, stopped) {
  if (protocol === 'consumer') throw new Unsupported('kafkajs has only the classic group protocol')
  if (instance !== null) throw new Unsupported('kafkajs has no static members')
  if (assignor !== 'range') throw new Unsupported('kafkajs has no cooperative assignor')
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: session,
    rebalanceTimeout: 10000,
    heartbeatInterval: heartbeat,
    metadataMaxAge: 1000,
    maxWaitTimeInMs: 200,
    allowAutoTopicCreation: false,
    partitionAssigners: [PartitionAssigners.roundRobin],
    retry: { retries: 20, initialRetryTime: 50, maxRetryTime: 1000 }
  })
  const pairs = memberAssignment => toPairs(Object.entries(memberAssignment).map(([topic, partitions]) => ({ topic, partitions })))
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => emit({ event: 'assignment', partitions: pairs(payload.memberAssignment) }))
  await consumer.connect()
  await consumer.subscribe({ topics: topics ?? [new RegExp(pattern)], fromBeginning: reset === 'earliest' })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      emit({ event: 'records', topic, records: [take(partition, message)] })
      await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
    }
  })
  await stopped
  await consumer.disconnect()
}

async function createTopic ({ topic, partitions, configs }) {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const made = await (await connectedAdmin()).createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }] })
  if (!made) throw new Refused(36, 'kafkajs says false of a topic that exists')
}

async function describeTopic ({ topic }) {
  const { topics } = await (await connectedAdmin()).fetchTopicMetadata({ topics: [topic] })
  return { partitions: topics[0].partitions.length }
}

async function describeConfig ({ topic }) {
  const { resources } = await (await connectedAdmin()).describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] })
  const found = resources[0].configEntries
  return { configs: Object.fromEntries(found.map(one => [one.configName, { value: one.configValue, default: one.isDefault }])) }
}

// The old way names all that is to stay, so what is left out is unset.
async function alterConfig ({ topic, set }) {
  const configEntries = Object.entries(set).map(([name, value]) => ({ name, value }))
  await (await connectedAdmin()).alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] })
}

async function deleteRecords ({ topic, partition, before }) {
  const client = await connectedAdmin()
  await client.fetchTopicMetadata({ topics: [topic] }) // Without it kafkajs may not know the leader.
  await client.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] })
}

async function offsetAt ({ topic, partition, at }) {
  const client = await connectedAdmin()
  const found = typeof at === 'string' ? await client.fetchTopicOffsets(topic) : await client.fetchTopicOffsetsByTimestamp(topic, at)
  const here = found.find(one => one.partition === partition)
  return { offset: Number({ earliest: here.low, latest: here.high }[at] ?? here.offset) }
}

async function describeGroup ({ group }) {
  const { groups: [found] } = await (await connectedAdmin()).describeGroups([group])
  if (found.errorCode) throw new Refused(found.errorCode, 'describeGroups')
  const shares = found.members.map(one => kafkajs.AssignerProtocol.MemberAssignment.decode(one.memberAssignment)?.assignment ?? {})
  return { state: found.state, members: shares.map(share => toPairs(Object.entries(share).map(([topic, partitions]) => ({ topic, partitions })))) }
}

async function committed ({ group, topic }) {
  const [{ partitions }] = await (await connectedAdmin()).fetchOffsets({ groupId: group, topics: [topic] })
  return { offsets: partitions.map(one => [topic, one.partition, Number(one.offset)]) }
}

async function alterOffsets ({ group, offsets }) {
  const partitions = offsets.map(([, partition, offset]) => ({ partition, offset: String(offset) }))
  await (await connectedAdmin()).setOffsets({ groupId: group, topic: offsets[0][0], partitions })
}

serve({
  hello: async () => ({ client: `kafkajs ${JSON.parse(readFileSync(new URL('node_modules/kafkajs/package.json', import.meta.url))).version}` }),
  produce,
  consume,
  member,
  create_topic: createTopic,
  describe_topic: describeTopic,
  list_topics: async () => ({ topics: await (await connectedAdmin()).listTopics() }),
  describe_config: describeConfig,
  alter_config: alterConfig,
  delete_topic: async ({ topic }) => (await connectedAdmin()).deleteTopics({ topics: [topic] }),
  create_partitions: async ({ topic, total }) => (await connectedAdmin()).createPartitions({ topicPartitions: [{ topic, count: total }] }),
  delete_records: deleteRecords,
  offset_at: offsetAt,
  list_groups: async () => ({ groups: (await (await connectedAdmin()).listGroups()).groups.map(one => one.groupId) }),
  describe_group: describeGroup,
  committed,
  alter_offsets: alterOffsets,
  delete_group: async ({ group }) => { await (await connectedAdmin()).deleteGroups([group]) }
}, refuse)
