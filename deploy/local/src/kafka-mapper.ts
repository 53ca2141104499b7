/** One broker that is its own controller. Ports are on 127.0.0.1. */
export interface KafkaPlan {
  readonly port: number;
  readonly controllerPort: number;
  readonly dataDir: string;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * server.properties of the local broker.
 * One node, so every replication factor is 1; topics exist only when `docket migrate` made them (I1: auto-creation is never relied on).
 */
export function kafkaProperties(plan: KafkaPlan): string {
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${plan.controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${plan.port},CONTROLLER://127.0.0.1:${plan.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${plan.port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': plan.dataDir,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // Internal topics of 50 partitions each would make the first consumer group wait for their creation.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    // A lone consumer need not wait for others to join.
    'group.initial.rebalance.delay.ms': 0,
    // A broker killed by SIGKILL may register again only when its old session has ended: default 9 s, and every fault test would wait for it.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    // Default 128 MiB of a small heap.
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'num.network.threads': 2,
    'num.io.threads': 4,
  };
  return (
    Object.entries(properties)
      .map(([key, value]) => `${key}=${escapeProperty(String(value))}`)
      .join('\n') + '\n'
  );
}

/** Writes the cluster id into an empty data directory. */
export function kafkaFormatCommand(java: string, libsDir: string, configFile: string, clusterId: string): Command {
  return {
    command: java,
    args: [
      '-Xmx128m',
      ...quickStart,
      '-cp',
      `${libsDir}/*`,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      configFile,
    ],
  };
}

export interface KafkaServerFiles {
  readonly libsDir: string;
  readonly configFile: string;
  readonly log4jFile: string;
}

/** @param isShortLived up in half the CPU time and slower under load: right for a stack of one test run, wrong for a measurement. */
export function kafkaServerCommand(java: string, files: KafkaServerFiles, isShortLived: boolean): Command {
  return {
    command: java,
    args: [
      '-Xms256m',
      '-Xmx768m',
      ...(isShortLived ? quickStart : []),
      `-Dlog4j2.configurationFile=${files.log4jFile}`,
      '-cp',
      `${files.libsDir}/*`,
      'kafka.Kafka',
      files.configFile,
    ],
  };
}

/**
 * A console tool of Kafka, such as `org.apache.kafka.tools.ConsoleProducer`: a client that shares no code with ours.
 * `args` are the tool's own, `--bootstrap-server` included.
 */
export function kafkaToolCommand(java: string, libsDir: string, toolClass: string, args: readonly string[]): Command {
  return { command: java, args: ['-Xmx128m', ...quickStart, '-cp', `${libsDir}/*`, toolClass, ...args] };
}

/** cluster.id of a data directory's meta.properties, or null when it is not formatted. */
export function clusterIdOf(metaProperties: string): string | null {
  return /^cluster\.id=(.+)$/m.exec(metaProperties)?.[1]?.trim() ?? null;
}

/** A cluster id in Kafka's own form: 16 bytes, base64url without padding. It must not begin with '-', which a command line would take for an option. */
export function clusterIdFrom(bytes: Buffer): string {
  return bytes.toString('base64url').replace(/^-/, 'A');
}

/** For processes that do little: no second compiler tier, no parallel collector. */
export const quickStart: readonly string[] = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** A backslash begins an escape in the properties format. */
function escapeProperty(value: string): string {
  return value.replaceAll('\\', '\\\\');
}
