// Drives kafkajs: idempotent producing, listing offsets, administration. All in the classic encoding.
const { Kafka, logLevel, ConfigResourceTypes } = require('kafkajs')
const [bootstrap, mode] = process.argv.slice(2)
const kafka = new Kafka({
  clientId: 'golden-client',
  brokers: [bootstrap],
  logLevel: logLevel.ERROR,
  retry: { retries: 0 },
})
async function run() {
  if (mode === 'produce') {
    const producer = kafka.producer({ idempotent: true, retry: { retries: 1 } })
    await producer.connect()
    await producer.send({
      topic: 'golden',
      messages: [{ key: 'key', value: 'value', headers: { h: '1' }, partition: 0 }],
    })
    await producer.disconnect()
    return
  }
  const admin = kafka.admin()
  await admin.connect()
  const jobs = [
    () => admin.fetchTopicOffsets('golden'),
    () =>
      admin.createTopics({
        validateOnly: true,
        topics: [
          {
            topic: 'created',
            numPartitions: 3,
            replicationFactor: 1,
            configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
          },
        ],
      }),
    () => admin.createPartitions({ topicPartitions: [{ topic: 'golden', count: 4 }] }),
    () =>
      admin.describeConfigs({
        includeSynonyms: true,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: 'golden', configNames: ['retention.ms'] }],
      }),
    () =>
      admin.alterConfigs({
        validateOnly: true,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: 'golden',
            configEntries: [{ name: 'retention.ms', value: '1000' }],
          },
        ],
      }),
    () => admin.deleteTopics({ topics: ['created'], timeout: 4000 }),
  ]
  for (const job of jobs)
    await job().then(
      (x) => console.log('ok'),
      (e) => console.log(String(e)),
    )
  await admin.disconnect()
}
run().then(
  () => process.exit(0),
  (e) => {
    console.log(e)
    process.exit(1)
  },
)
