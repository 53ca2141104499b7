import { setting } from '@docket/runtime';

export const trailSettings = {
  trailSpoolDir: setting.string({
    env: 'TRAIL_SPOOL_DIR',
    description:
      'Folder on a disk that outlives the process, in which readings of the log wait until Kafka has the events that tell them. Instances of one host may share it.',
  }),
  trailSpoolBytesMax: setting.integer({
    env: 'TRAIL_SPOOL_BYTES_MAX',
    description:
      'Size of one instance’s spool; when Kafka is away so long that it is full, reads are answered 503. Readings of one tenant, and of one key, get at most half of what the others leave; beyond that 429 rate_limited.',
    unit: 'bytes',
    default: 64 * 1024 * 1024,
    min: 16 * 1024,
    max: 1024 * 1024 * 1024,
  }),
  trailDurability: setting.oneOf({
    env: 'TRAIL_DURABILITY',
    description:
      'What a reading outlives before it is answered: the end of the process, or also a loss of power, which costs a write to the disk for each.',
    values: ['process', 'power'],
    default: 'process',
  }),
  trailWindowSeconds: setting.integer({
    env: 'TRAIL_WINDOW_SECONDS',
    description:
      'For how long readings of one credential with the same question are counted and then told together, after the first, which is told at once.',
    unit: 's',
    default: 300,
    min: 1,
    max: 300,
  }),
};
