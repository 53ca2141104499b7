import type { Action, AuditTrail } from '../audit-trail.ts';
import { isAllowed, type Permission } from '../permission-policy.ts';
import { Problem } from '../problem.ts';
import { type Document, newId, type Store } from '../store.ts';
import type { Caller } from './session-service.ts';

export interface DocumentService {
  create(caller: Caller, content: { title: string; body: string }): Promise<Document>;
  read(caller: Caller, id: string): Promise<Document>;
  update(caller: Caller, id: string, content: { title?: string; body?: string }): Promise<Document>;
  remove(caller: Caller, id: string): Promise<void>;
}

export function createDocumentService(store: Store, audit: AuditTrail): DocumentService {
  async function must(caller: Caller, permission: Permission, action: Action, document?: Document): Promise<void> {
    if (isAllowed(caller.user.role, permission)) return;
    await audit(action, {
      outcome: 'denied',
      outcome_reason: `the role ${caller.user.role} lacks ${permission}`,
      severity: 'medium',
      resources: document === undefined ? [] : [resourceOf(document)],
    });
    throw new Problem(403, `this needs ${permission}`);
  }

  function found(caller: Caller, id: string): Document {
    const document = store.documents.get(id);
    if (document === undefined || document.organisationId !== caller.session.organisationId) {
      throw new Problem(404, 'no such document');
    }
    return document;
  }

  return {
    async create(caller, { title, body }) {
      await must(caller, 'documents.write', 'document.created');
      const { organisationId } = caller.session;
      const document = { id: newId('d'), organisationId, ownerId: caller.user.id, title, body };
      store.documents.set(document.id, document);
      await audit('document.created', { resources: [resourceOf(document)] });
      return document;
    },

    async read(caller, id) {
      const document = found(caller, id);
      await must(caller, 'documents.read', 'document.read', document);
      await audit('document.read', { resources: [resourceOf(document)] });
      return document;
    },

    async update(caller, id, content) {
      const document = found(caller, id);
      await must(caller, 'documents.write', 'document.updated', document);
      const changed = { ...document, ...content };
      store.documents.set(id, changed);
      await audit('document.updated', {
        resources: [resourceOf(changed)],
        // The title is shown; of the body only that it changed: a log of who did what is no copy of the data.
        changes: [
          ...(changed.title === document.title ? [] : [{ path: 'title', old: document.title, new: changed.title }]),
          ...(changed.body === document.body
            ? []
            : [{ path: 'body.length', old: document.body.length, new: changed.body.length }]),
        ],
      });
      return changed;
    },

    async remove(caller, id) {
      const document = found(caller, id);
      await must(caller, 'documents.write', 'document.deleted', document);
      store.documents.delete(id);
      await audit('document.deleted', { severity: 'low', resources: [resourceOf(document)] });
    },
  };
}

function resourceOf(document: Document): { type: string; id: string; name: string } {
  return { type: 'document', id: document.id, name: document.title };
}
