import { newApiKey } from '@docket/directory';
import type { ApiKey, DirectoryReader } from '@docket/directory';
import type { ApiRouter } from '@docket/runtime';

import { reachOf } from '../access-policy.ts';
import { decideNewKey, decideRevocation, decideRotation, findKey, toPublicKey } from '../key-policy.ts';
import { createKey, getKey, listKeys, revokeKey, rotateKey } from '../endpoints.ts';
import { entityTagOf } from '../entity-tag-policy.ts';
import { pageOf, readPageRequest } from '../page-policy.ts';
import { bodyOf, callerOf, changeDirectory, idOf, ifMatching, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

export function addKeyRoutes(router: ApiRouter, context: AdminContext): void {
  const { view } = context;
  const shown = (key: ApiKey) => toPublicKey(key, Date.now(), view.keyUsedAt(key.id));

  router.add(createKey, async (req, res) => {
    const caller = callerOf(context, req, createKey.access);
    const body = await bodyOf(req, createKey.body);
    const made = newApiKey();
    const decide = (directory: DirectoryReader) => decideNewKey(directory, caller, body, made, Date.now());
    const key = await changeDirectory(context, res, { kind: 'key', caller, decide });
    // The only time that the secret is shown: only its hash is kept.
    res
      .status(201)
      .location(`/v1/keys/${key.id}`)
      .set('Cache-Control', 'no-store')
      .set('ETag', entityTagOf(key))
      .json({ ...shown(key), key: made.text });
  });

  router.add(rotateKey, async (req, res) => {
    const caller = callerOf(context, req, rotateKey.access);
    const body = await bodyOf(req, rotateKey.body);
    const id = idOf(req);
    const made = newApiKey(id);
    const find = (directory: DirectoryReader) => findKey(directory, caller, id);
    const decide = ifMatching(req, find, (directory) => decideRotation(directory, caller, made, body, Date.now()));
    const key = await changeDirectory(context, res, { kind: 'key', caller, decide });
    res
      .set('Cache-Control', 'no-store')
      .set('ETag', entityTagOf(key))
      .json({ ...shown(key), key: made.text });
  });

  router.add(listKeys, (req, res) => {
    const caller = callerOf(context, req, listKeys.access);
    const reach = reachOf(caller);
    const mine = view.keys().filter(({ tenants }) => reach.all(tenants));
    sendPage(req, res, pageOf(mine, readPageRequest(req.query), shown));
  });

  router.add(getKey, (req, res) => {
    const caller = callerOf(context, req, getKey.access);
    const key = findKey(view, caller, idOf(req));
    res.set('ETag', entityTagOf(key)).json(shown(key));
  });

  router.add(revokeKey, async (req, res) => {
    const caller = callerOf(context, req, revokeKey.access);
    const id = idOf(req);
    const find = (directory: DirectoryReader) => findKey(directory, caller, id);
    const decide = ifMatching(req, find, (directory) =>
      decideRevocation(directory, caller, id, new Date().toISOString()),
    );
    await changeDirectory(context, res, { kind: 'key', caller, decide });
    res.status(204).end();
  });
}
