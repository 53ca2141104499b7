import { describe, expect, test } from '@jest/globals';

import { topicProblems } from '../src/topic-policy.ts';
import type { TopicFound } from '../src/topic-policy.ts';
import { allTopics, topicsOf } from '../src/topics.ts';

const { events, directory } = topicsOf('audit.');
const demands = { replicationFactor: 3, minInsyncReplicas: 2, eventPartitions: 12 };
const good: TopicFound = {
  name: events.name,
  partitions: 12,
  replicationFactor: 3,
  config: { ...events.config, 'min.insync.replicas': '2' },
};

describe('I1: a service checks the topics before a 202 rests on them', () => {
  test('a topic as declared has no problem; more replicas than demanded are fine', () => {
    expect(topicProblems(events, good, demands)).toEqual([]);
    expect(
      topicProblems(
        events,
        { ...good, replicationFactor: 5, config: { ...good.config, 'min.insync.replicas': '3' } },
        demands,
      ),
    ).toEqual([]);
  });

  const broken: [string, Partial<TopicFound>, RegExp][] = [
    ['another partition count', { partitions: 24 }, /24 partitions, 12 are recorded/],
    [
      'producers set the time',
      { config: { ...good.config, 'message.timestamp.type': 'CreateTime' } },
      /--add-config message.timestamp.type=LogAppendTime/,
    ],
    ['compaction', { config: { ...good.config, 'cleanup.policy': 'compact' } }, /--add-config cleanup.policy=delete/],
    [
      'unclean elections',
      { config: { ...good.config, 'unclean.leader.election.enable': 'true' } },
      /unclean.leader.election.enable=false/,
    ],
    [
      'records of less than is published',
      { config: { ...good.config, 'max.message.bytes': '524288' } },
      /--add-config max.message.bytes=1048588/,
    ],
    ['too few replicas', { replicationFactor: 2 }, /2 replicas, at least 3 are demanded/],
    [
      'too few in sync',
      { config: { ...good.config, 'min.insync.replicas': '1' } },
      /min.insync.replicas=1, at least 2/,
    ],
    ['an unknown minimum in sync', { config: events.config }, /min.insync.replicas=unknown/],
  ];
  test.each(broken)('%s is named with its remedy', (_name, change, problem) => {
    expect(topicProblems(events, { ...good, ...change }, demands)).toEqual([expect.stringMatching(problem)]);
  });

  test('a missing topic is one problem; retention, and larger records, are the operator’s own', () => {
    expect(topicProblems(directory, undefined, demands)).toEqual([
      'audit.directory does not exist: run `docket migrate`',
    ]);
    const own = { 'retention.ms': '1', 'max.message.bytes': '10485760' };
    expect(topicProblems(events, { ...good, config: { ...good.config, ...own } }, demands)).toEqual([]);
  });

  test('every topic begins with the prefix', () => {
    expect(allTopics(topicsOf('x-')).map((topic) => topic.name)).toEqual([
      'x-events',
      'x-directory',
      'x-delivery.cursors',
      'x-delivery.attempts',
    ]);
  });
});
