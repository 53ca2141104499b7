import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { Type } from '@sinclair/typebox';

import { DocketError } from '../errors/docket-error.ts';
import type { ApiRouter } from '../http/api-router.ts';
import { defineEndpoint } from '../http/endpoint.ts';

const tag = 'operation';

const getDocument = defineEndpoint({
  method: 'get',
  path: '/openapi.json',
  name: 'getOpenApiDocument',
  tag,
  summary: 'This description of the API (OpenAPI 3.1)',
  access: 'public',
  answers: { 200: { description: 'The document.', content: { 'application/json': Type.Object({}) } } },
});

const getPage = defineEndpoint({
  method: 'get',
  path: '/docs',
  name: 'getDocumentation',
  tag,
  summary: 'This description of the API, as a page to read and try',
  access: 'public',
  answers: { 200: { description: 'The page.', content: { 'text/html': Type.String() } } },
});

const getPageFile = defineEndpoint({
  method: 'get',
  path: '/docs/:file',
  name: 'getDocumentationFile',
  tag,
  summary: 'What the page is made of',
  access: 'public',
  parameters: [{ in: 'path', name: 'file', description: 'Name of the file.', schema: Type.String(), isRequired: true }],
  answers: {
    200: { description: 'The file.', content: { 'text/javascript': Type.String(), 'text/css': Type.String() } },
  },
  errors: ['not_found'],
});

/** Nothing comes from elsewhere. Styles alone may be inline: the page's library sets some on elements. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Docket API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null, syntaxHighlight: false });
`;

/** Files of the page's library; swagger-ui comes by way of a package without an install script that reports to its makers. */
const libraryFiles: ReadonlySet<string> = new Set(['swagger-ui.css', 'swagger-ui-bundle.js']);
const libraryDirectory = join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui')), 'static');

/** Serves an OpenAPI document and a page that shows it, to anybody: both say only what Docket's own documentation says. */
export function addDocumentRoutes(router: ApiRouter, document: () => object): void {
  router.add(getDocument, (_req, res) => {
    res.set('Cache-Control', 'no-cache').json(document());
  });
  router.add(getPage, (_req, res) => {
    res.set({ 'Content-Security-Policy': contentSecurityPolicy, 'X-Content-Type-Options': 'nosniff' });
    res.set('Cache-Control', 'no-cache').type('html').send(page);
  });
  router.add(getPageFile, (req, res, next) => {
    const { file } = req.params;
    res.set('X-Content-Type-Options', 'nosniff');
    if (file === 'start.js') {
      res.type('js').send(start);
      return;
    }
    if (typeof file !== 'string' || !libraryFiles.has(file)) throw new DocketError('not_found', 'No such file.');
    res.sendFile(file, { root: libraryDirectory, maxAge: '1h' }, (error) => {
      if (error !== undefined && error !== null) next(error);
    });
  });
}
