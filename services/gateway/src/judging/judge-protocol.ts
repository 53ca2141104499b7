import type { JudgeContext } from './judge-body.ts';
import type { PackedJudgement } from './judgement-mapper.ts';

/** What a judging thread is told. `n` names a job. */
export type ToJudge =
  | {
      readonly type: 'judge';
      readonly n: number;
      readonly body: Uint8Array;
      readonly context: JudgeContext;
      /** Whether it has to ask which tenants are known. */
      readonly asksForTenants: boolean;
    }
  | { readonly type: 'known'; readonly n: number; readonly tenantIds: ReadonlySet<string> };

/** What it says. */
export type FromJudge =
  /** Once, when it is there. */
  | { readonly type: 'ready' }
  | { readonly type: 'judged'; readonly n: number; readonly packed: PackedJudgement }
  /** A bug. */
  | { readonly type: 'failed'; readonly n: number; readonly error: Error }
  | { readonly type: 'ask'; readonly n: number; readonly tenantIds: ReadonlySet<string> };
