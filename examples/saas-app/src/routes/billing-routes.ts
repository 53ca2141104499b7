import { Router } from 'express';
import type { BillingService } from '../services/billing-service.ts';
import { plans } from '../store.ts';
import type { Authentication } from './authentication.ts';
import { choiceField, countField } from './request-body.ts';

const seatsMax = 100_000;

export function billingRoutes(billing: BillingService, authentication: Authentication): Router {
  const router = Router();

  router.put('/billing/plan', authentication.required, async (request, response) => {
    const organisation = await billing.changePlan(authentication.callerOf(request), {
      plan: choiceField(request.body, 'plan', plans),
      seats: countField(request.body, 'seats', seatsMax),
    });
    response.json(organisation);
  });

  return router;
}
