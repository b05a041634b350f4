// Drives the request layer of @platformatic/kafka, one call for each API: all in the flexible encoding.
import * as kafka from '@platformatic/kafka'
const [host, port] = process.argv[2].split(':')
const connection = new kafka.Connection('golden-client')
await connection.connect(host, Number(port))
const topicId = '01020304-0506-0708-090a-0b0c0d0e0f10'
const config = { resourceType: 2, resourceName: 'golden' }
const partition = {
  partition: 0,
  currentLeaderEpoch: 3,
  fetchOffset: 42n,
  lastFetchedEpoch: 2,
  partitionMaxBytes: 65536,
}
const fetch = (topic) => [
  500,
  1,
  1048576,
  1,
  0,
  -1,
  [{ topicId: topic, partitions: [partition] }],
  [],
  'rack-a',
]
const listOffsets = [
  -1,
  1,
  [{ name: 'golden', partitions: [{ partitionIndex: 0, currentLeaderEpoch: 3, timestamp: -1n }] }],
]
const produce = [
  -1,
  1500,
  [
    {
      topic: 'golden',
      partition: 0,
      key: Buffer.from('key'),
      value: Buffer.from('value'),
      timestamp: 1700000000000n,
    },
  ],
  {},
]
const calls = [
  ['apiVersionsV3', 'platformatic', '1.0'],
  ['apiVersionsV4', 'platformatic', '1.0'],
  ['metadataV9', ['golden'], true, false],
  ['metadataV12', ['golden'], true, true],
  ['produceV9', ...produce],
  ['produceV11', ...produce],
  ['fetchV12', ...fetch('golden')],
  ['fetchV15', ...fetch(topicId)],
  ['fetchV17', ...fetch(topicId)],
  ['listOffsetsV6', ...listOffsets],
  ['listOffsetsV9', ...listOffsets],
  ['findCoordinatorV6', 1, ['golden-tx', 'other-tx']],
  ['initProducerIdV5', 'golden-tx', 9000, 7n, 1],
  [
    'createTopicsV7',
    [
      {
        name: 'created',
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }],
        configs: [{ name: 'cleanup.policy', value: 'compact' }],
      },
    ],
    4000,
    true,
  ],
  [
    'deleteTopicsV6',
    [
      { name: null, topicId },
      { name: 'created', topicId: null },
    ],
    4000,
  ],
  ['createPartitionsV3', [{ name: 'golden', count: 4, assignments: [{ brokerIds: [1] }] }], 4000, true],
  ['describeConfigsV4', [{ ...config, configurationKeys: ['retention.ms'] }], true, true],
  ['alterConfigsV2', [{ ...config, configs: [{ name: 'retention.ms', value: null }] }], true],
  [
    'incrementalAlterConfigsV1',
    [{ ...config, configs: [{ name: 'retention.ms', configOperation: 1, value: null }] }],
    true,
  ],
  [
    'offsetForLeaderEpochV4',
    -2,
    [{ name: 'golden', partitions: [{ partitionIndex: 0, currentLeaderEpoch: 3, leaderEpoch: 2 }] }],
  ],
  ['describeClusterV1', true, 1],
]
for (const [name, ...args] of calls)
  await kafka[name].api.async(connection, ...args).then(
    (r) => console.log(name, 'ok', process.env.SHOW ? r : ''),
    (e) => console.log(name, e),
  )
process.exit(0)
