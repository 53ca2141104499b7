import { newApiKey } from '@docket/directory';
import type { DirectoryReader } from '@docket/directory';
import type { Router } from 'express';

import { reachesAll } from '../access-policy.ts';
import { decideNewKey, decideRevocation, findKey, toPublicKey } from '../key-policy.ts';
import { pageOf, readPageRequest } from '../page-policy.ts';
import { newKeyBody } from '../request-schemas.ts';
import { bodyOf, callerOf, changeDirectory, idOf, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

export function addKeyRoutes(router: Router, context: AdminContext): void {
  const { view } = context;

  router.post('/v1/keys', async (req, res) => {
    const caller = callerOf(context, req, ['admin']);
    const body = await bodyOf(req, newKeyBody);
    const made = newApiKey();
    const decide = (directory: DirectoryReader) => decideNewKey(directory, caller, body, made, Date.now());
    const key = await changeDirectory(context, res, { kind: 'key', name: 'key.created', caller, decide });
    // The only time that the secret is shown: only its hash is kept.
    res
      .status(201)
      .location(`/v1/keys/${key.id}`)
      .set('Cache-Control', 'no-store')
      .json({ ...toPublicKey(key), key: made.text });
  });

  router.get('/v1/keys', (req, res) => {
    const caller = callerOf(context, req, ['admin']);
    const mine = view.keys().filter(({ tenants }) => reachesAll(caller, tenants));
    sendPage(req, res, pageOf(mine.map(toPublicKey), readPageRequest(req.query)));
  });

  router.get('/v1/keys/:id', (req, res) => {
    const caller = callerOf(context, req, ['admin']);
    res.json(toPublicKey(findKey(view, caller, idOf(req))));
  });

  router.delete('/v1/keys/:id', async (req, res) => {
    const caller = callerOf(context, req, ['admin']);
    const id = idOf(req);
    const decide = (directory: DirectoryReader) => decideRevocation(directory, caller, id, new Date().toISOString());
    await changeDirectory(context, res, { kind: 'key', name: 'key.revoked', caller, decide });
    res.status(204).end();
  });
}
