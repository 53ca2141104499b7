import type { TopicDeclaration } from './topics.ts';

/** A topic as the cluster has it. */
export interface TopicFound {
  readonly name: string;
  readonly partitions: number;
  /** Of the partition that has the fewest. */
  readonly replicationFactor: number;
  /** Effective values, defaults included. */
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicDemands {
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
  /** The recorded partition count of the events topic. */
  readonly eventPartitions: number;
}

/** What the log's correctness rests on. Retention and segment sizes are the operator's to change. */
const bindingConfig = new Set(['cleanup.policy', 'message.timestamp.type', 'unclean.leader.election.enable']);
const leastConfig = new Set(['max.message.bytes']);

/**
 * I1: what is wrong with a topic, each with its remedy; empty when a 202 may rest on it.
 */
export function topicProblems(
  declared: TopicDeclaration,
  found: TopicFound | undefined,
  demands: TopicDemands,
): string[] {
  if (found === undefined) return [`${declared.name} does not exist: run \`docket migrate\``];
  const problems: string[] = [];
  const expectedPartitions = declared.partitions === 'as events' ? demands.eventPartitions : declared.partitions;
  if (found.partitions !== expectedPartitions) {
    problems.push(
      `${found.name} has ${found.partitions} partitions, ${expectedPartitions} are recorded: a living topic never changes its count; ` +
        'restore the topic',
    );
  }
  for (const [name, wanted] of Object.entries(declared.config)) {
    if (!isHeld(name, wanted, found.config[name])) {
      problems.push(
        `${found.name} has ${name}=${found.config[name] ?? 'unknown'}: ` +
          `run kafka-configs --alter --topic ${found.name} --add-config ${name}=${wanted}`,
      );
    }
  }
  return [...problems, ...replicationProblems(found, demands)];
}

function isHeld(name: string, wanted: string, found: string | undefined): boolean {
  if (leastConfig.has(name)) return Number(found) >= Number(wanted);
  return !bindingConfig.has(name) || found === wanted;
}

function replicationProblems(found: TopicFound, demands: TopicDemands): string[] {
  const problems: string[] = [];
  const { replicationFactor, minInsyncReplicas } = demands;
  if (found.replicationFactor < replicationFactor) {
    problems.push(
      `${found.name} has ${found.replicationFactor} replicas, at least ${replicationFactor} are demanded: ` +
        'add replicas with kafka-reassign-partitions, or lower KAFKA_REPLICATION_FACTOR (one broker: 1)',
    );
  }
  const insync = Number(found.config['min.insync.replicas']);
  if (!(insync >= minInsyncReplicas)) {
    problems.push(
      `${found.name} has min.insync.replicas=${found.config['min.insync.replicas'] ?? 'unknown'}, at least ${minInsyncReplicas} is demanded: ` +
        `run kafka-configs --alter --topic ${found.name} --add-config min.insync.replicas=${minInsyncReplicas}, ` +
        'or lower KAFKA_MIN_INSYNC_REPLICAS (one broker: 1)',
    );
  }
  return problems;
}
