import type { ApiRouter } from '@docket/runtime';

import { addDryRunRoute } from './dry-run-route.ts';
import { addPreviewRoute } from './preview-route.ts';
import { addStatusRoute } from './status-route.ts';
import type { SubscriberContext } from './subscriber-context.ts';
import { addTestRoute } from './test-route.ts';

/** What the owner of a subscription asks the delivery service. */
export function addSubscriberRoutes(router: ApiRouter, context: SubscriberContext): void {
  addStatusRoute(router, context);
  addTestRoute(router, context);
  addPreviewRoute(router, context);
  addDryRunRoute(router, context);
}
