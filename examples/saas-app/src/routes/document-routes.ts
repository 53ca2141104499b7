import { type Request, Router } from 'express';
import type { DocumentService } from '../services/document-service.ts';
import type { Authentication } from './authentication.ts';
import { optionalTextField, textField } from './request-body.ts';

const bodyCharsMax = 100_000;

export function documentRoutes(documents: DocumentService, authentication: Authentication): Router {
  const router = Router();
  router.use('/documents', authentication.required);

  router.post('/documents', async (request, response) => {
    const content = { title: textField(request.body, 'title'), body: textField(request.body, 'body', bodyCharsMax) };
    response.status(201).json(await documents.create(authentication.callerOf(request), content));
  });

  router.get('/documents/:id', async (request, response) => {
    response.json(await documents.read(authentication.callerOf(request), idOf(request)));
  });

  router.patch('/documents/:id', async (request, response) => {
    const title = optionalTextField(request.body, 'title');
    const body = optionalTextField(request.body, 'body', bodyCharsMax);
    const content = { ...(title !== undefined && { title }), ...(body !== undefined && { body }) };
    response.json(await documents.update(authentication.callerOf(request), idOf(request), content));
  });

  router.delete('/documents/:id', async (request, response) => {
    await documents.remove(authentication.callerOf(request), idOf(request));
    response.status(204).end();
  });

  return router;
}

function idOf(request: Request): string {
  return String(request.params['id']);
}
