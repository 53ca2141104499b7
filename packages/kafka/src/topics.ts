/** How a topic is declared. `config` holds Kafka's own names and values. */
export interface TopicDeclaration {
  readonly name: string;
  /** `as events`: as many partitions as the events topic, so that a log and its cursors share a partition number. */
  readonly partitions: number | 'as events';
  readonly isCompacted: boolean;
  readonly config: Readonly<Record<string, string>>;
}

export interface Topics {
  /** The source of truth: one log per tenant. Key: tenant_id; value: AuditEvent in Avro, Confluent wire format. */
  readonly events: TopicDeclaration;
  /** Tenants, keys, subscriptions. Key: entity id; value: JSON. */
  readonly directory: TopicDeclaration;
  /** Where each subscription is. Key: subscription id; value: JSON; partition: its tenant's. */
  readonly cursors: TopicDeclaration;
  /** What each delivery attempt came to. Key: subscription id; value: DeliveryAttempt in Avro. */
  readonly attempts: TopicDeclaration;
}

const dayMs = 86_400_000;

/** Kafka's own default. Record batches are made to fit it, and whatever was accepted must fit again when it is published anew. */
const recordBytes = { 'max.message.bytes': '1048588' };

const kept7Days = { ...recordBytes, 'cleanup.policy': 'delete', 'retention.ms': String(7 * dayMs) };

/** Segments small enough that a view, which reads the whole topic at start, mostly reads compacted ones. */
const compacted = { ...recordBytes, 'cleanup.policy': 'compact', 'segment.bytes': String(64 * 1024 * 1024) };

/**
 * The four topics of an installation, all named `<prefix>…`. Nothing else is ever read or written, but for Kafka's own.
 * I1: events are append-timed by the broker, so `received_at` is no producer's clock.
 */
export function topicsOf(prefix: string): Topics {
  return {
    events: {
      name: `${prefix}events`,
      partitions: 'as events',
      isCompacted: false,
      config: { ...kept7Days, 'message.timestamp.type': 'LogAppendTime', 'unclean.leader.election.enable': 'false' },
    },
    directory: {
      name: `${prefix}directory`,
      partitions: 1,
      isCompacted: true,
      config: { ...compacted, 'unclean.leader.election.enable': 'false' },
    },
    cursors: {
      name: `${prefix}delivery.cursors`,
      partitions: 'as events',
      isCompacted: true,
      config: { ...compacted, 'unclean.leader.election.enable': 'false' },
    },
    attempts: { name: `${prefix}delivery.attempts`, partitions: 4, isCompacted: false, config: kept7Days },
  };
}

export function allTopics(topics: Topics): readonly TopicDeclaration[] {
  return [topics.events, topics.directory, topics.cursors, topics.attempts];
}

/** The schema registry's subject of a topic's values (TopicNameStrategy). */
export function valueSubjectOf(topicName: string): string {
  return `${topicName}-value`;
}
