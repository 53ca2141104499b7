import { parseTime, timeText } from '../log/stored-time-mapper.ts';

/** What the owner of a subscription is told of it without asking: it has been failing for a while, it is suspended, it is taken again. */
export const noticeKinds = ['failing', 'suspended', 'recovered'] as const;
export type NoticeKind = (typeof noticeKinds)[number];

export interface Notice {
  readonly kind: NoticeKind;
  /** When the outage began, ms since the epoch. */
  readonly sinceMs: number;
  /** Of the outage, such as status_503. */
  readonly error: string;
  readonly atMs: number;
}

/** I8: while Kafka is away for hours the oldest are forgotten. */
export const untoldMax = 8;

export function isSameNotice(one: Notice, other: Notice): boolean {
  return one.kind === other.kind && one.sinceMs === other.sinceMs && one.atMs === other.atMs;
}

export function storedNotice({ kind, sinceMs, error, atMs }: Notice): object {
  return { kind, since: timeText(sinceMs), error, at: timeText(atMs) };
}

/** Of a cursor; none for what is no list. */
export function parseNotices(value: unknown): readonly Notice[] {
  if (!Array.isArray(value)) return [];
  return value.slice(-untoldMax).flatMap((one: unknown): Notice[] => {
    const { kind: name, since, error, at }: Record<string, unknown> = { ...Object(one) };
    const kind = noticeKinds.find((known) => known === name);
    const [sinceMs, atMs] = [parseTime(since), parseTime(at)];
    if (kind === undefined || sinceMs === null || atMs === null || typeof error !== 'string') return [];
    return [{ kind, sinceMs, error, atMs }];
  });
}
