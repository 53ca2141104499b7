import { newApiKey } from '@docket/directory';
import type { DirectoryReader } from '@docket/directory';
import type { ApiRouter } from '@docket/runtime';

import { reachesAll } from '../access-policy.ts';
import { decideNewKey, decideRevocation, findKey, toPublicKey } from '../key-policy.ts';
import { createKey, getKey, listKeys, revokeKey } from '../endpoints.ts';
import { pageOf, readPageRequest } from '../page-policy.ts';
import { bodyOf, callerOf, changeDirectory, idOf, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

export function addKeyRoutes(router: ApiRouter, context: AdminContext): void {
  const { view } = context;

  router.add(createKey, async (req, res) => {
    const caller = callerOf(context, req, createKey.access);
    const body = await bodyOf(req, createKey.body);
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

  router.add(listKeys, (req, res) => {
    const caller = callerOf(context, req, listKeys.access);
    const mine = view.keys().filter(({ tenants }) => reachesAll(caller, tenants));
    sendPage(req, res, pageOf(mine.map(toPublicKey), readPageRequest(req.query)));
  });

  router.add(getKey, (req, res) => {
    const caller = callerOf(context, req, getKey.access);
    res.json(toPublicKey(findKey(view, caller, idOf(req))));
  });

  router.add(revokeKey, async (req, res) => {
    const caller = callerOf(context, req, revokeKey.access);
    const id = idOf(req);
    const decide = (directory: DirectoryReader) => decideRevocation(directory, caller, id, new Date().toISOString());
    await changeDirectory(context, res, { kind: 'key', name: 'key.revoked', caller, decide });
    res.status(204).end();
  });
}
