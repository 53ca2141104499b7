import type { IncomingMessage } from 'node:http';

import type { RequestHandler } from 'express';

import { DocketError } from '../errors/docket-error.ts';
import { readBody } from './body-reader.ts';
import type { BodyLimits } from './body-reader.ts';
import { parseJson } from './json-text.ts';

/** Requires `application/json` (or `application/*+json`), in UTF-8 where a charset is named. Throws unsupported_media_type. */
export function requireJsonType(req: IncomingMessage): void {
  const [mediaType = '', ...parameters] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  if (!/^application\/(?:json|[\w.-]+\+json)$/.test(mediaType.trim())) {
    const got =
      mediaType === ''
        ? 'No Content-Type is given'
        : `Content-Type ${JSON.stringify(mediaType.trim())} is not supported`;
    throw new DocketError('unsupported_media_type', `${got}: send application/json.`, {
      headers: { Accept: 'application/json' },
    });
  }
  const charset = parameters
    .map((text) => /^\s*charset="?([^"\s]*)"?\s*$/.exec(text)?.[1])
    .find((name) => name !== undefined);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new DocketError('unsupported_media_type', `Charset ${JSON.stringify(charset)} is not supported: send UTF-8.`);
  }
}

/**
 * Reads and parses a whole body; handlers call it after they know who calls. Throws unsupported_media_type, body_too_large, invalid_request,
 * invalid_json.
 */
export async function readJsonBody(req: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  requireJsonType(req);
  return parseJson(await readBody(req, limits));
}

/** The same as middleware, into `req.body`. */
export function jsonBody(limits: BodyLimits): RequestHandler {
  return async (req, _res, next) => {
    const parsed = await readJsonBody(req, limits);
    req.body = parsed;
    next();
  };
}
