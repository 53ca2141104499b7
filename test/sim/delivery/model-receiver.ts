import type { Answer } from '../../../services/delivery/src/machine/outcome-policy.ts';
import type { Random } from '../random.ts';

export const behaviours = [
  'ok',
  'hang',
  'drip',
  'refuse',
  'denied',
  'limit',
  'busy',
  'broken',
  'reset',
  'flip',
] as const;
export type Behaviour = (typeof behaviours)[number] | 'gone';

/** One request as it arrived. */
export interface Arrived {
  readonly body: Body;
  readonly bytes: number;
}

export interface Body {
  readonly data: {
    readonly replay?: 'parked' | 'probe' | 'range';
    readonly batch: {
      readonly prev_to_seq: number;
      readonly from_seq: number;
      readonly to_seq: number;
      readonly count: number;
      readonly skipped: Readonly<Record<string, number>>;
    };
    readonly events: readonly { readonly seq: number; readonly id: string; readonly prev_seq: number }[];
  };
}

/** The customer's server: some events it never takes, and everything else as it happens to be. */
export interface ModelReceiver {
  behaviour: Behaviour;
  /** Seqs that it refuses for what is in them. */
  readonly poison: Set<number>;
  bytesMax: number;
  flips: number;
}

export interface Handled {
  readonly isTaken: boolean;
  /** Null: nothing ever comes back. */
  readonly answer: Answer | null;
}

const said = (status: number, retryAfterMs: number | null = null): Answer => ({
  kind: 'answered',
  status,
  retryAfterMs,
  text: 'what the receiver says',
});

export function handle(receiver: ModelReceiver, { body, bytes }: Arrived, random: Random): Handled {
  const { events } = body.data;
  const refuse = (status: number): Handled => ({ isTaken: false, answer: said(status) });
  const take = (): Handled =>
    events.some(({ seq }) => receiver.poison.has(seq)) ? refuse(400) : { isTaken: true, answer: said(204) };
  switch (receiver.behaviour) {
    case 'ok':
      return take();
    case 'hang':
      return { isTaken: false, answer: null };
    // Takes it, and its answer never ends.
    case 'drip':
      return { ...take(), answer: { kind: 'failed', error: 'timeout' } };
    case 'refuse':
      return refuse(random.chance(0.5) ? 400 : 422);
    case 'denied':
      return refuse(random.pick([401, 403, 404, 302]) ?? 401);
    case 'limit':
      return bytes > receiver.bytesMax ? refuse(413) : take();
    case 'busy':
      return { isTaken: false, answer: said(429, random.chance(0.5) ? 2_000 : null) };
    case 'broken':
      return refuse(random.pick([500, 502, 503]) ?? 500);
    case 'reset':
      return { ...(random.chance(0.5) ? take() : refuse(500)), answer: { kind: 'failed', error: 'connection' } };
    case 'flip':
      receiver.flips += 1;
      return receiver.flips % 2 === 0 ? take() : refuse(random.chance(0.5) ? 400 : 503);
    case 'gone':
      return refuse(410);
  }
}
