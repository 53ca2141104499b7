import {
  antidote,
  foreignKeys,
  keys,
  late,
  ordinary,
  partitions,
  poison,
  tenants,
  unreadable,
  type Meaning,
} from './events.ts';
import type { World } from './model.ts';

/** What producers do to the topic: everything that a record can be, and repeats that fall into the window or miss it. */
export interface Producers {
  produce(): void;
}

interface Sent {
  readonly tenant: number;
  readonly id: number;
  readonly content: 0 | 1;
}

export function createProducers({ kafka, random }: World): Producers {
  const sent: Sent[] = [];
  let lateUsed = 0;

  const home = (tenant: number): number => tenants[tenant]?.home ?? 0;
  const keyOf = (tenant: number): Buffer | null => keys[tenant] ?? null;

  function send(tenant: number, meaning: Meaning | undefined): void {
    if (meaning !== undefined) kafka.append(home(tenant), keyOf(tenant), meaning);
  }

  function sendOrdinary({ tenant, id, content }: Sent): void {
    sent.push({ tenant, id, content });
    if (sent.length > 12) sent.shift();
    send(tenant, ordinary[tenant]?.[id]?.[content]);
  }

  const fresh = (tenant: number): Sent => ({ tenant, id: random.below(ordinary[tenant]?.length ?? 0), content: 0 });

  return {
    produce() {
      const tenant = random.below(tenants.length);
      const dice = random.below(100);
      const again = random.pick(sent);
      if (dice < 42) sendOrdinary(fresh(tenant));
      else if (dice < 56) sendOrdinary(again ?? fresh(tenant));
      else if (dice < 64)
        sendOrdinary(again === undefined ? fresh(tenant) : { ...again, content: again.content === 0 ? 1 : 0 });
      else if (dice < 73) {
        const { id } = fresh(tenant);
        const meaning = ordinary[tenant]?.[id]?.[0];
        const isForeign = random.chance(0.5);
        const partition = isForeign ? random.below(partitions) : (home(tenant) + 1) % partitions;
        const key = isForeign ? (random.pick(foreignKeys) ?? null) : keyOf(tenant);
        if (meaning !== undefined) kafka.append(partition, key, meaning);
      } else if (dice < 79) send(tenant, random.pick(unreadable));
      else if (dice < 82) send(tenant, ordinary[(tenant + 1) % tenants.length]?.[random.below(4)]?.[0]);
      else if (dice < 84) send(tenant, random.pick((random.chance(0.7) ? poison : antidote)[tenant] ?? []));
      else if (dice < 87) {
        send(tenant, late[tenant]?.[lateUsed]);
        lateUsed += 1;
      } else kafka.appendGap(random.below(partitions), 1 + random.below(3));
    },
  };
}
