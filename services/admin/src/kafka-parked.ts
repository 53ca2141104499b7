import {
  comparePlaces,
  mergedParked,
  parkedBytes,
  parkedKey,
  parseCursorPlace,
  parseParked,
  parseParkedKey,
} from '@docket/directory';
import type { CursorPlace, ParkedEvent, Subscription } from '@docket/directory';
import { createTopicView } from '@docket/kafka';
import type { BesideRecord, KafkaClient } from '@docket/kafka';
import { DocketError } from '@docket/runtime';
import type { HealthCheck } from '@docket/runtime';

/** The lists of parked events, as delivery keeps them beside the cursors, and how one is asked for. */
export interface ParkedView {
  start(): void;
  stop(): Promise<void>;
  check(): HealthCheck;
  /** By seq, without those that were dismissed. Throws not_caught_up. */
  of(subscriptionId: string): readonly ParkedEvent[];
  /** It is a replay that was sent whole, with nothing parked. Throws not_caught_up. */
  isDone(subscription: Subscription): boolean;
  /** The records that ask delivery to send them again. */
  askFor(subscriptionId: string, events: readonly ParkedEvent[], partition: number): readonly BesideRecord[];
  /** The records that tell delivery to take them off its list. Delivery alone removes them: it knows them, too, and would write them again. */
  dismiss(subscriptionId: string, events: readonly ParkedEvent[], partition: number): readonly BesideRecord[];
}

export function createParkedView(
  kafka: KafkaClient,
  options: { /** The view has ended for good: end the process. */ onCrash(error: Error): void },
): ParkedView {
  const topic = kafka.topics.cursors.name;
  const lists = new Map<string, Map<number, ParkedEvent>>();
  const places = new Map<string, CursorPlace>();

  const readPlace = (id: string, value: Buffer | null): void => {
    if (value === null) return void places.delete(id);
    const place = parseCursorPlace(value);
    const known = places.get(id);
    if (place !== undefined && (known === undefined || comparePlaces(place, known) > 0)) places.set(id, place);
  };

  const view = createTopicView(kafka, {
    topic,
    onCrash: (error) => options.onCrash(error),
    onRecord: ({ key, value }) => {
      const id = key?.toString() ?? '';
      const name = parseParkedKey(id);
      if (name === undefined) return readPlace(id, value);
      const list = lists.get(name.subscriptionId) ?? new Map<number, ParkedEvent>();
      const parked = value === null ? undefined : parseParked(value);
      if (value === null || parked?.isDismissed === true) list.delete(name.seq);
      else if (parked?.seq === name.seq) list.set(name.seq, mergedParked(list.get(name.seq), parked));
      if (list.size > 0) lists.set(name.subscriptionId, list);
      else lists.delete(name.subscriptionId);
    },
  });

  const requireCaughtUp = (): void => {
    if (!view.isCaughtUp()) throw new DocketError('not_caught_up', `${topic} has not been read to its end.`);
  };

  const recordOf = (subscriptionId: string, partition: number, parked: ParkedEvent): BesideRecord => ({
    topic,
    partition,
    key: parkedKey(subscriptionId, parked.seq),
    value: parkedBytes(parked),
  });

  return {
    start: () => view.start(),
    stop: () => view.stop(),
    check: () => (view.isCaughtUp() ? { ok: true } : { ok: false, detail: `${topic} has not been read to its end` }),
    of: (subscriptionId) => {
      requireCaughtUp();
      return [...(lists.get(subscriptionId)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
    },
    isDone: ({ id, replay }) => {
      if (replay === undefined) return false;
      requireCaughtUp();
      return (places.get(id)?.seq ?? 0) >= replay.to_seq && !lists.has(id);
    },
    askFor: (subscriptionId, events, partition) =>
      // Also of one that is asked for already: delivery may know of a refusal that this record does not tell.
      events.map((parked) =>
        recordOf(subscriptionId, partition, { ...parked, asks: Math.max(parked.asks, parked.refused) + 1 }),
      ),
    dismiss: (subscriptionId, events, partition) =>
      events.map((parked) => recordOf(subscriptionId, partition, { ...parked, isDismissed: true })),
  };
}
