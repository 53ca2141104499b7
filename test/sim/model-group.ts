import { partitions } from './events.ts';
import type { ModelInstance, World } from './model.ts';

/** Kafka's group: gives every partition to one member; who does not listen keeps what he believes to have. */
export interface ModelGroup {
  /** Whether a member is gone or silent, or one is new. */
  isDue(): boolean;
  rebalance(): void;
}

export function createModelGroup({ instances, random, temper }: World): ModelGroup {
  const assigned = new Map<ModelInstance, string>();
  let rebalances = 0;

  return {
    isDue: () => instances.some((instance) => (instance.isAlive && !instance.isFrozen) !== assigned.has(instance)),
    rebalance() {
      rebalances += 1;
      const members = instances.filter(({ isAlive, isFrozen }) => isAlive && (!isFrozen || random.chance(0.2)));
      for (const [instance, assignmentId] of assigned) instance.mail.push({ kind: 'lost', assignmentId });
      assigned.clear();
      const shares = new Map<ModelInstance, number[]>(members.map((member) => [member, []]));
      for (let partition = 0; partition < partitions; partition += 1) {
        const member = random.pick(members);
        if (member !== undefined) shares.get(member)?.push(partition);
      }
      for (const [member, share] of shares) {
        const id = `assignment-${rebalances}-${member.name}`;
        assigned.set(member, id);
        member.isDeaf = random.chance(temper.deafness);
        member.mail.push({ kind: 'assigned', assignment: { id, partitions: share } });
      }
    },
  };
}
