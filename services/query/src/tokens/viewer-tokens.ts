import { errors, jwtVerify, SignJWT } from 'jose';
import type { ViewerGrant } from '../gate/reader-policy.ts';
import type { TokenKey } from './token-keys.ts';
import { claimsOfGrant, grantOfClaims } from './viewer-grant-mapper.ts';

/** RFC 8725: one algorithm, one audience and one type, so that no other token of anybody passes for one of these. */
const algorithm = 'HS256';
const audience = 'docket-viewer';
const issuer = 'docket';
const tokenType = 'docket-viewer+jwt';

export type ReadToken =
  { readonly ok: true; readonly grant: ViewerGrant } | { readonly ok: false; readonly detail: string };

export interface ViewerTokens {
  /** The JWT of a grant, from `issuedAt` (s since the epoch) on. */
  sign(grant: ViewerGrant, issuedAt: number): Promise<string>;
  /** What a JWT grants, if one of our keys signed it and it has not expired. Whether its key still lives is the caller's question. */
  read(token: string, now: Date): Promise<ReadToken>;
}

/** Makes and reads viewer tokens. The first key signs, each of them verifies. */
export function createViewerTokens(keys: readonly [TokenKey, ...TokenKey[]]): ViewerTokens {
  const [current] = keys;
  const signingKeys = new Map(keys.map(({ id, signing }) => [id, signing]));
  return {
    sign: (grant, issuedAt) =>
      new SignJWT({ iss: issuer, aud: audience, ...claimsOfGrant(grant, issuedAt) })
        .setProtectedHeader({ alg: algorithm, typ: tokenType, kid: current.id })
        .sign(current.signing),
    async read(token, now) {
      try {
        const verified = await jwtVerify(token, ({ kid }) => keyNamed(signingKeys, kid), {
          algorithms: [algorithm],
          audience,
          issuer,
          typ: tokenType,
          currentDate: now,
          requiredClaims: ['exp', 'iat', 'jti'],
        });
        const grant = grantOfClaims(verified.payload);
        return grant === null ? invalid : { ok: true, grant };
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { ok: false, detail: 'The viewer token has expired.' };
        // What else is wrong with it helps only whoever made it up.
        if (error instanceof errors.JOSEError) return invalid;
        throw error;
      }
    },
  };
}

const invalid: ReadToken = { ok: false, detail: 'The viewer token is not valid.' };

function keyNamed(keys: ReadonlyMap<string, Uint8Array>, kid: string | undefined): Uint8Array {
  const key = keys.get(kid ?? '');
  if (key === undefined) throw new errors.JWKSNoMatchingKey();
  return key;
}
