import type { CustomHeaders } from '@docket/directory';

import type { Batch } from '../batches/batch-mapper.ts';

/** What a request is made of, beside the settings of its sink. */
export interface Outgoing {
  readonly subscriptionId: string;
  readonly batch: Batch;
  /** Opened, those that are valid now, newest first. */
  readonly secrets: readonly string[];
  /** Of the owner of a webhook, opened; absent: none. */
  readonly headers?: CustomHeaders;
  readonly nowMs: number;
}
