import type { Docket } from '@docket/sdk';
import { auditContext } from '@docket/sdk/express';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { createAuditTrail } from './audit-trail.ts';
import { Problem } from './problem.ts';
import { createAuthentication } from './routes/authentication.ts';
import { billingRoutes } from './routes/billing-routes.ts';
import { documentRoutes } from './routes/document-routes.ts';
import { sessionRoutes } from './routes/session-routes.ts';
import { userRoutes } from './routes/user-routes.ts';
import { createBillingService } from './services/billing-service.ts';
import { createDocumentService } from './services/document-service.ts';
import { createSessionService } from './services/session-service.ts';
import { createUserService } from './services/user-service.ts';
import type { Store } from './store.ts';

/** The application: routes read requests, services decide and record what was done, the store keeps. */
export function createSaasApp(store: Store, docket: Docket, onError: (error: unknown) => void): Express {
  const audit = createAuditTrail(docket);
  const sessions = createSessionService(store, audit);
  const authentication = createAuthentication(sessions);

  const app = express();
  app.disable('x-powered-by');
  // The demo's clients come from the loopback, as a proxy would, and say in X-Forwarded-For for whom.
  app.set('trust proxy', 'loopback');
  app.get(['/healthz', '/readyz'], (_request, response) => {
    response.json({ ok: true });
  });
  app.use(auditContext());
  app.use(express.json({ limit: '256kb' }));
  app.use(sessionRoutes(sessions, authentication));
  app.use(userRoutes(createUserService(store, audit), authentication));
  app.use(documentRoutes(createDocumentService(store, audit), authentication));
  app.use(billingRoutes(createBillingService(store, audit), authentication));
  app.use(problemHandler(onError));
  return app;
}

function problemHandler(onError: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const status = error instanceof Problem ? error.status : clientStatusOf(error);
    if (status === undefined) onError(error);
    const detail = status === undefined || !(error instanceof Error) ? 'internal error' : error.message;
    response
      .status(status ?? 500)
      .type('application/problem+json')
      .json({ status: status ?? 500, detail });
  };
}

/** Express' own errors (a body that is no JSON, or too long) carry their status. */
function clientStatusOf(error: unknown): number | undefined {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'status') : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
