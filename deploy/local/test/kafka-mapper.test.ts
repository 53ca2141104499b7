import { describe, expect, test } from '@jest/globals';
import {
  clusterIdFrom,
  clusterIdOf,
  kafkaFormatCommand,
  kafkaProperties,
  kafkaServerCommand,
  kafkaToolCommand,
} from '../src/kafka-mapper.ts';

const plan = { port: 21001, controllerPort: 21002, dataDir: '/tmp/a b' };
const property = (name: string) =>
  kafkaProperties(plan)
    .split('\n')
    .find((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1);

describe('kafkaProperties', () => {
  test('I1: topics are never made by themselves and no unclean replica leads', () => {
    expect(property('auto.create.topics.enable')).toBe('false');
    expect(property('unclean.leader.election.enable')).toBe('false');
  });

  test.each([
    'default.replication.factor',
    'offsets.topic.replication.factor',
    'transaction.state.log.replication.factor',
    'transaction.state.log.min.isr',
    'share.coordinator.state.topic.replication.factor',
    'min.insync.replicas',
  ])('one broker: %s is 1', (name) => {
    expect(property(name)).toBe('1');
  });

  test('listens on loopback only, at the ports of the plan', () => {
    expect(property('listeners')).toBe('PLAINTEXT://127.0.0.1:21001,CONTROLLER://127.0.0.1:21002');
    expect(property('advertised.listeners')).toBe('PLAINTEXT://127.0.0.1:21001');
    expect(property('controller.quorum.voters')).toBe('1@127.0.0.1:21002');
    expect(kafkaProperties(plan)).not.toContain('0.0.0.0');
  });

  test('escapes a backslash in the data directory', () => {
    expect(kafkaProperties({ ...plan, dataDir: 'C:\\x' })).toContain('log.dirs=C:\\\\x\n');
  });
});

describe('Kafka command lines', () => {
  const files = { libsDir: '/libs', configFile: '/run/server.properties', log4jFile: '/log4j2.xml' };

  test('the server has a small heap and its own log configuration', () => {
    const { command, args } = kafkaServerCommand('/jre/java', files, false);
    expect(command).toBe('/jre/java');
    expect(args).toContain('-Xmx768m');
    expect(args).toContain('-Dlog4j2.configurationFile=/log4j2.xml');
    expect(args.slice(-2)).toEqual(['kafka.Kafka', '/run/server.properties']);
  });

  test('only a short-lived server gives up the fast compiler for a quick start', () => {
    expect(kafkaServerCommand('java', files, true).args).toContain('-XX:TieredStopAtLevel=1');
    expect(kafkaServerCommand('java', files, false).args).not.toContain('-XX:TieredStopAtLevel=1');
  });

  test('formatting names the cluster id', () => {
    const { args } = kafkaFormatCommand('java', '/libs', '/run/server.properties', 'ID');
    expect(args.join(' ')).toContain('-cp /libs/* kafka.tools.StorageTool format -t ID -c /run/server.properties');
  });

  test('a console tool gets its own arguments last', () => {
    const { args } = kafkaToolCommand('java', '/libs', 'org.apache.kafka.tools.ConsoleProducer', ['--topic', 't']);
    expect(args.slice(-3)).toEqual(['org.apache.kafka.tools.ConsoleProducer', '--topic', 't']);
  });
});

describe('cluster id', () => {
  test('is read back from meta.properties', () => {
    expect(clusterIdOf('#\nversion=1\ncluster.id=abc-_123\nnode.id=1\n')).toBe('abc-_123');
    expect(clusterIdOf('version=1\n')).toBeNull();
  });

  test('never begins with a dash, which a command line takes for an option', () => {
    expect(clusterIdFrom(Buffer.alloc(16, 0xff))).toHaveLength(22);
    expect(clusterIdFrom(Buffer.from('f8'.repeat(16), 'hex'))).not.toMatch(/^-/);
    expect(clusterIdFrom(Buffer.from('fb'.repeat(16), 'hex'))).not.toMatch(/^-/);
  });
});
