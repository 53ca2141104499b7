import type { Failure } from './failure.ts';
import type { Listener, Settlement } from './spool/entry.ts';

/** The outcome of an event whose settlement is waited for, at most for `deadlineMs`. */
export async function confirmed<O extends { ok: true; id: string }>(
  record: (onSettled: Listener) => Promise<O | ({ ok: false } & Failure)>,
  deadlineMs: number,
): Promise<O | ({ ok: false } & Failure)> {
  let settle: Listener = () => undefined;
  const settled = new Promise<Settlement>((resolve) => (settle = resolve));
  const outcome = await record(settle);
  if (!outcome.ok) return outcome;
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<Failure>((resolve) => {
    const detail = `not confirmed within ${deadlineMs} ms`;
    timer = setTimeout(() => resolve({ reason: 'deadline', detail, id: outcome.id }), deadlineMs);
  });
  const ended = await Promise.race([settled, expired]);
  clearTimeout(timer);
  if ('reason' in ended) return { ok: false, ...ended };
  if (ended.kind === 'accepted') return outcome;
  return { ok: false, reason: ended.kind, detail: ended.detail, id: outcome.id };
}
